//! For tests that look at a cell from both sides: `look` inside of it, and cells that stay while the test looks at them
//! from the host.

use crate::support::{GONE_WITHIN, Host, RUN_WITHIN, Ran, collect, finish, ironcell, ironcell_path};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

/// The flags by which every system call is let through: what is refused then, another wall refuses.
pub fn no_filter() -> [&'static str; 2] {
    static RULES: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(br#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).expect("written");
        file
    });
    ["--seccomp", text(rules.path())]
}

/// What `look` was told: the call, and `ok VALUE` or the errno's name.
pub type Answers = BTreeMap<String, String>;

/// The program that looks around inside, built beside `ironcell`.
pub fn look_path() -> String {
    let path = ironcell_path().with_file_name("look");
    assert!(path.exists(), "{} is not built", path.display());
    path.to_str().expect("a path of ours is text").to_owned()
}

/// `look WORDS` in a cell with these flags.
pub fn look(flags: &[&str], words: &[&str]) -> Answers {
    let bind = format!("{}:/look", look_path());
    let all: Vec<&str> =
        ["run", "--ro", &bind].iter().chain(flags).chain(&["--", "/look"]).chain(words).copied().collect();
    answers(&finish(ironcell(&all)))
}

/// The same outside of any cell: a control, without which a probe that never works would pass for a wall.
pub fn look_outside(words: &[&str]) -> Answers {
    let mut command = Command::new(look_path());
    command.args(words).stdin(Stdio::null());
    answers(&finish(command))
}

/// What a `look` said.
pub(crate) fn answers(ran: &Ran) -> Answers {
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "look itself failed: {ran:?}");
    let pair = |line: &str| line.split_once(' ').map(|(call, answer)| (call.to_owned(), answer.to_owned()));
    let answers: Answers = ran.out.lines().filter_map(pair).collect();
    assert!(!answers.is_empty(), "look said nothing: {ran:?}");
    answers
}

/// A program that runs while the test looks at it, in a cell or not. Its script says one line when it is ready.
pub struct Running {
    child: Kept,
    started: Instant,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    before: Host,
}

/// A child that does not outlive a test that fails.
struct Kept(Option<Child>);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A script that says `ready` and then lives until its standard input ends.
pub const STAYS: &str = "echo ready; read line; exit 0";

impl Running {
    /// `ironcell run FLAGS -- sh -c SCRIPT`, ready.
    pub fn cell(flags: &[&str], script: &str) -> Self {
        let all: Vec<&str> = ["run"].iter().chain(flags).chain(&["--", "sh", "-c", script]).copied().collect();
        Self::start(ironcell(&all))
    }

    /// Any command that says one line and goes on.
    pub fn start(mut command: Command) -> Self {
        let before = Host::now();
        let started = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let stdin = child.stdin.take();
        let lines = lines(child.stdout.take().expect("standard output is a pipe"));
        let running = Self { child: Kept(Some(child)), started, stdin, lines, before };
        match running.lines.recv_timeout(RUN_WITHIN) {
            Ok(_) => running,
            Err(RecvTimeoutError::Disconnected) => panic!("it ended before it was ready: {:?}", running.wait_only().0),
            Err(RecvTimeoutError::Timeout) => panic!("it was not ready after {RUN_WITHIN:?}"),
        }
    }

    /// The next line that it says; empty at its end.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(RUN_WITHIN) {
            Ok(line) => line.trim_end().to_owned(),
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("it said nothing for {RUN_WITHIN:?}"),
        }
    }

    /// Gives it a line.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("its input is open"), "{line}").expect("it reads its input");
    }

    /// The program that was started: `ironcell`, the supervisor.
    pub fn pid(&self) -> i32 {
        self.child.0.as_ref().expect("it is held until its end is waited for").id() as i32
    }

    /// The keeper: the supervisor's only child.
    pub fn keeper(&self) -> i32 {
        one_child(self.pid())
    }

    /// The cell's PID 1 on the host.
    pub fn first(&self) -> i32 {
        one_child(self.keeper())
    }

    /// The target on the host: the first that PID 1 forked, before any orphan became its child.
    pub fn leader(&self) -> i32 {
        let all = children(self.first());
        let leader = all.iter().find(|child| status(**child, "NSpid").split_whitespace().last() == Some("2"));
        *leader.unwrap_or_else(|| panic!("no leader among {all:?}"))
    }

    /// A signal to one of them, or to anybody.
    pub fn signal(pid: i32, signal: i32) {
        // SAFETY: takes two numbers.
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0, "signal {signal} to {pid}: {}", std::io::Error::last_os_error());
    }

    /// Ends its input, waits for its end, and fails the test if anything is left.
    pub fn end(mut self) -> Ran {
        self.stdin = None;
        self.wait()
    }

    /// Waits for its end with its input open, and fails the test if anything is left.
    pub fn wait(self) -> Ran {
        let (ran, before) = self.wait_only();
        before.assert_nothing_left();
        ran
    }

    /// Waits for its end; what was on the host before it began is the caller's to compare.
    pub fn wait_only(self) -> (Ran, Host) {
        let Self { mut child, started, stdin, lines, before } = self;
        let child = child.0.take().expect("it is waited for once");
        let mut ran = collect(child, started);
        drop(stdin);
        loop {
            match lines.recv_timeout(GONE_WITHIN) {
                Ok(line) => ran.out += &line,
                Err(RecvTimeoutError::Disconnected) => return (ran, before),
                Err(RecvTimeoutError::Timeout) => panic!("its output does not end with it: {ran:?}"),
            }
        }
    }
}

/// The lines of a stream, told as they come by a thread that ends with it.
fn lines(stream: ChildStdout) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let read = stream.read_until(b'\n', &mut line);
            let end = line.is_empty() || read.is_err();
            if end || tell.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    told
}

/// A process's field of /proc/PID/status.
pub fn status(pid: i32, field: &str) -> String {
    let text =
        fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_else(|error| panic!("status of {pid}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{field} of {pid} in {text}")).trim().to_owned()
}

/// Whether this test has a capability of root's, by its number: a container's root may lack some.
pub fn has_capability(number: u32) -> bool {
    let set = status(std::process::id() as i32, "CapEff");
    u64::from_str_radix(&set, 16).expect("a set in hexadecimal") & (1 << number) != 0
}

/// Its children.
pub fn children(pid: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parent = |child: i32| {
        // The name in parentheses may hold anything; the state and the parent follow the last one.
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<i32>().ok()
    };
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}

/// Its only child.
fn one_child(pid: i32) -> i32 {
    let all = children(pid);
    assert_eq!(all.len(), 1, "children of {pid}: {all:?}");
    all[0]
}

/// A directory on a file system with id-mapped mounts, that everybody may enter; it belongs to root.
pub fn scratch() -> tempfile::TempDir {
    let place = std::env::var("IRONCELL_SCRATCH").unwrap_or("/var/tmp".to_owned());
    let directory = tempfile::tempdir_in(place).expect("a directory on the scratch disk");
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).expect("its mode is set");
    directory
}

/// A path of ours as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}
