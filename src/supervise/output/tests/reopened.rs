//! The output of a job whose supervisor is gone, in the hands of the next one.

use super::disks::{heard, numbers, only_dir, reader, spooling, until};
use super::*;
use crate::life::LogEnd;
use crate::life::digest::Sum;
use crate::os::stdio::Intake;
use crate::spec::{JobId, JobSpec, Keep};
use crate::supervise::output::{Disk, Files, Spooled};
use std::fs;
use std::os::fd::AsFd;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Two pipes that outlive whoever reads them.
struct Pipes {
    ends: [File; 2],
    intakes: Vec<(Stream, Intake)>,
}

impl Pipes {
    /// In a runtime.
    fn new() -> Self {
        let set = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
        let wired = stdio::wire(set, false).expect("two pipes");
        Self { ends: [wired.theirs.stdout.into(), wired.theirs.stderr.into()], intakes: wired.ours.intakes }
    }

    /// Another hand on their reading ends.
    fn again(&self) -> Vec<(Stream, Intake)> {
        let again = |intake: &Intake| Intake::of(intake.as_fd().try_clone_to_owned().expect("a descriptor"));
        self.intakes.iter().map(|(stream, intake)| (*stream, again(intake).expect("a pipe"))).collect()
    }

    /// Writes in turns, and more than the pipes hold.
    fn write(&mut self, bytes: &[u8]) {
        for (index, part) in bytes.chunks(10_007).enumerate() {
            self.ends[index % 2].write_all(part).expect("it is read");
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn id() -> JobId {
    JobId::of(1, [7; 10])
}

/// A supervisor that writes so much of a job's output, and is gone without an end. It leaves the pipes.
fn first_one(disk: &Disk, spec: &JobSpec, bytes: &[u8]) -> (Pipes, Vec<u8>) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let mut pipes = Pipes::new();
    let files = disk.files(spec, id()).expect("files are made").expect("it asks for some");
    let spool = files.spool.clone().expect("it has a spool");
    let (recording, log) = Recording::begin(spec, pipes.again(), Some(files), Instant::now());
    pipes.write(bytes);
    until(|| log.borrow().kept().end == bytes.len() as u64);
    // As a death does: nothing is removed.
    spool.leave();
    let (mut reader, mut heard) = (reader(&log, &Some(spool)), Vec::new());
    while let Ok(Item::Chunk(chunk)) = reader.try_next() {
        heard.extend(chunk.bytes);
    }
    drop(recording);
    (pipes, heard)
}

/// The next one, up to the end.
fn next_one(
    disk: &Disk,
    spec: &JobSpec,
    mut pipes: Pipes,
    bytes: &[u8],
) -> (watch::Receiver<Log>, Option<Arc<Spooled>>) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let files: Option<Files> = disk.reopen(spec, id()).expect("it is there");
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let (mut recording, log) = Recording::resume(spec, pipes.again(), files, Instant::now());
    pipes.write(bytes);
    drop(pipes);
    runtime.block_on(recording.end());
    (log, spool)
}

/// All that a reader is told of it, from somewhere.
fn told(log: &watch::Receiver<Log>, spool: &Option<Arc<Spooled>>, from: OutputFrom) -> (Vec<u8>, Vec<(u64, u64)>) {
    let mut reader = reader(log, spool);
    reader.seek(from);
    runtime().block_on(heard(reader))
}

fn sum_of(bytes: &[u8]) -> Option<String> {
    let mut sum = Sum::default();
    sum.add(bytes);
    Some(sum.hex())
}

fn end_of(log: &watch::Receiver<Log>) -> LogEnd {
    log.borrow().end().cloned().expect("it is sealed")
}

#[test]
fn the_next_supervisor_goes_on_with_the_next_offset_the_same_sum_and_what_each_stream_had() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(16 << 20, Keep::WithJob).log_max(64 << 10).build().expect("a spec");
    let (pipes, first) = first_one(&disk, &spec, &numbers(1_000_000));
    assert_eq!(first.len(), 1_000_000);
    let (log, spool) = next_one(&disk, &spec, pipes, &numbers(500_000));
    let (all, gaps) = told(&log, &spool, OutputFrom::Start);
    assert_eq!((all.len(), gaps), (1_500_000, vec![]));
    assert!(all[..1_000_000] == first[..], "what was there is another output now");
    let end = end_of(&log);
    let of_one = |total: usize| (0..total).step_by(10_007).enumerate().filter(|(index, _)| index % 2 == 0);
    let stdout: usize = [1_000_000, 500_000]
        .iter()
        .map(|total| of_one(*total).map(|(_, at)| (total - at).min(10_007)).sum::<usize>())
        .sum();
    assert_eq!((end.stdout, end.stdout + end.stderr), (stdout as u64, 1_500_000));
    assert_eq!((end.sha256, end.unwritten, end.complete), (sum_of(&all), 0, true));
    // It is this one's now, and goes with it.
    let dir = only_dir(base.path()).expect("it is there");
    drop(spool);
    until(|| !dir.exists());
}

#[test]
fn what_was_given_up_before_is_a_gap_and_no_sum_and_counts_all_the_same() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(1 << 20, Keep::WithJob).log_max(64 << 10).build().expect("a spec");
    let (pipes, _) = first_one(&disk, &spec, &numbers(3_000_000));
    let (log, spool) = next_one(&disk, &spec, pipes, &numbers(3_000_000));
    let (all, gaps) = told(&log, &spool, OutputFrom::Start);
    let [(0, to)] = gaps[..] else { panic!("{gaps:?}") };
    let end = end_of(&log);
    assert_eq!((end.stdout + end.stderr, to + all.len() as u64, end.sha256), (6_000_000, 6_000_000, None));
    assert!(all.len() > (1 << 20) * 3 / 4, "{}: given up without need", all.len());
    let half = end.stdout.abs_diff(end.stderr);
    assert!(half <= 2 * 10_007, "each stream had half: {half}");
}

#[test]
fn the_output_of_a_job_that_has_ended_is_read_from_its_spool_from_anywhere() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(16 << 20, Keep::Always).log_max(64 << 10).build().expect("a spec");
    let lines: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    let runtime = runtime();
    let inside = runtime.enter();
    let pipes = Pipes::new();
    drop(inside);
    let files = disk.files(&spec, id()).expect("files are made");
    let (recording, log) = {
        let _inside = runtime.enter();
        Recording::begin(&spec, pipes.again(), files, Instant::now())
    };
    let (mut recording, mut stdout) = (recording, pipes.ends);
    stdout[0].write_all(lines.as_bytes()).expect("it is read");
    until(|| log.borrow().kept().end == lines.len() as u64);
    let pause = Duration::from_millis(30);
    thread::sleep(pause);
    stdout[1].write_all(b"late\n").expect("it is read");
    drop((stdout, pipes.intakes));
    runtime.block_on(recording.end());
    let end = end_of(&log);
    let all = format!("{lines}late\n");
    for known in [Some(end.clone()), None] {
        let (log, spool) = disk.of_ended(&spec, id(), known.clone()).expect("it is there");
        let claimed = LogEnd { complete: known.is_some(), ..end.clone() };
        assert_eq!(end_of(&log), claimed, "the end is another one");
        let told = |from| told(&log, &spool, from);
        assert!(told(OutputFrom::Start) == (all.clone().into_bytes(), vec![]), "from the start");
        let text = |from| String::from_utf8(told(from).0).expect("text");
        assert_eq!(text(OutputFrom::Offset(all.len() as u64 - 7)), "9\nlate\n");
        assert_eq!(text(OutputFrom::TailBytes(6)), "\nlate\n");
        assert!(text(OutputFrom::TailBytes(u64::MAX)) == all, "more than there is");
        assert_eq!(text(OutputFrom::TailLines(2)), "99999\nlate\n");
        assert!(text(OutputFrom::TailLines(90_000)).starts_with("10001\n"), "many lines");
        assert!(text(OutputFrom::TailLines(u64::MAX)) == all, "more lines than there are");
        assert_eq!((text(OutputFrom::TailLines(0)), text(OutputFrom::TailBytes(0))), (String::new(), String::new()));
        // The second stream came later than the first began, and after all of it.
        let Some(Item::Chunk(last)) = runtime.block_on(async {
            let mut reader = reader(&log, &spool).only(Stream::Stderr);
            reader.next().await
        }) else {
            panic!("it is there")
        };
        assert_eq!((last.bytes.as_slice(), last.offset), (&b"late\n"[..], lines.len() as u64));
        assert_eq!(text(OutputFrom::Since(last.at)), "late\n");
        assert!(text(OutputFrom::Since(Duration::ZERO)) == all && text(OutputFrom::Since(last.at + pause)).is_empty());
    }
}

#[test]
fn a_tail_of_a_job_that_runs_goes_beyond_what_memory_keeps() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(16 << 20, Keep::WithJob).log_max(64 << 10).build().expect("a spec");
    let lines: String = (100_000..200_000).map(|number| format!("{number}\n")).collect();
    let runtime = runtime();
    let _inside = runtime.enter();
    let mut pipes = Pipes::new();
    let files = disk.files(&spec, id()).expect("files are made");
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let (_recording, log) = Recording::begin(&spec, pipes.again(), files, Instant::now());
    pipes.ends[0].write_all(lines.as_bytes()).expect("it is read");
    until(|| log.borrow().kept().end == lines.len() as u64);
    let mut reader = reader(&log, &spool);
    for (from, offset) in [
        (OutputFrom::TailLines(50_000), 350_000),
        (OutputFrom::TailLines(3), 700_000 - 21),
        (OutputFrom::TailBytes(600_000), 100_000),
        (OutputFrom::TailBytes(6), 700_000 - 6),
        (OutputFrom::Since(Duration::ZERO), 0),
    ] {
        reader.seek(from);
        assert_eq!(reader.offset(), offset, "{from:?}");
    }
}

#[test]
fn a_disk_that_takes_nothing_for_a_while_is_a_gap_and_the_rest_lies_behind_it() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(1 << 20, Keep::Always).log_max(64 << 10).build().expect("a spec");
    let runtime = runtime();
    let inside = runtime.enter();
    let mut pipes = Pipes::new();
    let files = disk.files(&spec, id()).expect("files are made");
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let (mut recording, log) = Recording::begin(&spec, pipes.again(), files, Instant::now());
    let dir = only_dir(base.path()).expect("it is there");
    let (away, all) = (base.path().join("away"), numbers(700_000));
    for (part, there) in [(0..300_000, true), (300_000..600_000, false), (600_000..700_000, true)] {
        let there = if there { (&away, &dir) } else { (&dir, &away) };
        let _ = fs::rename(there.0, there.1);
        // To one stream alone, so that the order is known.
        pipes.ends[0].write_all(&all[part.clone()]).expect("it is read");
        until(|| log.borrow().kept().end == part.end as u64);
    }
    drop(pipes);
    drop(inside);
    let written = runtime.block_on(recording.end());
    let (bytes, gaps) = told(&log, &spool, OutputFrom::Start);
    let [(from, to)] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((written.unwritten, to - from), (Some(to - from), to - from));
    assert!(to - from > 150_000 && from >= 300_000, "{from} to {to}");
    let (from, to) = (usize::try_from(from).expect("small"), usize::try_from(to).expect("small"));
    assert!(bytes == [&all[..from], &all[to..]].concat(), "it is another output");
    // The next supervisor sees the same gap, and counts it.
    let (log, spool) = disk.of_ended(&spec, id(), None).expect("it is there");
    assert_eq!(told(&log, &spool, OutputFrom::Start).1, [(from as u64, to as u64)]);
    assert_eq!((end_of(&log).unwritten, end_of(&log).sha256), ((to - from) as u64, None));
}

#[test]
fn a_job_without_a_spool_there_cannot_be_gone_on_with() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(1 << 20, Keep::WithJob).build().expect("a spec");
    let error = disk.reopen(&spec, id()).expect_err("nothing is there").to_string();
    assert!(error.contains("ENOENT"), "{error}");
    // One that has none loses its sum with what it wrote before.
    let none = JobSpec::command("x").build().expect("a spec");
    let files = disk.reopen(&none, id()).expect("it asks for none");
    let runtime = runtime();
    let _inside = runtime.enter();
    let pipes = Pipes::new();
    let (mut recording, log) = Recording::resume(&none, pipes.again(), files, Instant::now());
    drop(pipes);
    assert_eq!(runtime.block_on(recording.end()).unwritten, None);
    assert_eq!((end_of(&log).stdout, end_of(&log).sha256), (0, None));
}
