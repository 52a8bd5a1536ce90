//! What is done with the output of a job: how much it may write, and what becomes of what no longer fits into its log.

use super::SpecError;
use std::path::PathBuf;

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

/// Where a job's log keeps its output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Store {
    /// In memory alone: `log_max` of it.
    #[default]
    Memory,
    /// In memory, and in files of the directory that the supervisor was given for it (`Supervisor::spool_in`): readers go on
    /// there with what left memory. The job waits for the disk as with any redirection, and never for a reader.
    ///
    /// The files have the output's bytes and nothing else (`cat *.seg`), each beside an index. What comes through a pipe is
    /// moved there by splice(2), so a supervisor that is killed (SIGKILL) at any instant takes no byte of it along; of a
    /// job's terminal, and on a file system that cannot take from a pipe, it can lose what was read in that instant and not
    /// yet written. A power failure can take what the kernel
    /// has not yet written to the medium.
    Spool {
        /// Bytes of files at most, the index included, which has 24 for each change of the stream, and else for each 10 ms in
        /// which something comes: 1 MiB to 1 TiB. The output is complete up to
        /// 7/8 of that at least; beyond, the oldest eighth is given up at once, and readers are told of the gap.
        max: u64,
        /// What becomes of the files.
        keep: Keep,
    },
}

/// What becomes of a job's spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// It is removed with the last that holds the job, lists it or reads it.
    #[default]
    WithJob,
    /// It stays, to be read again (`Kept::open`) and removed by whoever wants.
    Always,
}

/// A plain file that a job's output is written to as well: both streams, in the order in which they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFile {
    /// This file. One that is there is written on at its end, if it is a plain file of our own user's that has no other name;
    /// else it is made with mode 0600, and stays, empty, should the start fail. There is no symbolic link on the way to it.
    At(PathBuf),
    /// A new file `{name}_{id}.log` in this directory, mode 0600; there is no symbolic link on the way to it. The name is the job's, or its program's; what is not a
    /// letter, a digit or one of `-.` becomes `_`, so it never leads out of the directory.
    In(PathBuf),
}

/// Characters of a name in the name of a log file.
const NAME_MOST: usize = 64;

impl LogFile {
    /// The path for a job of this name and short id.
    pub fn path(&self, name: &str, id: &str) -> PathBuf {
        match self {
            Self::At(path) => path.clone(),
            Self::In(dir) => {
                let safe = |letter: char| if letter.is_alphanumeric() || "-.".contains(letter) { letter } else { '_' };
                let name: String = name.chars().map(safe).take(NAME_MOST).collect();
                dir.join(format!("{name}_{id}.log"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_directory_of_the_logs(name in ".{0,200}") {
            let path = LogFile::In("/logs".into()).path(&name, "id");
            prop_assert_eq!(path.parent(), Some(Path::new("/logs")));
            let file = path.file_name().and_then(|name| name.to_str()).expect("text");
            prop_assert!(file.ends_with("_id.log") && file.len() <= 4 * NAME_MOST + 7);
        }
    }

    #[test]
    fn a_log_file_is_named_by_name_and_id() {
        assert_eq!(LogFile::In("/l".into()).path("../bin/make x", "7"), Path::new("/l/.._bin_make_x_7.log"));
        assert_eq!(LogFile::At("/l/a".into()).path("make", "7"), Path::new("/l/a"));
    }
}
