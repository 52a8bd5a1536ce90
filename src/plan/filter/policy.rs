//! PURE: what a job may call, as data, and the one function that says what it means. The program that the kernel runs is
//! held against it call by call (`tests`).

use std::collections::BTreeMap;

/// What becomes of a call. seccomp(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is made.
    Allow,
    /// It is made, and told in the host's audit log.
    Log,
    /// It fails with this error number.
    Errno(u16),
    /// SIGSYS, which the process may handle.
    Trap,
    /// The thread ends.
    KillThread,
    /// The process ends as by SIGSYS.
    KillProcess,
}

/// errno(3) numbers of the answers.
pub const EPERM: Answer = Answer::Errno(1);
/// Refused so that a C library takes an older call instead.
pub const ENOSYS: Answer = Answer::Errno(38);
/// socket(2): the family is not here.
pub const EAFNOSUPPORT: Answer = Answer::Errno(97);

impl Answer {
    /// SECCOMP_RET_* of linux/seccomp.h.
    pub fn code(self) -> u32 {
        match self {
            Self::Allow => 0x7fff_0000,
            Self::Log => 0x7ffc_0000,
            Self::Errno(errno) => 0x0005_0000 | u32::from(errno),
            Self::Trap => 0x0003_0000,
            Self::KillThread => 0,
            Self::KillProcess => 0x8000_0000,
        }
    }

    /// Whether the call is made.
    pub fn allows(self) -> bool {
        matches!(self, Self::Allow | Self::Log)
    }
}

/// A look at one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Which: 0 to 5.
    pub arg: u8,
    /// What must hold.
    pub holds: Holds,
}

/// What must hold of an argument: 64 bits without sign, of which the kernel takes only the lower half for an `int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// `arg & mask == value`.
    Masked {
        /// Which bits are looked at.
        mask: u64,
        /// What they must be.
        value: u64,
    },
    /// `arg & bits != 0`.
    Any(u32),
    /// `arg != value`.
    NotEqual(u64),
    /// `arg < value`.
    Less(u64),
    /// `arg <= value`.
    LessOrEqual(u64),
    /// `arg > value`.
    Greater(u64),
    /// `arg >= value`.
    GreaterOrEqual(u64),
}

/// The low half of argument `arg` is `value`: for every argument that the kernel takes as an `int`.
pub const fn int(arg: u8, value: u32) -> Test {
    Test { arg, holds: Holds::Masked { mask: u32::MAX as u64, value: value as u64 } }
}

/// None of these bits of argument `arg` is set.
pub const fn without(arg: u8, bits: u32) -> Test {
    Test { arg, holds: Holds::Masked { mask: bits as u64, value: 0 } }
}

/// The bits of argument `arg` below `mask` are `value`.
pub const fn masked(arg: u8, mask: u32, value: u32) -> Test {
    Test { arg, holds: Holds::Masked { mask: mask as u64, value: value as u64 } }
}

/// Any of these bits of argument `arg` is set.
pub const fn any(arg: u8, bits: u32) -> Test {
    Test { arg, holds: Holds::Any(bits) }
}

#[cfg(test)]
impl Test {
    /// Whether it holds for these arguments.
    pub fn holds(self, args: &[u64; 6]) -> bool {
        let arg = args[usize::from(self.arg)];
        match self.holds {
            Holds::Masked { mask, value } => arg & mask == value,
            Holds::Any(bits) => arg & u64::from(bits) != 0,
            Holds::NotEqual(value) => arg != value,
            Holds::Less(value) => arg < value,
            Holds::LessOrEqual(value) => arg <= value,
            Holds::Greater(value) => arg > value,
            Holds::GreaterOrEqual(value) => arg >= value,
        }
    }
}

/// What becomes of one call, by its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The first way whose tests all hold decides.
    pub ways: Vec<(Vec<Test>, Answer)>,
    /// What decides when none does.
    pub otherwise: Answer,
}

impl Rule {
    /// Always the same.
    pub fn always(answer: Answer) -> Self {
        Self { ways: Vec::new(), otherwise: answer }
    }

    /// The answer for these arguments.
    #[cfg(test)]
    pub fn answer(&self, args: &[u64; 6]) -> Answer {
        let way = self.ways.iter().find(|(tests, _)| tests.iter().all(|test| test.holds(args)));
        way.map_or(self.otherwise, |(_, answer)| *answer)
    }
}

/// What a job may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The calls that are named, by their numbers.
    pub rules: BTreeMap<u32, Rule>,
    /// What becomes of those that are not.
    pub otherwise: Answer,
    /// The newest number that `otherwise` is for.
    pub newest: u32,
    /// What becomes of those past it that are not named: a C library takes an older call on ENOSYS, and gives up on EPERM.
    pub beyond: Answer,
}

impl Policy {
    /// The answer to a call by the machine's own numbers.
    #[cfg(test)]
    pub fn answer(&self, call: u32, args: &[u64; 6]) -> Answer {
        match self.rules.get(&call) {
            Some(rule) => rule.answer(args),
            None if call > self.newest => self.beyond,
            None => self.otherwise,
        }
    }

    /// How many of these calls can be made at all, with the right arguments.
    pub fn allowed(&self, calls: impl Iterator<Item = u32>) -> usize {
        let can = |call: &u32| match self.rules.get(call) {
            Some(rule) => rule.otherwise.allows() || rule.ways.iter().any(|(_, answer)| answer.allows()),
            None if *call > self.newest => self.beyond.allows(),
            None => self.otherwise.allows(),
        };
        calls.filter(can).count()
    }

    /// Whether a call can be made whatever its arguments.
    pub fn always_allows(&self, call: u32) -> bool {
        match self.rules.get(&call) {
            Some(rule) => rule.otherwise.allows() && rule.ways.iter().all(|(_, answer)| answer.allows()),
            None => self.otherwise.allows(),
        }
    }
}
