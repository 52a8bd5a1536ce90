//! A supervisor that is killed in the midst of its work, and the next one, over one pipe: no byte is lost and none is twice.

use super::disks::{numbers, spooling};
use super::*;
use crate::life::log::Log;
use crate::os::stdio::Intake;
use crate::spec::{JobId, Keep};
use crate::supervise::output::Disk;
use std::fs;
use std::io::pipe;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio as Piped};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// By which the one that is killed knows its directory: without it, it is a test that does nothing.
const DIRECTORY: &str = "IRONCELL_TEST_SPOOLS";
/// How often it is killed.
const KILLS: u32 = 25;
/// Bytes of a spool that gives nothing up here.
const ROOM: u64 = 1 << 30;

/// The one that is killed: goes on with the spool that is there and the pipe that is its standard input, to the end of that.
#[tokio::test]
#[ignore = "it is a part of the test below, in a process of its own"]
async fn one_that_is_killed() {
    let Some(base) = std::env::var_os(DIRECTORY) else { return };
    let disk = Disk::keeping(Path::new(&base)).expect("ours");
    let spec = spooling(ROOM, Keep::Always).log_max(64 << 10).build().expect("a spec");
    let id = JobId::of(1, [7; 10]);
    let there = Path::new(&base).join(id.as_uuid().to_string()).exists();
    let files = if there { disk.reopen(&spec, id) } else { disk.files(&spec, id) }.expect("files");
    let pipe = || Intake::of(std::io::stdin().as_fd().try_clone_to_owned().expect("a descriptor")).expect("a pipe");
    let (intakes, seen) = (vec![(Stream::Stdout, pipe())], pipe());
    let (mut recording, log): (_, watch::Receiver<Log>) = Recording::resume(&spec, intakes, files, Instant::now());
    // The end of a recording has a bound, that of the pipe has none.
    while seen.filled().await.expect("a pipe") {
        yield_now().await;
    }
    assert_eq!(recording.end().await.unwritten, Some(0));
    let mut sum = crate::life::digest::Sum::default();
    segments(Path::new(&base)).iter().for_each(|path| sum.add(&fs::read(path).expect("read")));
    // Of more than is read again for it, it is not known.
    let told = log.borrow().end().and_then(|end| end.sha256.clone());
    assert!(told.is_none_or(|told| told == sum.hex()), "the sum does not go on");
}

/// All segments of the one job, in order.
fn segments(base: &Path) -> Vec<PathBuf> {
    let Some(dir) = super::disks::only_dir(base) else { return Vec::new() };
    let mut all: Vec<PathBuf> = fs::read_dir(dir).expect("listed").map(|file| file.expect("one").path()).collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "seg"));
    all.sort();
    all
}

fn on_disk(base: &Path) -> u64 {
    segments(base).iter().map(|path| fs::metadata(path).map_or(0, |file| file.len())).sum()
}

#[test]
fn whoever_is_killed_at_any_instant_loses_no_byte_of_the_pipe() {
    let base = tempfile::tempdir().expect("a directory");
    let (reader, mut writer) = pipe().expect("a pipe");
    let over = Arc::new(AtomicBool::new(false));
    let job = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut written = 0_u64;
            // Of odd sizes, so that a kill meets pages that are whole and others.
            for round in 0_u64.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let next = written / 8..(written + 1 + round % 7 * 4099).div_ceil(8);
                let bytes: Vec<u8> = next.flat_map(u64::to_le_bytes).collect();
                writer.write_all(&bytes).expect("somebody holds the other end");
                written += bytes.len() as u64;
            }
            written
        }
    });
    let begin = || {
        let mut next = Command::new(std::env::current_exe().expect("this test"));
        next.args(["--exact", "supervise::output::tests::killed::one_that_is_killed", "--ignored"]);
        next.env(DIRECTORY, base.path()).stdin(reader.try_clone().expect("a descriptor")).stdout(Piped::null());
        next.spawn().expect("it starts")
    };
    for kill in 0..KILLS {
        let (before, mut child) = (on_disk(base.path()), begin());
        // When it has done something, and a little later each time.
        super::disks::until(|| on_disk(base.path()) > before);
        (0..kill * 997).for_each(|_| std::hint::spin_loop());
        child.kill().expect("it runs");
        child.wait().expect("it is gone");
    }
    over.store(true, Ordering::Relaxed);
    let mut last = begin();
    let written = job.join().expect("no panic");
    drop(reader);
    assert!(last.wait().expect("it ends").success(), "the last one failed");
    let all: Vec<u8> = segments(base.path()).iter().flat_map(|path| fs::read(path).expect("read")).collect();
    assert_eq!(all.len() as u64, written, "bytes are lost, or there twice");
    assert!(all == numbers(all.len()), "it is another output");
    assert!(segments(base.path()).len() > usize::try_from(KILLS).expect("small") / 2, "nobody went on");
}
