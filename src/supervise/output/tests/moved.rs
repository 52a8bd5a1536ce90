//! What is moved from a pipe into a spool keeps to a job's other bounds, and what is no pipe is written all the same.

use super::disks::{heard, numbers, only_dir, reader, spooling};
use super::*;
use crate::os::stdio::Intake;
use crate::spec::{JobId, Keep, LogFile, Overflow};
use crate::supervise::output::{Disk, Kept};
use std::fs;
use std::os::unix::net::UnixStream;

/// Waits until the thread of the disk has done so much, while the reading goes on.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_spool_and_a_log_file_have_the_output_up_to_the_limit_and_no_byte_beyond() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(&base.path().join("spool")).expect("ours");
    let log_file = LogFile::At(base.path().join("log"));
    let spec = spooling(1 << 20, Keep::Always).log_file(log_file).output_limit(100_001);
    let (log, _, told) = super::disks::written(&disk, spec, &numbers(300_000)).await;
    assert_eq!((told.bytes, told.limit, told.unwritten), (300_000, Some(100_001), Some(0)));
    let dir = only_dir(&base.path().join("spool")).expect("it is kept");
    let bytes: Vec<u8> = Kept::open(dir).expect("listed").flat_map(|chunk| chunk.bytes).collect();
    assert_eq!((bytes.len(), log.borrow().end().map(|end| end.beyond)), (100_001, Some(199_999)));
    assert!(fs::read(base.path().join("log")).expect("read") == bytes, "the log file has another output");
}

#[tokio::test]
async fn a_job_that_waits_for_its_sink_waits_with_a_spool_as_well() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let set = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("a pipe");
    let spec = spooling(16 << 20, Keep::WithJob).overflow(Overflow::Block).log_max(64 << 10).build().expect("a spec");
    let files = disk.files(&spec, JobId::of(1, [7; 10])).expect("files are made");
    let (mut recording, log) = Recording::begin(&spec, wired.ours.intakes, files, Instant::now());
    let outcome = watch::Sender::new(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
    let mut sink = recording.sink(outcome.subscribe()).expect("the job waits for one");
    let mut stdout = File::from(wired.theirs.stdout);
    let job = thread::spawn(move || stdout.write_all(&numbers(4 << 20)));
    until(|| log.borrow().is_full()).await;
    let pause = Duration::from_millis(50);
    tokio::time::timeout(pause, recording.over_limit()).await.expect_err("there is no limit");
    let end = log.borrow().kept().end;
    assert!(end <= (64 << 10) + (32 << 10) && !job.is_finished(), "{end} bytes were not held up");
    let mut taken = Vec::new();
    while taken.len() < 4 << 20 {
        let Some(Item::Chunk(chunk)) = sink.next().await else { panic!("there is more") };
        taken.extend(chunk.bytes);
    }
    assert!(taken == numbers(4 << 20), "it is another output");
    job.join().expect("no panic").expect("it is read");
    recording.end().await;
}

#[tokio::test]
async fn what_comes_from_no_pipe_is_read_and_then_written_and_gone_on_with() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let spec = spooling(16 << 20, Keep::WithJob).log_max(64 << 10).build().expect("a spec");
    let (mut all, mut spools) = (Vec::new(), Vec::new());
    for again in [false, true] {
        // As a terminal: it cannot be moved from.
        let (ours, mut theirs) = UnixStream::pair().expect("two ends");
        ours.set_nonblocking(true).expect("a socket");
        let intake = Intake::of(ours.into()).expect("a socket");
        assert!(!intake.is_pipe());
        let id = JobId::of(1, [7; 10]);
        let files = if again { disk.reopen(&spec, id) } else { disk.files(&spec, id) }.expect("files");
        let spool = files.as_ref().and_then(|files| files.spool.clone());
        let (mut recording, log) = Recording::begin(&spec, vec![(Stream::Stdout, intake)], files, Instant::now());
        let job = thread::spawn(move || theirs.write_all(&numbers(700_000)));
        until(|| job.is_finished()).await;
        job.join().expect("no panic").expect("it is read");
        assert_eq!(recording.end().await.unwritten, Some(0));
        all.extend(numbers(700_000));
        let (bytes, gaps) = heard(reader(&log, &spool)).await;
        assert!(bytes == all && gaps.is_empty(), "{} bytes, {gaps:?}", bytes.len());
        let mut sum = crate::life::digest::Sum::default();
        sum.add(&all);
        assert_eq!(
            log.borrow().end().map(|end| (end.stdout, end.sha256.clone())),
            Some((all.len() as u64, Some(sum.hex())))
        );
        spools.push(spool);
    }
}
