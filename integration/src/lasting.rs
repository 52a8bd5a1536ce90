//! A supervisor whose jobs outlive it, in a process of its own that a test can kill: `look_lasting`.

use crate::inside::{Running, children};
use crate::support::ironcell_path;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
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
        let mut command = Command::new(ironcell_path().with_file_name("look_lasting"));
        let mut child = command.arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (orders, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut lasting = Self { child, orders, answers: BufReader::new(answers), keeper: None };
        assert_eq!(lasting.line(), "open");
        lasting.keeper = children(lasting.child.id() as i32).first().copied();
        lasting
    }

    /// What it says when it cannot be opened.
    pub fn refused(dir: &Path) -> String {
        let mut command = Command::new(ironcell_path().with_file_name("look_lasting"));
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
