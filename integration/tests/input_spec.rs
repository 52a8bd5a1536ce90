//! A job's description as a file: what a key does is what its flag does, flags win, and a file that is wrong, hostile or
//! another's is refused in one sentence.

use integration::inside::{scratch, text};
use integration::schema;
use integration::support::{Ran, finish, ironcell, report, run};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use tempfile::TempDir;

const UNTRUSTED: &str = include_str!("../../examples/untrusted.toml");
const COMPILE: &str = include_str!("../../examples/compile.toml");

/// A directory with these files, which nobody but root may write to.
fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = scratch();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
    }
    directory
}

/// `ironcell run --spec FILE ARGS` with this content.
fn run_file(content: &str, args: &[&str]) -> Ran {
    let directory = files(&[("job.toml", content)]);
    run(&[&["--spec", text(&directory.path().join("job.toml"))], args].concat())
}

/// One sentence of ironcell's own with these words, and nothing run.
fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (125, ""), "{ran:?}");
    assert!(ran.err.starts_with("ironcell: ") && ran.err.lines().count() == 1, "not one sentence: {ran:?}");
    assert!(ran.err.len() < 2500, "not short: {} bytes", ran.err.len());
    words.iter().for_each(|word| assert!(ran.err.contains(word), "no {word:?} in {ran:?}"));
}

#[test]
fn each_key_plans_what_its_flag_plans() {
    let rules = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
    let directory = files(&[("rules.json", rules), ("vars", "A=1\nB=2\n")]);
    let (rules, vars) = (text(&directory.path().join("rules.json")).to_owned(), directory.path().join("vars"));
    let table: &[(&str, &[&str])] = &[
        ("memory = '64M'", &["--memory", "64M"]),
        ("memory = 67108864", &["--memory", "64M"]),
        ("memory_high = '5%'", &["--memory-high", "5%"]),
        ("swap = '1M'", &["--swap", "1M"]),
        ("cpus = 0.5", &["--cpus", "0.5"]),
        ("cpu_weight = 7", &["--cpu-weight", "7"]),
        ("cpuset = 0", &["--cpuset", "0"]),
        ("pids = 9", &["--pids", "9"]),
        ("io_max = ['/var/tmp:rbps=1M']", &["--io-max", "/var/tmp:rbps=1M"]),
        ("rlimit = { nofile = 9, core = 0 }", &["--rlimit", "nofile=9", "--rlimit", "core=0"]),
        ("[cgroup]\n'memory.low' = '1M'", &["--cgroup", "memory.low=1M"]),
        (
            "time = '5s'\ncpu_time = 4\nidle = 3.5\ngrace = 0",
            &["--time", "5", "--cpu-time", "4", "--idle", "3.5", "--grace", "0"],
        ),
        ("rootfs = '/'", &["--rootfs", "/"]),
        (
            "mounts = [{ tmpfs = '/a:1M' }, { ro = '/srv:/a/b' }, { rw = '/var/tmp:/c' }]",
            &["--tmpfs", "/a:1M", "--ro", "/srv:/a/b", "--rw", "/var/tmp:/c"],
        ),
        ("cwd = '/tmp'", &["--cwd", "/tmp"]),
        ("net = 'host'", &["--net", "host"]),
        ("profile = 'build'", &["--profile", "build"]),
        (&format!("seccomp = '{rules}'"), &["--seccomp", &rules]),
        ("seccomp = { defaultAction = 'SCMP_ACT_ALLOW' }", &["--seccomp", &rules]),
        ("env_from = 'none'", &["--env-from", "none"]),
        ("env_from = 'caller'", &["--env-from", "caller"]),
        ("env = { A = '1', B = 'x=y' }", &["-E", "A=1", "--env", "B=x=y"]),
        ("env = ['PATH', 'A=']", &["-E", "PATH", "-E", "A="]),
        (&format!("env_file = ['{}']\nenv = ['B=3']", text(&vars)), &["--env-file", text(&vars), "-E", "B=3"]),
        (
            "hostname = 'h'\nuser = '5:6'\nname = 'n'\nlabel = { k = 'v' }",
            &["--hostname", "h", "--user", "5:6", "--name", "n", "--label", "k=v"],
        ),
    ];
    let bare = run(&["--dry-run", "--", "true"]);
    for (content, flags) in table {
        let by_file = run_file(content, &["--dry-run", "--", "true"]);
        let by_flag = run(&[flags, &["--dry-run", "--", "true"][..]].concat());
        assert_eq!((by_flag.code, by_flag.err.as_str()), (0, ""), "{flags:?}: {by_flag:?}");
        assert_eq!((by_file.code, &by_file.out), (0, &by_flag.out), "{content}: {by_file:?}");
        // What is only for reports is in no plan.
        assert!(by_file.out != bare.out || content.contains("time"), "{content} changes nothing");
    }
}

#[test]
fn a_file_describes_a_whole_job_and_flags_win_over_it() {
    let file = "shell = 'echo $A $B $C; hostname; ulimit -n'\nhostname = 'file'\nrlimit = { nofile = 99 }\n\
                [env]\nA = 'file'\nB = 'file'";
    let ran = run_file(file, &[]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "file file\nfile\n99\n", ""), "{ran:?}");
    let ran = run_file(file, &["--hostname", "flag", "-E", "B=flag", "-E", "C=flag"]);
    assert_eq!(ran.out, "file flag flag\nflag\n99\n", "{ran:?}");
    assert_eq!(run_file(file, &["--", "printf", "%s", "$A"]).out, "$A", "a command takes the place of the file's");
    let json = r#" {"argv": ["printf", "%s|", {"hex": "c3a9ff"}, "--spec"]}"#;
    assert_eq!(run_file(json, &[]).out, "é\u{fffd}|--spec|");
}

#[test]
fn relative_paths_begin_at_the_file_that_has_them() {
    let directory = files(&[
        ("base.toml", "mounts = [{ ro = 'shown:/shown' }]\nenv_file = ['vars']\nargv = ['false']\npids = 9"),
        ("vars", "A=1\n"),
        (
            "job.toml",
            "extends = './base.toml'\nargv = ['sh', '-c', 'ls /shown; echo $A; cat /sys/fs/cgroup/pids.max']\npids = 8",
        ),
    ]);
    fs::create_dir(directory.path().join("shown")).expect("made");
    fs::write(directory.path().join("shown/file"), "").expect("written");
    let mut command = ironcell(&["run", "--spec", text(&directory.path().join("job.toml"))]);
    command.current_dir("/");
    let ran = finish(command);
    assert!(ran.out.starts_with("file\n1\n"), "{ran:?}");
}

#[test]
fn what_a_file_relaxes_is_in_the_report_as_if_by_flags() {
    let content = "argv = ['true']\nnet = 'host'\nprofile = 'build'\npids = 'max'\nenv_from = 'caller'\n\
                   mounts = [{ rw = '/var/tmp:/out' }]\nname = 'n'\nlabel = ['k=v']";
    let directory = files(&[("job.toml", "extends = 'weak.toml'"), ("weak.toml", content)]);
    let (ran, report) = report(&["--spec", text(&directory.path().join("job.toml"))]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let relaxed: Vec<&str> =
        report["walls"]["relaxed"].as_array().expect("a list").iter().filter_map(|one| one["flag"].as_str()).collect();
    for flag in ["--net host", "--profile build", "--pids max", "--env-from caller", "--rw /var/tmp"] {
        assert!(relaxed.contains(&flag), "no {flag} in {relaxed:?}");
    }
    assert_eq!((report["name"].as_str(), report["labels"]["k"].as_str()), (Some("n"), Some("v")));
    assert_eq!(report["command"][0].as_str(), Some("true"));
}

#[test]
fn a_file_without_meaning_is_refused_by_line_key_and_value() {
    let table: &[(&str, &[&str])] = &[
        ("\nmemory = '12Q'", &["job.toml:2:10: memory", "12Q", "512M"]),
        ("memory = 12Q", &["job.toml:1:", "TOML", "ironcell schema spec"]),
        ("{\"memory\": 12Q}", &["job.toml:1:", "JSON"]),
        ("memory_max = 1", &["memory_max", "write memory"]),
        ("mounts = [{ ro = '/a:/b:/c' }]", &["mounts[0].ro", "/a:/b:/c"]),
        ("rlimit = { files = 3 }", &["rlimit.files", "nofile"]),
        ("time = 0", &["job.toml:1:8: time", "30s"]),
        ("seccomp = 'gone.json'", &["seccomp", "gone.json"]),
        ("extends = 'gone.toml'", &["extends", "gone.toml", "cannot be read"]),
        ("extends = 'job.toml'", &["job.toml:1:11: extends", "extends itself", "job.toml -> "]),
        ("extends = '/dev/zero'", &["/dev/zero", "neither a file nor a pipe"]),
        ("extends = '/'", &["extends", "neither a file nor a pipe"]),
    ];
    for (content, words) in table {
        refused(&run_file(content, &["--", "true"]), words);
    }
    refused(&run_file("memory = '64M'", &[]), &["argv[0]", "no program"]);
    refused(&run(&["--spec", "/no/such", "--", "true"]), &["--spec", "/no/such"]);
    refused(&run(&["--spec", "/dev/zero", "--", "true"]), &["--spec", "/dev/zero"]);
}

#[test]
fn a_file_can_have_the_output_written_to_a_log_file_as_well_and_give_the_job_a_terminal() {
    let directory = scratch();
    let log = directory.path().join("log");
    let content = format!("shell = 'echo one; echo two >&2; exit 3'\nlog_file = '{}'\n", text(&log));
    let ran = run_file(&content, &[]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "one\n", "two\n"), "{ran:?}");
    let mut lines: Vec<String> = fs::read_to_string(&log).expect("a log").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["one", "two"], "both streams, in the order in which they were read");
    let ran = run_file("argv = ['stty', 'size']\nterminal = '33x44'\n", &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "33 44\r\n"), "{ran:?}");
    refused(&run_file("argv = ['true']\nspool = '1M'\n", &[]), &["spool"]);
}

#[test]
fn hostile_bytes_are_a_refusal_in_bounds() {
    let refuse = |content: &[u8]| {
        let directory = files(&[("job.toml", "")]);
        fs::write(directory.path().join("job.toml"), content).expect("written");
        refused(&run(&["--spec", text(&directory.path().join("job.toml")), "--", "true"]), &["job.toml"]);
    };
    refuse(b"\xff\xfe\x00\x01");
    refuse(&[0; 4096]);
    refuse(&fs::read("/proc/self/exe").expect("a program")[..1 << 20]);
    refuse(&[b'#'; 300_000]);
    refuse(&[b'#'; 2 << 20]);
    refuse(format!("argv = {}", "[".repeat(100_000)).as_bytes());
    refuse(format!("{{\"argv\": {}", "[".repeat(100_000)).as_bytes());
    refuse(format!("argv = {}{}", "[".repeat(50), "]".repeat(50)).as_bytes());
    refuse(format!("{}x = 1", "a.".repeat(50_000)).as_bytes());
    refuse(br#"env = ["A=a\u0000"]"#);
    refuse("[env]\n".to_owned().repeat(1000).as_bytes());
}

#[test]
fn a_file_that_another_could_have_written_is_refused_by_root() {
    let directory = files(&[("job.toml", "extends = 'base.toml'"), ("base.toml", "argv = ['echo', 'ran']")]);
    let (job, base) = (directory.path().join("job.toml"), directory.path().join("base.toml"));
    let start = || run(&["--spec", text(&job)]);
    assert_eq!(start().out, "ran\n", "the control");
    for file in [&job, &base] {
        for mode in [0o664, 0o646, 0o666] {
            fs::set_permissions(file, Permissions::from_mode(mode)).expect("set");
            refused(&start(), &["others than its owner may write to it", "chmod go-w"]);
        }
        fs::set_permissions(file, Permissions::from_mode(0o644)).expect("set");
        chown(file, Some(1000), None).expect("given away");
        refused(&start(), &["it belongs to user 1000", "chown"]);
        let by_sudo = |person: &str| {
            let mut command = ironcell(&["run", "--spec", text(&job)]);
            command.env("SUDO_UID", person);
            finish(command)
        };
        assert_eq!(by_sudo("1000").out, "ran\n", "it is the caller's own");
        refused(&by_sudo("1001"), &["it belongs to user 1000"]);
        chown(file, Some(0), None).expect("taken back");
    }
    let link = directory.path().join("link.toml");
    let theirs = files(&[("theirs.toml", "argv = ['true']")]);
    chown(theirs.path().join("theirs.toml"), Some(1000), None).expect("given away");
    std::os::unix::fs::symlink(theirs.path().join("theirs.toml"), &link).expect("linked");
    refused(&run(&["--spec", text(&link)]), &["it belongs to user 1000"]);
}

/// A description as the schema sees it.
fn value(content: &str) -> serde_json::Value {
    toml::from_str(content).expect("TOML")
}

#[test]
fn the_examples_are_as_the_schema_says_and_run() {
    let printed = finish(ironcell(&["schema", "spec"])).out;
    let schema: serde_json::Value = serde_json::from_str(&printed).expect("the schema is JSON");
    for example in [UNTRUSTED, COMPILE] {
        let breaches = schema::breaches(&schema, &value(example));
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
    for wrong in ["memry = 1", "net = 'bridge'", "mounts = [{ ro = '/a', rw = '/b' }]", "argv = 'a'", "rootfs_rw = 1"] {
        assert!(!schema::breaches(&schema, &value(wrong)).is_empty(), "{wrong}");
        refused(&run_file(wrong, &["--", "true"]), &["job.toml"]);
    }
    let directory = files(&[("untrusted.toml", UNTRUSTED), ("compile.toml", COMPILE)]);
    let place = |name: &str| text(&directory.path().join(name)).to_owned();
    let untrusted = run(&["--spec", &place("untrusted.toml"), "--", "python3", "-c", "print(6 * 7)"]);
    assert_eq!((untrusted.code, untrusted.out.as_str(), untrusted.err.as_str()), (0, "42\n", ""), "{untrusted:?}");
    let (compiled, report) = report(&["--spec", &place("compile.toml")]);
    assert_eq!((compiled.code, compiled.err.as_str()), (42, ""), "{compiled:?}");
    assert_eq!(
        (report["labels"]["kind"].as_str(), report["walls"]["profile"].as_str()),
        (Some("build"), Some("default"))
    );
}

#[test]
fn what_the_library_writes_is_as_the_schema_says() {
    use ironcell::spec::{JobSpec, file};
    let schema: serde_json::Value = serde_json::from_str(file::SCHEMA).expect("JSON");
    let mut job = JobSpec::command("a").arg("\u{7f}\"\\").time(std::time::Duration::from_millis(1500)).label("k", "v");
    job = job.cwd(Path::new("/é"));
    let job = job.build().expect("a job");
    let written = serde_json::from_str(&job.to_json()).expect("JSON");
    assert_eq!(schema::breaches(&schema, &written), [""; 0]);
    assert_eq!(schema::breaches(&schema, &value(&job.to_toml())), [""; 0]);
    assert_eq!(value(&job.to_toml()), written);
}
