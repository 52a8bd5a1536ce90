//! Files that extend one another, and flags on top of them.

use super::*;
use crate::spec::words::Words;
use std::collections::BTreeMap;

/// The words of `first` among these files, by a caller in `/home/me` with `LANG`.
fn words(files: &[(&str, &str)], flags: impl FnOnce(&mut Words)) -> Result<JobSpec, SpecError> {
    let files: BTreeMap<&Path, &str> = files.iter().map(|(path, text)| (Path::new(*path), *text)).collect();
    let read = |path: &Path, by| {
        assert_eq!(by, By::File, "{}", path.display());
        let text = files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    };
    let var = |name: &OsStr| (name == "LANG").then(|| OsString::from("C"));
    let vars = || Some(vec![("SECRET".into(), "s".into())]);
    let caller = Caller { cwd: Path::new("/home/me"), var: &var, vars: &vars, read: &read };
    let mut line = Words::default();
    flags(&mut line);
    Words::of_file(Path::new("job.toml"), &caller)?.with_flags(line).into_spec(&caller)
}

fn made(files: &[(&str, &str)]) -> JobSpec {
    words(files, |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(files: &[(&str, &str)]) -> String {
    words(files, |_| {}).expect_err("refused").to_string()
}

const BASE: (&str, &str) = (
    "/home/me/lib/base.toml",
    "argv = ['a']\npids = 9\nmemory = '1G'\nmounts = [{ ro = 'x' }]\nio_max = ['d:rbps=1M']\nrlimit = ['core=0', 'nofile=5']\n\
     cgroup = { 'memory.low' = '1M', 'memory.min' = '1M' }\n[env]\nA = '1'\nB = '1'\n[label]\na = '1'\nb = '1'",
);

#[test]
fn a_later_file_wins_key_by_key_and_adds_to_what_has_names() {
    let later = "extends = 'lib/base.toml'\npids = 8\nmounts = [{ rw = 'y' }]\nrlimit = { nofile = 6 }\n\
                 cgroup = ['memory.low=2M']\nenv = ['B=2', 'LANG']\nlabel = { b = '2' }";
    let job = made(&[BASE, ("/home/me/job.toml", later)]);
    assert_eq!((job.argv()[0].to_str(), job.limits().pids_max), (Some("a"), Some(PidsLimit::Count(8))));
    assert_eq!(job.limits().memory_max, Some(MemoryLimit::Bytes(1 << 30)));
    assert_eq!(job.isolation().mounts.len(), 1, "a list takes the place of the earlier");
    assert!(matches!(&job.isolation().mounts[0], MountSpec::Bind { source, .. } if source == "/home/me/y"));
    assert_eq!(job.limits().io_max[0].target, IoTarget::Path("/home/me/lib/d".into()), "begins at its own file");
    let limits: Vec<String> = job.limits().rlimits.iter().map(ToString::to_string).collect();
    assert_eq!(limits, ["core=0", "nofile=6"]);
    let files: Vec<(&str, &str)> = job.limits().cgroup_files.iter().map(|file| (file.file(), file.value())).collect();
    assert_eq!(files, [("memory.min", "1M"), ("memory.low", "2M")]);
    assert_eq!(
        ["A", "B", "LANG"].map(|name| job.env().get(name).and_then(OsStr::to_str)),
        [Some("1"), Some("2"), Some("C")]
    );
    assert_eq!(job.labels().values().map(String::as_str).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn of_several_bases_the_last_wins_and_the_file_itself_over_all() {
    let files = [
        ("/one.toml", "pids = 5\ntime = 5\nshell = 'x'"),
        ("/two.json", "{\"pids\": 6, \"idle\": 6, \"argv\": [\"two\"]}"),
        ("/home/me/job.toml", "extends = ['/one.toml', '../../two.json']\nidle = 7"),
    ];
    let job = made(&files);
    assert_eq!((job.limits().pids_max, job.argv()[0].to_str()), (Some(PidsLimit::Count(6)), Some("two")));
    assert_eq!((job.time(), job.idle()), (Some(Duration::from_secs(5)), Some(Duration::from_secs(7))));
}

#[test]
fn a_flag_wins_over_every_file_and_adds_to_its_lists() {
    let job = words(
        &[BASE, ("/home/me/job.toml", "extends = 'lib/base.toml'\nenv_file = ['vars']"), ("/home/me/vars", "C=1\n")],
        |flags| {
            flags.flag_command(&["b".into(), "-x".into()]);
            flags.flag("pids", Some("7"));
            flags.flags("io_max", &["/e:wbps=1M"]);
            flags.flag_mounts([(crate::spec::words::MountKind::Tmpfs, OsStr::new("/t"))].into_iter());
            flags.flag_env(&[] as &[&str], &["A=3".into(), "C=3".into()]);
        },
    );
    let job = job.expect("a job");
    assert_eq!((job.argv().len(), job.limits().pids_max), (2, Some(PidsLimit::Count(7))));
    assert_eq!((job.limits().io_max.len(), job.isolation().mounts.len()), (2, 2));
    assert_eq!(
        ["A", "B", "C"].map(|name| job.env().get(name).and_then(OsStr::to_str)),
        [Some("3"), Some("1"), Some("3")]
    );
}

#[test]
fn an_inherited_environment_is_marked_and_written_out_in_full() {
    let job = made(&[("/home/me/job.toml", "argv = ['a']\nenv_from = 'caller'\nenv = ['X=1']")]);
    assert!(job.env().is_inherited());
    let again = toml(&job.to_toml());
    assert_eq!(again.env().iter().collect::<Vec<_>>(), job.env().iter().collect::<Vec<_>>());
    assert!(!again.env().is_inherited() && *again.env() != Env::default());
}

#[test]
fn a_circle_a_long_chain_and_many_files_are_refused_with_the_chain() {
    let said =
        refused(&[("/home/me/job.toml", "extends = 'b.toml'"), ("/home/me/b.toml", "pids = 3\nextends = 'job.toml'")]);
    let chain = "/home/me/job.toml -> /home/me/b.toml -> /home/me/job.toml";
    assert!(said.starts_with("/home/me/b.toml:2:11: extends is \"job.toml\"") && said.contains(chain), "{said}");
    let names: Vec<(String, String)> =
        (0..20).map(|i| (format!("/{i}.toml"), format!("extends = ['{}.toml']", i + 1))).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("/home/me/job.toml", "extends = '/0.toml'"));
    let said = refused(&files);
    assert!(said.contains("more than 8 files extend one another: /home/me/job.toml -> /0.toml"), "{said}");
    let wide = format!("extends = [{}]", "'/x.toml', ".repeat(20));
    let said = refused(&[("/home/me/job.toml", &wide), ("/x.toml", "")]);
    assert!(said.contains("more than 16 files in all"), "{said}");
    let half = format!("name = '{}'", "a".repeat(MOST_BYTES * 2 / 3));
    let said = refused(&[("/home/me/job.toml", &format!("extends = '/x.toml'\n{half}")), ("/x.toml", &half)]);
    assert!(
        said.starts_with("job.toml:1:11: extends") && said.contains("together") || said.contains("at most 262144"),
        "{said}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_where_it_is_named() {
    assert!(refused(&[]).starts_with("--spec is \"job.toml\": it cannot be read"), "{}", refused(&[]));
    let said = refused(&[("/home/me/job.toml", "\nextends = ['gone']")]);
    assert!(said.starts_with("job.toml:2:12: extends[0] is \"gone\": it cannot be read"), "{said}");
    let said = refused(&[("/home/me/job.toml", "extends = 'b'"), ("/home/me/b", "pids = 1")]);
    assert!(said.starts_with("/home/me/b:1:8: pids is \"1\""), "{said}");
}
