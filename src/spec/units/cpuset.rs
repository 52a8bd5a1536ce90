//! Lists of processors in the kernel's list format: `0,2-4`.

use super::number::whole;
use crate::spec::SpecError;
use std::fmt::Write;

const FORMS: &str = "write processors and ranges of them, as 0,2-4";
/// NR_CPUS of the largest kernels.
const MOST_CPU: u64 = 8191;

/// The processors that a job may run on, in the order and with the ranges with which the kernel reads them back.
///
/// # Errors
/// When it is no list of processors.
pub fn cpuset(field: &str, text: &str) -> Result<String, SpecError> {
    let refuse = |problem: String| SpecError::new(field, text, problem, FORMS);
    let mut ranges = Vec::new();
    for part in text.split(',') {
        ranges.push(range(part).map_err(refuse)?);
    }
    ranges.sort_unstable();
    Ok(list(&merged(&ranges)))
}

/// One processor, or a range of them.
fn range(part: &str) -> Result<(u64, u64), String> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let number = |text: &str| whole(text).map_err(|_| format!("{part:?} is no processor and no range"));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("{part} goes backwards"));
    }
    if last > MOST_CPU {
        return Err(format!("no kernel has a processor {last}"));
    }
    Ok((first, last))
}

/// Sorted ranges without overlaps and without neighbours.
fn merged(sorted: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for &(first, last) in sorted {
        match merged.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// The kernel's spelling.
fn list(ranges: &[(u64, u64)]) -> String {
    let mut text = String::new();
    for (first, last) in ranges {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = if first == last { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}-{last}") };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_list_is_spelled_as_the_kernel_spells_it() {
        for (text, kernel) in
            [("0", "0"), ("0,2-4", "0,2-4"), ("4,2,3,0", "0,2-4"), ("0,1", "0-1"), ("1-1", "1"), ("0-3,2-8,7", "0-8")]
        {
            assert_eq!(cpuset("--cpuset", text).as_deref(), Ok(kernel), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in ["", ",", "0,", "3-1", "a", "0-", "-1", "0 1", "8192", "0-4:2/4", "99999999999999999999"] {
            let error = cpuset("--cpuset", bad).expect_err(bad);
            assert!(error.expected.contains("0,2-4"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_list_names_the_same_processors_however_it_is_written(cpus in proptest::collection::vec(0u64..64, 1..40)) {
            let written: Vec<String> = cpus.iter().map(u64::to_string).collect();
            let kernel = cpuset("x", &written.join(",")).expect("a list");
            let named: BTreeSet<u64> =
                kernel.split(',').flat_map(|part| range(part).map(|(a, b)| a..=b).expect("a range")).collect();
            prop_assert_eq!(named, cpus.into_iter().collect::<BTreeSet<_>>());
            prop_assert_eq!(cpuset("x", &kernel), Ok(kernel));
        }

        #[test]
        fn no_text_panics(text in ".*|[0-9,-]*") {
            let _ = cpuset("x", &text);
        }
    }
}
