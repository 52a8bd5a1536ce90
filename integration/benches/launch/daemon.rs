//! What a daemon adds: starts over the socket of a real `ironcelld`, cold and in cells that it built ahead, beside the library
//! call and the floor.

use crate::floor::Times;
use crate::library::{Cells, by_turns, cell};
use crate::table::Table;
use crate::{Floor, MEMORY, PIDS};
use integration::daemon::Daemon;
use integration::inside::children;
use ironcell::rpc::client::Client;
use ironcell::rpc::proto::outcome::Exit;
use ironcell::rpc::proto::{self, DeleteJobRequest, StartJobRequest, WaitJobRequest};
use ironcell::spec::JobSpec;
use std::fs::File;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A daemon has cells built ahead only for jobs with the walls of a bare start, which have no mount of their own: so here
/// every row has these, and a program that all hosts have.
const TARGET: &str = "/usr/bin/true";
/// `--warm`.
const WARM: usize = 4;
/// How long it may take to build these, under emulation and load.
const WARM_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether they are there, and how long one that is there may still be in the making.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const MADE_WITHIN: Duration = Duration::from_millis(20);

/// What the tables do not say.
pub const NOTE: &str = "In the tables of the daemon every target is the host's `true`, with the walls of a bare start. A \
    daemon's job outlives its daemon: record and output are kept in files below `/run`, as by default. `Start` is \
    answered when the target was executed; the end is `Wait`'s answer, asked for after that.";

/// Two tables: to the exec as `StartJob` answers, and to the end as `WaitJob` does.
pub fn measure(rounds: usize, (runtime, supervisor, spec): Cells, floor: &Floor) -> [Table; 2] {
    let limits = spec.limits().clone();
    let asked = proto::JobSpec {
        argv: vec![TARGET.into()],
        memory: limits.memory_max.map(|_| MEMORY.to_string()).unwrap_or_default(),
        pids: limits.pids_max.map(|_| PIDS.to_string()).unwrap_or_default(),
        ..proto::JobSpec::default()
    };
    let spec = JobSpec::command(TARGET).limits(limits).cwd("/").build().expect("a job with a meaning");
    let mut floor = floor.of(&spec);
    let [mut cold, mut warm] = [0, WARM].map(|cells| runtime.block_on(House::open(cells)));
    let warm_name = format!("warm cell, daemon over its socket (`--warm {WARM}`)");
    let names = ["kernel's floor", "cold cell, library call", "cold cell, daemon over its socket", &warm_name];
    let [running, gone] = by_turns(rounds, names, || {
        warm.rest();
        [
            floor.launch(),
            runtime.block_on(cell(supervisor, &spec)),
            runtime.block_on(cold.job(&asked)),
            runtime.block_on(warm.job(&asked)),
        ]
    });
    cold.daemon.shutdown();
    warm.daemon.shutdown();
    [
        Table::of_times("ask → target executed, by a daemon", running, 0),
        Table::of_times("ask → ended, told and cleared away, by a daemon", gone, 0),
    ]
}

/// A daemon, and one connection to it. A check that fails ends it, too, since it is dropped; its directory goes after it.
struct House {
    daemon: Daemon,
    client: Client,
    /// Cells that it has waiting when it is at rest.
    cells: usize,
    _directory: TempDir,
}

impl House {
    async fn open(cells: usize) -> Self {
        // Where a daemon's files are by default.
        let directory = tempfile::tempdir_in("/run").expect("a directory for the daemon");
        let log = File::create(directory.path().join("log")).expect("the daemon's log");
        let daemon = Daemon::with_log(directory.path(), &format!("[jobs]\nwarm = {cells}\n"), log);
        let client = Client::local(&directory.path().join("d.sock")).await.expect("the daemon answers");
        Self { daemon, client, cells, _directory: directory }
    }

    /// Waits until there are as many cells again as there should be: their building is not measured, with no row.
    fn rest(&self) {
        let until = Instant::now() + WARM_WITHIN;
        while children(self.daemon.pid()).into_iter().map(|keeper| children(keeper).len()).sum::<usize>() != self.cells
        {
            assert!(Instant::now() < until, "the daemon does not build its {} cells ahead", self.cells);
            sleep(LOOK_AGAIN);
        }
        sleep(MADE_WITHIN);
    }

    /// One job. That it is taken out of the list is not measured.
    async fn job(&mut self, spec: &proto::JobSpec) -> Times {
        let request = StartJobRequest { spec: Some(spec.clone()), ..StartJobRequest::default() };
        let started = Instant::now();
        let answer = self.client.jobs.start_job(request).await.expect("the job starts").into_inner();
        let running = started.elapsed();
        let id = answer.job.expect("a job").id;
        let request = WaitJobRequest { id: id.clone(), timeout: None };
        let ended = self.client.jobs.wait_job(request).await.expect("the job ends").into_inner();
        let gone = started.elapsed();
        let outcome = ended.outcome.expect("it has ended");
        assert!(outcome.exit == Some(Exit::Code(0)) && outcome.residue.is_empty(), "{outcome:?}");
        self.client
            .jobs
            .delete_job(DeleteJobRequest { id, stop_first: false })
            .await
            .expect("it is taken out of the list");
        Times { running, gone }
    }
}
