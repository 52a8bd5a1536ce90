//! Every flag beside the description that it becomes, and every end beside what is said and returned.

use super::*;
use crate::cli::args::{Args, Verb};
use crate::cli::voice::Colour;
use crate::life::{Cause, Exit, Happening, Moment};
use crate::spec::Overflow;
use crate::spec::{
    Access, CgroupFile, CpuMax, IoMax, IoTarget, JobId, MemoryLimit, MountSpec, Net, PidsLimit, Resource, Rlimit,
    RlimitValue, Root, SpecError, User,
};
use crate::supervise::Error;
use crate::supervise::doctor::Check;
use crate::supervise::verify::Finding;
use clap::Parser;
use proptest::prelude::*;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

fn args(line: &[&str]) -> RunArgs {
    let line = ["ironcell", "run"].iter().chain(line).map(OsString::from);
    match Args::try_parse_from(line).expect("a line").verb {
        Verb::Run(args) => *args,
        other => panic!("{other:?} is run"),
    }
}

fn spec(flags: &[&str]) -> Result<JobSpec, SpecError> {
    let line: Vec<&str> = flags.iter().copied().chain(["--", "true"]).collect();
    let var = |name: &OsStr| (name == "LANG").then(|| OsString::from("C"));
    let read = |path: &Path, _| match path.to_str() {
        Some("vars") => Ok(b"A=1\n".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let run = args(&line);
    spec_of(
        &run.cell,
        &run.command,
        None,
        &Caller { cwd: Path::new("/home/me"), var: &var, read: &read, ..Caller::nobody() },
    )
}

fn made(flags: &[&str]) -> JobSpec {
    spec(flags).expect("a job")
}

#[test]
fn a_bare_line_asks_for_nothing() {
    let line = args(&["echo", "-n", "--", "x"]);
    let caller = Caller { cwd: Path::new("/home/me"), read: &read::read, ..Caller::nobody() };
    let job = spec_of(&line.cell, &line.command, None, &caller).expect("a job");
    assert_eq!(job, JobSpec::command("echo").args(["-n", "--", "x"]).build().expect("a job"));
}

#[test]
fn the_limits_are_read() {
    let limits = made(&["--memory", "64M", "--memory-high", "50%", "--swap", "0", "--cpus", "150%"]).limits().clone();
    assert_eq!(limits.memory_max, Some(MemoryLimit::Bytes(64 << 20)));
    assert_eq!(limits.memory_high, Some(MemoryLimit::HostShare(5000)));
    assert_eq!(limits.memory_swap_max, Some(MemoryLimit::Bytes(0)));
    assert_eq!(limits.cpu_max, Some(CpuMax::Millis(1500)));
    let flags =
        ["--cpu-weight", "50", "--cpuset", "3,0-1", "--io-weight", "7", "--pids", "max", "--cgroup", "memory.low=1M"];
    let limits = made(&flags).limits().clone();
    assert_eq!((limits.cpu_weight, limits.io_weight), (Some(50), Some(7)));
    assert_eq!(limits.cpuset_cpus.as_deref(), Some("0-1,3"));
    assert_eq!(limits.pids_max, Some(PidsLimit::Max));
    assert_eq!(limits.cgroup_files, [CgroupFile::new("memory.low", "1M").expect("a file")]);
}

#[test]
fn limits_that_repeat_are_all_read_and_the_last_of_a_kind_counts() {
    let flags = ["--io-max", "data:rbps=1K", "--io-max", "8:0:wiops=3", "--rlimit", "nofile=9", "--rlimit", "core=0"];
    let flags: Vec<&str> = flags.into_iter().chain(["--rlimit", "nofile=5:6", "--pids", "9", "--pids", "8"]).collect();
    let limits = made(&flags).limits().clone();
    let io = |target| IoMax { target, rbps: None, wbps: None, riops: None, wiops: None };
    let first = IoMax { rbps: Some(1024), ..io(IoTarget::Path("/home/me/data".into())) };
    let second = IoMax { wiops: Some(3), ..io(IoTarget::Number { major: 8, minor: 0 }) };
    assert_eq!(limits.io_max, [first, second]);
    let limit = |resource, soft, hard| Rlimit { resource, soft: RlimitValue::Is(soft), hard: RlimitValue::Is(hard) };
    assert_eq!(limits.rlimits, [limit(Resource::Core, 0, 0), limit(Resource::Nofile, 5, 6)]);
    assert_eq!(limits.pids_max, Some(PidsLimit::Count(8)));
}

#[test]
fn mounts_keep_their_order_across_the_three_kinds() {
    let flags = ["--tmpfs", "/a:1M", "--rw", "out:/a/out", "--ro", "/b", "--tmpfs", "/c", "--rw", "/d", "--ro", "e:/f"];
    let bind =
        |source: &str, target: &str, access| MountSpec::Bind { source: source.into(), target: target.into(), access };
    let expected = [
        MountSpec::Tmpfs { target: "/a".into(), size: Some(1 << 20) },
        bind("/home/me/out", "/a/out", Access::ReadWrite),
        bind("/b", "/b", Access::ReadOnly),
        MountSpec::Tmpfs { target: "/c".into(), size: None },
        bind("/d", "/d", Access::ReadWrite),
        bind("/home/me/e", "/f", Access::ReadOnly),
    ];
    assert_eq!(made(&flags).isolation().mounts, expected);
}

#[test]
fn the_walls_are_read() {
    let flags = ["--rootfs", "root", "--net", "host", "--hostname", "box", "--user", "5:6", "--cwd", "src"];
    let job = made(&flags);
    let walls = job.isolation();
    assert_eq!(walls.root, Root::Dir { path: "/home/me/root".into(), access: Access::ReadOnly });
    assert_eq!((walls.net, walls.hostname.as_str()), (Net::Host, "box"));
    assert_eq!(walls.user, User::new(5, 6).expect("a user"));
    assert_eq!(job.cwd(), Some(Path::new("/home/me/src")));
    let writable = made(&["--rootfs", "/r", "--rootfs-rw"]);
    assert_eq!(writable.isolation().root, Root::Dir { path: "/r".into(), access: Access::ReadWrite });
    assert_eq!(made(&["--net", "none"]).isolation().net, Net::None);
}

#[test]
fn the_surroundings_are_read() {
    let flags = ["-E", "LANG", "--env", "B=2", "--env-file", "vars", "--name", "n", "--label", "k=v=w", "--time", "90"];
    let times = ["--grace", "500ms", "--cpu-time", "1.5", "--idle", "2min"];
    let job = made(&flags.into_iter().chain(times).collect::<Vec<_>>());
    for (name, value) in [("LANG", "C"), ("B", "2"), ("A", "1"), ("HOME", "/tmp")] {
        assert_eq!(job.env().get(name), Some(OsStr::new(value)));
    }
    assert_eq!((job.name(), job.labels().get("k").map(String::as_str)), (Some("n"), Some("v=w")));
    assert_eq!((job.time(), job.grace()), (Some(Duration::from_secs(90)), Duration::from_millis(500)));
    assert_eq!((job.cpu_time(), job.idle()), (Some(Duration::from_millis(1500)), Some(Duration::from_secs(120))));
    assert_eq!((job.output_limit(), job.overflow()), (None, Overflow::DropOldest), "its output is its own");
    let counted = made(&["--output-limit", "64K"]);
    assert_eq!((counted.output_limit(), counted.overflow()), (Some(64 << 10), Overflow::Block));
}

#[test]
fn a_flag_without_meaning_is_refused_by_its_name() {
    let long = format!("/{}", "x".repeat(4095));
    for (flag, value) in [
        ("--memory", "12Q"),
        ("--memory-high", "0"),
        ("--swap", "x"),
        ("--cpus", "0"),
        ("--cpu-weight", "0"),
        ("--cpuset", "a"),
        ("--io-max", "/"),
        ("--io-weight", "10001"),
        ("--pids", "1"),
        ("--rlimit", "nofile"),
        ("--cgroup", "memory.low"),
        ("--cgroup", "cgroup.kill=1"),
        ("--rootfs", long.as_str()),
        ("--ro", "/a:b"),
        ("--rw", ""),
        ("--tmpfs", "relative"),
        ("--cwd", long.as_str()),
        ("--env", "NOPE"),
        ("--env-file", "missing"),
        ("--hostname", "a b"),
        ("--user", "root"),
        ("--name", "a b"),
        ("--label", "k"),
        ("--time", "0"),
        ("--cpu-time", "0"),
        ("--idle", "now"),
        ("--output-limit", "much"),
        ("--grace", "soon"),
    ] {
        let error = spec(&[flag, value]).expect_err(flag);
        assert!(error.field.starts_with(flag), "{flag}: {error}");
        assert!(!error.expected.is_empty(), "{error}");
    }
}

/// What of the command line describes no job: how its end is told, and where the description is.
const NO_KEY: [&str; 9] =
    ["spec", "report", "meta", "events", "preserve_status", "dry_run", "quiet", "verbose", "help"];
/// What of a description is no flag: the command, which needs none; the mounts, which are three; what only a file can
/// extend, and only the library keep.
const NO_FLAG: [&str; 11] = [
    "argv",
    "shell",
    "mounts",
    "extends",
    "log_max",
    "overflow",
    "spool",
    "spool_keep",
    "log_file",
    "log_dir",
    "on_drop",
];

#[test]
fn every_flag_that_describes_a_job_is_a_key_and_the_other_way_round() {
    use clap::CommandFactory;
    let mut command = Args::command();
    command.build();
    let run = command.find_subcommand("run").expect("run");
    let flags = run.get_arguments().filter_map(clap::Arg::get_long).map(|long| long.replace('-', "_"));
    let mut flags: Vec<String> = flags.filter(|flag| !NO_KEY.contains(&flag.as_str()) && flag != "version").collect();
    for (word, _) in crate::spec::words::MountKind::ALL {
        let before = flags.len();
        flags.retain(|flag| flag != word);
        assert_eq!(flags.len(), before - 1, "{word} is a flag");
    }
    flags.extend(NO_FLAG.map(str::to_owned));
    flags.sort_unstable();
    let mut keys = crate::spec::file::KEYS.map(|key| key.name.to_owned());
    keys.sort_unstable();
    assert_eq!(flags, keys);
}

#[test]
fn a_file_says_what_its_flags_say_and_flags_win() {
    let file = "argv = ['make']\nmemory = '1G'\nrootfs = 'root'\nmounts = [{ ro = '/a' }]\nenv = { B = '1', A = '1' }";
    let read = |path: &Path, _| match path.to_str() {
        Some("/home/me/job.toml") => Ok(file.as_bytes().to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let caller = Caller { cwd: Path::new("/home/me"), read: &read, ..Caller::nobody() };
    let of = |line: &[&str]| {
        let run = args(&[&["--spec", "job.toml"], line].concat());
        spec_of(&run.cell, &run.command, None, &caller)
    };
    let flags = ["--memory", "1G", "--rootfs", "root", "--ro", "/a", "-E", "B=1", "-E", "A=1", "--", "make"];
    assert_eq!(of(&[]).expect("a job"), made_with(&flags));
    let changed = of(&["--rootfs-rw", "--memory", "2G", "--rw", "/b", "-E", "A=2", "--", "ls", "-l"]).expect("a job");
    let flags = ["--rootfs", "root", "--rootfs-rw", "--memory", "2G", "--ro", "/a", "--rw", "/b"];
    assert_eq!(changed, made_with(&[&flags[..], &["-E", "B=1", "-E", "A=2", "--", "ls", "-l"]].concat()));
    assert_eq!(of(&["--memory", "12Q"]).expect_err("refused").field, "--memory");
    let missing = args(&["--spec", "gone.toml"]);
    assert_eq!(spec_of(&missing.cell, &missing.command, None, &caller).expect_err("refused").field, "--spec");
}

/// The job of a whole line.
fn made_with(line: &[&str]) -> JobSpec {
    let run = args(line);
    let caller = Caller { cwd: Path::new("/home/me"), ..Caller::nobody() };
    spec_of(&run.cell, &run.command, None, &caller).expect("a job")
}

#[test]
fn a_command_that_was_never_started_is_told_even_when_it_is_quiet() {
    use crate::life::{Refused, StartFailure};
    let message = "failed to execute nope: not found".to_owned();
    let failure = StartFailure { step: 1, name: "execute", errno: 2, message, refused: Refused::NotFound };
    let cause = Cause::StartFailed(failure);
    let end = ended(Exit::NeverRan).map(|outcome| Outcome { cause, ..outcome });
    assert_eq!(said(&["-q"], end), (127, "ironcell: failed to execute nope: not found\n".to_owned()));
}

proptest! {
    #[test]
    fn no_command_line_panics(line in proptest::collection::vec("(--[a-z-]{1,12}(=.*)?)|.*", 0..8)) {
        let line = ["ironcell", "run"].into_iter().map(OsString::from).chain(line.into_iter().map(OsString::from));
        if let Ok(Args { verb: Verb::Run(args) }) = Args::try_parse_from(line) {
            let read = |_: &Path, _| Ok(Vec::new());
            let caller = Caller { cwd: Path::new("/"), read: &read, ..Caller::nobody() };
            let _ = spec_of(&args.cell, &args.command, None, &caller);
        }
    }

    #[test]
    fn arguments_are_any_bytes(bytes in proptest::collection::vec(1u8.., 0..50)) {
        let line = ["ironcell", "run", "--", "x"].into_iter().map(OsString::from);
        let line = line.chain([OsStr::from_bytes(&bytes).to_owned()]);
        let Ok(Args { verb: Verb::Run(args) }) = Args::try_parse_from(line) else { panic!("a line") };
        prop_assert_eq!(args.command[1].as_bytes(), &bytes[..]);
    }
}

/// A head that tells what it was told to tell.
struct Told(Result<Outcome, Error>);

impl Head for Told {
    fn draw(self, _: &JobSpec) -> Result<String, Error> {
        self.0.map(|_| "plan".to_owned())
    }

    fn run(self, _: &JobSpec, told: &mut (dyn FnMut(News) + Send)) -> Result<Outcome, Error> {
        let outcome = self.0?;
        let (id, digest, walls) = (JobId::of(0, [7; 10]), "d1".to_owned(), Walls::default());
        told(News::Started(Started { id, digest, limits: Vec::new(), walls, notes: Vec::new() }));
        told(News::Happened(Moment { at: Duration::from_millis(5), what: Happening::Started }));
        Ok(outcome)
    }

    fn verify(self, _: &JobSpec) -> Result<Vec<Finding>, Error> {
        self.0.map(|_| Vec::new())
    }

    fn examine(self) -> Vec<Check> {
        Vec::new()
    }
}

fn ended(exit: Exit) -> Result<Outcome, Error> {
    Ok(Outcome::of(exit, Cause::Itself))
}

/// Exit code and standard error of a run that ends so.
fn said(flags: &[&str], end: Result<Outcome, Error>) -> (u8, String) {
    let line: Vec<&str> = flags.iter().copied().chain(["true"]).collect();
    let mut err = Vec::new();
    let code = run(&args(&line), Told(end), &mut Voice::new(&mut err, Colour::Plain));
    (code, String::from_utf8(err).expect("text"))
}

#[test]
fn a_success_says_nothing_unless_it_is_asked() {
    assert_eq!(said(&[], ended(Exit::Code { code: 0 })), (0, String::new()));
    let (code, text) = said(&["-v"], ended(Exit::Code { code: 0 }));
    assert_eq!((code, text.lines().count()), (0, 2));
    assert!(text.contains("plan d1") && text.contains("used: 0.000 s"), "{text}");
}

#[test]
fn a_failure_is_explained_unless_it_is_quiet() {
    let killed = Exit::Signal { signal: 11, core: false };
    let (code, text) = said(&[], ended(killed));
    assert_eq!(code, 139);
    assert!(text.starts_with("ironcell: killed: SIGSEGV"), "{text}");
    assert_eq!(said(&["-q"], ended(killed)), (139, String::new()));
}

#[test]
fn a_refusal_is_told_and_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("report.json");
    let report = path.to_str().expect("text");
    let (code, text) = said(&["-q", "--report", report], Err(Error::NotRoot));
    assert_eq!((code, text.as_str()), (125, "ironcell: cells are built by root: run ironcell as root, or with sudo\n"));
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("json");
    assert_eq!(value["cause_detail"]["message"], "cells are built by root: run ironcell as root, or with sudo");
    let (code, text) = said(&["--memory", "12Q", "--report", report], ended(Exit::Code { code: 0 }));
    assert_eq!(code, 125);
    assert!(text.starts_with("ironcell: --memory is \"12Q\": unknown unit Q; write"), "{text}");
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("json");
    assert_eq!((&value["exit_code"], &value["exit"]["kind"]), (&125.into(), &"never_ran".into()));
}

#[test]
fn a_report_that_cannot_be_written_stops_the_job_before_it_begins() {
    let (code, text) = said(&["--report", "/no/such/dir/report"], Err(Error::NotRoot));
    assert_eq!(code, 125);
    assert!(text.starts_with("ironcell: failed to open --report /no/such/dir/report: "), "{text}");
    let (code, text) = said(&["--report", "/dev/full"], ended(Exit::Code { code: 0 }));
    assert_eq!(code, 125);
    assert!(text.starts_with("ironcell: failed to write --report: "), "{text}");
    assert_eq!(said(&["--report", "/dev/full"], ended(Exit::Code { code: 3 })).0, 3);
}

#[test]
fn everybody_who_asked_is_told_in_his_own_form() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
    let (report, meta, events) = (place("report"), place("meta"), place("events"));
    let flags = ["--report", &report, "--meta", &meta, "--events", &events];
    assert_eq!(said(&flags, ended(Exit::Code { code: 0 })), (0, String::new()));
    let read = |path: &str| std::fs::read_to_string(path).expect("written");
    assert!(read(&report).contains("\"exit_code\": 0"));
    assert_eq!(read(&meta), "time-wall:0.000\nexitcode:0\n");
    let events: Vec<String> = read(&events).lines().map(str::to_owned).collect();
    assert!(events.len() == 2 && events[0].contains("\"started\"") && events[1].contains("\"ended\""), "{events:?}");
    assert_eq!(said(&flags, Err(Error::NotRoot)).0, 125);
    assert!(read(&meta).starts_with("status:XX\nmessage:cells are built by root"));
}

#[test]
fn a_plan_is_shown_or_refused_and_nothing_runs() {
    assert_eq!(said(&["--dry-run"], ended(Exit::Code { code: 9 })), (0, String::new()));
    let (code, text) = said(&["--dry-run"], Err(Error::NotRoot));
    assert_eq!((code, text.as_str()), (125, "ironcell: cells are built by root: run ironcell as root, or with sudo\n"));
}
