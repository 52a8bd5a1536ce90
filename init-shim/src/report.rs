//! What a cell tells its owner, as fixed bytes that can be written in one call and never tear (PIPE_BUF).
//!
//! A [`Failure`] travels through the report pipe, whose write end is closed by the exec: silence is success. An [`End`]
//! travels through the status socket, which PID 1 holds for life, so the end of a job is not lost while nobody reads.

use crate::step::Step;

/// `ICF` and the format's version.
const FAILURE_MAGIC: [u8; 4] = *b"ICF\x01";
/// `ICE` and the format's version.
const END_MAGIC: [u8; 4] = *b"ICE\x02";

/// The item of a failure that is about the root itself: no list is so long.
pub const ROOT_ITEM: u16 = u16::MAX;

/// A step that failed: which, at which item of its list, and the kernel's errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: Step,
    /// The index in the list that the step works through (a mount, an rlimit), else 0.
    pub item: u16,
    /// errno(3).
    pub errno: i32,
}

impl Failure {
    /// Bytes on the wire.
    pub const LEN: usize = 12;

    /// A failure at no item in particular.
    pub fn at(step: Step, errno: rustix::io::Errno) -> Self {
        Self { step, item: 0, errno: errno.raw_os_error() }
    }

    /// The bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&FAILURE_MAGIC);
        bytes[4..6].copy_from_slice(&(self.step as u16).to_le_bytes());
        bytes[6..8].copy_from_slice(&self.item.to_le_bytes());
        bytes[8..].copy_from_slice(&self.errno.to_le_bytes());
        bytes
    }

    /// The failure in these bytes, if they are one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        if bytes[..4] != FAILURE_MAGIC {
            return None;
        }
        Some(Self {
            step: Step::of(u16::from_le_bytes([bytes[4], bytes[5]]))?,
            item: u16::from_le_bytes([bytes[6], bytes[7]]),
            errno: i32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
        })
    }
}

/// How the leader ended, as PID 1 reaped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Code or signal.
    pub how: How,
    /// Whether other processes of the cell were still there.
    pub others: bool,
    /// Nanoseconds from the target's fork to its end, CLOCK_MONOTONIC.
    pub wall_nanos: u64,
    /// What the leader and its reaped descendants used.
    pub used: Used,
}

/// A part of getrusage(2): what no cgroup counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// `ru_maxrss`, KiB: the most that one of them had resident.
    pub max_rss_kib: u64,
    /// `ru_nvcsw`: context switches because they waited.
    pub switches_voluntary: u64,
    /// `ru_nivcsw`: context switches because others were to run.
    pub switches_forced: u64,
}

/// waitid(2)'s two ways to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It returned this code.
    Exited(u8),
    /// This signal ended it.
    Killed {
        /// 1 to 64.
        signal: u8,
        /// Whether core was dumped.
        core: bool,
    },
}

impl End {
    /// Bytes on the wire.
    pub const LEN: usize = 40;

    /// The bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let (kind, value) = match self.how {
            How::Exited(code) => (0, code),
            How::Killed { signal, core: false } => (1, signal),
            How::Killed { signal, core: true } => (2, signal),
        };
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&END_MAGIC);
        bytes[4] = kind;
        bytes[5] = value;
        bytes[6] = u8::from(self.others);
        let Used { max_rss_kib, switches_voluntary, switches_forced } = self.used;
        let numbers = [self.wall_nanos, max_rss_kib, switches_voluntary, switches_forced];
        for (to, number) in bytes[8..].chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// The end in these bytes, if they are one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        if bytes[..4] != END_MAGIC || bytes[6] > 1 || bytes[7] != 0 {
            return None;
        }
        let how = match (bytes[4], bytes[5]) {
            (0, code) => How::Exited(code),
            (kind @ (1 | 2), signal @ 1..=64) => How::Killed { signal, core: kind == 2 },
            _ => return None,
        };
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        let used = Used { max_rss_kib: number(16)?, switches_voluntary: number(24)?, switches_forced: number(32)? };
        Some(Self { how, others: bytes[6] == 1, wall_nanos: number(8)?, used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_the_ones_that_were_always_written() {
        let failure = Failure { step: Step::AttachMount, item: 7, errno: 22 };
        assert_eq!(failure.encode(), [b'I', b'C', b'F', 1, 209, 0, 7, 0, 22, 0, 0, 0]);
        let used = Used { max_rss_kib: 3, switches_voluntary: 4, switches_forced: 5 };
        let end = End { how: How::Killed { signal: 9, core: false }, others: true, wall_nanos: 258, used };
        let mut golden = [0; End::LEN];
        golden[..10].copy_from_slice(&[b'I', b'C', b'E', 2, 1, 9, 1, 0, 2, 1]);
        (golden[16], golden[24], golden[32]) = (3, 4, 5);
        assert_eq!(end.encode(), golden);
    }

    proptest! {
        #[test]
        fn a_failure_survives_the_wire(step in proptest::sample::select(Step::ALL), item: u16, errno: i32) {
            let failure = Failure { step, item, errno };
            prop_assert_eq!(Failure::decode(&failure.encode()), Some(failure));
        }

        #[test]
        fn an_end_survives_the_wire(code: u8, signal in 1u8..=64, core: bool, others: bool, wall_nanos: u64, rest: [u64; 3]) {
            let used = Used { max_rss_kib: rest[0], switches_voluntary: rest[1], switches_forced: rest[2] };
            for how in [How::Exited(code), How::Killed { signal, core }] {
                let end = End { how, others, wall_nanos, used };
                prop_assert_eq!(End::decode(&end.encode()), Some(end));
            }
        }

        #[test]
        fn hostile_bytes_are_refused_or_are_exactly_a_record(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            if let Some(end) = End::decode(&bytes) {
                prop_assert_eq!(&end.encode()[..], &bytes[..]);
            }
            if let Some(failure) = Failure::decode(&bytes) {
                prop_assert_eq!(&failure.encode()[..], &bytes[..]);
            }
        }
    }
}
