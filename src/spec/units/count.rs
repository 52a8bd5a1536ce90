//! Small whole numbers: weights, numbers of processes, ids.

use super::number::whole;
use crate::spec::{PidsLimit, SpecError, User};
use std::fmt;
use std::ops::RangeInclusive;

/// `cpu.weight` and `io.weight` (cgroup-v2.rst); 100 is what every cgroup starts with.
const WEIGHTS: RangeInclusive<u64> = 1..=10_000;
/// PID_MAX_LIMIT of 64-bit kernels (linux/threads.h): `pids.max` takes no more.
const MOST_PIDS: u32 = 4 * 1024 * 1024;

/// A share among those that contend, 1 to 10000.
///
/// # Errors
/// When it is no whole number in that range.
pub fn weight(field: &str, text: &str) -> Result<u16, SpecError> {
    let refuse = |problem: &str| {
        SpecError::new(field, text, problem, "write a whole number from 1 to 10000; 100 is everybody's weight")
    };
    let number = whole(text).map_err(|problem| refuse(problem.text()))?;
    match u16::try_from(number) {
        Ok(weight) if WEIGHTS.contains(&number) => Ok(weight),
        _ => Err(refuse("not a weight")),
    }
}

/// Any whole number of 32 bits.
///
/// # Errors
/// When it is none.
pub fn count(field: &str, text: &str) -> Result<u32, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text, problem, "write a whole number");
    let number = whole(text).map_err(|problem| refuse(problem.text()))?;
    u32::try_from(number).map_err(|_| refuse("too large"))
}

/// How nice a process is; what is less than nice is a privilege, which no job has.
///
/// # Errors
/// When it is no whole number from 0 to 255: what is beyond 19 the description refuses.
pub fn nice(field: &str, text: &str) -> Result<u8, SpecError> {
    let refuse = |problem: &str| {
        let expected = "write 0 to 19; for a larger share than others' there is --cpu-weight";
        SpecError::new(field, text, problem, expected)
    };
    let number = whole(text).map_err(|problem| refuse(problem.text()))?;
    u8::try_from(number).map_err(|_| refuse("nobody is that nice"))
}

/// Processes and threads at once, the cell's PID 1 included.
///
/// # Errors
/// When it is neither `max` nor a number from 2 to 4194304.
pub fn pids_limit(field: &str, text: &str) -> Result<PidsLimit, SpecError> {
    let refuse = |problem: &str| {
        let expected = format!("write a whole number from {} to {MOST_PIDS}, or max", PidsLimit::LEAST);
        SpecError::new(field, text, problem, expected)
    };
    if text == "max" {
        return Ok(PidsLimit::Max);
    }
    let number = whole(text).map_err(|problem| refuse(problem.text()))?;
    match u32::try_from(number) {
        Ok(count) if count < PidsLimit::LEAST => Err(refuse("the cell's PID 1 and the command are two processes")),
        Ok(count) if count <= MOST_PIDS => Ok(PidsLimit::Count(count)),
        _ => Err(refuse("more than the kernel has")),
    }
}

impl fmt::Display for PidsLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// `UID[:GID]`; a group that is not named has the user's number. Names have no meaning: a cell has ids of its own.
///
/// # Errors
/// When an id is no number, or past the ids of a cell.
pub fn user(field: &str, text: &str) -> Result<User, SpecError> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, text));
    let id = |part: &str| {
        let number = whole(part).ok().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| {
            let expected = format!("write UID or UID:GID, numbers from 0 to {}, as 1000:1000", User::MOST);
            SpecError::new(field, text, "not a user's number", expected)
        })
    };
    User::new(id(uid)?, id(gid)?)
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid(), self.gid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_are_what_the_kernel_takes() {
        assert_eq!(weight("--cpu-weight", "1"), Ok(1));
        assert_eq!(weight("--cpu-weight", "10000"), Ok(10_000));
        for bad in ["0", "10001", "70000", "", "-1", "1.5", "max"] {
            let error = weight("--cpu-weight", bad).expect_err(bad);
            assert!(error.expected.contains("10000"), "{bad}");
        }
    }

    #[test]
    fn fewer_than_two_processes_are_refused() {
        assert_eq!(pids_limit("--pids", "2"), Ok(PidsLimit::Count(2)));
        assert_eq!(pids_limit("--pids", "4194304"), Ok(PidsLimit::Count(4_194_304)));
        assert_eq!(pids_limit("--pids", "max"), Ok(PidsLimit::Max));
        for bad in ["0", "1", "4194305", "99999999999", "", "x"] {
            assert!(pids_limit("--pids", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_is_a_number_or_two() {
        assert_eq!(user("--user", "1000"), User::new(1000, 1000));
        assert_eq!(user("--user", "0:5"), User::new(0, 5));
        for bad in ["", ":", "root", "1:", ":1", "65534", "1:65534", "4294967296", "1:2:3"] {
            assert!(user("--user", bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(uid in 0..=User::MOST, gid in 0..=User::MOST, pids in 2..=MOST_PIDS) {
            let someone = User::new(uid, gid).expect("ids of a cell");
            prop_assert_eq!(user("x", &someone.to_string()), Ok(someone));
            let limit = PidsLimit::Count(pids);
            prop_assert_eq!(pids_limit("x", &limit.to_string()), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in ".*|[0-9:]*") {
            let _ = (weight("x", &text), pids_limit("x", &text), user("x", &text));
        }
    }
}
