//! The job's environment, out of its settings in order: a later one wins, and a flag comes after every file.

use super::{By, Caller, Setting, Word};
use crate::spec::{Env, EnvName, SpecError};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What an environment begins with, by its word in flags and files.
pub const FROM: [&str; 3] = ["default", "none", "caller"];

/// The kind of terminal, terminfo(5).
const TERM: &str = "TERM";

/// The environment that the words describe.
pub(super) fn environment(
    from: Option<&Word>,
    settings: &[Setting],
    terminal: bool,
    caller: &Caller,
) -> Result<Env, SpecError> {
    let mut env =
        from.map_or_else(|| Ok(Env::default()), |from| from.read("--env-from", |f, t| begun(f, t, caller)))?;
    if let Some(term) = (caller.var)(OsStr::new(TERM)).filter(|_| terminal && env.get(TERM).is_some()) {
        // The terminal behind the job's own is the caller's: its kind is not the default's.
        env.set(EnvName::new(OsStr::new(TERM))?, &term)?;
    }
    for setting in settings {
        match setting {
            Setting::File(file) => set_file(&mut env, file, caller).map_err(|error| file.place.tell(error))?,
            Setting::Set(word) => word.bytes(|text| set(&mut env, text, caller))?,
        }
    }
    Ok(env)
}

/// The environment before the first setting.
fn begun(field: &str, text: &str, caller: &Caller) -> Result<Env, SpecError> {
    match text {
        "default" => Ok(Env::default()),
        "none" => Ok(Env::empty()),
        "caller" => {
            let nobody = || SpecError::new(field, text, "nobody with an environment reads this", "set each variable");
            Env::inherited((caller.vars)().ok_or_else(nobody)?)
        }
        _ => {
            Err(SpecError::new(field, text, "not a beginning of an environment", format!("write {}", FROM.join(", "))))
        }
    }
}

/// The variables of a file.
fn set_file(env: &mut Env, file: &Word, caller: &Caller) -> Result<(), SpecError> {
    let refuse = |problem: String| {
        SpecError::new("--env-file", file.text.as_bytes(), problem, "name a file with lines NAME=VALUE")
    };
    let by = file.place.by();
    // A flag's path is left to the kernel, which knows where it begins.
    let path = match by {
        By::Flag => Path::new(&file.text).to_owned(),
        By::File => file.path("--env-file", caller.cwd)?,
    };
    let text = (caller.read)(&path, by).map_err(|error| refuse(format!("it cannot be read ({error})")))?;
    set_lines(env, &text).map_err(|(line, problem)| refuse(format!("line {line}: {problem}")))
}

/// `NAME=VALUE`, or a name to copy.
fn set(env: &mut Env, text: &OsStr, caller: &Caller) -> Result<(), SpecError> {
    match split(text.as_bytes()) {
        Some((name, value)) => {
            // All is shown, not the part before the `=` alone.
            let typed = |error| SpecError { value: text.to_string_lossy().into_owned(), ..error };
            env.set(EnvName::new(name).map_err(typed)?, value)
        }
        None => copy(env, text, caller),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::io;

    fn begun_with(from: Option<&str>, flags: &[&str], file: &[u8]) -> Result<Env, SpecError> {
        let caller = Caller {
            cwd: Path::new("/home/me"),
            var: &|name| (name == "LANG").then(|| OsString::from("C.UTF-8")),
            vars: &|| Some(vec![("SECRET".into(), "s".into())]),
            read: &|path, _| match path.to_str() {
                Some("vars") => Ok(file.to_vec()),
                _ => Err(io::Error::from(io::ErrorKind::NotFound)),
            },
        };
        let mut settings = vec![Setting::File(Word::flag("env_file", "vars"))];
        settings.extend(flags.iter().map(|flag| Setting::Set(Word::flag("env", flag))));
        environment(from.map(|from| Word::flag("env_from", from)).as_ref(), &settings, false, &caller)
    }

    fn made(flags: &[&str], file: &[u8]) -> Result<Env, SpecError> {
        begun_with(None, flags, file)
    }

    #[test]
    fn an_environment_begins_with_what_was_asked_for() {
        let names = |from| {
            let env = begun_with(Some(from), &["A=1"], b"").expect("variables");
            let names: Vec<OsString> = env.iter().map(|(name, _)| name.to_owned()).collect();
            (names, env.is_inherited())
        };
        assert_eq!(names("default"), (["PATH", "HOME", "TERM", "A"].map(OsString::from).to_vec(), false));
        assert_eq!(names("none"), (["A"].map(OsString::from).to_vec(), false));
        assert_eq!(names("caller"), (["SECRET", "A"].map(OsString::from).to_vec(), true));
        assert_eq!(begun_with(Some("all"), &[], b"").expect_err("refused").field, "--env-from");
    }

    #[test]
    fn with_a_terminal_its_kind_is_the_callers_unless_another_is_asked_for() {
        let var = |name: &OsStr| (name == TERM).then(|| "vt220".into());
        let caller = Caller { var: &var, ..Caller::nobody() };
        let term = |terminal, from: Option<&str>, flag: &[&str]| {
            let settings: Vec<Setting> = flag.iter().map(|flag| Setting::Set(Word::flag("env", flag))).collect();
            let from = from.map(|from| Word::flag("env_from", from));
            let env = environment(from.as_ref(), &settings, terminal, &caller).expect("variables");
            env.get(TERM).map(|term| term.to_string_lossy().into_owned())
        };
        assert_eq!(term(true, None, &[]).as_deref(), Some("vt220"));
        assert_eq!(term(false, None, &[]).as_deref(), Some("dumb"));
        assert_eq!(term(true, None, &["TERM=x"]).as_deref(), Some("x"));
        assert_eq!(term(true, Some("none"), &[]), None);
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

    proptest! {
        #[test]
        fn no_file_panics(text: Vec<u8>) {
            let _ = made(&[], &text);
        }
    }
}
