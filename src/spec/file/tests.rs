//! Descriptions as files: what each key means, what is refused and how, and that reading survives anything.

mod extended;
pub(crate) mod round;

use super::*;
use crate::spec::words::By;
use crate::spec::{
    Access, CgroupFile, CpuMax, Env, IoTarget, Keep, LogFile, MemoryLimit, MountSpec, Net, OnDrop, Overflow, PidsLimit,
    Profile, Resource, Restart, Root, Store, User, Window,
};
use proptest::prelude::*;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Every key that a text without a file can have, but `shell`.
const FULL: &str = r#"
# A comment.
argv = ["make", "-j2", { hex = "fFfe" }]
memory = "64M"
memory_high = "50%"
swap = 0
cpus = 1.5
cpu_weight = 50
cpuset = "3,0-1"
io_max = ["/data:rbps=1K", "8:0:wiops=3"]
io_weight = 7
pids = 64
time = 00:01:30
cpu_time = "1min"
idle = 2.5
grace = 0
rootfs = "/srv/root"
rootfs_rw = true
mounts = [{ tmpfs = "/a:1M" }, { rw = "/out:/a/out" }, { ro = { hex = "2fff" } }]
cwd = "/a"
cgroup_parent = "/a.slice/b"
net = "host"
profile = "build"
env_from = "none"
hostname = "box"
user = "5:6"
name = "n"
log_max = "1M"
overflow = "block"
output_limit = "2M"
terminal = "3x4"
on_drop = "detach"
spool = "1G"
spool_keep = true
log_dir = "/var/log/jobs"

[rlimit]
nofile = "9:10"
core = 0
[cgroup]
"memory.low" = "1M"
[env]
B = "2"
A = { hex = "fe" }
[label]
team = "x=y"
"#;

fn toml(text: &str) -> JobSpec {
    JobSpec::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    JobSpec::from_toml(text).expect_err(text).to_string()
}

#[test]
fn every_key_is_read_as_its_flag_is() {
    let job = toml(FULL);
    assert_eq!(job.argv(), [OsStr::new("make"), OsStr::new("-j2"), OsStr::from_bytes(b"\xff\xfe")]);
    let limits = job.limits();
    assert_eq!(limits.memory_max, Some(MemoryLimit::Bytes(64 << 20)));
    assert_eq!(limits.memory_high, Some(MemoryLimit::HostShare(5000)));
    assert_eq!((limits.memory_swap_max, limits.cpu_max), (Some(MemoryLimit::Bytes(0)), Some(CpuMax::Millis(1500))));
    assert_eq!((limits.cpu_weight, limits.io_weight, limits.pids_max), (Some(50), Some(7), Some(PidsLimit::Count(64))));
    assert_eq!((limits.cpuset_cpus.as_deref(), limits.io_max.len()), (Some("0-1,3"), 2));
    assert_eq!(limits.io_max[1].target, IoTarget::Number { major: 8, minor: 0 });
    let resources: Vec<Resource> = limits.rlimits.iter().map(|limit| limit.resource).collect();
    assert_eq!(resources, [Resource::Nofile, Resource::Core]);
    assert_eq!(limits.cgroup_files, [CgroupFile::new("memory.low", "1M").expect("a file")]);
    let times = [job.time(), job.cpu_time(), job.idle(), Some(job.grace())];
    assert_eq!(times.map(|time| time.map(|time| time.as_millis())), [Some(90_000), Some(60_000), Some(2500), Some(0)]);
    let walls = job.isolation();
    assert_eq!(walls.root, Root::Dir { path: "/srv/root".into(), access: Access::ReadWrite });
    assert!(matches!(
        &walls.mounts[..],
        [MountSpec::Tmpfs { .. }, MountSpec::Bind { access: Access::ReadWrite, .. }, _]
    ));
    assert!(matches!(&walls.mounts[2], MountSpec::Bind { source, .. } if source.as_os_str().as_bytes() == b"/\xff"));
    assert_eq!((walls.net, walls.profile, walls.hostname.as_str()), (Net::Host, Profile::Build, "box"));
    assert_eq!(Some(walls.user), User::new(5, 6).ok());
    let env: Vec<(&OsStr, &OsStr)> = job.env().iter().collect();
    assert_eq!(env, [(OsStr::new("B"), OsStr::new("2")), (OsStr::new("A"), OsStr::from_bytes(b"\xfe"))]);
    assert_eq!((job.name(), job.labels()["team"].as_str(), job.log_max()), (Some("n"), "x=y", 1 << 20));
    assert_eq!((job.overflow(), job.output_limit(), job.on_drop()), (Overflow::Block, Some(2 << 20), OnDrop::Detach));
    assert_eq!(job.terminal(), Some(Window { rows: 3, columns: 4 }));
    assert_eq!(job.store(), Store::Spool { max: 1 << 30, keep: Keep::Always });
    assert_eq!(job.log_file(), Some(&LogFile::In("/var/log/jobs".into())));
    assert_eq!(job.cwd(), Some(Path::new("/a")));
    assert_eq!(job.cgroup_parent(), Some(Path::new("/a.slice/b")));
}

#[test]
fn json_says_the_same_with_the_same_keys() {
    let json = r#"{"argv": ["true"], "cpus": 1.5, "memory": 67108864, "rlimit": {"core": 0}, "env": ["A=1"]}"#;
    let text = "argv = ['true']\ncpus = '1.5'\nmemory = 67_108_864\nrlimit = ['core=0']\n[env]\nA = '1'";
    assert_eq!(JobSpec::from_json(json), Ok(toml(text)));
}

#[test]
fn a_line_for_a_shell_is_handed_to_it_whole() {
    assert_eq!(toml("shell = 'a | b'"), JobSpec::shell("a | b").build().expect("a job"));
    let other = toml("shell = { program = '/bin/bash', script = 'a' }");
    assert_eq!(other.argv(), ["/bin/bash", "-c", "a"]);
    assert!(refused("shell = '-x'").contains("TOML:1:9: shell"), "{}", refused("shell = '-x'"));
    assert!(refused("shell = 'a'\nargv = ['b']").contains("two commands"));
}

#[test]
fn a_refusal_names_line_column_key_value_and_the_way_out() {
    for (text, parts) in [
        ("argv = ['a']\n\n  memory = '12Q'", &["TOML:3:12: memory is \"12Q\": unknown unit Q; write bytes"][..]),
        ("memory = 512", &["TOML:1:10: memory is \"512\"", "write 512M"]),
        ("cpus = 0x10", &["cpus is \"base 16 10\""]),
        ("cpus = nan", &["cpus is \"nan\": not a number"]),
        ("memory = true", &["memory is \"true\": it is true or false; write a text"]),
        ("memory-high = 1", &["memory-high is \"1\": there is no such key; write memory_high"]),
        ("pids_max = 1", &["write pids"]),
        ("frobnicate = 1", &["the keys are extends, argv, shell"]),
        ("rlimit = { nofile = '9:3' }", &["TOML:1:21: rlimit.nofile is \"nofile=9:3\"", "above the hard one"]),
        ("mounts = [{ ro = '/a' }, { rw = '/x:y' }]", &["TOML:1:33: mounts[1].rw is", "not absolute"]),
        ("mounts = ['/a']", &["mounts[0] is \"/a\"", "{ ro = "]),
        ("mounts = [{ ro = '/a', rw = '/b' }]", &["not one mount"]),
        ("rootfs = 'here'", &["rootfs is \"here\": it is relative"]),
        ("rootfs_rw = true", &["rootfs_rw is", "name its --rootfs"]),
        ("argv = []", &["argv[0] is \"\": there is no program"]),
        ("", &["argv[0]"]),
        ("argv = ['a', { hex = 'f' }]", &["TOML:1:14: argv[1]", "pairs of hexadecimal digits"]),
        ("argv = ['a', \"b\\u0000\"]", &["TOML:1:14: argv[1] is", "NUL"]),
        ("argv = ['a']\ntime = 0", &["TOML:2:8: time is \"0\": a job needs time"]),
        ("argv = ['a']\nlabel = { x = '1', 'a b' = '2' }", &["TOML:2:28: label.a b is", "not a name"]),
        ("argv = ['a']\nname = ''", &["TOML:2:8: name is"]),
        ("env = ['LANG']", &["TOML:1:8: env[0] is \"LANG\": there is no such variable"]),
        ("env = { 'a=b' = '1' }", &["env.a=b", "first ="]),
        ("env_from = 'caller'", &["env_from is \"caller\": nobody"]),
        ("env_from = 'all'", &["write default, none, caller"]),
        ("env_file = ['/etc/environment']", &["env_file[0]", "a text without a file names no file"]),
        ("seccomp = '/rules.json'", &["seccomp is", "a text without a file names no file"]),
        ("seccomp = { defaultAction = 'X' }", &["seccomp is", "unknown variant `X`"]),
        ("extends = 'base.toml'", &["TOML:1:11: extends is \"base.toml\": a text without a file extends none"]),
        ("memory = 12Q", &["TOML:1:", "is \"memory = 12Q\"", "write TOML; `ironcell schema spec`"]),
        ("memory = 1\nmemory = 2", &["TOML:2:1 is \"memory = 2\": duplicate key"]),
    ] {
        let said = refused(text);
        parts.iter().for_each(|part| assert!(said.contains(part), "{text}: no {part:?} in {said}"));
    }
}

#[test]
fn json_that_is_none_is_refused_with_its_line() {
    for (text, part) in [
        ("{\n \"argv\": [\"a\",]}", "JSON:2:15 is \"\\\"argv\\\": [\\\"a\\\",]}\": trailing comma"),
        ("{\"pids\": 1, \"pids\": 2}", "duplicate key \"pids\""),
        ("[1]", "it is a list, not a table"),
        ("", "EOF while parsing"),
        ("{\"memory\": null}", "JSON: memory is \"null\": it is null"),
    ] {
        let said = JobSpec::from_json(text).expect_err(text).to_string();
        assert!(said.contains(part), "{text}: {said}");
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    let long = format!("name = '{}'", "a".repeat(MOST_BYTES));
    assert!(refused(&long).contains("at most 262144"), "{}", refused(&long));
    for depth in [MOST_DEPTH, 60, 10_000] {
        let nested = format!("argv = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(refused(&nested).len() < 600, "{depth}");
        let nested = format!("{{\"argv\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(JobSpec::from_json(&nested).is_err(), "{depth}");
    }
    // Tables of dotted keys in tables of dotted keys, which the parser counts one by one.
    let dotted = (0..75).fold("a = 1".to_owned(), |inner, _| format!("a{} = {{ {inner} }}", ".a".repeat(75)));
    assert!(refused(&dotted).contains("within each other"), "{}", refused(&dotted));
    let just = format!("seccomp = {}{}", "[".repeat(MOST_DEPTH - 1), "]".repeat(MOST_DEPTH - 1));
    assert!(!refused(&just).contains("within each other"), "the control");
}

#[test]
fn the_schema_describes_every_key_and_nothing_else() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("json");
    let described = schema["properties"].as_object().expect("properties");
    assert_eq!(schema["additionalProperties"], false);
    for key in KEYS {
        let text = described.get(key.name).and_then(|key| key["description"].as_str());
        assert!(text.is_some_and(|text| text.ends_with('.')), "describe {} in spec.schema.json", key.name);
    }
    assert_eq!(described.len(), KEYS.len(), "a key that is not read");
    let words = |key: &str| described[key]["enum"].as_array().expect("words").clone();
    assert_eq!(words("profile"), Profile::ALL.map(Profile::word));
    assert_eq!(words("net"), [Net::None, Net::Host].map(Net::word));
    assert_eq!(words("overflow"), Overflow::ALL.map(Overflow::word));
    assert_eq!(words("on_drop"), OnDrop::ALL.map(OnDrop::word));
    assert_eq!(words("restart"), Restart::ALL.map(Restart::word));
    assert_eq!(words("env_from"), crate::spec::words::ENV_FROM);
}

/// Lines that look like descriptions, with the mistakes of a person and of an enemy.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(KEYS.map(|key| key.name).to_vec());
    let value = prop_oneof![
        "[ -~]{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', ""))),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        Just("true".to_owned()),
        Just("['a=b', 'c', 1, { hex = 'ff' }]".to_owned()),
        Just("[{ ro = '/a' }, { tmpfs = '/b' }]".to_owned()),
        Just("{ nofile = 3, 'memory.low' = '1M', hex = '0', script = 1 }".to_owned()),
        ".{0,20}",
    ];
    (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"))
}

proptest! {
    #[test]
    fn no_bytes_and_no_lines_break_the_reader(text in ".*", lines in prop::collection::vec(line(), 0..12)) {
        let _ = JobSpec::from_toml(&text);
        let _ = JobSpec::from_json(&text);
        let _ = JobSpec::from_toml(&lines.concat());
    }
}
