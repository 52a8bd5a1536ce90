//! A program that embeds ironcell and measures itself: what idle jobs cost in memory, and what readers cost a job.
//!
//! `idle COUNT`: proportional set sizes (smaps_rollup) of this program, its keeper and every cell's PID 1 with COUNT idle jobs,
//! and what of a PID 1 is its own. `flow BYTES`: the most memory that this program has while a job writes so much and one reader
//! follows. `stopped COUNT BYTES`: how long a job takes to write so much without readers, and with COUNT that never read.

use ironcell::spec::{JobSpec, OnDrop, Owner, Stdio, StdioSet};
use ironcell::supervise::{Bounds, Item, OutputFrom, Supervisor};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index).and_then(|text| text.parse::<u64>().ok()).expect("a number");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bounds = Bounds { jobs: 1 << 16, ..Bounds::default() };
        let supervisor = Supervisor::open_with(bounds).expect("a supervisor");
        match args.first().map(String::as_str) {
            Some("idle") => idle(&supervisor, number(1)).await,
            Some("flow") => flow(&supervisor, number(1)).await,
            Some("stopped") => stopped(&supervisor, number(1), number(2)).await,
            other => panic!("not what is measured: {other:?}"),
        }
        supervisor.close();
    });
}

/// A number of KiB out of a file of lines `NAME: NUMBER kB`.
fn kib(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn pss(pid: i32) -> u64 {
    kib(&format!("/proc/{pid}/smaps_rollup"), "Pss")
}

fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("its own threads");
    let of = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("children")).ok();
    tasks
        .filter_map(of)
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

async fn idle(supervisor: &Supervisor, count: u64) {
    let jobs = supervisor.jobs_of(Owner::default());
    let spec = || JobSpec::command("sleep").arg("100000").on_drop(OnDrop::Detach).build().expect("a spec");
    let logged = || StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
    jobs.start(spec(), logged()).await.expect("the first makes what all need");
    let own = std::process::id() as i32;
    let keeper = children(own).first().copied().expect("a keeper");
    let before = (pss(own), pss(keeper));
    for batch in 0..count.div_ceil(100) {
        let some = (0..(count - batch * 100).min(100)).map(|_| (spec(), logged()));
        assert!(jobs.start_all(some.collect()).await.iter().all(Result::is_ok));
    }
    // Whatever was needed for the start only has gone by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let firsts = children(keeper);
    let of_firsts: u64 = firsts.iter().map(|pid| pss(*pid)).sum();
    let targets: u64 = firsts.iter().flat_map(|pid| children(*pid)).map(pss).sum();
    let threads = fs::read_dir("/proc/self/task").expect("its own").count();
    let (program, keeper_grew) = (pss(own).saturating_sub(before.0), pss(keeper).saturating_sub(before.1));
    let each = |kib: u64| kib as f64 / count as f64;
    println!("{count} idle jobs, {} first processes, {threads} threads; KiB of PSS for each job:", firsts.len());
    println!("  program {:.1}  keeper {:.1}  PID 1 {:.1}", each(program), each(keeper_grew), each(of_firsts));
    println!("  together {:.1}; beside it the target {:.1}", each(program + keeper_grew + of_firsts), each(targets));
    println!("  program {} KiB, keeper {} KiB in all", pss(own), pss(keeper));
    if let Some(first) = firsts.last() {
        own_pages(*first);
    }
}

/// What of a process is its alone, mapping by mapping.
fn own_pages(pid: i32) {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps")).expect("it lives");
    let (mut sums, mut name) = (BTreeMap::<String, (u64, u64)>::new(), String::new());
    for line in text.lines() {
        let value = |line: &str| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
        match line.split_once(':') {
            Some(("Pss", rest)) => sums.entry(name.clone()).or_default().0 += value(rest),
            Some(("Private_Dirty", rest)) => sums.entry(name.clone()).or_default().1 += value(rest),
            _ if line.split(' ').next().is_some_and(|range| range.contains('-')) => {
                let words: Vec<&str> = line.split_whitespace().collect();
                name = format!("{} {}", words.get(1).unwrap_or(&""), words.get(5).unwrap_or(&"anonymous"));
            }
            _ => {}
        }
    }
    for (name, (pss, private)) in sums.into_iter().filter(|(_, (pss, _))| *pss > 0) {
        println!("  PID 1: {pss:>5} KiB, {private:>5} its own: {name}");
    }
}

fn writes(bytes: u64) -> JobSpec {
    JobSpec::command("head").args(["-c", &bytes.to_string(), "/dev/zero"]).build().expect("a spec")
}

fn output() -> StdioSet {
    StdioSet { stdout: Stdio::Log, ..StdioSet::default() }
}

async fn flow(supervisor: &Supervisor, bytes: u64) {
    let job = supervisor.start(writes(bytes), output()).await.expect("it starts");
    let (mut reader, mut read, mut lost) = (job.output(OutputFrom::Start), 0, 0);
    let since = Instant::now();
    let mut next = bytes / 10;
    println!("at the start: {} KiB resident", kib("/proc/self/status", "VmRSS"));
    while let Some(item) = reader.next().await {
        match item {
            Item::Chunk(chunk) => read += chunk.bytes.len() as u64,
            Item::Gap { from, to } => lost += to - from,
            Item::Ended(ended) => println!("{:?}", ended.outcome.exit),
        }
        if read + lost > next {
            println!("after {} MiB: {} KiB resident", (read + lost) >> 20, kib("/proc/self/status", "VmRSS"));
            next += bytes / 10;
        }
    }
    let peak = kib("/proc/self/status", "VmHWM");
    println!("{read} bytes read, {lost} given up, {:.1} s, at most {peak} KiB resident", since.elapsed().as_secs_f64());
}

async fn stopped(supervisor: &Supervisor, count: u64, bytes: u64) {
    for readers in [0, count, 0, count] {
        let job = supervisor.start(writes(bytes), output()).await.expect("it starts");
        let held: Vec<_> = (0..readers).map(|_| job.output(OutputFrom::Start)).collect();
        let outcome = job.wait().await.expect("it ends");
        println!("{} stopped readers: {:.3} s for {bytes} bytes", held.len(), outcome.usage.wall.as_secs_f64());
    }
}
