//! Ctrl-C and its kin: the first asks the job to stop, the second kills it.

use crate::life::Stopper;
use crate::supervise::signals;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// A signal this soon after the first is the same one: timeout(1), for one, sends to the process and to its group.
const SAME: Duration = Duration::from_millis(200);

/// What is asked of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM, grace, then the hard end.
    Stop,
    /// The hard end, now.
    Kill,
}

/// What a signal asks for, so long after the first (`None`: it is the first).
fn ask(since_first: Option<Duration>) -> Option<Ask> {
    match since_first {
        None => Some(Ask::Stop),
        Some(time) if time < SAME => None,
        Some(_) => Some(Ask::Kill),
    }
}

/// The signals that mean "end it", caught; those that whoever started us had ignored stay so (nohup(1)).
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    quit: Option<Signal>,
}

/// One of them, unless it is ignored.
fn caught(kind: SignalKind) -> io::Result<Option<Signal>> {
    if signals::is_ignored(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

/// The next one of a kind; never, if it is ignored.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Lets the signals end this process again, those that were caught: nothing of a job is left for them to be about.
pub fn give_back() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    signals::give_back(
        kinds.map(|kind| kind.as_raw_value()).into_iter().filter(|signal| !signals::is_ignored(*signal)),
    );
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the runtime cannot catch signals.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
            hangup: caught(SignalKind::hangup())?,
            quit: caught(SignalKind::quit())?,
        })
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> u8 {
        let kind = tokio::select! {
            () = heard(&mut self.interrupt) => SignalKind::interrupt(),
            () = heard(&mut self.terminate) => SignalKind::terminate(),
            () = heard(&mut self.hangup) => SignalKind::hangup(),
            () = heard(&mut self.quit) => SignalKind::quit(),
        };
        u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX)
    }
}

/// Waits for the job's `end`; every signal that asks for something is told to `act`. `first` is when the first one came, if
/// it came before.
pub async fn until_end<T>(
    end: impl Future<Output = T>,
    mut signals: Signals,
    mut first: Option<Instant>,
    mut act: impl FnMut(Ask, Stopper),
) -> T {
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            ended = &mut end => return ended,
            signal = signals.next() => {
                if let Some(ask) = ask(first.map(|first| first.elapsed())) {
                    act(ask, Stopper::Signal(signal));
                }
                first.get_or_insert_with(Instant::now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_kills_unless_it_is_the_first_once_more() {
        assert_eq!(ask(None), Some(Ask::Stop));
        assert_eq!(ask(Some(Duration::from_millis(3))), None);
        assert_eq!(ask(Some(Duration::from_secs(1))), Some(Ask::Kill));
    }

    #[tokio::test]
    async fn a_signal_is_told_and_the_end_is_waited_for() {
        let signals = Signals::open().expect("signals");
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let own = std::process::id();
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -HUP {own}")]).status().expect("sh");
        assert!(sent.success());
        let by = until_end(told, signals, None, |ask, by| {
            assert_eq!(ask, Ask::Stop);
            tell.take().map(|tell| tell.send(by)).expect("told once").expect("the end waits");
        })
        .await;
        assert_eq!(by, Ok(Stopper::Signal(1)));
    }
}
