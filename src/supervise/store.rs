//! Programs that an embedding program carries as bytes, kept where a job can execute them.

use super::Error;
use crate::os::store::StoreDir;
use crate::spec::{JobSpec, JobSpecBuilder, SpecError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Keeps programs that are handed over as bytes, as those of `include_bytes!`, in a directory of its own that nobody else may
/// enter, and removes it when it is dropped. What a killed program has left is removed by the next store in that place.
///
/// A job is shown its program alone, read-only: it can neither change it nor see the others. Nobody has the file open to
/// write, from the moment on that it has its name.
///
/// ```no_run
/// use ironcell::spec::StdioSet;
/// use ironcell::supervise::{BinaryStore, Supervisor};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = BinaryStore::open("/var/tmp")?;
/// store.add("hello", b"#!/bin/sh\necho hello $1\n")?;
/// let supervisor = Supervisor::open()?;
/// let job = supervisor.start(store.command("hello")?.arg("world").build()?, StdioSet::default()).await?;
/// job.wait().await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct BinaryStore {
    directory: StoreDir,
    names: BTreeSet<String>,
}

impl BinaryStore {
    /// Makes an empty one in a directory of its own below `place`, as `/var/tmp`.
    ///
    /// # Errors
    /// When nothing can be made there, or it is mounted `noexec`.
    pub fn open(place: impl AsRef<Path>) -> Result<Self, Error> {
        let place = crate::spec::absolute("place", &std::env::current_dir().unwrap_or_default(), place.as_ref())?;
        Ok(Self { directory: StoreDir::make(&place)?, names: BTreeSet::new() })
    }

    /// Adds a program: an ELF file, or a script whose first line names its interpreter.
    ///
    /// # Errors
    /// When the name is not 1 to 128 letters, digits, `.`, `-`, `_`, begins with a dot, or is taken, or the program cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.free(name)?;
        self.directory.add(name, bytes)?;
        self.names.insert(name.to_owned());
        Ok(())
    }

    /// Adds several: all, or none.
    ///
    /// # Errors
    /// As [`BinaryStore::add`], of the first that cannot be added.
    pub fn add_all<'a>(&mut self, programs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(), Error> {
        let mut added = Vec::new();
        for (name, bytes) in programs {
            if let Err(error) = self.add(name, bytes) {
                // What cannot be taken away again is so with the whole store.
                added.into_iter().for_each(|name| drop(self.remove(name)));
                return Err(error);
            }
            added.push(name);
        }
        Ok(())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Where a program is on the host; for [`Backend::Plain`](super::Backend::Plain), which has the host's files.
    ///
    /// # Errors
    /// [`Error::NotStored`].
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let stored = self.names.contains(name).then(|| self.directory.path().join(name));
        stored.ok_or_else(|| Error::NotStored { name: name.to_owned() })
    }

    /// The directory that they are in.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Takes a program away. Jobs that run keep it.
    ///
    /// # Errors
    /// [`Error::NotStored`], or when it cannot be removed.
    pub fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.path(name)?;
        self.directory.remove(name)?;
        self.names.remove(name);
        Ok(())
    }

    /// Begins the description of a job that runs a program of this store: [`JobSpec::stored_program`]. The store is to be
    /// there until the job was started.
    ///
    /// # Errors
    /// [`Error::NotStored`].
    pub fn command(&self, name: &str) -> Result<JobSpecBuilder, Error> {
        Ok(JobSpec::stored_program(self.path(name)?)?)
    }

    /// Whether a name can be given.
    fn free(&self, name: &str) -> Result<(), SpecError> {
        let expected = "name a file, as tool or tool-2.sh: 1 to 128 letters, digits, `.`, `-`, `_`, not a dot first";
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > NAME_MOST_BYTES || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(SpecError::new("name of a program", name, "not a name that every file system takes", expected));
        }
        if self.names.contains(name) {
            return Err(SpecError::new("name of a program", name, "it is taken", "remove the other first"));
        }
        Ok(())
    }
}

/// Bytes of a name: half of what file systems take (NAME_MAX), and a label's.
const NAME_MOST_BYTES: usize = 128;
