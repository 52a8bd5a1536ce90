//! A description in a file, on top of those that it extends. Reads nothing itself: the caller hands in how.

use super::Format;
use super::read::{Read, read};
use super::tree::{MOST_BYTES, tree};
use crate::spec::SpecError;
use crate::spec::words::{By, Caller, Source, Word, Words};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that extend one another, one after the other: more is a puzzle, not a profile.
pub const MOST_CHAIN: usize = 8;
/// Files that a description is made of, all together: without this bound a chain of lists would be read 2^8 times.
pub const MOST_FILES: usize = 16;

const FORMS: &str = "name a file with a job's description, in TOML or JSON";

impl Words {
    /// The description in a file, named by `--spec`, with all that it extends below it.
    ///
    /// # Errors
    /// Names the file, the line and the key that have no meaning, or why a file cannot be read.
    pub fn of_file(path: &Path, caller: &Caller) -> Result<Self, SpecError> {
        let mut loader = Loader { caller, bytes: 0, files: 0, chain: Vec::new() };
        loader.load(&Word::flag("spec", path))
    }
}

struct Loader<'a> {
    caller: &'a Caller<'a>,
    bytes: usize,
    files: usize,
    /// From the first file to the one at hand.
    chain: Vec<PathBuf>,
}

impl Loader<'_> {
    /// The file that `word` names, and what it extends.
    fn load(&mut self, word: &Word) -> Result<Words, SpecError> {
        let path = word.path("--spec", self.caller.cwd)?;
        let source = self.open(word, &path).map_err(|error| word.place.tell(error))?;
        let format = Format::of(&source);
        let Read { words, extends } = of_text(source, format)?;
        self.chain.push(path);
        let mut below = Words::default();
        for base in &extends {
            below = below.below(self.load(base)?);
        }
        self.chain.pop();
        Ok(below.below(words))
    }

    /// The text of a file, within all bounds.
    fn open(&mut self, word: &Word, path: &Path) -> Result<Source, SpecError> {
        let refuse =
            |problem: String, expected: &str| SpecError::new("--spec", word.text.as_bytes(), problem, expected);
        if self.chain.iter().any(|known| known == path) {
            let problem = format!("it extends itself: {}", self.shown(path));
            return Err(refuse(problem, "take one of them out of the circle"));
        }
        if self.chain.len() == MOST_CHAIN {
            let problem = format!("more than {MOST_CHAIN} files extend one another: {}", self.shown(path));
            return Err(refuse(problem, "write some of them as one"));
        }
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(refuse(format!("more than {MOST_FILES} files in all: {}", self.shown(path)), "extend fewer"));
        }
        let read = (self.caller.read)(path, By::File);
        let bytes = read.map_err(|error| refuse(format!("it cannot be read ({error})"), FORMS))?;
        self.bytes += bytes.len();
        if self.bytes > MOST_BYTES {
            let problem = format!("a description and what it extends have at most {MOST_BYTES} bytes");
            return Err(refuse(problem, "pass long input by a file of its own"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            refuse(format!("it is no text: byte {at} begins no character of UTF-8"), FORMS)
        })?;
        // By its own name for the first, which the caller knows; those below are found from there.
        let name =
            if self.chain.is_empty() { word.text.to_string_lossy().into_owned() } else { path.display().to_string() };
        Ok(Source { name, dir: path.parent().unwrap_or(path).to_owned(), text })
    }

    /// The chain, for people.
    fn shown(&self, last: &Path) -> String {
        let names: Vec<String> =
            self.chain.iter().map(PathBuf::as_path).chain([last]).map(|path| path.display().to_string()).collect();
        names.join(" -> ")
    }
}

/// What a text says by itself.
pub(super) fn of_text(source: Source, format: Format) -> Result<Read, SpecError> {
    let members = tree(&source, format)?;
    read(Arc::new(source), &members)
}
