//! Other programs on this machine: found, started so that they end with us, and run as root where they must.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, set_parent_process_death_signal};

/// Where a user's PATH may not look, and where mke2fs and its relatives are.
const ROOTS_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The file of this program, in PATH or in root's directories.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(ROOTS_DIRECTORIES.map(PathBuf::from));
    directories.map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// A command that gets `signal` when we end, however we end. The kernel binds this to the thread that starts it, so
/// only threads that live as long as the program may do so.
pub fn command(program: impl AsRef<OsStr>, signal: Signal) -> Command {
    let mut command = Command::new(program);
    // SAFETY: between fork and exec this is one plain system call.
    unsafe { command.pre_exec(move || Ok(set_parent_process_death_signal(Some(signal))?)) };
    command
}

/// A command of root's: direct if that is who we are, otherwise through sudo. Ends after `seconds` at the latest.
pub fn as_root(program: impl AsRef<OsStr>, seconds: u32) -> Result<Command> {
    let mut command = if rustix::process::geteuid().is_root() {
        command("timeout", Signal::TERM)
    } else if find("sudo").is_some() {
        let mut sudo = command("sudo", Signal::TERM);
        sudo.arg("timeout");
        sudo
    } else {
        bail!("'{}' needs root, and there is no sudo: run this once as root", program.as_ref().display());
    };
    command.args(["--foreground", "--kill-after=10", &seconds.to_string()]).arg(program);
    Ok(command)
}

/// Runs the command with its chatter in `log`; a failure shows the end of it.
pub fn run_logged(command: &mut Command, log: &Path, what: &str) -> Result<()> {
    let file = File::options().create(true).append(true).open(log);
    let file = file.with_context(|| format!("cannot write {}", log.display()))?;
    let again = file.try_clone().context("cannot duplicate a descriptor")?;
    let status = command.stdin(Stdio::null()).stdout(file).stderr(again).status();
    let status = status.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{what} failed ({status}); the end of its output:\n{}", tail(log));
    }
    Ok(())
}

/// The last lines of a file, for people; control characters would play tricks with their terminal.
pub fn tail(file: &Path) -> String {
    const LINES: usize = 50;
    let bytes = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace(|c: char| c.is_control() && c != '\n', "");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| format!("  | {line}\n")).collect()
}
