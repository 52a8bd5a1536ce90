//! A supervisor and its keeper killed again and again under jobs that write: no job, no outcome and no byte is lost.
//!
//! `IRONCELL_ROUNDS` says how often it is killed; the default is enough to see that it works. Of many rounds it is told how far
//! they are.

use integration::inside::{Running, children};
use integration::lasting::Lasting;
use integration::support::Host;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Kills, when nothing is said.
const ROUNDS: u32 = 6;
/// Jobs that run at once, and how long each pauses behind 50 lines.
const AT_ONCE: (usize, &str) = (8, "0.05");
/// The same for many rounds: each of them sees several kills, or most of the time went into starting others.
const AT_ONCE_OF_MANY: (usize, &str) = (50, "0.5");
/// Rounds between two words.
const TOLD_EVERY: u32 = 10;

fn rounds() -> u32 {
    std::env::var("IRONCELL_ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse().expect("a number"))
}

/// A little randomness: xorshift of Marsaglia's, from a seed that a failure tells.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A job of so many lines, which ends with a code of its own.
fn script(lines: u64, pause: &str, code: u64) -> String {
    format!(
        "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo $i; [ $((i % 50)) != 0 ] || sleep {pause}; done; exit {code}"
    )
}

/// Bytes of so many lines of `seq`.
fn bytes(lines: u64) -> usize {
    (1..=lines).map(|line| line.to_string().len() + 1).sum()
}

/// What every job must become, and what has been seen of those that were.
#[derive(Default)]
struct Expected {
    jobs: BTreeMap<String, (u64, u64)>,
    begun: usize,
    compared: usize,
}

impl Expected {
    /// Starts jobs until as many run as shall.
    fn fill(&mut self, lasting: &mut Lasting, (at_once, pause): (usize, &str), chance: &mut Chance) {
        let list = lasting.order("list");
        let running = list.matches("=running").count();
        for _ in running..at_once {
            let name = format!("job-{}", self.begun);
            let (lines, code) = (200 + chance.below(1500), chance.below(256));
            lasting.start(&name, &script(lines, pause, code));
            self.begun += 1;
            self.jobs.insert(name, (lines, code));
        }
    }

    /// Asks for the end and the output of each that has ended, and removes it: the next supervisor has as many as this one.
    fn assert_ended(&mut self, lasting: &mut Lasting) {
        let list = lasting.order("list");
        let told = list.split(' ').filter_map(|job| job.split_once('='));
        let known: Vec<&str> = told.clone().map(|(name, _)| name).collect();
        let lost: Vec<&String> = self.jobs.keys().filter(|name| !known.contains(&name.as_str())).collect();
        assert!(lost.is_empty(), "nobody knows of {lost:?}");
        for (name, _) in told.filter(|(_, status)| *status != "running") {
            self.assert_one(lasting, name);
        }
    }

    /// The same of all.
    fn assert_all(&mut self, lasting: &mut Lasting) {
        for name in self.jobs.keys().cloned().collect::<Vec<_>>() {
            self.assert_one(lasting, &name);
        }
    }

    fn assert_one(&mut self, lasting: &mut Lasting, name: &str) {
        let (lines, code) = self.jobs.remove(name).unwrap_or_else(|| panic!("{name} was never begun, or had gone"));
        let ended = lasting.order(&format!("wait {name}"));
        assert_eq!(ended, format!("ended Code {{ code: {code} }} Itself residue 0"), "{name}");
        let output = lasting.order(&format!("output {name}"));
        let whole = format!("output {} bytes 0 gaps in_order true last {lines}", bytes(lines));
        assert_eq!(output, whole, "{name}");
        self.compared += bytes(lines);
        let removed = lasting.order(&format!("remove {name}"));
        assert!(removed.starts_with("removed "), "{name}: {removed}");
    }
}

/// Kills by chance: the supervisor, or its keeper; and opens the next supervisor.
fn killed(keepers: bool) {
    let seed = std::process::id() as u64 | 1 << 40;
    println!("seed {seed}");
    let (mut chance, rounds) = (Chance(seed), rounds());
    let at_once = if rounds > ROUNDS { AT_ONCE_OF_MANY } else { AT_ONCE };
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let dir = base.path().join("state");
    let before = Host::now();
    let (mut lasting, mut expected) = (Lasting::open(&dir), Expected::default());
    let (mut slowest, begun) = (Duration::ZERO, Instant::now());
    for round in 1..=rounds {
        expected.assert_ended(&mut lasting);
        expected.fill(&mut lasting, at_once, &mut chance);
        sleep(Duration::from_millis(chance.below(400)));
        if keepers {
            let keeper = children(lasting.pid()).first().copied().or(lasting.keeper);
            keeper.into_iter().for_each(|keeper| Running::signal(keeper, libc::SIGKILL));
            sleep(Duration::from_millis(500 + chance.below(300)));
        } else {
            lasting.kill();
            sleep(Duration::from_millis(chance.below(300)));
            let since = Instant::now();
            lasting = Lasting::open(&dir);
            slowest = slowest.max(since.elapsed());
        }
        if rounds > ROUNDS && round % TOLD_EVERY == 0 {
            // Not by a macro: what those print is told when the test has ended.
            let _ = writeln!(io::stderr(), "{round} kills, {} jobs, {:?}", expected.begun, begun.elapsed());
        }
    }
    expected.assert_all(&mut lasting);
    let Expected { begun, compared, .. } = expected;
    println!("{begun} jobs, {rounds} kills, {compared} bytes compared; all were there again within {slowest:?}");
    lasting.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_supervisor_that_is_killed_again_and_again_loses_nothing() {
    killed(false);
}

#[test]
fn a_keeper_that_is_killed_again_and_again_loses_nothing() {
    killed(true);
}
