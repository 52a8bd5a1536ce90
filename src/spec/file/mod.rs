//! A job's description as a text, in TOML or JSON: one set of keys, each named as its flag, read as the flag is read.
//!
//! Reading is total: any bytes are a description or a refusal with file, line, key, value and the way out, in bounded memory
//! ([`MOST_BYTES`], [`MOST_DEPTH`], [`MOST_CHAIN`], [`MOST_FILES`]). Bytes that are no text are written
//! `{ hex = "ff00" }`, in every place where a flag takes any bytes.

mod extend;
mod keys;
pub(in crate::spec) mod print;
mod read;
mod tree;

pub use extend::{MOST_CHAIN, MOST_FILES};
pub use keys::{KEYS, Key, Kind};
pub use tree::{MOST_BYTES, MOST_DEPTH};
pub(in crate::spec) use tree::{Node, What};

use super::words::{Caller, Source};
use super::{JobSpec, SpecError};
use std::path::PathBuf;

/// The JSON schema (draft 2020-12) of a description.
pub const SCHEMA: &str = include_str!("spec.schema.json");

/// The languages of descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Toml,
    /// For programs.
    Json,
}

impl Format {
    /// The language of a text: no document of TOML begins with a brace, and every description in JSON does.
    fn of(source: &Source) -> Self {
        let json = source.name.ends_with(".json") || source.text.trim_start().starts_with('{');
        if json { Self::Json } else { Self::Toml }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

impl JobSpec {
    /// The job that a text in TOML describes. Its paths are absolute, and it names no other file and no variable of a
    /// caller's: for those there is [`Words::of_file`](super::words::Words::of_file).
    ///
    /// # Errors
    /// Names line, key and value of the first thing that has no meaning.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        alone(Format::Toml, text)
    }

    /// The same in JSON.
    ///
    /// # Errors
    /// As [`JobSpec::from_toml`]; a line is told where the text is no JSON, else key and value.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        alone(Format::Json, text)
    }

    /// The description as TOML, a key a line; what is as by default is left out. It is read as the same job, but that an
    /// environment which was inherited is written out in full, since it would be another one elsewhere.
    pub fn to_toml(&self) -> String {
        print::toml_document(&self.members())
    }

    /// The same in JSON.
    pub fn to_json(&self) -> String {
        print::json_document(&self.members())
    }
}

/// A text that came without a file.
fn alone(format: Format, text: &str) -> Result<JobSpec, SpecError> {
    let name = format.word().to_owned();
    let read = extend::of_text(Source { name, dir: PathBuf::new(), text: text.to_owned() }, format)?;
    if let Some(base) = read.extends.first() {
        let expected = "write it out here, or read this one from a file";
        let value = base.text.as_encoded_bytes();
        return Err(base.place.tell(SpecError::new("extends", value, "a text without a file extends none", expected)));
    }
    read.words.into_spec(&Caller::nobody())
}

#[cfg(test)]
pub(crate) mod tests;
