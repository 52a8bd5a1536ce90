//! The output of a job on a disk: complete for every reader at any pace, bounded, gone with the job, and a disk that fails or
//! is full holds up nobody.

use integration::embed::{logged, shell, with_threads};
use integration::inside::scratch;
use integration::support::rounds;
use ironcell::life::{Cause, Exit, Retain, Stopper};
use ironcell::spec::{JobSpec, Keep, LogFile, Store};
use ironcell::supervise::{Ended, Filter, Item, Job, Kept, OutputFrom, OutputReader, Supervisor};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio as Piped};
use std::time::Duration;

/// A job with the least of memory and a spool of so many bytes.
fn spooled(script: &str, max: u64, keep: Keep) -> JobSpec {
    let job = JobSpec::command("sh").args(["-c", script]).log_max(64 << 10);
    job.store(Store::Spool { max, keep }).build().expect("a spec")
}

/// What a reader was told: how many bytes, their sum, the gaps, and the end.
struct Heard {
    bytes: u64,
    sha256: String,
    gaps: Vec<(u64, u64)>,
    end: Ended,
}

/// Reads to the end; fails the test on a hole that is not told or a duplicate.
async fn hear(mut reader: OutputReader, pause: Duration) -> Heard {
    let mut sum = Command::new("sha256sum").stdin(Piped::piped()).stdout(Piped::piped()).spawn().expect("it starts");
    let mut sink = sum.stdin.take().expect("piped");
    let (mut bytes, mut gaps, mut at) = (0, Vec::new(), reader.offset());
    loop {
        // Not after each piece: there are thousands.
        if at.is_multiple_of(7) {
            tokio::time::sleep(pause).await;
        }
        match reader.next().await.expect("the end is told") {
            Item::Chunk(chunk) => {
                assert_eq!(chunk.offset, at, "a hole or a duplicate");
                at += chunk.bytes.len() as u64;
                bytes += chunk.bytes.len() as u64;
                std::io::Write::write_all(&mut sink, &chunk.bytes).expect("it reads");
            }
            Item::Gap { from, to } => {
                assert!(from == at && to > at);
                at = to;
                gaps.push((from, to));
            }
            Item::Ended(end) => {
                drop(sink);
                let said = sum.wait_with_output().expect("it ends").stdout;
                let sha256 = String::from_utf8_lossy(&said[..64]).into_owned();
                return Heard { bytes, sha256, gaps, end: *end };
            }
        }
    }
}

fn from_start(job: &Job, pause_millis: u64) -> impl Future<Output = Heard> + use<> {
    hear(job.output(OutputFrom::Start), Duration::from_millis(pause_millis))
}

/// Has the list forget every job that has ended: it holds what it tells of.
fn forget(supervisor: &Supervisor) {
    supervisor.all_jobs().purge(&Filter::default());
}

/// Waits until a directory has no entry: the disk's thread removes what nobody wants.
async fn emptied(dir: &Path) {
    let empty = async {
        while fs::read_dir(dir).expect("listed").next().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), empty).await.expect("it is removed");
}

#[test]
fn readers_at_any_pace_see_every_byte_of_much_more_than_memory_keeps() {
    for threads in [0, 4] {
        with_threads(threads, async {
            let dir = scratch();
            let spool = dir.path().join("spool");
            let supervisor = Supervisor::open().expect("a supervisor").spool_in(&spool).expect("a directory");
            for (script, exit) in [("seq 1 20000; seq 1 500000 >&2", 0), ("seq 1 20000; exit 7", 7), ("exit 3", 3)] {
                for _ in 0..rounds(2) {
                    let spec = spooled(script, 64 << 20, Keep::WithJob);
                    let job = supervisor.start(spec, logged()).await.expect("it starts");
                    let (steady, slow) = tokio::join!(from_start(&job, 0), from_start(&job, 1));
                    let outcome = job.wait().await.expect("it ends");
                    let late = from_start(&job, 0).await;
                    for heard in [steady, slow, late] {
                        let log = &heard.end.log;
                        assert_eq!((heard.gaps, heard.bytes), (vec![], log.stdout + log.stderr), "{script}");
                        assert_eq!((Some(&heard.sha256), log.unwritten, log.complete), (log.sha256.as_ref(), 0, true));
                        assert_eq!(heard.end.outcome.exit, Exit::Code { code: exit });
                    }
                    assert_eq!(outcome.evidence.output_unwritten, Some(0));
                    drop(job);
                    forget(&supervisor);
                    emptied(&spool).await;
                }
            }
            supervisor.close();
        });
    }
}

#[test]
fn a_thousand_readers_that_stop_lose_nothing_and_hold_up_nothing() {
    with_threads(2, async {
        let dir = scratch();
        let spool = dir.path().join("spool");
        let supervisor = Supervisor::open().expect("a supervisor").spool_in(&spool).expect("a directory");
        let spec = spooled("echo first; sleep 0.3; head -c 20000000 /dev/zero", 64 << 20, Keep::WithJob);
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let mut stopped = job.output(OutputFrom::Start);
        assert!(matches!(stopped.next().await, Some(Item::Chunk(_))));
        let all: Vec<OutputReader> = (0..1000).map(|_| stopped.clone()).collect();
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 0 });
        for reader in all.into_iter().take(3) {
            let heard = hear(reader, Duration::ZERO).await;
            assert_eq!((heard.gaps, heard.bytes), (vec![], 20_000_000));
        }
        // The readers hold the files; the job is gone before.
        drop((job, stopped));
        forget(&supervisor);
        emptied(&spool).await;
        supervisor.close();
    });
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("our own status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

#[test]
fn memory_and_disk_stay_flat_whatever_a_job_writes() {
    with_threads(2, async {
        let dir = scratch();
        let spool = dir.path().join("spool");
        let supervisor = Supervisor::open().expect("a supervisor").spool_in(&spool).expect("a directory");
        let before = resident();
        let bytes = 256_000_000 * u64::from(rounds(1));
        let spec = spooled(&format!("head -c {bytes} /dev/zero"), 32 << 20, Keep::WithJob);
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let mut most = 0;
        while job.try_wait().is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            most = most.max(resident());
        }
        let heard = from_start(&job, 0).await;
        let [(0, to)] = heard.gaps[..] else { panic!("{:?}", heard.gaps) };
        assert_eq!((heard.end.log.stdout, heard.bytes + to), (bytes, bytes));
        assert!(heard.bytes >= (32 << 20) * 3 / 4, "{} bytes are kept", heard.bytes);
        assert!(most < before + (16 << 20), "{before} bytes became {most}");
        drop(job);
        supervisor.close();
    });
}

/// A file system of 2 MiB that is unmounted again.
struct Small(PathBuf);

impl Small {
    fn mounted(at: PathBuf) -> Self {
        fs::create_dir(&at).expect("made");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m,mode=700", "small"]).arg(&at).status();
        assert!(done.expect("mount runs").success());
        Self(at)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_is_a_gap_and_a_count_and_never_a_stuck_job() {
    with_threads(2, async {
        let dir = scratch();
        let small = Small::mounted(dir.path().join("small"));
        let supervisor =
            Supervisor::open().expect("a supervisor").spool_in(small.0.join("spool")).expect("a directory");
        let spec = spooled("head -c 20000000 /dev/zero; echo last", 64 << 20, Keep::WithJob);
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert_eq!((outcome.exit, outcome.cause), (Exit::Code { code: 0 }, Cause::Itself));
        let lost = outcome.evidence.output_unwritten.expect("there was a spool");
        assert!((17_000_000..20_000_000).contains(&lost), "{lost}");
        let heard = from_start(&job, 0).await;
        let gaps: u64 = heard.gaps.iter().map(|(from, to)| to - from).sum();
        assert!(!heard.gaps.is_empty() && gaps <= lost, "{:?}", heard.gaps);
        assert_eq!((heard.bytes + gaps, heard.end.log.unwritten), (20_000_005, lost));
        // What is there is read again, and what is damaged is none.
        drop(job);
        supervisor.close();
        drop(small);
    });
}

#[test]
fn what_is_kept_is_read_again_and_a_log_file_has_it_in_plain() {
    with_threads(2, async {
        let dir = scratch();
        let (spool, logs) = (dir.path().join("spool"), dir.path().join("logs"));
        fs::create_dir(&logs).expect("made");
        let supervisor = Supervisor::open().expect("a supervisor").spool_in(&spool).expect("a directory");
        let script = "for i in $(seq 300); do echo out $i; echo err $i >&2; done";
        let spec = JobSpec::command("sh").args(["-c", script]).name("ci/build").log_file(LogFile::In(logs.clone()));
        let spec = spec.store(Store::Spool { max: 1 << 20, keep: Keep::Always }).build().expect("a spec");
        let job = supervisor.start(spec.clone(), logged()).await.expect("it starts");
        let own = spool.join(job.id().as_uuid().to_string());
        let heard = from_start(&job, 0).await;
        let plain = fs::read(logs.join(format!("ci_build_{}.log", job.id().short()))).expect("it is there");
        let again: Vec<u8> = Kept::open(&own).expect("it is there").flat_map(|chunk| chunk.bytes).collect();
        assert!(plain == again && plain.len() as u64 == heard.bytes, "the disk has another output");
        assert_eq!(plain.iter().filter(|byte| **byte == b'\n').count(), 600);
        drop(job);
        supervisor.close();
        assert!(own.is_dir(), "it is kept");
        // The files have the bytes alone; an index that was cut takes none of them.
        let first = own.join(format!("{:020}.seg", 0));
        assert!(fs::read(&first).expect("read") == again, "a segment has something else");
        let index = fs::read(first.with_extension("idx")).expect("read");
        fs::write(first.with_extension("idx"), &index[..index.len() - 1]).expect("cut");
        let cut: Vec<u8> = Kept::open(&own).expect("it is there").flat_map(|chunk| chunk.bytes).collect();
        assert!(cut == again, "bytes went with an entry");
    });
}

#[test]
fn spools_that_nobody_holds_are_removed_by_age_size_and_number_and_no_other() {
    with_threads(2, async {
        let dir = scratch();
        let spool = dir.path().join("spool");
        let supervisor = Supervisor::open().expect("a supervisor").spool_in(&spool).expect("a directory");
        let begin =
            async |script| supervisor.start(spooled(script, 1 << 20, Keep::Always), logged()).await.expect("it starts");
        let (runs, mut ended) = (begin("echo x; sleep 1000").await, Vec::new());
        for _ in 0..3 {
            let job = begin("head -c 100000 /dev/zero").await;
            job.wait().await.expect("it ends");
            ended.push(spool.join(job.id().as_uuid().to_string()));
        }
        // None is looked at that may be in the making.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        forget(&supervisor);
        let purge = |retain: Retain| supervisor.purge_spools(&retain).expect("it is listed");
        assert_eq!(purge(Retain::default()).removed, 0);
        assert_eq!(purge(Retain { count: Some(2), ..Retain::default() }).removed, 1);
        assert!(!ended[0].exists() && ended[1].exists() && ended[2].exists(), "the oldest goes first");
        let purged = purge(Retain { bytes: Some(150_000), ..Retain::default() });
        assert!(purged.removed == 1 && purged.bytes > 100_000 && purged.failed == 0, "{purged:?}");
        assert_eq!(purge(Retain { age: Some(Duration::from_secs(1)), ..Retain::default() }).removed, 1);
        assert_eq!(purge(Retain { count: Some(0), ..Retain::default() }).removed, 0, "the job that runs holds its own");
        runs.kill(Stopper::Caller);
        runs.wait().await.expect("it ends");
        drop(runs);
        forget(&supervisor);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(purge(Retain { count: Some(0), ..Retain::default() }).removed, 1);
        supervisor.close();
    });
}

#[test]
fn a_log_file_that_cannot_be_opened_refuses_the_start_and_nothing_is_left() {
    with_threads(0, async {
        let dir = scratch();
        let supervisor = Supervisor::open().expect("a supervisor");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).expect("linked");
        let spec = JobSpec::command("true").log_file(LogFile::At(link)).build().expect("a spec");
        let error = supervisor.start(spec, logged()).await.expect_err("refused").to_string();
        assert!(error.contains("link") && error.contains("ELOOP"), "{error}");
        fs::create_dir(dir.path().join("real")).expect("made");
        std::os::unix::fs::symlink("real", dir.path().join("way")).expect("linked");
        for file in [LogFile::At(dir.path().join("way/log")), LogFile::In(dir.path().join("way"))] {
            let spec = JobSpec::command("true").log_file(file).build().expect("a spec");
            let error = supervisor.start(spec, logged()).await.expect_err("refused").to_string();
            assert!(error.contains("ELOOP"), "{error}");
        }
        let logs = dir.path().join("real");
        let file = logs.join("first");
        fs::write(&file, "").expect("written");
        fs::hard_link(&file, dir.path().join("second")).expect("linked");
        let spec = JobSpec::command("true").log_file(LogFile::At(dir.path().join("second"))).build().expect("a spec");
        supervisor.start(spec, logged()).await.expect_err("it has two names");
        fs::remove_file(&file).expect("removed");
        let spec = JobSpec::command("/no/such/program").log_file(LogFile::In(logs.clone())).build().expect("a spec");
        supervisor.start(spec, logged()).await.expect_err("there is no such program");
        assert_eq!(fs::read_dir(&logs).expect("listed").count(), 0, "a log of nothing");
        let job = supervisor.start(shell("exit 0"), logged()).await.expect("the next one starts");
        assert_eq!(job.wait().await.expect("it ends").evidence.output_unwritten, None);
        supervisor.close();
    });
}
