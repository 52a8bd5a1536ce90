//! Limits of memory: a size, a share of the host's memory, or `max`.

use super::number::scaled;
use super::size::{FORMS, Size, bytes_of};
use crate::spec::{MemoryLimit, SpecError};
use std::fmt;

/// A bare number below this is taken for a mistake: nobody limits a job to 512 bytes.
const LEAST_BARE: u64 = 1 << 20;
/// Hundredths of a percent in the whole.
const WHOLE_SHARE: u32 = 10_000;

/// A limit of memory; nothing at all is refused, since no program can start in it.
///
/// # Errors
/// When it is no size, share or `max`, or too little to be meant.
pub fn memory_limit(field: &str, text: &str) -> Result<MemoryLimit, SpecError> {
    let limit = swap_limit(field, text)?;
    if matches!(limit, MemoryLimit::Bytes(0) | MemoryLimit::HostShare(0)) {
        return Err(SpecError::new(field, text, "a job needs memory", forms()));
    }
    Ok(limit)
}

/// A limit of swap: as [`memory_limit`], and 0 is a limit.
///
/// # Errors
/// When it is no size, share or `max`, or too little to be meant.
pub fn swap_limit(field: &str, text: &str) -> Result<MemoryLimit, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text, problem, forms());
    if text == "max" {
        return Ok(MemoryLimit::Max);
    }
    if let Some(percent) = text.strip_suffix('%') {
        let share = scaled(percent, 100).map_err(|problem| refuse(problem.text()))?;
        if !share.exact {
            return Err(refuse("finer than a hundredth of a percent"));
        }
        return match u32::try_from(share.whole) {
            Ok(share) if share <= WHOLE_SHARE => Ok(MemoryLimit::HostShare(share)),
            _ => Err(refuse("more than the host has")),
        };
    }
    let bytes = bytes_of(text).map_err(|problem| refuse(&problem))?;
    let bare = text.bytes().all(|b| b.is_ascii_digit());
    if bare && bytes > 0 && bytes < LEAST_BARE {
        let hint = format!("write {text}M for MiB, or {text}B if you mean bytes");
        return Err(SpecError::new(field, text, "a bare number is bytes, and that is less than 1 MiB", hint));
    }
    Ok(MemoryLimit::Bytes(bytes))
}

/// What a limit of memory may look like.
fn forms() -> String {
    format!("{FORMS}; or a share of the host's memory, as 50%; or max")
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Max => f.write_str("max"),
            Self::Bytes(bytes) if bytes > 0 && bytes % 1024 != 0 => write!(f, "{bytes}B"),
            Self::Bytes(bytes) => write!(f, "{}", Size(bytes)),
            Self::HostShare(share) if share % 100 == 0 => write!(f, "{}%", share / 100),
            Self::HostShare(share) => write!(f, "{}.{:02}%", share / 100, share % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_size_a_share_and_max_are_limits() {
        for (text, limit) in [
            ("64M", MemoryLimit::Bytes(64 << 20)),
            ("4K", MemoryLimit::Bytes(4096)),
            ("1048576", MemoryLimit::Bytes(1 << 20)),
            ("512B", MemoryLimit::Bytes(512)),
            ("50%", MemoryLimit::HostShare(5000)),
            ("12.5%", MemoryLimit::HostShare(1250)),
            ("100%", MemoryLimit::HostShare(10_000)),
            ("max", MemoryLimit::Max),
        ] {
            assert_eq!(memory_limit("--memory", text), Ok(limit), "{text}");
        }
    }

    #[test]
    fn a_bare_number_below_a_mebibyte_gets_a_hint() {
        let error = memory_limit("--memory", "512").expect_err("refused");
        assert_eq!(
            error.to_string(),
            "--memory is \"512\": a bare number is bytes, and that is less than 1 MiB; \
             write 512M for MiB, or 512B if you mean bytes"
        );
    }

    #[test]
    fn too_little_and_too_much_are_refused() {
        for text in ["0", "0M", "0%", "101%", "4294967296%", "0.001%", "%", "-1%", "12Q", "MAX", ""] {
            let error = memory_limit("--memory", text).expect_err(text);
            assert!(error.expected.contains("50%"), "{text}");
        }
    }

    #[test]
    fn no_swap_is_a_limit_of_swap() {
        assert_eq!(swap_limit("--swap", "0"), Ok(MemoryLimit::Bytes(0)));
        assert!(swap_limit("--swap", "512").is_err());
    }

    fn any_limit() -> impl Strategy<Value = MemoryLimit> {
        prop_oneof![
            any::<u64>().prop_map(MemoryLimit::Bytes),
            (0u64..4096).prop_map(MemoryLimit::Bytes),
            (0..=WHOLE_SHARE).prop_map(MemoryLimit::HostShare),
            Just(MemoryLimit::Max),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(limit in any_limit()) {
            prop_assert_eq!(swap_limit("x", &limit.to_string()), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in ".*|[0-9.]*%") {
            let _ = memory_limit("x", &text);
        }
    }
}
