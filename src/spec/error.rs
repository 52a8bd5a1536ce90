//! Why an ask was refused before anything was touched.

/// A part of a job's description that has no meaning, with everything that a person needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}: {problem}; {expected}")]
pub struct SpecError {
    /// The field by the one name that it has in spec, flag and report, as `--memory` or `argv[2]`; of a file, its place and
    /// key: `job.toml:3:10: memory`.
    pub field: String,
    /// The value as it was given, shortened to 120 bytes.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would have been right.
    pub expected: String,
}

/// How much of a refused value is repeated to the caller: enough to recognise it, not enough to flood a log.
pub const SHOWN_BYTES: usize = 120;

impl SpecError {
    /// An error about `field`, which was `value`: what is wrong, and what would be right.
    pub fn new(
        field: impl Into<String>,
        value: impl AsRef<[u8]>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: shorten(value.as_ref()), problem: problem.into(), expected: expected.into() }
    }
}

/// The value as text, cut at a character's edge when it is too long to repeat.
fn shorten(value: &[u8]) -> String {
    let cut = &value[..value.len().min(SHOWN_BYTES)];
    let mut text = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < value.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_field_value_problem_and_remedy() {
        let error = SpecError::new("--memory", "12Q", "unknown unit Q", "write bytes, or a number with K, M, G or T");
        assert_eq!(
            error.to_string(),
            "--memory is \"12Q\": unknown unit Q; write bytes, or a number with K, M, G or T"
        );
    }

    #[test]
    fn a_long_value_is_shortened() {
        let error = SpecError::new("argv[1]", "a".repeat(5000), "too long", "pass a file");
        assert!(error.value.len() < 200 && error.value.ends_with('…'));
    }
}
