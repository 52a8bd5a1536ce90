//! Where a word stands: on the command line, or in a file with line and column.

use crate::spec::{SpecError, absolute};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who named a file that is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The caller, on the command line.
    Flag,
    /// A job's description.
    File,
}

/// A description as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, for people.
    pub(in crate::spec) name: String,
    /// Where its relative paths begin; empty for a text that came without a file.
    pub(in crate::spec) dir: PathBuf,
    /// The text itself, so that lines can be counted.
    pub(in crate::spec) text: String,
}

impl Source {
    /// `NAME:LINE:COLUMN` of the byte at an offset, counted in characters from 1; the name alone without one.
    pub(in crate::spec) fn at(&self, offset: Option<usize>) -> String {
        let Some(before) = offset.and_then(|offset| self.text.get(..offset)) else { return self.name.clone() };
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }
}

/// Where a word stands.
#[derive(Debug, Clone)]
pub(in crate::spec) struct Place {
    /// The key and what of it: `rlimit`, `argv[2]`.
    pub(in crate::spec) key: String,
    /// The file and the offset in it, if the parser tells; nothing for a flag.
    pub(in crate::spec) file: Option<(Arc<Source>, Option<usize>)>,
}

impl Place {
    /// A refusal by this place: a flag is named by itself already. Lines are counted here and not before, since a file has
    /// many words and at most one refusal.
    pub(in crate::spec) fn tell(&self, error: SpecError) -> SpecError {
        match &self.file {
            Some((source, at)) => SpecError { field: format!("{}: {}", source.at(*at), self.key), ..error },
            None => error,
        }
    }

    /// Who named it.
    pub(in crate::spec) fn by(&self) -> By {
        if self.file.is_some() { By::File } else { By::Flag }
    }
}

/// A word: any bytes, and where they stand.
#[derive(Debug, Clone)]
pub(in crate::spec) struct Word {
    pub(in crate::spec) text: OsString,
    pub(in crate::spec) place: Place,
}

impl Word {
    /// A word of the command line.
    pub(in crate::spec) fn flag(key: impl Into<String>, text: impl AsRef<OsStr>) -> Self {
        Self { text: text.as_ref().to_owned(), place: Place { key: key.into(), file: None } }
    }

    /// The word read as a text by `reader`, which is given the field's name and the text.
    pub(in crate::spec) fn read<T>(
        &self,
        field: &str,
        reader: impl FnOnce(&str, &str) -> Result<T, SpecError>,
    ) -> Result<T, SpecError> {
        let text = self.text.to_str().ok_or_else(|| {
            SpecError::new(
                field,
                self.text.as_bytes(),
                "it is not text",
                "write UTF-8; only paths, arguments and \
                            variables may be any bytes",
            )
        });
        text.and_then(|text| reader(field, text)).map_err(|error| self.place.tell(error))
    }

    /// The word as bytes.
    pub(in crate::spec) fn bytes<T>(&self, read: impl FnOnce(&OsStr) -> Result<T, SpecError>) -> Result<T, SpecError> {
        read(&self.text).map_err(|error| self.place.tell(error))
    }

    /// What stands before the first `=`.
    pub(in crate::spec) fn name(&self) -> &[u8] {
        self.text.as_bytes().split(|b| *b == b'=').next().unwrap_or_default()
    }

    /// Where relative paths of this word begin.
    pub(in crate::spec) fn dir<'a>(&'a self, cwd: &'a Path) -> &'a Path {
        self.place.file.as_ref().map_or(cwd, |(source, _)| source.dir.as_path())
    }

    /// The word as a path, made absolute.
    pub(in crate::spec) fn path(&self, field: &str, cwd: &Path) -> Result<PathBuf, SpecError> {
        self.bytes(|text| absolute(field, self.dir(cwd), Path::new(text)))
    }
}
