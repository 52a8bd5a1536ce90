//! The names of signals, for people.

use crate::spec::Signal;

/// The first real-time signal that the C library gives away.
const RTMIN: u8 = 34;

/// `SIGSEGV` for 11, `SIGRTMIN+1` for 35, `signal 32` for what has no name.
pub fn name(signal: u8) -> String {
    match signal {
        1..=31 => format!("SIG{}", Signal::NAMES[usize::from(signal) - 1]),
        RTMIN => "SIGRTMIN".to_owned(),
        35..=64 => format!("SIGRTMIN+{}", signal - RTMIN),
        _ => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name() {
        for (number, text) in [
            (1, "SIGHUP"),
            (9, "SIGKILL"),
            (11, "SIGSEGV"),
            (15, "SIGTERM"),
            (17, "SIGCHLD"),
            (31, "SIGSYS"),
            (32, "signal 32"),
            (34, "SIGRTMIN"),
            (64, "SIGRTMIN+30"),
        ] {
            assert_eq!(name(number), text);
        }
        assert!((0..=u8::MAX).all(|number| !name(number).is_empty()));
    }
}
