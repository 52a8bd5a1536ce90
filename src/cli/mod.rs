//! VOICE: the program `ironcell`. One verb is one file of the same name; what is said and returned is pure and stands in
//! `render`, `report` and `exit`; what is done is asked of the [`Head`].

pub mod args;
#[cfg(feature = "daemon")]
pub mod client;
pub mod completions;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
mod daemon_man;
pub mod doctor;
pub mod events;
pub mod exit;
pub mod head;
pub mod man;
pub mod meta;
#[cfg(feature = "daemon")]
pub mod pki;
pub mod render;
pub mod report;
pub mod run;
pub mod schema;
mod signal;
pub mod target;
mod utc;
pub mod verify;
pub mod voice;

use crate::life::Outcome;
use crate::spec::JobSpec;
use crate::supervise::{self, Error};
use args::{Args, Verb};
use report::News;
use std::ffi::OsString;
use std::io::{self, Write};
use voice::Voice;

/// What the voice asks of the head.
pub trait Head {
    /// The whole plan of a job, for people. Touches nothing.
    ///
    /// # Errors
    /// Why there is no such plan on this host.
    fn draw(self, spec: &JobSpec) -> Result<String, Error>;

    /// Runs a job to its end. What happens is `told` at once: first, when the target was executed, what is in force, then
    /// each thing as it happens; a start that failed at a step is an outcome, too.
    ///
    /// # Errors
    /// Why there was no job.
    fn run(self, spec: &JobSpec, told: &mut (dyn FnMut(News) + Send)) -> Result<Outcome, Error>;

    /// Attacks cells of this job from inside, and says what became of every promise.
    ///
    /// # Errors
    /// Why there was no cell.
    fn verify(self, spec: &JobSpec) -> Result<Vec<supervise::verify::Finding>, Error>;

    /// What this host can and cannot do.
    fn examine(self) -> Vec<supervise::doctor::Check>;
}

/// The program: from its arguments to its exit code.
pub fn main(argv: impl IntoIterator<Item = OsString>, head: impl Head) -> u8 {
    let verb = match Args::read(argv) {
        Ok(args) => args.verb,
        Err(code) => return code,
    };
    let mut out = io::stdout().lock();
    let done = match &verb {
        // Not under the lock: the job's own output goes the same way.
        Verb::Run(args) => {
            drop(out);
            return run::run(args, head, &mut Voice::stderr(&mut io::stderr()));
        }
        #[cfg(feature = "daemon")]
        Verb::Client(verb) => {
            drop(out);
            return client::ask(verb, &mut Voice::stderr(&mut io::stderr()));
        }
        Verb::Doctor(args) => doctor::doctor(args, &head.examine(), &mut out),
        Verb::Verify(args) => verify::verify(args, head, &mut out, &mut Voice::stderr(&mut io::stderr())),
        Verb::Completions(args) => completions::completions(args, &mut out),
        Verb::Man => man::man(&mut out),
        #[cfg(feature = "daemon")]
        Verb::Pki(args) => pki::pki(args, &mut out, &mut Voice::stderr(&mut io::stderr())),
        Verb::Schema(args) => schema::schema(args, &mut out),
    };
    done.and_then(|code| out.flush().map(|()| code)).unwrap_or_else(|error| print_failure(&error))
}

/// The exit code when our own words could not be printed. A reader that has enough, as head(1), is told nothing.
fn print_failure(error: &io::Error) -> u8 {
    if error.kind() != io::ErrorKind::BrokenPipe {
        Voice::stderr(&mut io::stderr()).say(&format!("failed to write to standard output: {error}"));
    }
    exit::OWN_FAILURE
}
