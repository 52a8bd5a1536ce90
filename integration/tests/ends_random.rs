//! Endings by chance, many at once: codes, signals, out of memory, times, stops, too much output, and two of them in the same
//! moment. Each is
//! told as it was. `IRONCELL_ROUNDS=10000` for all of them, `IRONCELL_SEED` to see one sequence again.

use integration::support::{Host, rounds};
use ironcell::life::{Cause, Exit, MemoryOf, Outcome, StopKind, Stopper};
use ironcell::spec::{JobSpec, JobSpecBuilder, Limits, MemoryLimit, Stdio, StdioSet};
use ironcell::supervise::Supervisor;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Jobs at once: enough that they hinder each other.
const AT_ONCE: usize = 8;
/// Signals that end a process by default (signal(7)), but the two that the C library keeps for itself.
const FATAL: [u8; 52] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 31, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
];

/// One ending, with its numbers.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Code(u8),
    Signal(u8),
    OutOfMemory,
    /// Its time is over, this many milliseconds after the start, with a grace or without.
    Time(u64, bool),
    /// Stopped after so many milliseconds.
    Stop(u64),
    /// Killed after so many milliseconds.
    Kill(u64),
    /// Its time is over in the moment in which it ends by itself.
    TimeAtTheEnd(u64),
    /// Stopped in the moment in which it ends by itself.
    StopAtTheEnd(u64),
    /// It writes for ever, and may write so many bytes.
    Output(u64),
    /// It writes so many bytes, and may write them all, or one less; then it ends by itself.
    OutputAtTheEnd(u64, bool),
}

/// A generator of numbers that is the same everywhere: xorshift64 (Marsaglia, 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn ending(&mut self) -> Ending {
        match self.below(10) {
            0 => Ending::Code(self.below(256) as u8),
            1 => Ending::Signal(FATAL[self.below(FATAL.len() as u64) as usize]),
            2 => Ending::OutOfMemory,
            3 => Ending::Time(1 + self.below(100), self.below(2) == 0),
            4 => Ending::Stop(self.below(100)),
            5 => Ending::Kill(self.below(100)),
            6 => Ending::TimeAtTheEnd(20 + self.below(80)),
            7 => Ending::StopAtTheEnd(20 + self.below(80)),
            8 => Ending::Output(self.below(300_000)),
            _ => Ending::OutputAtTheEnd(1 + self.below(300_000), self.below(2) == 0),
        }
    }
}

impl Ending {
    /// The job that is to end so.
    fn job(self) -> JobSpec {
        let shell = |script: String| JobSpec::command("sh").args(["-c".to_owned(), script]);
        let sleep = |millis: u64| JobSpec::command("sleep").arg(format!("0.{millis:03}"));
        let long = || JobSpec::command("sleep").arg("1000");
        let millis = Duration::from_millis;
        let job: JobSpecBuilder = match self {
            Self::Code(code) => shell(format!("exit {code}")),
            Self::Signal(signal) => shell(format!("kill -{signal} $$; sleep 1000")),
            Self::OutOfMemory => {
                let limits = Limits { memory_max: Some(MemoryLimit::Bytes(16 << 20)), ..Limits::default() };
                JobSpec::command("dd").args(["if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]).limits(limits)
            }
            Self::Time(after, true) => long().time(millis(after)),
            Self::Time(after, false) => long().time(millis(after)).grace(Duration::ZERO),
            Self::Stop(_) | Self::Kill(_) => long(),
            Self::TimeAtTheEnd(after) => sleep(after).time(millis(after)),
            Self::StopAtTheEnd(after) => sleep(after),
            Self::Output(most) => JobSpec::command("yes").output_limit(most),
            Self::OutputAtTheEnd(bytes, all) => {
                let most = if all { bytes } else { bytes - 1 };
                JobSpec::command("head")
                    .args(["-c".to_owned(), bytes.to_string(), "/dev/zero".to_owned()])
                    .output_limit(most)
            }
        };
        job.build().expect("a job")
    }

    /// Where its output goes: only what goes into a log is counted.
    fn stdio(self) -> StdioSet {
        match self {
            Self::Output(_) | Self::OutputAtTheEnd(..) => StdioSet { stdout: Stdio::Log, ..StdioSet::default() },
            _ => StdioSet::default(),
        }
    }

    /// What is asked of it meanwhile.
    fn ask(self) -> Option<(Duration, StopKind)> {
        match self {
            Self::Stop(after) | Self::StopAtTheEnd(after) => Some((Duration::from_millis(after), StopKind::Soft)),
            Self::Kill(after) => Some((Duration::from_millis(after), StopKind::Hard)),
            _ => None,
        }
    }

    /// Whether it was told as it was.
    fn is_told_by(self, outcome: &Outcome) -> bool {
        let by = Stopper::Caller;
        let (exit, cause) = (outcome.exit, &outcome.cause);
        // SIGTERM ended it, or the kill that followed at once.
        let ended_by = |how: StopKind| match how {
            StopKind::Soft => exit == signal(15),
            StopKind::Hard => exit == signal(9) || exit == signal(15),
        };
        match self {
            Self::Code(code) => exit == Exit::Code { code } && *cause == Cause::Itself,
            Self::Signal(31) => exit == signal(31) && *cause == Cause::Seccomp,
            Self::Signal(number) => exit == signal(number) && *cause == Cause::Itself,
            Self::OutOfMemory => exit == signal(9) && *cause == Cause::Memory { of: MemoryOf::Own },
            Self::Time(after, grace) => match cause {
                Cause::WallTime { limit, how } => {
                    let as_asked = !grace || *how == StopKind::Soft;
                    *limit == Duration::from_millis(after) && as_asked && ended_by(*how) && outcome.usage.wall >= *limit
                }
                _ => false,
            },
            Self::Stop(_) => *cause == Cause::Stopped { by, how: StopKind::Soft } && ended_by(StopKind::Soft),
            Self::Kill(_) => *cause == Cause::Stopped { by, how: StopKind::Hard } && exit == signal(9),
            Self::TimeAtTheEnd(after) => match cause {
                Cause::Itself => exit == Exit::Code { code: 0 },
                Cause::WallTime { limit, how: StopKind::Soft } => {
                    let ended = exit == signal(15) || exit == Exit::Code { code: 0 };
                    *limit == Duration::from_millis(after) && ended && outcome.usage.wall >= *limit
                }
                _ => false,
            },
            Self::StopAtTheEnd(_) => match cause {
                Cause::Itself => exit == Exit::Code { code: 0 },
                Cause::Stopped { how: StopKind::Soft, .. } => exit == signal(15) || exit == Exit::Code { code: 0 },
                _ => false,
            },
            Self::Output(most) => {
                matches!(cause, Cause::OutputLimit { limit, how } if *limit == most && ended_by(*how))
            }
            Self::OutputAtTheEnd(_, true) => exit == Exit::Code { code: 0 } && *cause == Cause::Itself,
            Self::OutputAtTheEnd(bytes, false) => match cause {
                Cause::OutputLimit { limit, .. } => {
                    *limit == bytes - 1 && (exit == Exit::Code { code: 0 } || exit == signal(15))
                }
                _ => false,
            },
        }
    }
}

fn signal(signal: u8) -> Exit {
    Exit::Signal { signal, core: false }
}

/// One job to its end.
async fn play(supervisor: Arc<Supervisor>, ending: Ending) -> (Ending, Outcome) {
    let job = supervisor.start(ending.job(), ending.stdio()).await.unwrap_or_else(|e| panic!("{ending:?}: {e}"));
    if let Some((after, how)) = ending.ask() {
        tokio::time::sleep(after).await;
        match how {
            StopKind::Soft => job.stop(Stopper::Caller),
            StopKind::Hard => job.kill(Stopper::Caller),
        }
    }
    (ending, job.wait().await.expect("it ends"))
}

/// All endings of a list, some at once; those that were told wrong.
async fn play_all(endings: Vec<Ending>) -> Vec<String> {
    let supervisor = Arc::new(Supervisor::open().expect("a supervisor"));
    let mut wrong = Vec::new();
    let mut running = tokio::task::JoinSet::new();
    let mut rest = endings.into_iter();
    loop {
        while running.len() < AT_ONCE
            && let Some(ending) = rest.next()
        {
            running.spawn(play(Arc::clone(&supervisor), ending));
        }
        let Some(played) = running.join_next().await else { break };
        let (ending, outcome) = played.expect("no job is lost");
        if !ending.is_told_by(&outcome) || !outcome.residue.is_empty() {
            wrong.push(format!("{ending:?} was told as {outcome:?}"));
        }
    }
    Arc::into_inner(supervisor).expect("nobody else holds it").close();
    wrong
}

/// Fails the test with every ending that was told wrong, or when anything is left.
fn all_are_told(endings: Vec<Ending>) {
    let before = Host::now();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let count = endings.len();
    let wrong = runtime.block_on(play_all(endings));
    drop(runtime);
    assert!(wrong.is_empty(), "{} of {count} told wrong:\n{}", wrong.len(), wrong.join("\n"));
    before.assert_nothing_left();
}

#[test]
fn every_code_and_every_fatal_signal_is_told_as_it_was() {
    let codes = (0..=255).map(Ending::Code);
    all_are_told(codes.chain(FATAL.map(Ending::Signal)).collect());
}

#[test]
fn endings_by_chance_are_all_told_as_they_were() {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
    let seed = std::env::var("IRONCELL_SEED").map_or(now | 1, |seed| seed.parse().expect("IRONCELL_SEED is a number"));
    println!("IRONCELL_SEED={seed}");
    let mut chance = Chance(seed);
    all_are_told((0..rounds(60)).map(|_| chance.ending()).collect());
}
