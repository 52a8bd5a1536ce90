//! Limits of a disk: `PATH:rbps=10M,wbps=max,riops=100,wiops=100`, the disk also as `MAJ:MIN`.

use super::number::whole;
use super::size::{Size, bytes_of};
use crate::spec::mounts::check_path_bytes;
use crate::spec::{IoMax, IoTarget, SpecError};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const FORMS: &str = "write PATH:rbps=10M,wbps=10M,riops=100,wiops=100 with one or more of the four; \
                     PATH is on the disk or the device itself, or MAJ:MIN";
/// The kernel keeps operations in 32 bits, and the last value of them means `max` (blk-throttle.c).
const MOST_OPS: u64 = u32::MAX as u64 - 1;
/// The kernel's `max`.
const MAX: u64 = u64::MAX;

/// One disk and what a job may do on it in a second.
///
/// # Errors
/// When there is no disk, no limit, or a limit that the kernel would not take.
pub fn io_max(field: &str, text: &OsStr) -> Result<IoMax, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text.as_bytes(), problem, FORMS);
    // The last colon: a path may have colons, a limit has none.
    let Some(colon) = text.as_bytes().iter().rposition(|b| *b == b':') else {
        return Err(refuse("there is no limit"));
    };
    let (disk, limits) = (&text.as_bytes()[..colon], &text.as_bytes()[colon + 1..]);
    let limits = std::str::from_utf8(limits).map_err(|_| refuse("the limits are not text"))?;
    let mut io = IoMax { target: target(field, disk)?, rbps: None, wbps: None, riops: None, wiops: None };
    for part in limits.split(',') {
        let Some((key, value)) = part.split_once('=') else {
            return Err(refuse(&format!("{part:?} is no KEY=VALUE")));
        };
        let (place, number) = match key {
            "rbps" => (&mut io.rbps, bytes_a_second(value)),
            "wbps" => (&mut io.wbps, bytes_a_second(value)),
            "riops" => (&mut io.riops, operations_a_second(value)),
            "wiops" => (&mut io.wiops, operations_a_second(value)),
            _ => return Err(refuse(&format!("unknown key {key}"))),
        };
        let number = number.map_err(|problem| refuse(&format!("{key} is {value:?}: {problem}")))?;
        if place.replace(number).is_some() {
            return Err(refuse(&format!("{key} is there twice")));
        }
    }
    Ok(io)
}

/// `MAJ:MIN`, or a path. A file of such a name is written `./8:0`.
fn target(field: &str, disk: &[u8]) -> Result<IoTarget, SpecError> {
    let numbers = std::str::from_utf8(disk).ok().and_then(|text| text.split_once(':'));
    if let Some((major, minor)) = numbers {
        let number = |text: &str| whole(text).ok().and_then(|n| u32::try_from(n).ok());
        if let (Some(major), Some(minor)) = (number(major), number(minor)) {
            return Ok(IoTarget::Number { major, minor });
        }
    }
    let path = Path::new(OsStr::from_bytes(disk));
    check_path_bytes(field, path)?;
    Ok(IoTarget::Path(path.to_owned()))
}

/// A size, or `max`.
fn bytes_a_second(text: &str) -> Result<u64, String> {
    match text {
        "max" => Ok(MAX),
        _ => bytes_of(text).and_then(|bytes| match bytes {
            0 => Err("the kernel takes no 0".to_owned()),
            MAX => Err("too large".to_owned()),
            _ => Ok(bytes),
        }),
    }
}

/// A whole number, or `max`.
fn operations_a_second(text: &str) -> Result<u64, String> {
    match text {
        "max" => Ok(MAX),
        _ => match whole(text).map_err(|problem| problem.text().to_owned())? {
            0 => Err("the kernel takes no 0".to_owned()),
            ops if ops > MOST_OPS => Err(format!("more than {MOST_OPS}")),
            ops => Ok(ops),
        },
    }
}

impl fmt::Display for IoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Number { major, minor } => write!(f, "{major}:{minor}"),
        }
    }
}

impl fmt::Display for IoMax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.target)?;
        let bytes = |value: u64| if value == MAX { "max".to_owned() } else { Size(value).to_string() };
        let count = |value: u64| if value == MAX { "max".to_owned() } else { value.to_string() };
        let parts = [
            ("rbps", self.rbps.map(bytes)),
            ("wbps", self.wbps.map(bytes)),
            ("riops", self.riops.map(count)),
            ("wiops", self.wiops.map(count)),
        ];
        let mut before = ':';
        for (key, value) in parts.iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value))) {
            write!(f, "{before}{key}={value}")?;
            before = ',';
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn read(text: &str) -> Result<IoMax, SpecError> {
        io_max("--io-max", OsStr::new(text))
    }

    #[test]
    fn a_path_may_have_colons_and_a_device_may_be_two_numbers() {
        let io = read("/srv/a:b:rbps=10M,wiops=100").expect("a limit");
        assert_eq!(io.target, IoTarget::Path(PathBuf::from("/srv/a:b")));
        assert_eq!((io.rbps, io.wbps, io.riops, io.wiops), (Some(10 << 20), None, None, Some(100)));
        let io = read("8:16:wbps=max").expect("a limit");
        assert_eq!((io.target, io.wbps), (IoTarget::Number { major: 8, minor: 16 }, Some(u64::MAX)));
        let io = read("./8:16:riops=1").expect("a limit");
        assert_eq!(io.target, IoTarget::Path(PathBuf::from("./8:16")));
    }

    #[test]
    fn a_line_without_meaning_is_refused_with_the_forms() {
        for (text, problem) in [
            ("/dev/vda", "there is no limit"),
            ("/dev/vda:", "\"\" is no KEY=VALUE"),
            ("/dev/vda:bps=1", "unknown key bps"),
            ("/dev/vda:rbps=1M,rbps=2M", "rbps is there twice"),
            ("/dev/vda:rbps=12Q", "rbps is \"12Q\": unknown unit Q"),
            ("/dev/vda:rbps=0", "rbps is \"0\": the kernel takes no 0"),
            ("/dev/vda:riops=1K", "riops is \"1K\": not a number"),
            ("/dev/vda:riops=4294967295", "riops is \"4294967295\": more than 4294967294"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.problem, problem, "{text}");
            assert!(error.expected.contains("MAJ:MIN"), "{text}");
        }
        assert!(read(":rbps=1M").is_err());
        assert!(read("a\0b:rbps=1M").is_err());
    }

    fn any_target() -> impl Strategy<Value = IoTarget> {
        prop_oneof![
            "/[a-z:=,. ]{0,20}".prop_map(|path| IoTarget::Path(path.into())),
            (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| IoTarget::Number { major, minor }),
        ]
    }

    fn any_rate(most: u64) -> impl Strategy<Value = Option<u64>> {
        prop_oneof![Just(None), Just(Some(MAX)), (1..=most).prop_map(Some)]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            target in any_target(),
            rbps in any_rate(MAX - 1),
            wbps in any_rate(MAX - 1),
            riops in any_rate(MOST_OPS),
            wiops in any_rate(MOST_OPS),
        ) {
            let io = IoMax { target, rbps, wbps, riops, wiops };
            prop_assume!([rbps, wbps, riops, wiops].iter().any(Option::is_some));
            prop_assert_eq!(read(&io.to_string()), Ok(io));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = io_max("x", OsStr::from_bytes(&bytes));
        }
    }
}
