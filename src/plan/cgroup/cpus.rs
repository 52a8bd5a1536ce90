//! A set of processors in the kernel's list format: `0,2-4`.

use std::collections::BTreeSet;
use std::fmt;

/// Processors by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuList(BTreeSet<u32>);

/// Past the kernel's largest NR_CPUS (8192): a list is never larger, whatever text it is made from.
const NUMBER_MOST: u32 = 8191;

impl CpuList {
    /// The list as the kernel writes it; `None` when it is none. An empty text is the empty list.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut cpus = BTreeSet::new();
        if text.is_empty() {
            return Some(Self(cpus));
        }
        for part in text.split(',') {
            let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            cpus.extend(first..=last);
        }
        Some(Self(cpus))
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        // NUMBER_MOST bounds it.
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether all of `other` are among these.
    pub fn contains_all(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }
}

impl FromIterator<u32> for CpuList {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        Self(cpus.into_iter().filter(|cpu| *cpu <= NUMBER_MOST).collect())
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= NUMBER_MOST)
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if(|next| *next == last + 1) {
                last = next;
            }
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_is_written_as_the_kernel_writes_it() {
        assert_eq!(CpuList::parse("4,2,3,0").expect("a list").to_string(), "0,2-4");
        assert_eq!(CpuList::parse("\n").expect("empty").to_string(), "");
    }

    #[test]
    fn what_is_no_list_is_none() {
        for bad in ["a", "1-", "-1", "3-1", "1,,2", "+1", "0-999999999", "99999999999"] {
            assert_eq!(CpuList::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_set_survives_being_written_and_read(cpus in proptest::collection::btree_set(0..=NUMBER_MOST, 0..40)) {
            let list: CpuList = cpus.into_iter().collect();
            prop_assert_eq!(CpuList::parse(&list.to_string()), Some(list));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,64}") {
            let _ = CpuList::parse(&text);
        }
    }
}
