//! Starts a program as root through sudo(8), for a program that is not root itself and embeds ironcell in two halves: its own
//! executable, started again by this, is the half that supervises.
//!
//! The password is written only after sudo has asked for it, by a prompt that nobody else can know: so it is never taken for
//! input by a program for which sudo asks nobody. It is in no argument, no environment and no log, and is wiped after its use;
//! what sudo and the kernel's pipe did with it is theirs. Nothing is cached for others: `-k` has sudo ask each time.

use super::random;
use rustix::event::{PollFd, PollFlags, poll};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of what sudo says that are kept, to tell why it refused.
const SAID_MOST: usize = 8 * 1024;
/// PAM's own bound of a password (PAM_MAX_RESP_SIZE), the closing newline included.
const PASSWORD_MOST: usize = 512;

/// A password for sudo. It shows itself to nobody, and is wiped from memory when it is dropped.
pub struct Password(Zeroizing<Vec<u8>>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    /// Takes it over; what the caller still has of it is his to wipe.
    ///
    /// # Errors
    /// When it is empty, longer than 511 bytes, or has a newline or a NUL, which sudo could not read.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, SudoError> {
        let readable = (1..PASSWORD_MOST).contains(&bytes.len()) && !bytes.iter().any(|byte| matches!(byte, 0 | b'\n'));
        // With its newline, in one piece of memory: one that grew would leave a copy behind.
        let mut line = Zeroizing::new(Vec::with_capacity(PASSWORD_MOST));
        if readable {
            line.extend_from_slice(&bytes);
            line.push(b'\n');
        }
        bytes.zeroize();
        if readable { Ok(Self(line)) } else { Err(SudoError::NoPassword) }
    }
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SudoError {
    /// Not a password that sudo could read.
    #[error("a password has 1 to 511 bytes, and neither a newline nor a NUL")]
    NoPassword,
    /// There is no sudo.
    #[error("there is no {}: install sudo, or start the program as root", .program.to_string_lossy())]
    Absent {
        /// What was looked for.
        program: OsString,
    },
    /// sudo asks for a password, and none was given.
    #[error("sudo asks for a password: give one, or let the user start this program without (NOPASSWD in sudoers)")]
    PasswordNeeded,
    /// sudo did not take the password.
    #[error("sudo did not take the password")]
    WrongPassword,
    /// The user may not do this.
    #[error("sudo does not let this user start the program: {said}")]
    NotAllowed {
        /// What sudo said.
        said: String,
    },
    /// sudo wants to be used on a terminal (`requiretty` or its like).
    #[error("sudo wants a terminal, and there is none: take `requiretty` out of sudoers for this user")]
    TerminalNeeded,
    /// The program ended, or could not be executed, before it had said anything.
    #[error("the program ended before it said that it is ready: {status}: {said}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it and sudo wrote to standard error.
        said: String,
    },
    /// A call failed.
    #[error("failed to start a program through sudo: {0}")]
    Io(#[from] io::Error),
}

/// A way to start a program as root.
#[derive(Debug)]
pub struct Sudo {
    program: OsString,
    password: Option<Password>,
}

/// A program that sudo has started. Its three streams are pipes; standard input and output are in `child`.
#[derive(Debug)]
pub struct Started {
    /// sudo's process, which ends with the program's code, and hands SIGTERM on to it.
    pub child: Child,
    /// Its standard error, behind what was read of it until now.
    pub stderr: ChildStderr,
    /// What came on standard error until then, sudo's lecture included, without the prompt: 8 KiB at most.
    pub said: Vec<u8>,
}

impl Sudo {
    /// For a user whom sudo asks for no password; it is told when it does.
    pub fn without_password() -> Self {
        Self { program: "sudo".into(), password: None }
    }

    /// For a user with this password. Where sudo asks for none it is never used.
    pub fn with_password(password: Password) -> Self {
        Self { password: Some(password), ..Self::without_password() }
    }

    /// This program in place of `sudo` out of `PATH`.
    pub fn program(self, program: impl Into<OsString>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Starts this very executable again, with these arguments.
    ///
    /// # Errors
    /// As [`Sudo::start`].
    pub fn start_self(self, args: &[&OsStr]) -> Result<Started, SudoError> {
        let own = std::env::current_exe()?;
        let command: Vec<&OsStr> = std::iter::once(own.as_os_str()).chain(args.iter().copied()).collect();
        self.start(&command)
    }

    /// Starts a command. Returns when it writes its first byte to standard output, which stays there to be read: a program
    /// that supervises says so when it is ready, and until then nobody can know that sudo has let it begin. Blocks; what is
    /// given up is killed.
    ///
    /// # Errors
    /// When sudo is absent or refuses, or the program ends before it has written anything.
    pub fn start(mut self, command: &[&OsStr]) -> Result<Started, SudoError> {
        let bytes: [u8; 16] = random().map_err(|error| io::Error::from_raw_os_error(error.errno))?;
        let prompt = bytes.iter().fold("ironcell-".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let mut sudo = Command::new(&self.program);
        match &self.password {
            Some(_) => sudo.args(["-k", "-S", "-p", &prompt]),
            None => sudo.args(["-k", "-n"]),
        };
        // What it says is read below; what would have it ask another way is not its to see.
        sudo.arg("--").args(command).env("LC_ALL", "C").env_remove("SUDO_ASKPASS").env_remove("SUDO_PROMPT");
        let mut child =
            sudo.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| {
                match error.kind() {
                    io::ErrorKind::NotFound => SudoError::Absent { program: self.program.clone() },
                    _ => error.into(),
                }
            })?;
        let begun = self.attend(&mut child, prompt.as_bytes());
        // Also when it was never asked for.
        drop(self.password.take());
        match begun {
            Ok((stderr, said)) => Ok(Started { child, stderr, said }),
            Err(error) => {
                // It may have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Answers its question, until the program speaks.
    fn attend(&mut self, child: &mut Child, prompt: &[u8]) -> Result<(ChildStderr, Vec<u8>), SudoError> {
        let Child { stdin: Some(stdin), stdout: Some(stdout), stderr: stderr @ Some(_), .. } = child else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        };
        let (mut said, mut closed, mut over) = (Vec::new(), false, false);
        while let Some(told) = stderr.as_mut().filter(|_| !(closed && over)) {
            // Of one that is at its end nothing comes any more, and the other is waited for alone.
            let flags = |over: bool| if over { PollFlags::empty() } else { PollFlags::IN };
            let mut fds = [PollFd::new(stdout, flags(closed)), PollFd::new(told, flags(over))];
            let fds = if closed { &mut fds[1..] } else { &mut fds[..if over { 1 } else { 2 }] };
            poll(fds, None).map_err(io::Error::from)?;
            let (mut spoke, mut asked) = (PollFlags::empty(), PollFlags::empty());
            match (fds.first(), fds.get(1)) {
                (Some(first), None) if closed => asked = first.revents(),
                (Some(first), second) => {
                    spoke = first.revents();
                    asked = second.map_or(asked, PollFd::revents);
                }
                (None, _) => {}
            }
            if spoke.contains(PollFlags::IN) {
                // What is there is left to who has asked for the start.
                break;
            }
            closed |= spoke.contains(PollFlags::HUP);
            if !asked.is_empty() {
                let mut piece = [0; 1024];
                let read = told.read(&mut piece)?;
                over = read == 0;
                said.extend_from_slice(&piece[..read]);
                said.truncate(SAID_MOST);
                self.answer(stdin, prompt, &mut said)?;
            }
        }
        match stderr.take().filter(|_| !(closed && over)) {
            Some(stderr) => Ok((stderr, said)),
            None => Err(refused(child.wait()?, &said, self.password.is_some())),
        }
    }

    /// Writes the password when it was asked for, once: a second question says that the first answer was wrong.
    fn answer(&mut self, stdin: &mut ChildStdin, prompt: &[u8], said: &mut Vec<u8>) -> Result<(), SudoError> {
        let Some(at) = said.windows(prompt.len()).position(|window| window == prompt) else { return Ok(()) };
        said.drain(at..at + prompt.len());
        let Some(password) = self.password.take() else { return Err(SudoError::WrongPassword) };
        // A sudo that has ended meanwhile is told of by its own words.
        let _ = stdin.write_all(&password.0);
        Ok(())
    }
}

/// Why sudo has ended, by its words in the C locale.
fn refused(status: std::process::ExitStatus, said: &[u8], unused: bool) -> SudoError {
    let said = String::from_utf8_lossy(said).trim().to_owned();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["incorrect password", "Sorry, try again", "Authentication failure"]) {
        SudoError::WrongPassword
    } else if has(&["must have a tty", "a terminal is required"]) {
        SudoError::TerminalNeeded
    } else if has(&["a password is required"]) {
        if unused { SudoError::NotAllowed { said } } else { SudoError::PasswordNeeded }
    } else if has(&["not in the sudoers", "is not allowed to", "may not run sudo"]) {
        SudoError::NotAllowed { said }
    } else {
        SudoError::Ended { status, said }
    }
}
