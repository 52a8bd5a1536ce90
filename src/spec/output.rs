//! What is done with the output of a job: how much it may write, and what becomes of what no longer fits into its log.

use super::SpecError;

/// What happens when a job's log is full ([`Stdio::Log`](super::Stdio::Log), `log_max`).
///
/// To end a job that writes too much is no third way: that is its output limit (`output_limit`), which may be as large as
/// the log, or any other size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest output is given up, and readers are told of the gap. Nobody waits.
    #[default]
    DropOldest,
    /// Nothing is given up before the job's sink has taken it (`Job::sink`): until then the job waits in its write, as it
    /// would for a slow reader of a pipe. Its limits and stops do not wait. Without a sink any more, it is `DropOldest`.
    Block,
}

impl Overflow {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::DropOldest, Self::Block];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::DropOldest => "drop_oldest",
            Self::Block => "block",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// When it is none of the two.
    pub fn read(field: &str, word: &str) -> Result<Self, SpecError> {
        Self::ALL.into_iter().find(|overflow| overflow.word() == word).ok_or_else(|| {
            SpecError::new(field, word, "not what can happen to a log that is full", "write drop_oldest or block")
        })
    }
}
