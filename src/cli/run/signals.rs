//! Ctrl-C and its kin: the first asks the job to stop, the second kills it.

use crate::life::Stopper;
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

/// The signals that mean "end it", caught.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the runtime cannot catch signals.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> u8 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
            _ = self.quit.recv() => SignalKind::quit(),
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
