//! The job's environment from `--env` and `--env-file`. A flag beats a file, whichever comes first on the line.

use super::Caller;
use crate::spec::{Env, EnvName, SpecError};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of one `--env-file`: half of what execve(2) takes for arguments and environment together.
const FILE_MOST_BYTES: u64 = 1024 * 1024;

/// The environment that the flags describe.
pub(super) fn environment(flags: &[OsString], files: &[PathBuf], caller: &Caller) -> Result<Env, SpecError> {
    let mut env = Env::default();
    if caller.window.is_some() {
        // The keys that are typed and what is shown are those of the caller's own terminal.
        let _ = copy(&mut env, OsStr::new("TERM"), caller);
    }
    for file in files {
        let refuse = |problem: String| {
            SpecError::new("--env-file", file.as_os_str().as_bytes(), problem, "name a file with lines NAME=VALUE")
        };
        let text = (caller.read)(file).map_err(|error| refuse(format!("it cannot be read ({error})")))?;
        set_lines(&mut env, &text).map_err(|(line, problem)| refuse(format!("line {line}: {problem}")))?;
    }
    for flag in flags {
        match split(flag.as_bytes()) {
            Some((name, value)) => {
                // The whole flag is shown, not the part before the `=` alone.
                let typed = |error| SpecError { value: flag.to_string_lossy().into_owned(), ..error };
                env.set(EnvName::new(name).map_err(typed)?, value)?;
            }
            None => copy(&mut env, flag, caller)?,
        }
    }
    Ok(env)
}

/// `-E NAME`: the caller's own value. That there is none is an error: the job would miss what it was promised.
fn copy(env: &mut Env, name: &OsStr, caller: &Caller) -> Result<(), SpecError> {
    let checked = EnvName::new(name)?;
    match (caller.var)(name) {
        Some(value) => env.set(checked, &value),
        None => {
            let expected = "set it here first, or write NAME=VALUE";
            Err(SpecError::new("--env", name.as_bytes(), "there is no such variable to copy", expected))
        }
    }
}

/// Every line of a file. A value is taken as it is, byte for byte: quotes and blanks are part of it.
fn set_lines(env: &mut Env, text: &[u8]) -> Result<(), (usize, String)> {
    for (index, line) in text.split(|b| *b == b'\n').enumerate() {
        let begun = line.trim_ascii_start();
        if begun.is_empty() || begun.starts_with(b"#") {
            continue;
        }
        let set = match split(begun) {
            Some((name, value)) => EnvName::new(name).and_then(|name| env.set(name, value)),
            None => return Err((index + 1, "there is no =".to_owned())),
        };
        set.map_err(|error| (index + 1, error.problem))?;
    }
    Ok(())
}

/// Name and value around the first `=`.
fn split(text: &[u8]) -> Option<(&OsStr, &OsStr)> {
    let equals = text.iter().position(|b| *b == b'=')?;
    Some((OsStr::from_bytes(&text[..equals]), OsStr::from_bytes(&text[equals + 1..])))
}

/// A whole file, if it is not too long to be an environment.
///
/// # Errors
/// The kernel's, or that it is too long.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(FILE_MOST_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(flags: &[&str], file: &[u8]) -> Result<Env, SpecError> {
        let flags: Vec<OsString> = flags.iter().map(OsString::from).collect();
        let caller = Caller {
            cwd: Path::new("/home/me"),
            var: &|name| (name == "LANG").then(|| OsString::from("C.UTF-8")),
            read: &|path| match path.to_str() {
                Some("vars") => Ok(file.to_vec()),
                _ => Err(io::Error::from(io::ErrorKind::NotFound)),
            },
            window: None,
        };
        environment(&flags, &[PathBuf::from("vars")], &caller)
    }

    #[test]
    fn a_flag_beats_a_file_and_a_name_alone_is_copied() {
        let env =
            made(&["LANG", "A=flag", "B=x=y"], b"A=file\nC=\"q\" \n\n  # D=1\n#E=1\nF=\xff\n").expect("variables");
        assert_eq!(env.get("LANG"), Some(OsStr::new("C.UTF-8")));
        assert_eq!(env.get("A"), Some(OsStr::new("flag")));
        assert_eq!(env.get("B"), Some(OsStr::new("x=y")));
        assert_eq!(env.get("C"), Some(OsStr::new("\"q\" ")));
        assert_eq!((env.get("D"), env.get("E")), (None, None));
        assert_eq!(env.get("F"), Some(OsStr::from_bytes(b"\xff")));
    }

    #[test]
    fn a_variable_that_is_not_there_is_not_silently_left_out() {
        let error = made(&["NOPE"], b"").expect_err("refused");
        assert_eq!(
            error.to_string(),
            "--env is \"NOPE\": there is no such variable to copy; set it here first, or write NAME=VALUE"
        );
        assert!(made(&["=x"], b"").is_err());
        assert!(made(&[""], b"").is_err());
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let error = made(&[], b"A=1\n\nnonsense\n").expect_err("refused");
        assert_eq!(
            error.to_string(),
            "--env-file is \"vars\": line 3: there is no =; name a file with lines NAME=VALUE"
        );
        assert_eq!(made(&[], b"=1").expect_err("refused").problem, "line 1: not the name of a variable");
        assert_eq!(made(&[], b"A=\0").expect_err("refused").problem, "line 1: it has a NUL byte");
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("vars");
        std::fs::write(&path, vec![b'#'; FILE_MOST_BYTES as usize]).expect("written");
        assert_eq!(read_bounded(&path).expect("read").len() as u64, FILE_MOST_BYTES);
        std::fs::write(&path, vec![b'#'; FILE_MOST_BYTES as usize + 1]).expect("written");
        assert_eq!(read_bounded(&path).expect_err("refused").kind(), io::ErrorKind::FileTooLarge);
        assert!(read_bounded(&dir.path().join("missing")).is_err());
    }

    proptest! {
        #[test]
        fn no_file_panics(text: Vec<u8>) {
            let _ = made(&[], &text);
        }
    }
}
