//! The head of the program: its supervisor, on a runtime of one thread, with the keeper that was forked first of all.

use super::report::{News, Started};
use super::run::signals::{Ask, Signals, give_back, until_end};
use super::run::{Handing, Typing};
use super::{Head, run};
use crate::life::{Cause, Exit, Outcome, StopKind, Stopper};
use crate::spec::{JobSpec, StdioSet};
use crate::supervise::{EarlyKeeper, Error, Job, Supervisor, doctor, verify};
use std::ffi::OsStr;
use std::pin::pin;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The supervisor of this process.
#[derive(Debug)]
pub struct Local {
    /// The keeper, or why there is none; nothing for a verb that runs no job.
    keeper: Option<Result<EarlyKeeper, Error>>,
}

impl Local {
    /// The head for this verb. To be made before anything else: for a verb that builds cells it forks the keeper, and the
    /// process must have one thread.
    pub fn for_verb(verb: Option<&OsStr>) -> Self {
        let keeper = match verb.and_then(OsStr::to_str) {
            Some("run") => Some(EarlyKeeper::fork()),
            // The keeper inherits the keyring, as it would inherit the caller's own.
            Some("verify") => Some(verify::set_keyring().and_then(|()| EarlyKeeper::fork())),
            _ => None,
        };
        Self { keeper }
    }
}

impl Head for Local {
    fn draw(self, spec: &JobSpec) -> Result<String, Error> {
        Supervisor::draw(spec).map(|drawing| drawing.to_string())
    }

    fn run(self, spec: &JobSpec, told: &mut (dyn FnMut(News) + Send)) -> Result<Outcome, Error> {
        let keeper = self.keeper.unwrap_or_else(EarlyKeeper::fork)?;
        let outcome = apart(told, |tell| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
            let outcome = runtime.block_on(run_job(keeper, spec, tell));
            // Not waited for: the thread that reads a terminal cannot be ended.
            runtime.shutdown_background();
            give_back();
            outcome
        });
        match outcome {
            Err(Error::Start(failure)) => Ok(Outcome::of(Exit::NeverRan, Cause::StartFailed(failure))),
            Err(Error::Interrupted(signal)) => {
                let cause = Cause::Stopped { by: Stopper::Signal(signal), how: StopKind::Hard };
                Ok(Outcome::of(Exit::NeverRan, cause))
            }
            other => other,
        }
    }

    fn verify(self, spec: &JobSpec) -> Result<Vec<verify::Finding>, Error> {
        let keeper = self.keeper.unwrap_or_else(EarlyKeeper::fork)?;
        // Before the runtime: the controls fork, which a process with threads must not.
        let rehearsal = verify::Rehearsal::hold(spec)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        runtime.block_on(async {
            let supervisor = Supervisor::with_keeper(keeper)?;
            let findings = verify::prove(&supervisor, spec, &rehearsal).await;
            supervisor.close();
            findings
        })
    }

    fn examine(self) -> Vec<doctor::Check> {
        doctor::examine()
    }
}

/// Tells of the job on a thread of its own, while this one runs it: a reader that does not read what is told, which may be
/// the job's own doing, must hold up neither the job's limits nor a signal. What waits to be told is bounded, since a time
/// line is.
fn apart(
    told: &mut (dyn FnMut(News) + Send),
    run: impl FnOnce(&mut dyn FnMut(News)) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let (tell, heard) = mpsc::channel();
    thread::scope(|scope| {
        let voice = move || heard.iter().for_each(told);
        let voice = thread::Builder::new().spawn_scoped(scope, voice).map_err(Error::Runtime)?;
        // Nobody hears any more when the telling has panicked, which is told by the panic.
        let outcome = run(&mut |news| drop(tell.send(news)));
        drop(tell);
        voice.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        outcome
    })
}

/// How long a start may go on after a signal: a cell is built in milliseconds, under emulation and load in some hundred.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2);

/// One job, from start to end, with the caller's signals.
async fn run_job(keeper: EarlyKeeper, spec: &JobSpec, told: &mut dyn FnMut(News)) -> Result<Outcome, Error> {
    // Before the job: a Ctrl-C from now on is meant for it.
    let mut signals = Signals::open().map_err(Error::Runtime)?;
    let supervisor = Supervisor::with_keeper(keeper)?;
    let mut typing = spec.terminal().map(|_| Typing::prepare()).transpose()?;
    let stdio = run::stdio(spec).map_err(Error::Runtime)?;
    let (begun_or_not, early) = start(&supervisor, spec, stdio, &mut signals).await;
    let ended = match begun_or_not {
        Ok(job) => {
            told(News::Started(begun(&job)));
            // Waits for whoever waits in this very moment: an ask before the job's end is the job's.
            let give_up = Notify::new();
            let ask = |ask, by| {
                match ask {
                    Ask::Stop => job.stop(by),
                    Ask::Kill => job.kill(by),
                }
                give_up.notify_waiters();
            };
            typing.as_mut().map_or(Ok(()), |typing| typing.begin(&job)).map_err(Error::Runtime)?;
            let handing = job.sink().map(Handing::begin).transpose().map_err(Error::Runtime)?;
            if let Some(signal) = early {
                job.stop(Stopper::Signal(signal));
            }
            let first = early.map(|_| Instant::now());
            until_end(follow(&job, handing, &give_up, told), signals, first, ask).await.ok_or(Error::RuntimeEnded)
        }
        Err(error) => Err(error),
    };
    // After the job, so that it waits for nobody's leftovers. One that cannot be removed is told to the log.
    let _ = supervisor.sweep();
    supervisor.close();
    ended
}

/// The job's end, and that of the handing on of its output; all that happens until then is told.
async fn follow(job: &Job, handing: Option<Handing>, give_up: &Notify, told: &mut dyn FnMut(News)) -> Option<Outcome> {
    let mut seen = 0;
    loop {
        let news = job.moments_beyond(seen).await;
        if news.is_empty() {
            let outcome = job.wait().await?;
            if let Some(bytes) = outcome.evidence.output_unwritten.filter(|bytes| *bytes > 0) {
                told(News::Lost(format!(
                    "{bytes} bytes of the job's output are not in its log file: they could not be written"
                )));
            }
            if let Some(handing) = handing {
                handing.end(&outcome.cause, give_up).await.into_iter().for_each(|what| told(News::Lost(what)));
            }
            return Some(outcome);
        }
        seen += news.len();
        news.into_iter().for_each(|moment| told(News::Happened(moment)));
    }
}

/// The start, and a signal that came meanwhile.
async fn start(
    supervisor: &Supervisor,
    spec: &JobSpec,
    stdio: StdioSet,
    signals: &mut Signals,
) -> (Result<Job, Error>, Option<u8>) {
    let mut starting = pin!(supervisor.start(spec.clone(), stdio));
    tokio::select! {
        started = &mut starting => (started, None),
        // The job may have begun in this very moment: then it is asked as any other. A start that waits for a file system
        // which does not answer is given up, and it is the keeper that clears it away.
        signal = signals.next() => match timeout(GIVE_UP_AFTER, &mut starting).await {
            Ok(started) => (started, Some(signal)),
            Err(_) => (Err(Error::Interrupted(signal)), None),
        },
    }
}

/// What is known of a job that has begun.
fn begun(job: &Job) -> Started {
    Started {
        id: job.id(),
        digest: job.digest().to_owned(),
        limits: job.effective().to_vec(),
        walls: job.walls().clone(),
        notes: job.notes().to_vec(),
    }
}
