//! A job's description as it was written, by flags or in files, before anything of it was read: every word with its place,
//! so that one layer can cover another, and a refusal can say where to mend.
//!
//! Flags and files go through the same words and the same readers: what a key means is what the flag of its name means.

mod env;
mod kept;
mod made;
mod place;

pub use env::FROM as ENV_FROM;
pub use place::{By, Source};
pub(in crate::spec) use place::{Place, Word};

use super::SeccompRules;
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// What words mean depends on who calls.
pub struct Caller<'a> {
    /// The current directory, absolute; empty when there is none.
    pub cwd: &'a Path,
    /// One variable of the caller's own environment.
    pub var: &'a dyn Fn(&OsStr) -> Option<OsString>,
    /// All of them; `None` when there is nobody who has an environment.
    pub vars: &'a dyn Fn() -> Option<Vec<(OsString, OsString)>>,
    /// Reads a file that a flag or another file names: a description, variables, or rules for system calls.
    pub read: &'a dyn Fn(&Path, By) -> io::Result<Vec<u8>>,
}

impl Caller<'static> {
    /// Nobody: for a description that came as a text alone. It can name no other file and copy no variable.
    pub fn nobody() -> Self {
        Self {
            cwd: Path::new(""),
            var: &|_| None,
            vars: &|| None,
            read: &|_, _| Err(io::Error::new(io::ErrorKind::Unsupported, "a text without a file names no file")),
        }
    }
}

/// Which kind of mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// `--ro`.
    ReadOnly,
    /// `--rw`.
    ReadWrite,
    /// `--tmpfs`.
    Tmpfs,
}

impl MountKind {
    /// All of them, each by its word in flags and files.
    pub const ALL: [(&'static str, Self); 3] =
        [("ro", Self::ReadOnly), ("rw", Self::ReadWrite), ("tmpfs", Self::Tmpfs)];

    /// The flag.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::ReadOnly => "--ro",
            Self::ReadWrite => "--rw",
            Self::Tmpfs => "--tmpfs",
        }
    }
}

/// What is to be run.
#[derive(Debug, Clone)]
pub(in crate::spec) enum Command {
    /// A program and its arguments.
    Argv(Vec<Word>),
    /// A line for a shell.
    Shell {
        /// The line.
        script: Word,
        /// The shell, in place of `/bin/sh`.
        program: Option<Word>,
    },
}

/// A step of the environment, in order.
#[derive(Debug, Clone)]
pub(in crate::spec) enum Setting {
    /// The lines of a file.
    File(Word),
    /// `NAME=VALUE`, or a name to copy.
    Set(Word),
}

/// Rules of the caller's own for system calls.
#[derive(Debug, Clone)]
pub(in crate::spec) enum Rules {
    /// In a file of Docker's format.
    File(Word),
    /// Written out.
    Here(Box<SeccompRules>, Place),
}

/// A description in words. Every key is the name of a flag, with `_` for `-`.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub(in crate::spec) command: Option<Command>,
    /// What is said once.
    pub(in crate::spec) ones: BTreeMap<&'static str, Word>,
    /// What is said any number of times.
    pub(in crate::spec) lists: BTreeMap<&'static str, Vec<Word>>,
    pub(in crate::spec) mounts: Option<Vec<(MountKind, Word)>>,
    pub(in crate::spec) env: Vec<Setting>,
    pub(in crate::spec) rules: Option<Rules>,
}

/// Lists whose items have names: a later layer adds to them, and wins where the names are the same.
pub(in crate::spec) const BY_NAME: [&str; 3] = ["cgroup", "label", "rlimit"];

/// What becomes of a list without names when a later layer has one, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    /// It takes the place of the earlier: a file on top of a file.
    Replace,
    /// It is added: a flag is one item of it.
    Add,
}

impl Words {
    /// These words with a later file's on top: it wins key by key.
    pub(in crate::spec) fn below(self, later: Self) -> Self {
        self.layered(later, Lists::Replace)
    }

    /// These words with the flags on top: a flag wins over a file, and one that can be repeated adds to the file's list.
    pub fn with_flags(self, flags: Self) -> Self {
        self.layered(flags, Lists::Add)
    }

    fn layered(mut self, later: Self, lists: Lists) -> Self {
        self.command = later.command.or(self.command);
        self.ones.extend(later.ones);
        for (key, words) in later.lists {
            let known = self.lists.entry(key).or_default();
            if BY_NAME.contains(&key) {
                let names: HashSet<Vec<u8>> = words.iter().map(|word| word.name().to_vec()).collect();
                known.retain(|word| !names.contains(word.name()));
            } else if lists == Lists::Replace {
                known.clear();
            }
            known.extend(words);
        }
        self.mounts = match (self.mounts, later.mounts) {
            (Some(mut earlier), Some(later)) if lists == Lists::Add => {
                earlier.extend(later);
                Some(earlier)
            }
            (earlier, later) => later.or(earlier),
        };
        self.env.extend(later.env);
        self.rules = later.rules.or(self.rules);
        self
    }
}

/// The words of a command line.
impl Words {
    /// The command and its arguments; nothing is said by an empty one.
    pub fn flag_command(&mut self, argv: &[OsString]) {
        let word = |(index, arg): (usize, &OsString)| Word::flag(format!("argv[{index}]"), arg);
        self.command = (!argv.is_empty()).then(|| Command::Argv(argv.iter().enumerate().map(word).collect()));
    }

    /// Whether something is said of a key that counts once.
    pub fn says(&self, key: &str) -> bool {
        self.ones.contains_key(key)
    }

    /// A flag that counts once, if it was given.
    pub fn flag(&mut self, key: &'static str, value: Option<impl AsRef<OsStr>>) {
        if let Some(value) = value {
            self.ones.insert(key, Word::flag(key, value.as_ref()));
        }
    }

    /// A flag that can be repeated.
    pub fn flags(&mut self, key: &'static str, values: &[impl AsRef<OsStr>]) {
        if !values.is_empty() {
            self.lists.insert(key, values.iter().map(|value| Word::flag(key, value.as_ref())).collect());
        }
    }

    /// `--ro`, `--rw` and `--tmpfs`, in their order.
    pub fn flag_mounts<'a>(&mut self, mounts: impl Iterator<Item = (MountKind, &'a OsStr)>) {
        let mounts: Vec<_> = mounts.map(|(kind, text)| (kind, Word::flag("mounts", text))).collect();
        self.mounts = (!mounts.is_empty()).then_some(mounts);
    }

    /// `--env-file` and `--env`: a flag beats a file, whichever comes first on the line.
    pub fn flag_env(&mut self, files: &[impl AsRef<OsStr>], settings: &[OsString]) {
        self.env.extend(files.iter().map(|file| Setting::File(Word::flag("env_file", file.as_ref()))));
        self.env.extend(settings.iter().map(|setting| Setting::Set(Word::flag("env", setting))));
    }

    /// `--seccomp`.
    pub fn flag_seccomp(&mut self, file: Option<&Path>) {
        self.rules = file.map(|file| Rules::File(Word::flag("seccomp", file.as_os_str())));
    }
}
