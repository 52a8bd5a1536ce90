//! The environment of a job: built from nothing, in a fixed order, the last setting of a name wins.

use super::SpecError;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// `PATH` inside a cell when the caller sets none.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
/// `HOME` inside a cell when the caller sets none: a private tmpfs, writable.
pub const DEFAULT_HOME: &str = "/tmp";
/// `TERM` inside a cell when the caller sets none: no terminal that could be addressed.
pub const DEFAULT_TERM: &str = "dumb";

/// A name of a variable: not empty, without `=` and without NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvName(OsString);

impl EnvName {
    /// A checked name.
    ///
    /// # Errors
    /// When it is empty or has `=` or NUL.
    pub fn new(name: &OsStr) -> Result<Self, SpecError> {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
            return Err(SpecError::new(
                "--env",
                bytes,
                "not the name of a variable",
                "write NAME=VALUE, or NAME to copy it",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }
}

/// The variables of a job, in order. `PATH`, `HOME` and `TERM` are there from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    vars: Vec<(OsString, OsString)>,
    inherited: bool,
}

impl Default for Env {
    fn default() -> Self {
        let var = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let vars = vec![var("PATH", DEFAULT_PATH), var("HOME", DEFAULT_HOME), var("TERM", DEFAULT_TERM)];
        Self { vars, inherited: false }
    }
}

impl Env {
    /// No variable at all, not even `PATH`.
    pub fn empty() -> Self {
        Self { vars: Vec::new(), inherited: false }
    }

    /// Everything that a caller has in its own environment, secrets included. The report names it as a relaxation.
    ///
    /// # Errors
    /// When a name or a value has a NUL byte, which no environment of a process has.
    pub fn inherited(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, SpecError> {
        let mut env = Self { vars: Vec::new(), inherited: true };
        for (name, value) in vars {
            env.set(EnvName::new(&name)?, &value)?;
        }
        Ok(env)
    }

    /// Whether it began with the whole of a caller's.
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Sets a variable; a later value of the same name takes the place of the earlier.
    ///
    /// # Errors
    /// When the value has a NUL byte.
    pub fn set(&mut self, name: EnvName, value: &OsStr) -> Result<(), SpecError> {
        if value.as_bytes().contains(&0) {
            let field = format!("--env {}", name.0.to_string_lossy());
            return Err(SpecError::new(
                field,
                value.as_bytes(),
                "it has a NUL byte",
                "a variable ends at the first NUL",
            ));
        }
        match self.vars.iter_mut().find(|(known, _)| *known == name.0) {
            Some((_, old)) => *old = value.to_owned(),
            None => self.vars.push((name.0, value.to_owned())),
        }
        Ok(())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// All variables in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EnvName {
        EnvName::new(OsStr::new(text)).expect("a name")
    }

    #[test]
    fn the_last_value_of_a_name_wins_and_keeps_its_place() {
        let mut env = Env::default();
        env.set(name("A"), OsStr::new("1")).expect("set");
        env.set(name("PATH"), OsStr::new("/opt")).expect("set");
        env.set(name("A"), OsStr::new("2")).expect("set");
        let all: Vec<String> = env.iter().map(|(n, v)| format!("{}={}", n.display(), v.display())).collect();
        assert_eq!(all, ["PATH=/opt", "HOME=/tmp", "TERM=dumb", "A=2"]);
    }

    #[test]
    fn a_name_without_meaning_is_refused() {
        for bad in ["", "A=B", "A\0"] {
            assert!(EnvName::new(OsStr::new(bad)).is_err(), "{bad:?}");
        }
        assert!(Env::empty().set(name("A"), OsStr::new("x\0y")).is_err());
    }
}
