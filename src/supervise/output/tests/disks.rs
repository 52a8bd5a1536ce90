//! The spool and the log file of a job, beside pipes that a test writes to.

use super::*;
use crate::life::Chunk;
use crate::life::verdict::Written;
use crate::spec::{JobId, JobSpecBuilder, Keep, LogFile, Store};
use crate::supervise::output::Disk;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Clock;

/// A job of this kind that writes `bytes` to both streams in turns, up to its end.
pub(super) async fn written(
    disk: &Disk,
    spec: JobSpecBuilder,
    bytes: &[u8],
) -> (watch::Receiver<Log>, Option<Arc<Spooled>>, Written) {
    let set = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("two pipes");
    let spec = spec.log_max(64 << 10).build().expect("a spec");
    let files = disk.files(&spec, JobId::of(1, [7; 10])).expect("files are made");
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let (mut recording, log) = Recording::begin(&spec, wired.ours.intakes, files, Instant::now());
    let mut ends = [File::from(wired.theirs.stdout), wired.theirs.stderr.into()];
    let bytes = bytes.to_vec();
    let job = thread::spawn(move || {
        for (index, part) in bytes.chunks(10_007).enumerate() {
            ends[index % 2].write_all(part).expect("it is read");
        }
    });
    while !job.is_finished() {
        yield_now().await;
    }
    job.join().expect("no panic");
    let written = recording.end().await;
    (log, spool, written)
}

pub(super) fn spooling(max: u64, keep: Keep) -> JobSpecBuilder {
    JobSpec::command("x").store(Store::Spool { max, keep })
}

pub(super) fn reader(log: &watch::Receiver<Log>, spool: &Option<Arc<Spooled>>) -> OutputReader {
    let outcome = watch::Sender::new(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
    OutputReader::new(log.clone(), outcome.subscribe(), OutputFrom::Start).spooled(spool.clone())
}

/// All that a reader is told: the bytes, and the gaps.
pub(super) async fn heard(mut reader: OutputReader) -> (Vec<u8>, Vec<(u64, u64)>) {
    let (mut bytes, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let at = reader.offset();
        match reader.next().await {
            Some(Item::Chunk(chunk)) => {
                assert_eq!(chunk.offset, at, "a hole or a duplicate");
                bytes.extend(chunk.bytes);
            }
            Some(Item::Gap { from, to }) => gaps.push((from, to)),
            Some(Item::Ended(_)) | None => return (bytes, gaps),
        }
    }
}

/// Numbers, so that no two places look alike.
pub(super) fn numbers(bytes: usize) -> Vec<u8> {
    (0_u64..).flat_map(u64::to_le_bytes).take(bytes).collect()
}

/// The directory of the one job.
pub(super) fn only_dir(base: &Path) -> Option<PathBuf> {
    fs::read_dir(base).expect("listed").map(|entry| entry.expect("an entry").path()).find(|path| path.is_dir())
}

/// Waits for the thread of the disk, which nobody else waits for.
pub(super) fn until(what: impl Fn() -> bool) {
    let begun = Clock::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not happen");
        thread::yield_now();
    }
}

#[tokio::test]
async fn what_left_memory_is_read_from_the_spool_with_its_places_streams_and_times() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let (log, spool, told) = written(&disk, spooling(16 << 20, Keep::Always), &numbers(3_000_000)).await;
    assert_eq!((told.bytes, told.unwritten), (3_000_000, Some(0)));
    assert!(log.borrow().kept().start > 2_900_000, "memory has the last of it");
    let (bytes, gaps) = heard(reader(&log, &spool)).await;
    assert_eq!((bytes.len(), gaps), (3_000_000, vec![]));
    let mut sum = crate::life::digest::Sum::default();
    sum.add(&bytes);
    assert_eq!(log.borrow().end().map(|end| end.sha256.clone()), Some(Some(sum.hex())));
    let (mut blocking, mut all) = (reader(&log, &spool).into_blocking(), Vec::new());
    let by_thread = thread::spawn(move || blocking.read_to_end(&mut all).map(|_| all));
    assert!(by_thread.join().expect("no panic").expect("no gap") == bytes, "without a runtime it is another output");
    // Also when it is all that is left.
    drop((log, spool));
    let dir = only_dir(base.path()).expect("it is kept");
    let again: Vec<Chunk> = Kept::open(&dir).expect("it is listed").collect();
    assert!(again.windows(2).all(|pair| pair[0].end() == pair[1].offset && pair[0].at <= pair[1].at));
    assert!(again.iter().flat_map(|chunk| &chunk.bytes).eq(&bytes), "it is read again as it was");
}

#[tokio::test]
async fn a_spool_that_is_full_gives_up_the_oldest_and_the_gap_is_told_once() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let all = numbers(5_000_000);
    let (log, spool, _) = written(&disk, spooling(1 << 20, Keep::WithJob), &all).await;
    let dir = only_dir(base.path()).expect("it is there");
    let on_disk: u64 =
        fs::read_dir(&dir).expect("listed").map(|file| file.expect("one").metadata().expect("one").len()).sum();
    assert!(on_disk <= 1 << 20, "{on_disk} bytes");
    let mut first = reader(&log, &spool);
    let Some(Item::Gap { from: 0, to }) = first.next().await else { panic!("the first bytes are given up") };
    assert!(5_000_000 - to > (1 << 20) * 3 / 4, "{to}: given up without need");
    drop(first);
    let (_, gaps) = heard(reader(&log, &spool)).await;
    assert_eq!(gaps, [(0, to)]);
    // It goes with the last that holds it.
    drop(spool);
    until(|| !dir.exists());
}

#[tokio::test]
async fn a_disk_that_fails_is_a_gap_and_a_count_and_holds_up_nobody() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::keeping(base.path()).expect("ours");
    let set = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("a pipe");
    let spec = spooling(1 << 20, Keep::WithJob).log_max(64 << 10).build().expect("a spec");
    let files = disk.files(&spec, JobId::of(1, [7; 10])).expect("files are made");
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    // Nothing can be made any more.
    fs::remove_dir(only_dir(base.path()).expect("it is there")).expect("removed");
    let (mut recording, log) = Recording::begin(&spec, wired.ours.intakes, files, Instant::now());
    let (mut stdout, all) = (File::from(wired.theirs.stdout), numbers(1_000_000));
    let job = thread::spawn(move || stdout.write_all(&all));
    while !job.is_finished() {
        yield_now().await;
    }
    job.join().expect("no panic").expect("it is read");
    drop(wired.theirs.stderr);
    let told = recording.end().await;
    assert_eq!((told.bytes, told.unwritten), (1_000_000, Some(1_000_000)));
    assert_eq!(log.borrow().end().map(|end| end.unwritten), Some(1_000_000));
    let (bytes, gaps) = heard(reader(&log, &spool)).await;
    let [(0, to)] = gaps[..] else { panic!("{gaps:?}") };
    assert!(bytes == numbers(1_000_000)[usize::try_from(to).expect("small")..], "memory has the rest");
}

#[tokio::test]
async fn a_log_file_has_both_streams_as_they_were_read_and_goes_with_a_start_that_failed() {
    let base = tempfile::tempdir().expect("a directory");
    let disk = Disk::default();
    let spec = JobSpec::command("/bin/x").log_file(LogFile::In(base.path().to_owned()));
    let (log, _, told) = written(&disk, spec.clone(), &numbers(1_000_000)).await;
    assert_eq!(told.unwritten, Some(0));
    let file = fs::read_dir(base.path()).expect("listed").next().expect("one").expect("one").path();
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("_bin_x_") && name.ends_with(".log"), "{name}");
    let mut sum = crate::life::digest::Sum::default();
    sum.add(&fs::read(&file).expect("read"));
    assert_eq!(log.borrow().end().map(|end| end.sha256.clone()), Some(Some(sum.hex())), "in the order of the offsets");
    // The same job again would have the same file; another that never begins has none.
    let spec = spec.build().expect("a spec");
    assert!(disk.files(&spec, JobId::of(1, [7; 10])).expect_err("it is there").to_string().contains("EEXIST"));
    drop(disk.files(&spec, JobId::of(1, [8; 10])).expect("made"));
    assert_eq!(fs::read_dir(base.path()).expect("listed").count(), 1);
}

#[test]
fn a_spool_without_a_directory_is_refused() {
    let spec = spooling(1 << 20, Keep::WithJob).build().expect("a spec");
    let error = Disk::default().files(&spec, JobId::of(1, [7; 10])).expect_err("refused").to_string();
    assert!(error.contains("Supervisor::spool_in"), "{error}");
}
