//! `ironcelld` as a process of a test's own, and `ironcell` as its client.

use crate::inside::Running;
use crate::support::ironcell_path;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a daemon may take until it answers, under emulation and load.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long one may take to end with all its jobs, when nobody looks at it any more.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// A daemon with a directory of its own. Ended with its jobs when it is dropped, as by a check that fails.
pub struct Daemon {
    child: Child,
    dir: PathBuf,
}

impl Daemon {
    /// Starts one with its socket and its state in this directory, and waits until it answers. `more` are lines of its
    /// configuration.
    pub fn start(dir: &Path, more: &str) -> Self {
        Self::with_log(dir, more, Stdio::inherit())
    }

    /// The same with its log there.
    pub fn with_log(dir: &Path, more: &str, log: impl Into<Stdio>) -> Self {
        let config = dir.join("ironcelld.toml");
        let (state, socket) = (dir.join("state"), dir.join("d.sock"));
        let text = format!("state_dir = {state:?}\nsocket = {socket:?}\n{more}");
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new(ironcell_path().with_file_name("ironcelld"));
        command.arg("--config").arg(&config).stdin(Stdio::null()).stderr(log);
        // Who is killed drops nothing.
        // SAFETY: between fork and exec this is one plain system call.
        unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?)) };
        let child = command.spawn().expect("it starts");
        let daemon = Self { child, dir: dir.to_owned() };
        let until = Instant::now() + READY_WITHIN;
        while !daemon.ask(&["whoami"]).status.success() {
            assert!(Instant::now() < until, "the daemon does not answer");
            sleep(Duration::from_millis(20));
        }
        daemon
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// `ironcell VERB --host ... WORDS`.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(ironcell_path());
        let host = format!("unix://{}", self.dir.join("d.sock").display());
        command.arg(words[0]).args(["--host", &host]).args(&words[1..]).stdin(Stdio::null());
        command
    }

    /// The same, to its end.
    pub fn ask(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it starts")
    }

    /// The same with a success; what was said.
    pub fn told(&self, words: &[&str]) -> String {
        let output = self.ask(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Starts a job; its id.
    pub fn job(&self, words: &[&str]) -> String {
        let all: Vec<&str> = ["start"].iter().chain(words).copied().collect();
        let said = self.told(&all);
        said.strip_prefix("Started job with ID: ").unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(mut self) {
        Running::signal(self.pid(), libc::SIGKILL);
        self.child.wait().expect("it is gone");
    }

    /// Ends it by SIGTERM, which leaves its jobs.
    pub fn leave(mut self) {
        Running::signal(self.pid(), libc::SIGTERM);
        assert!(self.child.wait().expect("it is gone").success());
    }

    /// Ends all jobs and it.
    pub fn shutdown(mut self) {
        self.told(&["shutdown"]);
        assert!(self.child.wait().expect("it is gone").success());
    }
}

impl Drop for Daemon {
    /// What has been waited for is gone. The other is asked, and killed if that does not help; nobody is left to be told.
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let until = Instant::now() + GONE_WITHIN;
        let asking = self.command(&["shutdown"]).stdout(Stdio::null()).spawn();
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Whom it asked is gone, so it ends.
        let _ = asking.and_then(|mut asking| asking.wait());
    }
}
