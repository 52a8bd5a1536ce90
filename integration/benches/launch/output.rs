//! Output: how fast it comes from a job to its readers, and how soon.

use crate::table::{Row, Table};
use ironcell::life::Stopper;
use ironcell::spec::{JobSpec, Stdio, StdioSet};
use ironcell::supervise::{Item, OutputFrom, Supervisor};
use std::io::Read;
use std::process::{Command, Stdio as Std};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::Builder;

/// What each job writes, in pieces of 64 KiB.
const BYTES: u64 = 512 << 20;
/// How often.
const TURNS: usize = 5;
/// Readers at once.
const READERS: [usize; 4] = [0, 1, 10, 100];
/// Lines of the job that tells the time.
const LINES: usize = 300;

/// Bytes a second from a job to its log, with so many readers, beside a pipe whose reader discards.
pub fn speed() -> Table {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let supervisor = runtime.block_on(async { Supervisor::open() }).expect("a supervisor");
    let mut rows = vec![Row::new("a pipe whose reader discards")];
    rows.extend(READERS.map(|readers| Row::new(format!("cell, into its log, {readers} readers"))));
    for _ in 0..TURNS {
        rows[0].add_rate(gib(pipe()));
        for (row, readers) in rows[1..].iter_mut().zip(READERS) {
            row.add_rate(gib(runtime.block_on(logged(&supervisor, readers))));
        }
    }
    supervisor.close();
    Table::of_rates("output of a job", "GiB/s", rows, 0)
}

fn gib(took: Duration) -> f64 {
    BYTES as f64 / f64::from(1 << 30) / took.as_secs_f64()
}

/// The writer of both: `head` reads and writes some ten KiB at once; `dd` as much as it is told.
fn writer() -> [String; 4] {
    let (block, count) = ("bs=64k".to_owned(), format!("count={}", BYTES >> 16));
    ["if=/dev/zero".to_owned(), block, count, "status=none".to_owned()]
}

fn pipe() -> Duration {
    let started = Instant::now();
    let mut child = Command::new("dd").args(writer()).stdout(Std::piped()).spawn().expect("dd(1)");
    let mut stdout = child.stdout.take().expect("a pipe");
    rustix::pipe::fcntl_setpipe_size(&stdout, 1 << 20).expect("a pipe of 1 MiB");
    let (mut buffer, mut sum) = (vec![0; 1 << 20], 0);
    while let count @ 1.. = stdout.read(&mut buffer).expect("it is read") {
        sum += count as u64;
    }
    assert!(child.wait().expect("it ends").success() && sum == BYTES);
    started.elapsed()
}

/// From the start to the last byte at each reader.
async fn logged(supervisor: &Supervisor, readers: usize) -> Duration {
    let spec = JobSpec::command("dd").args(writer()).cwd("/").build().expect("a job with a meaning");
    let stdio = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
    let job = supervisor.start(spec, stdio).await.expect("it starts");
    let started = Instant::now();
    let read = |mut reader: ironcell::supervise::OutputReader| async move {
        let mut seen = 0;
        while let Some(item) = reader.next().await {
            match item {
                Item::Chunk(chunk) => seen += chunk.bytes.len() as u64,
                // A reader that is not as fast as the job is told what it has missed.
                Item::Gap { from, to } => seen += to - from,
                Item::Ended(_) => {}
            }
        }
        assert_eq!(seen, BYTES);
    };
    let all: Vec<_> = (0..readers).map(|_| tokio::spawn(read(job.output(OutputFrom::Start)))).collect();
    assert!(job.wait().await.expect("it ends").success());
    let took = started.elapsed();
    for reader in all {
        reader.await.expect("a reader ends");
    }
    took
}

/// From a line's writing to its reader: the job writes the time, and the reader looks at its own.
pub fn delay() -> Table {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let supervisor = runtime.block_on(async { Supervisor::open() }).expect("a supervisor");
    let mut row = Row::new("cell, from write to reader");
    runtime.block_on(async {
        let script = "$| = 1; use Time::HiRes qw(time sleep); while (1) { sleep 0.005; printf \"%.6f\\n\", time; }";
        let spec = JobSpec::command("perl").args(["-e", script]).cwd("/").build().expect("a job with a meaning");
        let stdio = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
        let job = supervisor.start(spec, stdio).await.expect("it starts");
        let mut reader = job.output(OutputFrom::Start);
        for _ in 0..LINES {
            let Some(Item::Chunk(chunk)) = reader.next().await else { panic!("it goes on") };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
            let text = String::from_utf8_lossy(&chunk.bytes);
            let told: f64 = text.lines().last().and_then(|line| line.parse().ok()).expect("a time");
            row.add(Duration::from_secs_f64((now - told).max(0.0)));
        }
        job.kill(Stopper::Caller);
        job.wait().await.expect("it ends");
    });
    supervisor.close();
    Table::of_times("delay of output", [row], 0)
}
