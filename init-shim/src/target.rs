//! The last steps before the exec, in the target's own process. [`prepare`] is the list.

use crate::inside::fail;
use crate::landlock::Rules;
use crate::report::Failure;
use crate::step::Step;
use crate::sys::exec::Command;
use crate::wire::{Order, Rlimit, Window};
use crate::{creds, stdio, sys, terminal};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;
use std::ffi::CStr;

/// What the target's own steps need.
pub struct Errand<'a> {
    /// What is to be done.
    pub order: &'a Order,
    /// What becomes descriptor 0, 1 and 2.
    pub stdio: [BorrowedFd<'a>; 3],
    /// Where the first failed step is written.
    pub report: &'a OwnedFd,
}

/// Prepares, then executes. Comes back only to report a failure.
pub fn run(errand: &Errand<'_>, rules: Option<&Rules<'_>>) -> ! {
    let failure = match prepare(errand, rules) {
        Ok(command) => exec(&command),
        Err(failure) => failure,
    };
    fail(errand.report, failure)
}

/// All that happens between fork and exec, in order.
fn prepare(errand: &Errand<'_>, rules: Option<&Rules<'_>>) -> Result<Command, Failure> {
    let order = errand.order;
    order.step(Step::NewSession, new_session)?;
    match order.terminal {
        Some(window) => order.step(Step::OpenTerminal, || open_terminal(errand, window))?,
        None => place_stdio(errand)?,
    }
    order.step(Step::SetRlimit, || set_rlimits(order))?;
    order.step(Step::SetNice, || set_nice(order))?;
    order.step(Step::BecomeUser, || become_user(order))?;
    order.step(Step::ClearCapabilities, clear_capabilities)?;
    enter_directory(order)?;
    order.step(Step::RestrictFiles, || restrict_files(rules))?;
    order.step(Step::CloseRest, || close_rest(errand))?;
    order.step(Step::ResetSignals, || reset_signals(order))?;
    let command = command(order)?;
    order.step(Step::InstallFilter, || install_filter(order))?;
    Ok(command)
}

/// setsid(2): no controlling terminal, so no input can be pushed into the caller's (TIOCSTI, CVE-2017-5226).
fn new_session() -> Result<(), Failure> {
    rustix::process::setsid().map(drop).map_err(|errno| Failure::at(Step::NewSession, errno))
}

fn place_stdio(errand: &Errand<'_>) -> Result<(), Failure> {
    let [stdin, stdout, stderr] = errand.stdio;
    stdio::place(stdin, stdout, stderr).map_err(|errno| Failure::at(Step::PlaceStdio, errno))
}

/// Only after `setsid`, which makes a leader without a terminal; and before the ids change, for the terminal becomes the job's
/// by chown(2).
fn open_terminal(errand: &Errand<'_>, window: Window) -> Result<(), Failure> {
    let opened = terminal::open(errand.stdio[0], window, errand.order.uid);
    opened.map_err(|errno| Failure::at(Step::OpenTerminal, errno))
}

/// getrlimit(2): lowering needs no privilege, and the keeper's hard limits are the highest there are. Before the ids
/// change, since RLIMIT_NPROC is the user's and not the process's.
fn set_rlimits(order: &Order) -> Result<(), Failure> {
    for (index, limit) in order.rlimits.iter().enumerate() {
        let failure = |errno| Failure { item: index as u16, ..Failure::at(Step::SetRlimit, errno) };
        let resource = resource(limit.resource).ok_or_else(|| failure(Errno::INVAL))?;
        set_rlimit(resource, limit).map_err(|errno| failure(Errno::from_raw_os_error(errno as i32)))?;
    }
    Ok(())
}

/// setpriority(2), read back. To be nicer needs no privilege, and to be less nice one that no cell has.
fn set_nice(order: &Order) -> Result<(), Failure> {
    let Some(nice) = order.nice else { return Ok(()) };
    let set = || {
        rustix::process::setpriority_process(None, nice.into())?;
        if rustix::process::getpriority_process(None)? == i32::from(nice) { Ok(()) } else { Err(Errno::INVAL) }
    };
    set().map_err(|errno| Failure::at(Step::SetNice, errno))
}

/// One limit, as it is, or as near as the hard limit that is there allows.
fn set_rlimit(resource: Resource, limit: &Rlimit) -> nix::Result<()> {
    let hard = if limit.exact { limit.hard } else { limit.hard.min(getrlimit(resource)?.1) };
    setrlimit(resource, limit.soft.min(hard), hard)
}

/// The resource with the kernel's number.
fn resource(number: u32) -> Option<Resource> {
    const ALL: [Resource; 16] = [
        Resource::RLIMIT_CPU,
        Resource::RLIMIT_FSIZE,
        Resource::RLIMIT_DATA,
        Resource::RLIMIT_STACK,
        Resource::RLIMIT_CORE,
        Resource::RLIMIT_RSS,
        Resource::RLIMIT_NPROC,
        Resource::RLIMIT_NOFILE,
        Resource::RLIMIT_MEMLOCK,
        Resource::RLIMIT_AS,
        Resource::RLIMIT_LOCKS,
        Resource::RLIMIT_SIGPENDING,
        Resource::RLIMIT_MSGQUEUE,
        Resource::RLIMIT_NICE,
        Resource::RLIMIT_RTPRIO,
        Resource::RLIMIT_RTTIME,
    ];
    ALL.into_iter().find(|resource| *resource as u32 == number)
}

/// No other group, then the group, then the user: each step needs what the next one gives up.
fn become_user(order: &Order) -> Result<(), Failure> {
    creds::become_user(order.uid, order.gid).map_err(|errno| Failure::at(Step::BecomeUser, errno))
}

/// SECBIT_NO_SETUID_FIXUP is set, so they do not go by themselves.
fn clear_capabilities() -> Result<(), Failure> {
    creds::clear_capabilities().map_err(|errno| Failure::at(Step::ClearCapabilities, errno))
}

/// As the job's user, so that a directory which it may not enter is refused. A working directory outside of the root
/// would show as a relative path (CVE-2024-21626).
fn enter_directory(order: &Order) -> Result<(), Failure> {
    let enter = || {
        rustix::process::chdir(order.cwd.as_slice())?;
        let here = rustix::process::getcwd(Vec::new())?;
        if here.as_bytes().starts_with(b"/") { Ok(()) } else { Err(Errno::XDEV) }
    };
    enter().map_err(|errno| Failure::at(Step::EnterDirectory, errno))
}

/// landlock_restrict_self(2): no_new_privs is set since PID 1. After the last path that is looked up for the job.
fn restrict_files(rules: Option<&Rules<'_>>) -> Result<(), Failure> {
    rules.map_or(Ok(()), Rules::restrict).map_err(|errno| Failure::at(Step::RestrictFiles, errno))
}

/// Closed, not only marked: nothing is left for a job to find. The report alone stays until the exec closes it.
fn close_rest(errand: &Errand<'_>) -> Result<(), Failure> {
    sys::close_all_but(&[errand.report.as_fd()]).map_err(|errno| Failure::at(Step::CloseRest, errno))
}

/// signal(7): ignored signals and the mask survive an exec. PID 1 blocks all, and the caller may have ignored some.
fn reset_signals(order: &Order) -> Result<(), Failure> {
    sys::reset_signals();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(order.umask));
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .map_err(|errno| Failure::at(Step::ResetSignals, Errno::from_raw_os_error(errno as i32)))
}

/// Last: from here on the filter decides what this process may call.
fn install_filter(order: &Order) -> Result<(), Failure> {
    if order.filter.is_empty() {
        return Ok(());
    }
    sys::install_filter(&order.filter).map_err(|errno| Failure::at(Step::InstallFilter, errno))
}

/// All that the exec needs, made while memory can still be had: the caller's own rules may refuse even that.
fn command(order: &Order) -> Result<Command, Failure> {
    Command::of(&order.programs, &order.argv, &order.env).ok_or_else(|| Failure::at(Step::Exec, Errno::INVAL))
}

/// execve(2) of the first candidate that can be executed; says why none could.
fn exec(command: &Command) -> Failure {
    let mut worst = Failure::at(Step::Exec, Errno::NOENT);
    for program in command.programs() {
        match command.execute(program) {
            // As execvp(3): go on where there is nothing, remember what was there and could not be executed.
            Errno::NOENT if exists(program) => return Failure::at(Step::ExecInterpreter, Errno::NOENT),
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => worst = Failure::at(Step::Exec, Errno::ACCESS),
            other => return Failure::at(Step::Exec, other),
        }
    }
    worst
}

/// Whether a file is there at all: then its interpreter is what was not found.
fn exists(program: &CStr) -> bool {
    rustix::fs::statat(CWD, program, AtFlags::empty()).is_ok()
}
