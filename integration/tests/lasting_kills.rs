//! A supervisor and its keeper killed again and again under jobs that write: no job, no outcome and no byte is lost.
//!
//! `IRONCELL_ROUNDS` says how often it is killed; the default is enough to see that it works.

use integration::inside::{Running, children};
use integration::lasting::Lasting;
use integration::support::Host;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Kills, when nothing is said.
const ROUNDS: u32 = 6;
/// Jobs that run at once.
const AT_ONCE: usize = 8;
/// The same for many rounds.
const AT_ONCE_OF_MANY: usize = 50;

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
fn script(lines: u64, code: u64) -> String {
    format!(
        "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo $i; [ $((i % 50)) != 0 ] || sleep 0.05; done; exit {code}"
    )
}

/// Bytes of so many lines of `seq`.
fn bytes(lines: u64) -> usize {
    (1..=lines).map(|line| line.to_string().len() + 1).sum()
}

/// What every job must have become.
struct Expected(BTreeMap<String, (u64, u64)>);

impl Expected {
    /// Starts jobs until as many run as shall.
    fn fill(&mut self, lasting: &mut Lasting, at_once: usize, chance: &mut Chance) {
        let list = lasting.order("list");
        let running = list.matches("=running").count();
        for _ in running..at_once {
            let name = format!("job-{}", self.0.len());
            let (lines, code) = (200 + chance.below(1500), chance.below(256));
            lasting.start(&name, &script(lines, code));
            self.0.insert(name, (lines, code));
        }
    }

    /// Asks for the end and the output of each.
    fn assert_all(&self, lasting: &mut Lasting) {
        for (name, (lines, code)) in &self.0 {
            let ended = lasting.order(&format!("wait {name}"));
            assert_eq!(ended, format!("ended Code {{ code: {code} }} Itself residue 0"), "{name}");
            let output = lasting.order(&format!("output {name}"));
            let whole = format!("output {} bytes 0 gaps in_order true last {lines}", bytes(*lines));
            assert_eq!(output, whole, "{name}");
        }
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
    let (mut lasting, mut expected) = (Lasting::open(&dir), Expected(BTreeMap::new()));
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
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
    }
    expected.assert_all(&mut lasting);
    println!("{} jobs, {rounds} kills, all were there again within {slowest:?}", expected.0.len());
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
