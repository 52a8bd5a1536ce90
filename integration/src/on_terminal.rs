//! A command on a terminal, as a person has it: keys are typed, what is shown is read, and its settings are looked at.

use crate::support::{GONE_WITHIN, Host, RUN_WITHIN, ironcell_path};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a test looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A terminal and the shell line on it, in a session of its own.
pub struct OnTerminal {
    master: File,
    /// Held, or the terminal would be gone with the last process that has it.
    peer: OwnedFd,
    child: Child,
    shown: Receiver<Vec<u8>>,
    /// All that was shown.
    pub all: String,
    before: Host,
}

impl OnTerminal {
    /// `sh -c LINE` on a terminal of this size, in which `$I` is `ironcell run`.
    pub fn start(line: &str, (rows, columns): (u16, u16)) -> Self {
        let before = Host::now();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal");
        let peer = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let peer = peer.expect("its other side");
        let mut terminal = Self {
            child: spawn(line, &peer),
            shown: shown(&master),
            master: master.into(),
            peer,
            all: String::new(),
            before,
        };
        terminal.resize((rows, columns));
        terminal.until("begun\r\n");
        terminal.type_keys("\n");
        terminal
    }

    /// Changes its size.
    pub fn resize(&mut self, (rows, columns): (u16, u16)) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).expect("resized");
    }

    /// Types.
    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("typed");
    }

    /// Reads until this was shown.
    pub fn until(&mut self, text: &str) {
        let until = Instant::now() + RUN_WITHIN;
        while !self.all.contains(text) {
            match self.shown.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.all.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{text:?} was not shown ({error}): {:?}", self.all),
            }
        }
    }

    /// Its settings, in words that can be compared.
    pub fn settings(&self) -> String {
        let Termios { input_modes, output_modes, control_modes, local_modes, .. } =
            tcgetattr(&self.peer).expect("a terminal");
        format!("{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?}")
    }

    /// Waits for the end of the line: its exit code. Fails the test when anything is left behind.
    pub fn end(&mut self) -> i32 {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            if started.elapsed() > RUN_WITHIN {
                let _ = self.child.kill();
                panic!("it still runs after {RUN_WITHIN:?}: {:?}", self.all);
            }
            thread::sleep(LOOK_AGAIN);
        };
        // What it has written is shown at once; more does not come.
        while let Ok(bytes) = self.shown.recv_timeout(GONE_WITHIN / 20) {
            self.all.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.before.assert_nothing_left();
        status.code().expect("an exit code")
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line, with the terminal as its controlling one. It waits for a key, so that all is ready when it begins.
fn spawn(line: &str, peer: &OwnedFd) -> Child {
    let side = || peer.try_clone().expect("a descriptor");
    let line = format!("echo begun; read ready; {line}");
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "sh", "-c", &line]).env("I", format!("{} run", ironcell_path().display()));
    command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid runs")
}

/// What is shown, read as it comes.
fn shown(master: &OwnedFd) -> Receiver<Vec<u8>> {
    let mut master = File::from(master.try_clone().expect("a descriptor"));
    let (tell, shown) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        // EIO is the end: nobody has the terminal any more.
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            if tell.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    shown
}
