//! A job of a mock while it plays its script.

use super::script::{Act, Ending};
use super::{Mock, MockCall, Script};
use crate::life::{Evidence, Usage};
use crate::os::stdio::Theirs;
use crate::spec::JobId;
use crate::supervise::backend::Ended;
use init_shim::report::How;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{Instant, sleep};

/// SIGTERM.
const TERM: u8 = 15;

/// How a job is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// By its script.
    Played,
    /// By SIGTERM.
    Stopped,
    /// By a kill.
    Killed,
}

/// A job that plays.
#[derive(Debug)]
pub(in crate::supervise) struct Actor {
    mock: Mock,
    id: JobId,
    ending: Ending,
    deaf: bool,
    usage: Usage,
    evidence: Evidence,
    /// How it is over, and after how long; once.
    over: watch::Sender<Option<(Over, u64)>>,
    play: AbortHandle,
    began: Instant,
}

impl Actor {
    /// Begins to play. In a tokio runtime.
    pub fn begin(mock: Mock, id: JobId, script: Script, theirs: Theirs) -> Self {
        let (over, began) = (watch::Sender::new(None), Instant::now());
        let evidence = script.evidence();
        let Script { acts, ending, deaf, usage, argv: _ } = script;
        let tell = over.clone();
        let play = tokio::spawn(async move {
            play(acts, theirs).await;
            finish(&tell, Over::Played, began);
        });
        Self { mock, id, ending, deaf, usage, evidence, over, play: play.abort_handle(), began }
    }

    /// Its end, once it is there; `None` when nobody could tell.
    pub async fn end(&self) -> Option<Ended> {
        let mut over = self.over.subscribe();
        let (over, wall_nanos) = (*over.wait_for(Option::is_some).await.ok()?)?;
        let killed = |signal| Some(How::Killed { signal, core: false });
        let how = match (over, &self.ending) {
            (Over::Stopped, _) => killed(TERM),
            (Over::Played, Ending::Code(code)) => Some(How::Exited(*code)),
            (Over::Played, Ending::Signal(signal)) => killed(*signal),
            // As with a cell that was killed whole: who would tell is dead, too.
            (Over::Played | Over::Killed, _) => None,
        }?;
        Some(Ended { how, others: false, wall_nanos, used: None })
    }

    /// It was sent a signal.
    pub fn signalled(&self, signal: u8, all: bool) {
        self.note(MockCall::Signalled { signal, all });
        if signal == TERM && !self.deaf {
            self.stop(Over::Stopped);
        }
    }

    /// It was killed. Of one that is over that is not worth a note: a driver rather kills twice than not.
    pub fn killed(&self) {
        if self.over.borrow().is_none() {
            self.note(MockCall::Killed);
        }
        self.stop(Over::Killed);
    }

    /// Notes what was done to it.
    pub fn note(&self, call: MockCall) {
        self.mock.note(self.id, call);
    }

    /// What it has used: all that its script says.
    pub fn usage(&self) -> Usage {
        self.usage.clone()
    }

    /// What shows its end, if its script was played to that.
    pub fn evidence(&self) -> Evidence {
        match *self.over.borrow() {
            Some((Over::Played, _)) => self.evidence.clone(),
            _ => Evidence::default(),
        }
    }

    fn stop(&self, over: Over) {
        self.play.abort();
        finish(&self.over, over, self.began);
    }
}

impl Drop for Actor {
    /// With its runtime, or at its end.
    fn drop(&mut self) {
        self.play.abort();
    }
}

/// Tells how it is over, unless it was before.
fn finish(tell: &watch::Sender<Option<(Over, u64)>>, over: Over, began: Instant) {
    let ran = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    tell.send_if_modified(|told| {
        let first = told.is_none();
        if first {
            *told = Some((over, ran));
        }
        first
    });
}

/// Plays, and closes its streams behind it.
async fn play(acts: Vec<Act>, theirs: Theirs) {
    let Theirs { stdin, stdout, stderr, terminal: _ } = theirs;
    let (out, err) = (Arc::new(File::from(stdout)), Arc::new(File::from(stderr)));
    for act in acts {
        let (file, bytes) = match act {
            Act::Pause(time) => {
                sleep(time).await;
                continue;
            }
            Act::Out(bytes) => (Arc::clone(&out), bytes),
            Act::Err(bytes) => (Arc::clone(&err), bytes),
        };
        // A pipe that is full holds up the job, as it does any, and not the runtime. Nobody reads any more: it goes on.
        let _ = spawn_blocking(move || (&*file).write_all(&bytes)).await;
    }
    // Until here somebody could write to it.
    drop(stdin);
}
