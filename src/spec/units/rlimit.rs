//! Limits of setrlimit(2): `NAME=SOFT[:HARD]`, as `nofile=1024:4096` or `RLIMIT_CORE=unlimited`.

use super::number::whole;
use super::size::{FORMS as SIZES, Size, bytes_of};
use crate::spec::{Resource, Rlimit, RlimitValue, SpecError};
use std::fmt;

impl Resource {
    /// All of them, in the order of the kernel's numbers.
    pub const ALL: [Self; 16] = [
        Self::Cpu,
        Self::Fsize,
        Self::Data,
        Self::Stack,
        Self::Core,
        Self::Rss,
        Self::Nproc,
        Self::Nofile,
        Self::Memlock,
        Self::As,
        Self::Locks,
        Self::Sigpending,
        Self::Msgqueue,
        Self::Nice,
        Self::Rtprio,
        Self::Rttime,
    ];

    /// The name without `RLIMIT_`, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Fsize => "fsize",
            Self::Data => "data",
            Self::Stack => "stack",
            Self::Core => "core",
            Self::Rss => "rss",
            Self::Nproc => "nproc",
            Self::Nofile => "nofile",
            Self::Memlock => "memlock",
            Self::As => "as",
            Self::Locks => "locks",
            Self::Sigpending => "sigpending",
            Self::Msgqueue => "msgqueue",
            Self::Nice => "nice",
            Self::Rtprio => "rtprio",
            Self::Rttime => "rttime",
        }
    }

    /// The unit of its values, setrlimit(2).
    pub fn unit(self) -> &'static str {
        match self {
            Self::Fsize | Self::Data | Self::Stack | Self::Core | Self::Rss | Self::Memlock | Self::As => BYTES,
            Self::Msgqueue => BYTES,
            Self::Cpu => "seconds",
            Self::Rttime => "microseconds",
            Self::Nproc => "processes",
            Self::Nofile => "descriptors",
            Self::Locks => "locks",
            Self::Sigpending => "signals",
            Self::Nice => "20 less the nice value",
            Self::Rtprio => "priority",
        }
    }
}

const BYTES: &str = "bytes";

/// One limit; a hard limit that is not named is the soft one.
///
/// # Errors
/// When the resource is not known, a value has no meaning for it, or the soft limit is above the hard one.
pub fn rlimit(field: &str, text: &str) -> Result<Rlimit, SpecError> {
    let Some((name, values)) = text.split_once('=') else {
        return Err(SpecError::new(
            field,
            text,
            "there is no value",
            "write NAME=SOFT or NAME=SOFT:HARD, as nofile=1024",
        ));
    };
    let bare = name.to_ascii_lowercase();
    let bare = bare.strip_prefix("rlimit_").unwrap_or(&bare);
    let Some(resource) = Resource::ALL.into_iter().find(|resource| resource.name() == bare) else {
        let names = Resource::ALL.map(Resource::name).join(", ");
        return Err(SpecError::new(field, text, format!("unknown resource {name}"), format!("write one of {names}")));
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let read = |part: &str| value(resource, part).map_err(|problem| refusal(field, text, resource, &problem));
    let (soft, hard) = (read(soft)?, read(hard)?);
    if soft > hard {
        return Err(refusal(field, text, resource, "the soft limit is above the hard one"));
    }
    Ok(Rlimit { resource, soft, hard })
}

/// What would have been right for this resource.
fn refusal(field: &str, text: &str, resource: Resource, problem: &str) -> SpecError {
    let (name, unit) = (resource.name(), resource.unit());
    let expected = if unit == BYTES {
        format!("{name} is in bytes: {SIZES}; or unlimited")
    } else {
        format!("{name} is in {unit}: write {name}=SOFT or {name}=SOFT:HARD with whole numbers or unlimited")
    };
    SpecError::new(field, text, problem, expected)
}

/// A value in the resource's unit.
fn value(resource: Resource, text: &str) -> Result<RlimitValue, String> {
    if ["unlimited", "max", "infinity"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(RlimitValue::Unlimited);
    }
    let number = match resource.unit() {
        BYTES => bytes_of(text),
        _ => whole(text).map_err(|problem| problem.text().to_owned()),
    }?;
    // RLIM_INFINITY is the last number: it has a name of its own.
    if number == u64::MAX { Err("too large".to_owned()) } else { Ok(RlimitValue::Is(number)) }
}

impl fmt::Display for Rlimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value| match value {
            RlimitValue::Unlimited => "unlimited".to_owned(),
            RlimitValue::Is(number) if self.resource.unit() == BYTES => Size(number).to_string(),
            RlimitValue::Is(number) => number.to_string(),
        };
        write!(f, "{}={}", self.resource.name(), text(self.soft))?;
        if self.hard != self.soft { write!(f, ":{}", text(self.hard)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Rlimit, SpecError> {
        rlimit("--rlimit", text)
    }

    #[test]
    fn names_in_any_case_and_values_in_their_unit() {
        let is = RlimitValue::Is;
        for (text, resource, soft, hard) in [
            ("nofile=1024", Resource::Nofile, is(1024), is(1024)),
            ("NOFILE=1024:4096", Resource::Nofile, is(1024), is(4096)),
            ("RLIMIT_FSIZE=64M", Resource::Fsize, is(64 << 20), is(64 << 20)),
            ("rlimit_core=0:unlimited", Resource::Core, is(0), RlimitValue::Unlimited),
            ("cpu=max", Resource::Cpu, RlimitValue::Unlimited, RlimitValue::Unlimited),
            ("stack=8M:Infinity", Resource::Stack, is(8 << 20), RlimitValue::Unlimited),
        ] {
            assert_eq!(read(text), Ok(Rlimit { resource, soft, hard }), "{text}");
        }
    }

    #[test]
    fn the_numbers_are_the_kernels() {
        for (number, resource) in Resource::ALL.into_iter().enumerate() {
            assert_eq!(resource as usize, number);
        }
    }

    #[test]
    fn a_limit_without_meaning_is_refused() {
        for (text, problem) in [
            ("nofile", "there is no value"),
            ("files=3", "unknown resource files"),
            ("nofile=1K", "not a number"),
            ("nofile=2:1", "the soft limit is above the hard one"),
            ("nofile=unlimited:1", "the soft limit is above the hard one"),
            ("nofile=", "not a number"),
            ("nofile=1:2:3", "not a number"),
            ("fsize=12Q", "unknown unit Q"),
            ("fsize=18446744073709551615", "too large"),
            ("nofile=-1", "not a number"),
        ] {
            assert_eq!(read(text).expect_err(text).problem, problem, "{text}");
        }
        assert!(read("files=3").expect_err("refused").expected.contains("nofile"));
    }

    fn any_value() -> impl Strategy<Value = RlimitValue> {
        prop_oneof![Just(RlimitValue::Unlimited), (0..u64::MAX).prop_map(RlimitValue::Is)]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(index in 0usize..16, a in any_value(), b in any_value()) {
            let limit = Rlimit { resource: Resource::ALL[index], soft: a.min(b), hard: a.max(b) };
            prop_assert_eq!(read(&limit.to_string()), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in ".*|[a-z]{2,6}=[0-9:KMG.]*") {
            let _ = read(&text);
        }
    }
}
