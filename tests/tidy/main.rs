//! The house rules as tests: who may name whom, where each dependency lives, how long things are, what every file says.
//!
//! The rules are data, in `rules`. What must break one for now stands in [`EXCEPTIONS`], with its reason; an entry that
//! is no longer needed fails as well, so the list only shrinks.

mod manifest;
mod paths;
mod rules;
mod source;

use source::Source;
use std::fmt;
use std::path::{Path, PathBuf};

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The file, from the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The rule's name, for [`EXCEPTIONS`].
    pub rule: &'static str,
    /// What is there, and what would be right.
    pub text: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.text)
    }
}

/// A breach that is allowed for now.
struct Exception {
    file: &'static str,
    rule: &'static str,
    /// A part of the breach's text; empty for every breach of this rule in this file.
    part: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception { file: "Cargo.toml", rule: "reason", part: "serde ", reason: "named with postcard, one line above" },
    Exception {
        file: "Cargo.toml",
        rule: "reason",
        part: "serde_json",
        reason: "named with postcard, two lines above",
    },
];

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` with this extension, sorted; what is built is not looked at.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.expect("an entry of a directory").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything that the rules look at.
fn sources() -> Vec<Source> {
    let dirs = ["src", "init-shim", "integration", "tests", "examples"];
    let sources: Vec<Source> = dirs
        .iter()
        .flat_map(|dir| files(&root().join(dir), "rs"))
        .map(|path| {
            let name = path.strip_prefix(root()).expect("below the root").to_str().expect("a name of text").to_owned();
            Source::new(name, &std::fs::read_to_string(&path).expect("a file of text"))
        })
        .collect();
    assert!(sources.len() > 20, "the sources are not where they were looked for");
    sources
}

/// Splits the breaches into those that stand and the exceptions that were not needed.
fn judged(breaches: Vec<Breach>) -> Vec<String> {
    let covers = |exception: &Exception, breach: &Breach| {
        exception.file == breach.file && exception.rule == breach.rule && breach.text.contains(exception.part)
    };
    let unneeded = EXCEPTIONS.iter().filter(|exception| !breaches.iter().any(|breach| covers(exception, breach)));
    let unneeded = unneeded.map(|e| {
        format!(
            "tests/tidy/main.rs: the exception for {} ({} {}: {}) is no longer needed",
            e.file, e.rule, e.part, e.reason
        )
    });
    let standing = breaches.iter().filter(|breach| !EXCEPTIONS.iter().any(|exception| covers(exception, breach)));
    standing.map(Breach::to_string).chain(unneeded).collect()
}

#[test]
fn the_house_is_tidy() {
    let mut breaches: Vec<Breach> = sources().iter().flat_map(rules::breaches).collect();
    for name in ["Cargo.toml", "init-shim/Cargo.toml", "integration/Cargo.toml"] {
        let text = std::fs::read_to_string(root().join(name)).expect("a manifest");
        breaches.extend(manifest::breaches(name, &text));
    }
    let judged = judged(breaches);
    assert!(judged.is_empty(), "{} house rules are broken:\n{}\n", judged.len(), judged.join("\n"));
}
