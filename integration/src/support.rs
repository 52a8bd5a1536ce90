//! What every test in the VM needs: to run `ironcell` for real, to look at the host before and after, and to say what is
//! left that was not there.

use crate::schema;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A run that takes longer is a hang: the longest test waits ten seconds, under emulation and load a few times that.
pub const RUN_WITHIN: Duration = Duration::from_secs(120);
/// What is on its way out (a keeper, a network namespace's last process) may take so long to be gone.
pub const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How often a test looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The program under test: `IRONCELL_BIN`, or the one that was built beside this test.
pub fn ironcell_path() -> PathBuf {
    if let Some(path) = std::env::var_os("IRONCELL_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().expect("a test knows its own path");
    own.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("ironcell")
}

/// An example that was built beside this test, as a command.
pub fn example(name: &str) -> Command {
    let own = std::env::current_exe().expect("a test knows its own path");
    // As in `target/PROFILE`, where tests are in `deps`, so in the guest, where they are in `tests`.
    let mut command = Command::new(own.ancestors().nth(2).expect("two directories").join("examples").join(name));
    command.stdin(Stdio::null());
    command
}

/// A command that begins with `ironcell`.
pub fn ironcell(args: &[&str]) -> Command {
    let mut command = Command::new(ironcell_path());
    command.args(args).stdin(Stdio::null());
    command
}

/// What a finished command left to look at.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `128 + n` when signal n ended ironcell itself.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How long it took.
    pub took: Duration,
}

/// `ironcell run ARGS`, to its end; fails the test when it hangs or leaves anything behind.
pub fn run(args: &[&str]) -> Ran {
    let all: Vec<&str> = ["run"].iter().chain(args).copied().collect();
    finish(ironcell(&all))
}

/// The same with a report, parsed; fails the test when the report is not as `ironcell schema` says.
pub fn report(args: &[&str]) -> (Ran, serde_json::Value) {
    let directory = tempfile::tempdir().expect("a directory for the report");
    let path = directory.path().join("report.json");
    let text = path.to_str().expect("a path of ours is text");
    let all: Vec<&str> = ["run", "--report", text].iter().chain(args).copied().collect();
    let ran = finish(ironcell(&all));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("no report ({error}) of {ran:?}"));
    let value =
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("no JSON ({error}) in the report of {ran:?}"));
    let breaches = schema::breaches(reports_schema(), &value);
    assert!(breaches.is_empty(), "{breaches:#?} in {value:#}");
    (ran, value)
}

/// The schema as `ironcell schema` prints it.
pub fn reports_schema() -> &'static serde_json::Value {
    static SCHEMA: OnceLock<serde_json::Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let printed = ironcell(&["schema"]).output().expect("ironcell schema runs");
        serde_json::from_slice(&printed.stdout).expect("the schema is JSON")
    })
}

/// Any command to its end, with the check for leftovers.
pub fn finish(mut command: Command) -> Ran {
    let before = Host::now();
    let started = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let ran = collect(child, started);
    before.assert_nothing_left();
    ran
}

/// Reads both streams to their end and waits; kills what hangs.
pub fn collect(mut child: Child, started: Instant) -> Ran {
    let out = drain(child.stdout.take());
    let err = drain(child.stderr.take());
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child of ours can be waited for") {
            break status;
        }
        if started.elapsed() > RUN_WITHIN {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the command still ran after {RUN_WITHIN:?}");
        }
        thread::sleep(LOOK_AGAIN / 4);
    };
    let took = started.elapsed();
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().unwrap_or_else(|| 128 + signal.unwrap_or(0));
    Ran { code, out: text(&out), err: text(&err), took }
}

/// A thread that reads a stream to its end, and tells all that there was.
fn drain(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        // A test that has failed meanwhile does not listen any more.
        let _ = tell.send(bytes);
    });
    told
}

/// What was read, as text. A process that is left and holds the stream open would hold the test up for ever.
fn text(bytes: &mpsc::Receiver<Vec<u8>>) -> String {
    let bytes = bytes.recv_timeout(GONE_WITHIN).expect("its output ends with it");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The lane that this test runs in: `bare`, `systemd`, `next`, or nothing outside of the VM.
pub fn lane() -> String {
    std::env::var("IRONCELL_LANE").unwrap_or_default()
}

/// How often a test of races and of chance is repeated: `IRONCELL_ROUNDS`, or as often as every change can afford.
pub fn rounds(usual: u32) -> u32 {
    let asked = std::env::var("IRONCELL_ROUNDS").ok();
    asked.map_or(usual, |rounds| rounds.parse().expect("IRONCELL_ROUNDS is a number"))
}

/// Where cgroup v2 is mounted.
pub fn cgroup_mount() -> PathBuf {
    let unified = Path::new("/sys/fs/cgroup/unified");
    if unified.is_dir() { unified.to_owned() } else { PathBuf::from("/sys/fs/cgroup") }
}

/// What is on the host that ironcell could leave behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// Every cgroup.
    pub cgroups: BTreeSet<PathBuf>,
    /// The mount table, line by line, less the ids that count up.
    pub mounts: BTreeSet<String>,
    /// Processes that belong to cells or to ironcell.
    pub processes: BTreeSet<String>,
    /// Files in places that ironcell could write to.
    pub files: BTreeSet<PathBuf>,
}

impl Host {
    /// As it is now.
    pub fn now() -> Self {
        Self { cgroups: cgroups(), mounts: mounts(), processes: processes(), files: files() }
    }

    /// Fails the test with what is there now and was not there before.
    pub fn assert_nothing_left(&self) {
        let until = Instant::now() + GONE_WITHIN;
        loop {
            let now = Self::now();
            let left = now.beyond(self);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "left behind: {left:#?}");
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// What is here and not there.
    fn beyond(&self, before: &Self) -> Vec<String> {
        let mut left = Vec::new();
        left.extend(self.cgroups.difference(&before.cgroups).map(|path| format!("cgroup {}", path.display())));
        left.extend(self.mounts.difference(&before.mounts).map(|line| format!("mount {line}")));
        left.extend(self.processes.difference(&before.processes).map(|line| format!("process {line}")));
        left.extend(self.files.difference(&before.files).map(|path| format!("file {}", path.display())));
        left
    }
}

/// Every cgroup of the v2 hierarchy, but what systemd makes and unmakes of its own accord.
fn cgroups() -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let mut rest = vec![cgroup_mount()];
    while let Some(directory) = rest.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            if entry.path().to_string_lossy().contains("ironcell") && !is_systemds(&entry.path()) {
                all.insert(entry.path());
            }
            rest.push(entry.path());
        }
    }
    all
}

/// A scope that systemd was asked for is systemd's to unmake, when it gets to it; with it goes the leaf that held the
/// supervisor. What ironcell makes below is not spared.
fn is_systemds(cgroup: &Path) -> bool {
    let is_scope = |path: &Path| path.extension().is_some_and(|extension| extension == "scope");
    is_scope(cgroup) || (cgroup.ends_with("supervisor") && cgroup.parent().is_some_and(is_scope))
}

/// The mounts of this namespace: root, mount point, options and type.
fn mounts() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("the mount table");
    table.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).map(str::to_owned).collect()
}

/// Processes that are named ironcell, or whose user id is one of a cell's.
fn processes() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim().to_owned();
        let uid: u32 = field("Uid:").split_whitespace().next().and_then(|uid| uid.parse().ok()).unwrap_or(0);
        let name = field("Name:");
        // One that has ended and waits for the host's own PID 1 to notice is nobody's but that one's.
        let ended = field("State:").starts_with('Z') && field("PPid:") == "1";
        if !ended && (uid >= 0x7000_0000 || name.starts_with("ironcell")) {
            // Without its state, which changes by itself: a process that was there before is not one that was left.
            all.insert(format!("{} {name} uid {uid}", entry.file_name().to_string_lossy()));
        }
    }
    all
}

/// Files where a careless program leaves some. `/run/ironcell/cell-ids` is made once and stays, empty, by design.
fn files() -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for place in ["/run/ironcell", "/var/tmp", "/dev/shm", "/"] {
        let Ok(entries) = fs::read_dir(place) else { continue };
        all.extend(
            entries.flatten().map(|entry| entry.path()).filter(|path| path != Path::new("/run/ironcell/cell-ids")),
        );
    }
    all
}
