//! A supervisor whose jobs outlive it, in a process of its own that a test can kill: `look_lasting`.

use crate::inside::{Running, children};
use crate::support::ironcell_path;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One such process.
pub struct Lasting {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its keeper, if it started it.
    pub keeper: Option<i32>,
}

impl Lasting {
    /// Opens one in this directory.
    pub fn open(dir: &Path) -> Self {
        Self::open_as(&program(), dir)
    }

    /// The same by this program.
    pub fn open_as(program: &Path, dir: &Path) -> Self {
        // As a daemon does: each of the jobs has descriptors, and each that has ended its spool's lock.
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 1048576; exec \"$0\" \"$1\""]).arg(program);
        let mut child = command.arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (orders, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut lasting = Self { child, orders, answers: BufReader::new(answers), keeper: None };
        assert_eq!(lasting.line(), "open");
        lasting.keeper = children(lasting.child.id() as i32).first().copied();
        lasting
    }

    /// Opens one by this program, which is killed at its n-th call of this name; false when it makes so many not. Whoever
    /// opens it says nothing to it: it ends, and its jobs stay.
    pub fn is_killed_at(program: &Path, dir: &Path, call: &str, count: u32) -> bool {
        let mut strace = Command::new("strace");
        strace.args(["-o", "/dev/null", "-e", &format!("trace={call}")]);
        strace.args(["-e", &format!("inject={call}:signal=KILL:when={count}")]);
        strace.arg(program).arg(dir).stdin(Stdio::null()).stdout(Stdio::null());
        // strace ends as what it traced.
        !strace.status().expect("strace runs").success()
    }

    /// What it says when it cannot be opened.
    pub fn refused(dir: &Path) -> String {
        let mut command = Command::new(program());
        let output = command.arg(dir).stdin(Stdio::null()).output().expect("it starts");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line of text");
        line.trim_end().to_owned()
    }

    /// One order, and its answer.
    pub fn order(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").expect("it reads");
        self.line()
    }

    /// The process id of the first process of a job that is started now.
    pub fn start(&mut self, name: &str, script: &str) -> i32 {
        let answer = self.order(&format!("start {name} {script}"));
        let pid = answer.strip_prefix("started ").and_then(|rest| rest.split(' ').nth(1)).map(str::parse);
        pid.unwrap_or_else(|| panic!("{answer}")).expect("a number")
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(mut self) {
        Running::signal(self.child.id() as i32, libc::SIGKILL);
        self.child.wait().expect("it is gone");
    }

    /// Has it end in good order, its jobs staying as they are.
    pub fn leave(mut self) {
        writeln!(self.orders, "leave").expect("it reads");
        assert!(self.child.wait().expect("it is gone").success());
    }

    /// Ends all jobs and it.
    pub fn shutdown(mut self) {
        assert_eq!(self.order("shutdown"), "left 0");
        drop(self.orders);
        assert!(self.child.wait().expect("it is gone").success());
    }
}

/// The program.
pub fn program() -> PathBuf {
    ironcell_path().with_file_name("look_lasting")
}

/// The same program, and another file: as after an upgrade.
pub fn another_program(at: &Path) -> PathBuf {
    std::fs::copy(program(), at).expect("copied");
    let mut file = std::fs::OpenOptions::new().append(true).open(at).expect("opened");
    // Behind all that the kernel looks at.
    file.write_all(b"another").expect("written");
    at.to_owned()
}
