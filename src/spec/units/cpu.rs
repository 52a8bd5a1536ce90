//! Processor time: `1.5` processors, which is `150%`, or `max`.

use super::number::scaled;
use crate::spec::{CpuMax, SpecError};
use std::fmt;

const FORMS: &str = "write a number of processors, as 1.5, or the same as 150%, from 0.01 on; or max";

/// A number of processors, to a thousandth.
///
/// # Errors
/// When it is no number of processors, or one that `cpu.max` cannot hold.
pub fn cpu_max(field: &str, text: &str) -> Result<CpuMax, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text, problem, FORMS);
    if text == "max" {
        return Ok(CpuMax::Max);
    }
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent, 10),
        None => (text, 1000),
    };
    let millis = scaled(number, scale).map_err(|problem| refuse(problem.text()))?;
    if !millis.exact {
        return Err(refuse("finer than a thousandth of a processor"));
    }
    match u32::try_from(millis.whole) {
        Ok(millis) if millis < CpuMax::LEAST_MILLIS => Err(refuse("less than the kernel can share out")),
        Ok(millis) if millis <= CpuMax::MOST_MILLIS => Ok(CpuMax::Millis(millis)),
        _ => Err(refuse("more than any machine has")),
    }
}

impl fmt::Display for CpuMax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Max => f.write_str("max"),
            Self::Millis(millis) => {
                let fraction = format!("{:03}", millis % 1000);
                match fraction.trim_end_matches('0') {
                    "" => write!(f, "{}", millis / 1000),
                    fraction => write!(f, "{}.{fraction}", millis / 1000),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn processors_and_percent_are_the_same_thing() {
        for (text, millis) in [
            ("1.5", 1500),
            ("150%", 1500),
            (".5", 500),
            ("0.01", 10),
            ("12.5%", 125),
            ("64", 64_000),
            ("1.500000", 1500),
            ("100000", 100_000_000),
        ] {
            assert_eq!(cpu_max("--cpus", text), Ok(CpuMax::Millis(millis)), "{text}");
        }
        assert_eq!(cpu_max("--cpus", "max"), Ok(CpuMax::Max));
    }

    #[test]
    fn what_the_kernel_cannot_hold_is_refused() {
        for text in ["0", "0.009", "0.9%", "1.3333", "100000.001", "4294967.297", "-1", "1,5", "two", "", "%"] {
            let error = cpu_max("--cpus", text).expect_err(text);
            assert!(error.expected.contains("150%"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(millis in CpuMax::LEAST_MILLIS..=CpuMax::MOST_MILLIS) {
            let limit = CpuMax::Millis(millis);
            prop_assert_eq!(cpu_max("x", &limit.to_string()), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in ".*|[0-9.]*%?") {
            let _ = cpu_max("x", &text);
        }
    }
}
