//! A signal that is sent to a running job, and to whom of it.

use super::SpecError;

/// A signal by the kernel's number, 1 to 64 (signal(7)): those of the generic ABI, real-time ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

impl Signal {
    /// SIGHUP.
    pub const HUP: Self = Self(1);
    /// SIGINT.
    pub const INT: Self = Self(2);
    /// SIGQUIT.
    pub const QUIT: Self = Self(3);
    /// SIGKILL.
    pub const KILL: Self = Self(9);
    /// SIGUSR1.
    pub const USR1: Self = Self(10);
    /// SIGUSR2.
    pub const USR2: Self = Self(12);
    /// SIGTERM.
    pub const TERM: Self = Self(15);
    /// SIGCONT.
    pub const CONT: Self = Self(18);
    /// SIGSTOP.
    pub const STOP: Self = Self(19);
    /// The last real-time signal: `_NSIG` of the kernel.
    const MOST: u8 = 64;
    /// The names of 1 to 31, without SIG: signal(7), the numbers of x86, arm64 and riscv.
    pub const NAMES: [&'static str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ];

    /// The signal of this number.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(number: u8) -> Result<Self, SpecError> {
        if (1..=Self::MOST).contains(&number) {
            return Ok(Self(number));
        }
        let expected = format!("name one of 1 to {}", Self::MOST);
        Err(SpecError::new("signal", number.to_string(), "the kernel has no such signal", expected))
    }

    /// The signal of this name, with or without SIG, or of this number.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(field: &str, said: &str) -> Result<Self, SpecError> {
        let upper = said.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = Self::NAMES.iter().position(|known| *known == name).and_then(|index| u8::try_from(index + 1).ok());
        // A number is no name: SIG15 is none.
        let number = named.or_else(|| said.trim().parse().ok()).and_then(|number| Self::new(number).ok());
        let expected = format!("write a name as TERM or SIGTERM, or a number of 1 to {}", Self::MOST);
        number.ok_or_else(|| SpecError::new(field, said, "there is no such signal", expected))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// To whom of a job a signal is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To the target that was asked for, through the cell's PID 1.
    Leader,
    /// To every process of the cell but its PID 1, without one being missed that forks meanwhile.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_a_number_that_the_kernel_has() {
        assert_eq!(Signal::new(15), Ok(Signal::TERM));
        assert_eq!(Signal::new(64).map(Signal::number), Ok(64));
        for number in [0, 65, 255] {
            assert_eq!(Signal::new(number).expect_err("there is none").value, number.to_string());
        }
    }

    #[test]
    fn a_signal_has_a_name_with_or_without_sig_or_a_number() {
        for said in ["TERM", "sigterm", "15", " SIGTERM "] {
            assert_eq!(Signal::read("signal", said).ok(), Some(Signal::TERM), "{said}");
        }
        for said in ["", "SIG", "SIG15", "0", "65", "NOPE", "-1"] {
            assert_eq!(Signal::read("signal", said).expect_err(said).field, "signal");
        }
    }
}
