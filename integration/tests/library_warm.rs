//! Cells that are built ahead: a job in one of them has the same walls, limits and ends as in any other; none is ever used
//! twice, and none is left behind.

use integration::embed::{logged, ran, shell, with_supervisor, with_threads};
use integration::inside::scratch;
use ironcell::life::{Cause, Exit, Stopper};
use ironcell::spec::{
    Access, Hostname, Isolation, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, StdioSet, Window,
};
use ironcell::supervise::{Error, Job, OutputFrom, Shutdown, Supervisor, WARM_MOST};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long new cells may take to come: the guest is emulated.
const REFILLED_WITHIN: Duration = Duration::from_secs(20);

/// All that a job can see of its walls, in words that are the same for each cell of one kind: but for its ids on the host.
const LOOK: &str = "{
    grep -E '^(Groups|Sig|Cap|NoNew|Seccomp|Uid|Gid|Umask|Speculation)' /proc/self/status | grep -v SigQ
    cut -d' ' -f4- /proc/self/mountinfo | sed 's/^[0-9:]* //'
    cat /proc/self/limits /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj
    cat /proc/self/cgroup /proc/net/dev /etc/passwd /etc/hosts
    for each in / /dev /etc /dev/fd/; do ls -ln $each | sed -E 's/ [A-Z][a-z][a-z] .*:.. / /; s/ +[0-9]+ / /; s/[[][0-9]+]//'; done
    stat -f -c '%n %b %c' / /tmp /dev/shm
    hostname; id; pwd; env | sort; umask; ulimit -a; cat /proc/self/comm; readlink /proc/self/exe
    echo a > /dev/stdout; echo b 2>&1 > /dev/stderr; mount -t tmpfs none /tmp; unshare -U true; dmesg; ls /proc/1/fd; kill -9 1
    } 2>&1 | sed -E 's/[0-9]{10}/ID/g'";

/// A job whose limits are its own.
fn limited(script: &str, mebibytes: u64) -> JobSpec {
    let memory_max = Some(MemoryLimit::Bytes(mebibytes << 20));
    let limits = Limits { memory_max, pids_max: Some(PidsLimit::Count(20)), ..Limits::default() };
    JobSpec::command("sh").args(["-c", script]).limits(limits).build().expect("a spec")
}

/// Whether limits can be set here at all.
fn has_controllers() -> bool {
    integration::support::lane() != "host"
}

/// Waits until so many cells wait.
async fn refilled(supervisor: &Supervisor, cells: usize) {
    let until = Instant::now() + REFILLED_WITHIN;
    while supervisor.warm_cells() != cells {
        assert!(Instant::now() < until, "{} cells wait, not {cells}", supervisor.warm_cells());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts a job that must find a cell ready.
async fn started_warm(supervisor: &Supervisor, spec: JobSpec, stdio: StdioSet) -> Job {
    let cells = waiting();
    let job = supervisor.start(spec, stdio).await.expect("it starts");
    assert!(cells.contains(&job.pid()), "its first process {} is none of {cells:?}", job.pid());
    job
}

/// What a job says that must have found a cell ready.
async fn ran_warm(supervisor: &Supervisor, spec: JobSpec) -> String {
    let job = started_warm(supervisor, spec, logged()).await;
    let outcome = job.wait().await.expect("it ends");
    assert_eq!((outcome.cause, outcome.residue), (Cause::Itself, Vec::new()));
    integration::embed::written_text(&job).await
}

#[test]
fn a_job_in_a_cell_that_was_built_ahead_sees_what_any_job_sees() {
    with_supervisor(|supervisor| async {
        let (_, cold) = ran(&supervisor, shell(LOOK)).await;
        let cold = String::from_utf8(cold).expect("text");
        assert!(cold.contains("Seccomp:\t2") && cold.contains("/dev/shm") && cold.contains("uid=1000"), "{cold}");
        supervisor.warm(&shell("like this"), 1).await.expect("a cell");
        let job = started_warm(&supervisor, shell(LOOK), logged()).await;
        let outcome = job.wait().await.expect("it ends");
        let mut reader = job.output(OutputFrom::Start).only(ironcell::life::Stream::Stdout);
        let mut said = Vec::new();
        while let Some(ironcell::supervise::Item::Chunk(chunk)) = reader.next().await {
            said.extend(chunk.bytes);
        }
        let warm = String::from_utf8(said).expect("text");
        let differs: Vec<_> = cold.lines().zip(warm.lines()).filter(|(cold, warm)| cold != warm).collect();
        assert!(differs.is_empty() && cold.lines().count() == warm.lines().count(), "{differs:#?}");
        assert_eq!((outcome.exit, outcome.residue), (Exit::Code { code: 0 }, Vec::new()));
        supervisor
    });
}

#[test]
fn limits_and_what_follows_from_them_are_those_of_the_job() {
    if !has_controllers() {
        return;
    }
    with_supervisor(|supervisor| async {
        let look = "stat -f -c '%b' /tmp /dev/shm";
        let job = supervisor.start(limited(look, 64), logged()).await.expect("it starts");
        let (cold, effective) = (integration::embed::written_text(&job).await, job.effective());
        supervisor.warm(&shell("like this"), 1).await.expect("a cell");
        let job = started_warm(&supervisor, limited(look, 64), logged()).await;
        assert_eq!(integration::embed::written_text(&job).await, cold);
        assert_eq!(job.effective(), effective);
        refilled(&supervisor, 1).await;
        let hungry = limited("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}", 32);
        let (outcome, _) = ran(&supervisor, hungry).await;
        assert!(matches!(outcome.cause, Cause::Memory { .. }), "{outcome:?}");
        supervisor
    });
}

#[test]
fn each_cell_is_one_jobs_and_another_is_built_in_its_place() {
    with_supervisor(|supervisor| async {
        supervisor.warm(&shell("like this"), 2).await.expect("cells");
        assert_eq!(supervisor.warm_cells(), 2);
        for _ in 0..6 {
            refilled(&supervisor, 2).await;
            let said = ran_warm(&supervisor, shell("ls /tmp /dev/shm; touch /tmp/left /dev/shm/left")).await;
            assert_eq!(said, "/dev/shm:\n\n/tmp:\n", "nothing of another job is there");
        }
        supervisor.warm(&shell("like this"), 0).await.expect("they end");
        assert_eq!(supervisor.warm_cells(), 0);
        supervisor
    });
}

#[test]
fn a_job_that_needs_other_walls_is_given_none_of_them() {
    with_supervisor(|supervisor| async {
        supervisor.warm(&shell("like this"), 1).await.expect("a cell");
        let cells = waiting();
        let named = Isolation { hostname: Hostname::new("other").expect("a name"), ..Isolation::default() };
        let spec = JobSpec::command("hostname").isolation(named).build().expect("a spec");
        assert_eq!(ran(&supervisor, spec).await.1, b"other\n");
        assert_eq!(waiting(), cells, "it still waits");
        assert_eq!(ran_warm(&supervisor, shell("hostname")).await, "cell\n");
        supervisor
    });
}

#[test]
fn an_end_is_explained_as_that_of_any_job() {
    with_supervisor(|supervisor| async {
        supervisor.warm(&shell("like this"), 3).await.expect("cells");
        let missing = JobSpec::command("/no/such/program").build().expect("a spec");
        let error = supervisor.start(missing, StdioSet::default()).await.expect_err("there is none");
        assert_eq!(error.start_failure().expect("the start failed").name, "exec");
        let nowhere = JobSpec::command("true").cwd("/no/such/directory").build().expect("a spec");
        let error = supervisor.start(nowhere, StdioSet::default()).await.expect_err("there is none");
        assert_eq!(error.start_failure().expect("the start failed").name, "enter_directory");
        let job = supervisor.start(shell("(setsid sleep 1000 &); sleep 1000"), logged()).await.expect("it starts");
        job.stop(Stopper::Caller);
        let outcome = job.wait().await.expect("it ends");
        assert!(matches!(outcome.cause, Cause::Stopped { .. }), "{outcome:?}");
        assert_eq!(outcome.residue, [""; 0]);
        supervisor
    });
}

#[test]
fn a_terminal_is_as_large_as_the_job_asked() {
    with_supervisor(|supervisor| async {
        supervisor.warm(&shell("like this"), 1).await.expect("a cell");
        let window = Window { rows: 31, columns: 77 };
        let spec = JobSpec::command("stty").arg("size").terminal(window).build().expect("a spec");
        let job = started_warm(&supervisor, spec, StdioSet::default()).await;
        assert_eq!(integration::embed::written_text(&job).await, "31 77\r\n");
        supervisor
    });
}

#[test]
fn a_directory_that_was_replaced_is_seen_as_it_is_now() {
    with_supervisor(|supervisor| async {
        let place = scratch();
        let shown = place.path().join("shown");
        let put = |content: &str| {
            fs::create_dir(&shown).expect("a directory");
            fs::write(shown.join("word"), content).expect("a file");
        };
        put("old");
        let spec = |command: &str| {
            let mount = MountSpec::Bind { source: shown.clone(), target: "/shown".into(), access: Access::ReadOnly };
            let walls = Isolation { mounts: vec![mount], ..Isolation::default() };
            JobSpec::command("sh").args(["-c", command]).isolation(walls).build().expect("a spec")
        };
        supervisor.warm(&spec("like this"), 2).await.expect("cells");
        assert_eq!(ran_warm(&supervisor, spec("cat /shown/word")).await, "old");
        refilled(&supervisor, 2).await;
        fs::rename(&shown, place.path().join("gone")).expect("renamed");
        put("new");
        assert_eq!(ran(&supervisor, spec("cat /shown/word")).await.1, b"new");
        refilled(&supervisor, 2).await;
        assert_eq!(ran_warm(&supervisor, spec("cat /shown/word")).await, "new");
        supervisor
    });
}

/// The first processes of the cells that wait.
fn waiting() -> Vec<i32> {
    let named = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "ironcell-warm\n");
    let all = fs::read_dir("/proc").expect("it is there").flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(named).collect()
}

#[test]
fn a_cell_that_somebody_has_killed_is_no_jobs_end() {
    with_supervisor(|supervisor| async {
        supervisor.warm(&shell("like this"), 2).await.expect("cells");
        let cells = waiting();
        assert_eq!(cells.len(), 2, "{cells:?}");
        for pid in cells {
            integration::inside::Running::signal(pid, 9);
            while Path::new(&format!("/proc/{pid}/ns")).read_dir().is_ok_and(|mut names| names.next().is_some()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        for code in 0..3 {
            let (outcome, _) = ran(&supervisor, shell(&format!("exit {code}"))).await;
            assert_eq!((outcome.exit, outcome.cause), (Exit::Code { code }, Cause::Itself));
        }
        refilled(&supervisor, 2).await;
        supervisor
    });
}

#[test]
fn cells_that_wait_go_with_their_supervisor_however_it_goes() {
    // That nothing is left is looked at behind each.
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        supervisor.warm(&shell("like this"), 3).await.expect("cells");
        drop(supervisor);
    });
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        supervisor.warm(&shell("like this"), 3).await.expect("cells");
        assert_eq!(supervisor.shutdown(Shutdown::Hard, Duration::from_secs(5)).await, []);
    });
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        supervisor.warm(&shell("like this"), 3).await.expect("cells");
        let job = supervisor.start(shell("sleep 0.2"), StdioSet::default()).await.expect("it starts");
        supervisor.close();
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 0 });
    });
}

#[test]
fn jobs_that_are_started_at_once_have_each_a_cell_of_their_own() {
    with_threads(4, async {
        let supervisor = std::sync::Arc::new(Supervisor::open().expect("a supervisor"));
        supervisor.warm(&shell("like this"), 8).await.expect("cells");
        let start = |number: u8| {
            let supervisor = supervisor.clone();
            tokio::spawn(async move {
                let (outcome, said) = ran(&supervisor, shell(&format!("echo {number}; exit {number}"))).await;
                assert_eq!((outcome.exit, outcome.residue), (Exit::Code { code: number }, Vec::new()));
                assert_eq!(said, format!("{number}\n").into_bytes());
            })
        };
        let all: Vec<_> = (0..40).map(start).collect();
        for task in all {
            task.await.expect("its outcome is right");
        }
        refilled(&supervisor, 8).await;
        std::sync::Arc::into_inner(supervisor).expect("nobody else holds it").close();
    });
}

#[test]
fn more_than_can_wait_are_refused() {
    with_supervisor(|supervisor| async {
        let error = supervisor.warm(&shell("like this"), WARM_MOST + 1).await.expect_err("too many");
        assert!(matches!(error, Error::TooManyWarm { left: WARM_MOST, .. }), "{error}");
        assert_eq!(supervisor.warm_cells(), 0);
        supervisor
    });
}
