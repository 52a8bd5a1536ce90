//! From words to a checked description of the job. Pure: what it needs of the caller is handed in.

use super::env::environment;
use super::{By, Caller, Command, MountKind, Rules, Word, Words};
use crate::spec::job::SHELL;
use crate::spec::{
    Access, CgroupFile, Hostname, IoMax, IoTarget, Isolation, JobSpec, Limits, MountSpec, Net, Profile, Root,
    SeccompRules, SpecError, absolute, units,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Words {
    /// The job that the words describe.
    ///
    /// # Errors
    /// Names the first word that has no meaning, where it stands, and what would be right.
    pub fn into_spec(self, caller: &Caller) -> Result<JobSpec, SpecError> {
        let mut argv = self.argv()?.into_iter();
        let mut job = JobSpec::command(argv.next().unwrap_or_default())
            .args(argv)
            .limits(self.limits(caller)?)
            .isolation(self.isolation(caller)?)
            .env(environment(self.ones.get("env_from"), &self.env, self.says("terminal"), caller)?);
        if let Some(cwd) = self.ones.get("cwd") {
            job = job.cwd(cwd.path("--cwd", caller.cwd)?);
        }
        if let Some(parent) = self.ones.get("cgroup_parent") {
            job = job.cgroup_parent(parent.bytes(|text| Ok(Path::new(text).to_owned()))?);
        }
        if let Some(time) = self.one("time", "--time", units::duration)? {
            job = job.time(time);
        }
        if let Some(time) = self.one("cpu_time", "--cpu-time", units::duration)? {
            job = job.cpu_time(time);
        }
        if let Some(time) = self.one("idle", "--idle", units::duration)? {
            job = job.idle(time);
        }
        if let Some(grace) = self.one("grace", "--grace", units::duration)? {
            job = job.grace(grace);
        }
        job = self.restart(self.output(job, caller)?)?;
        if let Some(nice) = self.one("nice", "--nice", units::nice)? {
            job = job.nice(nice);
        }
        if let Some(name) = self.one("name", "--name", |_, name| Ok(name.to_owned()))? {
            job = job.name(name);
        }
        for label in self.list("label") {
            let (key, value) = label.read("--label", |field, text| pair(field, text, "write KEY=VALUE"))?;
            job = job.label(key, value);
        }
        job.build().map_err(|error| self.placed(error))
    }

    /// The program and its arguments.
    fn argv(&self) -> Result<Vec<OsString>, SpecError> {
        match &self.command {
            None => Ok(Vec::new()),
            Some(Command::Argv(words)) => Ok(words.iter().map(|word| word.text.clone()).collect()),
            Some(Command::Shell { script, program }) => {
                let shell = program.as_ref().map_or_else(|| SHELL.into(), |program| program.text.clone());
                // The shell would take it for its options.
                if script.text.as_bytes().starts_with(b"-") || script.text.as_bytes().starts_with(b"+") {
                    let refuse = |text: &OsStr| {
                        let expected = "begin the line with a blank";
                        SpecError::new("shell", text.as_bytes(), "a shell would take it for an option", expected)
                    };
                    return script.bytes(|text| Err(refuse(text)));
                }
                Ok(vec![shell, "-c".into(), script.text.clone()])
            }
        }
    }

    /// What is said once, read, if it was said.
    pub(super) fn one<T>(
        &self,
        key: &str,
        field: &str,
        reader: impl FnOnce(&str, &str) -> Result<T, SpecError>,
    ) -> Result<Option<T>, SpecError> {
        self.ones.get(key).map(|word| word.read(field, reader)).transpose()
    }

    /// What is said any number of times.
    fn list(&self, key: &str) -> &[Word] {
        self.lists.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The limits, each by its own reader.
    fn limits(&self, caller: &Caller) -> Result<Limits, SpecError> {
        let mut limits = Limits {
            memory_max: self.one("memory", "--memory", units::memory_limit)?,
            memory_high: self.one("memory_high", "--memory-high", units::memory_limit)?,
            memory_swap_max: self.one("swap", "--swap", units::swap_limit)?,
            cpu_max: self.one("cpus", "--cpus", units::cpu_max)?,
            cpu_weight: self.one("cpu_weight", "--cpu-weight", units::weight)?,
            cpuset_cpus: self.one("cpuset", "--cpuset", units::cpuset)?,
            io_weight: self.one("io_weight", "--io-weight", units::weight)?,
            pids_max: self.one("pids", "--pids", units::pids_limit)?,
            ..Limits::default()
        };
        for word in self.list("io_max") {
            let dir = word.dir(caller.cwd);
            limits.io_max.push(word.bytes(|text| on_disk(units::io_max("--io-max", text)?, dir))?);
        }
        for word in self.list("rlimit") {
            let limit = word.read("--rlimit", units::rlimit)?;
            // The last one counts, as with any flag that is given twice.
            limits.rlimits.retain(|known| known.resource != limit.resource);
            limits.rlimits.push(limit);
        }
        for word in self.list("cgroup") {
            let file = word.read("--cgroup", |field, text| {
                let (file, value) = pair(field, text, "write FILE=VALUE, as memory.low=64M")?;
                CgroupFile::new(&file, &value)
            })?;
            limits.cgroup_files.push(file);
        }
        Ok(limits)
    }

    /// The walls.
    fn isolation(&self, caller: &Caller) -> Result<Isolation, SpecError> {
        let mut walls = Isolation::default();
        let writable = self.one("rootfs_rw", "--rootfs-rw", switch)?.unwrap_or(false);
        if let Some(dir) = self.ones.get("rootfs") {
            let access = if writable { Access::ReadWrite } else { Access::ReadOnly };
            walls.root = Root::Dir { path: dir.path("--rootfs", caller.cwd)?, access };
        } else if let Some(word) = self.ones.get("rootfs_rw").filter(|_| writable) {
            let problem = "there is no root of the job's own";
            return Err(word.place.tell(SpecError::new(
                "--rootfs-rw",
                "true",
                problem,
                "name its --rootfs as well, or leave it out",
            )));
        }
        for (kind, word) in self.mounts.iter().flatten() {
            walls.mounts.push(mount(*kind, word, caller.cwd)?);
        }
        walls.net = self.one("net", "--net", net)?.unwrap_or_default();
        if let Some(name) = self.one("hostname", "--hostname", |_, name| Hostname::new(name))? {
            walls.hostname = name;
        }
        if let Some(user) = self.one("user", "--user", units::user)? {
            walls.user = user;
        }
        walls.profile = self.one("profile", "--profile", profile)?.unwrap_or_default();
        walls.seccomp = self.rules.as_ref().map(|rules| seccomp(rules, caller)).transpose()?;
        Ok(walls)
    }

    /// A refusal of the description as a whole, by the place of the word that it is about.
    fn placed(&self, error: SpecError) -> SpecError {
        let (name, item) = error.field.split_once([' ', '[']).unwrap_or((&error.field, ""));
        let key = name.trim_start_matches('-').replace('-', "_");
        let about = |word: &&Word| item.is_empty() || word.name() == item.as_bytes();
        let word = match (key.as_str(), &self.command) {
            ("argv", Some(Command::Argv(words))) => {
                item.trim_end_matches(']').parse().ok().and_then(|i: usize| words.get(i))
            }
            ("argv", Some(Command::Shell { script, .. })) => Some(script),
            ("env", _) => self.env.iter().rev().find_map(|setting| match setting {
                super::Setting::Set(word) => Some(word).filter(about),
                super::Setting::File(_) => None,
            }),
            (key, _) => self.ones.get(key).or_else(|| self.list(key).iter().rfind(about)),
        };
        word.map_or(error.clone(), |word| word.place.tell(error))
    }
}

/// A relative path of a disk begins at the word's directory.
fn on_disk(io: IoMax, dir: &Path) -> Result<IoMax, SpecError> {
    match io.target {
        IoTarget::Path(path) => Ok(IoMax { target: IoTarget::Path(absolute("--io-max", dir, &path)?), ..io }),
        IoTarget::Number { .. } => Ok(io),
    }
}

/// The rules, from a file of Docker's format unless they are written out.
fn seccomp(rules: &Rules, caller: &Caller) -> Result<SeccompRules, SpecError> {
    const FIELD: &str = "--seccomp";
    let word = match rules {
        Rules::Here(rules, place) => return rules.clone().checked(FIELD).map_err(|error| place.tell(error)),
        Rules::File(word) => word,
    };
    let refuse = |problem: String| {
        let expected = "name a file with a seccomp profile as Docker and Podman read it";
        SpecError::new(FIELD, word.text.as_bytes(), problem, expected)
    };
    let read = || {
        let by = word.place.by();
        let path = match by {
            By::Flag => Path::new(&word.text).to_owned(),
            By::File => word.path(FIELD, caller.cwd)?,
        };
        let text = (caller.read)(&path, by).map_err(|error| refuse(format!("it cannot be read ({error})")))?;
        let rules: SeccompRules = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        rules.checked(FIELD)
    };
    read().map_err(|error| word.place.tell(error))
}

/// One mount.
fn mount(kind: MountKind, word: &Word, cwd: &Path) -> Result<MountSpec, SpecError> {
    let (flag, dir) = (kind.flag(), word.dir(cwd));
    word.bytes(|text| match kind {
        MountKind::ReadOnly => units::bind(flag, text, Access::ReadOnly, dir),
        MountKind::ReadWrite => units::bind(flag, text, Access::ReadWrite, dir),
        MountKind::Tmpfs => units::tmpfs(flag, text),
    })
}

/// The profile of a word.
fn profile(field: &str, word: &str) -> Result<Profile, SpecError> {
    Profile::ALL.into_iter().find(|profile| profile.word() == word).ok_or_else(|| {
        let words = Profile::ALL.map(Profile::word).join(", ");
        SpecError::new(field, word, "there is no such profile", format!("write one of {words}"))
    })
}

/// The network of a word.
fn net(field: &str, word: &str) -> Result<Net, SpecError> {
    [Net::None, Net::Host]
        .into_iter()
        .find(|net| net.word() == word)
        .ok_or_else(|| SpecError::new(field, word, "there is no such network", "write none or host"))
}

/// A switch, as a file has it.
pub(super) fn switch(field: &str, word: &str) -> Result<bool, SpecError> {
    word.parse().map_err(|_| SpecError::new(field, word, "neither on nor off", "write true or false"))
}

/// `KEY=VALUE` at the first `=`, each on its own.
fn pair(field: &str, text: &str, expected: &str) -> Result<(String, String), SpecError> {
    let pair = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| SpecError::new(field, text, "there is no =", expected))
}
