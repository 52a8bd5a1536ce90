//! `ironcell run`: from the flags to a job, and from its end to footer, report and exit code.

mod args;
mod ends;
mod handing;
mod mounts;
mod read;
pub mod signals;
mod spec;
mod told;
mod typing;

pub use args::{CellArgs, EnvFromArg, NetArg, ProfileArg, RunArgs};
pub use ends::Ends;
pub use handing::Handing;
pub use mounts::Mounts;
pub use read::read as read_file;
pub use spec::{spec_of, words_of};
pub use typing::Typing;

use super::report::{News, Started, Times};
use super::voice::Voice;
use super::{Head, exit, print_failure, render};
use crate::life::{Exit, Outcome};
use crate::spec::words::Caller;
use crate::spec::{JobSpec, Stdio, StdioSet, Window};
use crate::supervise::{Origin, Walls, window_of};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::SystemTime;
use told::Told;

/// Runs a job as the flags say; what is said of it goes to `err`.
pub fn run(args: &RunArgs, head: impl Head, err: &mut Voice) -> u8 {
    let started = SystemTime::now();
    // First of all: a report that cannot be written is told before anything runs.
    let mut told = match Told::open(args, started) {
        Ok(told) => told,
        Err(message) => {
            err.say(&message);
            return exit::OWN_FAILURE;
        }
    };
    let window = args.terminal.then(|| window_of(io::stdin().as_fd()));
    let end = match ask(&args.cell, &args.command, window) {
        Ok(spec) if args.dry_run => return dry_run(&spec, head, err),
        Ok(spec) => carry_out(args, spec, head, &mut told, err),
        Err(message) => End::Refused { argv: args.command.clone(), message },
    };
    let times = Times { started, ended: SystemTime::now() };
    let code = explain(args, &end, err);
    match told.ended(&end, times, code) {
        Err(message) => {
            err.say(&message);
            // A job's own failure says more than ours.
            if code == 0 { exit::OWN_FAILURE } else { code }
        }
        Ok(()) => code,
    }
}

/// What became of the ask.
enum End {
    /// There was a job, and it had its end.
    Ended(Box<Ended>),
    /// There was none, for this reason; `argv` is the command as far as it is known.
    Refused { argv: Vec<OsString>, message: String },
}

/// A job that had its end.
struct Ended {
    spec: JobSpec,
    /// What was in force; a job whose start failed has nothing.
    started: Option<Started>,
    outcome: Outcome,
}

/// The job that the flags describe, here and now; with a terminal of this size, if it has one.
///
/// # Errors
/// The first flag that has no meaning, in words.
pub fn ask(cell: &CellArgs, command: &[OsString], window: Option<Window>) -> Result<JobSpec, String> {
    // One that was removed is needed for relative paths alone, which then are refused by their flags.
    let cwd = std::env::current_dir().unwrap_or_default();
    let var = |name: &OsStr| std::env::var_os(name);
    let caller = Caller { cwd: &cwd, var: &var, vars: &|| Some(std::env::vars_os().collect()), read: &read::read };
    spec_of(cell, command, window, &caller).map_err(|error| error.to_string())
}

/// The plan on standard output; the job is not run.
fn dry_run(spec: &JobSpec, head: impl Head, err: &mut Voice) -> u8 {
    let mut out = io::stdout().lock();
    match head.draw(spec) {
        Ok(plan) => {
            let printed = writeln!(out, "{}", plan.trim_end()).and_then(|()| out.flush());
            printed.map_or_else(|error| print_failure(&error), |()| 0)
        }
        Err(error) => {
            err.say(&error.to_string());
            exit::OWN_FAILURE
        }
    }
}

/// The job, from its start to its end.
fn carry_out(args: &RunArgs, spec: JobSpec, head: impl Head, told: &mut Told, err: &mut Voice) -> End {
    if spec.terminal().is_some() {
        err.expect_raw_terminal();
    }
    let mut begun = None;
    let ended = head.run(&spec, &mut |news| {
        told.news(&news);
        let started = match news {
            News::Started(started) => started,
            News::Happened(_) => return,
            News::Lost(what) => return err.say(&what),
        };
        if !args.quiet {
            started.notes.iter().for_each(|note| err.say(&format!("note: {note}")));
        }
        if args.verbose {
            err.say(&in_force(&started));
        }
        begun = Some(started);
    });
    match ended {
        Ok(outcome) => End::Ended(Box::new(Ended { spec, started: begun, outcome })),
        Err(error) => End::Refused { argv: spec.argv().to_vec(), message: error.to_string() },
    }
}

/// Footer and exit code.
fn explain(args: &RunArgs, end: &End, err: &mut Voice) -> u8 {
    match end {
        End::Refused { message, .. } => {
            err.say(message);
            exit::OWN_FAILURE
        }
        End::Ended(ended) => {
            let Ended { spec, outcome, .. } = ended.as_ref();
            // As with a refusal: not even `--quiet` hides that nothing ran.
            if !args.quiet || outcome.exit == Exit::NeverRan {
                render::footer(outcome, spec.grace()).iter().for_each(|line| err.say(line));
            }
            if args.verbose {
                err.say(&render::used(&outcome.usage));
            }
            exit::code(outcome, args.ends.timed_out())
        }
    }
}

/// Id, plan and limits of a job that has begun, for `--verbose`.
fn in_force(started: &Started) -> String {
    let limits: Vec<String> = started
        .limits
        .iter()
        .map(|limit| {
            let default = if limit.origin == Origin::Default { " (default)" } else { "" };
            format!("{} {}{default}", limit.file, limit.value.trim_end())
        })
        .collect();
    format!("job {}, plan {}: {}; {}", started.id, started.digest, limits.join(", "), walls(&started.walls))
}

/// The walls in one line.
fn walls(walls: &Walls) -> String {
    let landlock = walls.landlock.map_or_else(|| "no Landlock".to_owned(), |version| format!("Landlock {version}"));
    let lacking: String = walls.lacking.iter().map(|what| format!("; {}", what.words())).collect();
    let relaxed: Vec<&str> = walls.relaxed.iter().map(|one| one.flag.as_str()).collect();
    let relaxed =
        if relaxed.is_empty() { "nothing relaxed".to_owned() } else { format!("relaxed by {}", relaxed.join(", ")) };
    format!("profile {} ({} system calls), {landlock}, {relaxed}{lacking}", walls.profile, walls.system_calls)
}

/// The caller's first three descriptors, handed on; what a job writes is read instead where it is counted, and a job with a
/// terminal has none of them.
///
/// # Errors
/// When there is no room for another descriptor.
pub fn stdio(spec: &JobSpec) -> io::Result<StdioSet> {
    let own = |fd: BorrowedFd| fd.try_clone_to_owned().map(Stdio::Fd);
    let stdin = own(io::stdin().as_fd())?;
    if spec.terminal().is_some() {
        return Ok(StdioSet::default());
    }
    if spec.output_limit().is_some() || spec.log_file().is_some() {
        return Ok(StdioSet { stdin, stdout: Stdio::Log, stderr: Stdio::Log });
    }
    Ok(StdioSet { stdin, stdout: own(io::stdout().as_fd())?, stderr: own(io::stderr().as_fd())? })
}

#[cfg(test)]
mod tests;
