//! Amounts of bytes: `512M`, `1.5G`, `64K`, `1GiB`, `10MB`, `4096`.

use super::number::{Problem, scaled, split};
use crate::spec::SpecError;
use std::fmt;

/// What a size may look like, for every refusal of one.
pub(super) const FORMS: &str = "write bytes, or a number with K, M, G or T (powers of 1024), as 512M or 1.5G; \
                                KB, MB, GB and TB are powers of 1000";

/// The units that are printed, largest first.
const PRINTED: [(u64, &str); 4] = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];

/// An amount of bytes, in any of the accepted forms. A part of a byte is dropped: `0.3G` is 322122547 bytes.
///
/// # Errors
/// When it is no size, with the accepted forms.
pub fn size(field: &str, text: &str) -> Result<u64, SpecError> {
    bytes_of(text).map_err(|problem| SpecError::new(field, text, problem, FORMS))
}

/// The same without a field: the problem in words.
pub(super) fn bytes_of(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err("not a size".to_owned());
    }
    let Some(scale) = scale_of(unit) else {
        return Err(format!("unknown unit {unit}"));
    };
    let product = scaled(number, scale).map_err(|problem| problem.text().to_owned())?;
    u64::try_from(product.whole).map_err(|_| Problem::TooLarge.text().to_owned())
}

/// K and Ki are powers of 1024, KB is a power of 1000; upper and lower case are the same.
fn scale_of(unit: &str) -> Option<u64> {
    let unit = unit.to_ascii_lowercase();
    if unit.is_empty() || unit == "b" {
        return Some(1);
    }
    let power = match unit.bytes().next()? {
        b'k' => 1,
        b'm' => 2,
        b'g' => 3,
        b't' => 4,
        _ => return None,
    };
    match &unit[1..] {
        "" | "i" | "ib" => Some(1024u64.pow(power)),
        "b" => Some(1000u64.pow(power)),
        _ => None,
    }
}

/// Bytes printed exactly, in the largest unit that leaves no rest: 67108864 is `64M`, 1000 is `1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PRINTED.iter().find(|(scale, _)| self.0 >= *scale && self.0.is_multiple_of(*scale)) {
            Some((scale, unit)) => write!(f, "{}{unit}", self.0 / scale),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Bytes as a person compares them: `64.0 MiB`, rounded to a tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounded(pub u64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |scale: u64| (u128::from(self.0) * 10 + u128::from(scale) / 2) / u128::from(scale);
        // A unit is taken as soon as the value rounds to 1.0 of it, so that no line says `1024.0 KiB`.
        match PRINTED.iter().find(|(scale, _)| tenths(*scale) >= 10) {
            Some((scale, unit)) => write!(f, "{}.{} {unit}iB", tenths(*scale) / 10, tenths(*scale) % 10),
            None => write!(f, "{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_accepted_form_means_what_it_says() {
        let forms = [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("64K", 64 << 10),
            ("64k", 64 << 10),
            ("512M", 512 << 20),
            ("1Gi", 1 << 30),
            ("1GiB", 1 << 30),
            ("1.5G", 3 << 29),
            (".5T", 1 << 39),
            ("10MB", 10_000_000),
            ("10kb", 10_000),
            ("0.3G", 322_122_547),
            ("16777215.5T", u64::MAX - (1 << 39) + 1),
        ];
        for (text, bytes) in forms {
            assert_eq!(size("--memory", text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn a_size_without_meaning_is_refused_with_the_forms() {
        for (text, problem) in [
            ("12Q", "unknown unit Q"),
            ("", "not a size"),
            ("M", "not a size"),
            ("-5M", "not a size"),
            ("1.2.3M", "not a number"),
            ("5MBB", "unknown unit MBB"),
            ("1e9", "unknown unit e9"),
            ("512 M", "unknown unit  M"),
            ("16777216T", "too large"),
            ("99999999999999999999", "too large"),
        ] {
            let error = size("--memory", text).expect_err(text);
            assert_eq!((error.problem.as_str(), error.field.as_str()), (problem, "--memory"), "{text}");
            assert!(error.expected.contains("512M"), "{text}");
        }
    }

    #[test]
    fn people_read_rounded_sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (972, "972 B"),
            (64 << 20, "64.0 MiB"),
            ((64 << 20) - 1, "64.0 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (1 << 41, "2.0 TiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(Rounded(bytes).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bytes: u64, shift in 0u32..41) {
            for bytes in [bytes, bytes >> shift << shift] {
                prop_assert_eq!(size("x", &Size(bytes).to_string()), Ok(bytes));
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = size("x", &text);
        }

        #[test]
        fn no_size_fails_to_round(bytes: u64) {
            prop_assert!(!Rounded(bytes).to_string().is_empty());
        }
    }
}
