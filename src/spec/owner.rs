//! Whose a job is, and what becomes of it when nobody holds it any more.

use super::SpecError;
use super::job::check;
use std::fmt;
use std::sync::Arc;

/// Whoever starts jobs and sees only his own: one word, 1 to 128 letters, digits or any of `-_.:/@`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Arc<str>);

/// The owner of whoever names none.
const UNNAMED: &str = "local";

impl Owner {
    /// The owner of this name.
    ///
    /// # Errors
    /// When it is not one word of these characters.
    pub fn new(name: &str) -> Result<Self, SpecError> {
        check::word("owner", name)?;
        Ok(Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The owner `local`: of programs that have one owner only and need not name it.
impl Default for Owner {
    fn default() -> Self {
        Self(Arc::from(UNNAMED))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What becomes of a job when the last handle of it is dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDrop {
    /// It is killed: nobody who started it is left.
    #[default]
    Kill,
    /// It goes on until it ends, and is found in its supervisor's list; it ends with that supervisor at the latest.
    Detach,
}

impl OnDrop {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Kill, Self::Detach];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Detach => "detach",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// When it is none of the two.
    pub fn read(field: &str, word: &str) -> Result<Self, SpecError> {
        Self::ALL.into_iter().find(|on_drop| on_drop.word() == word).ok_or_else(|| {
            SpecError::new(field, word, "not what can become of a job that nobody holds", "write kill or detach")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_owner_is_a_word_and_the_unnamed_one_is_local() {
        assert_eq!(Owner::default(), Owner::new("local").expect("a word"));
        assert_eq!(Owner::new("CN=alice").expect_err("no =").field, "owner");
        assert!(Owner::new("").is_err() && Owner::new("two words").is_err() && Owner::new(&"a".repeat(129)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_shown_as_it_was(name in ".{0,140}") {
            if let Ok(owner) = Owner::new(&name) {
                prop_assert_eq!(owner.to_string(), name);
            }
        }
    }
}
