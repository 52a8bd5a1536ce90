//! A library call against the floor, and against a process without walls; cold, and in a cell that was built ahead; and what
//! of it is the network namespace's.

use crate::floor::{Floor, Times};
use crate::table::{Row, Table};
use crate::{WARM_UP, refuse};
use ironcell::spec::{Isolation, JobSpec, Net, StdioSet};
use ironcell::supervise::Supervisor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use tokio::runtime::Runtime;

/// Who starts cells, and which.
pub type Cells<'a> = (&'a Runtime, &'a Supervisor, &'a JobSpec);

/// Two tables: to the exec, and to the end; of `target` the second is the file on the host.
pub fn measure(rounds: usize, (runtime, supervisor, spec): Cells, floor: &mut Floor, target: &Path) -> [Table; 2] {
    let names = ["kernel's floor", "cold cell, library call", "warm cell, library call", "process without walls"];
    let [running, gone] = by_turns(rounds, names, || {
        [
            floor.launch(),
            runtime.block_on(cell(supervisor, spec)),
            runtime.block_on(warm(supervisor, spec)),
            bare(target),
        ]
    });
    [
        Table::of_times("ask → target executed", running, 0).pictured("Ask → program executed"),
        Table::of_times("ask → ended, told and cleared away", gone, 0).pictured("Ask → ended, told and cleared away"),
    ]
}

/// Two tables of the same: each with a network namespace of its own, which has the loopback interface up, and without.
pub fn by_network(rounds: usize, (runtime, supervisor, spec): Cells, floor: &mut Floor) -> [Table; 2] {
    let walls = Isolation { net: Net::Host, ..spec.isolation().clone() };
    let job = JobSpec::command(&spec.argv()[0]).limits(spec.limits().clone()).isolation(walls).cwd("/");
    let shared = job.build().expect("a job with a meaning");
    let mut floor_shared = floor.of(&shared);
    let names = [
        "kernel's floor, a network of its own",
        "cold cell, library call, a network of its own",
        "kernel's floor, the host's network",
        "cold cell, library call, the host's network (`--net host`)",
    ];
    let [running, gone] = by_turns(rounds, names, || {
        [
            floor.launch(),
            runtime.block_on(cell(supervisor, spec)),
            floor_shared.launch(),
            runtime.block_on(cell(supervisor, &shared)),
        ]
    });
    [
        Table::of_pairs("ask → target executed, by network", running),
        Table::of_pairs("ask → ended, told and cleared away, by network", gone),
    ]
}

/// Rows of all rounds: to the exec, and to the end. Each round gives one time for each row.
pub fn by_turns<const N: usize>(
    rounds: usize,
    names: [&str; N],
    mut round: impl FnMut() -> [Times; N],
) -> [Vec<Row>; 2] {
    let rows = || names.into_iter().map(Row::new).collect::<Vec<_>>();
    let (mut running, mut gone) = (rows(), rows());
    for done in 0..WARM_UP + rounds {
        let all = round();
        if done >= WARM_UP {
            for ((running, gone), times) in running.iter_mut().zip(&mut gone).zip(all) {
                running.add(times.running);
                gone.add(times.gone);
            }
        }
    }
    [running, gone]
}

/// One in a cell that was built ahead: the building is not measured, and is over when it is.
async fn warm(supervisor: &Supervisor, spec: &JobSpec) -> Times {
    supervisor.warm(spec, 1).await.unwrap_or_else(|error| refuse(&error));
    let times = cell(supervisor, spec).await;
    // None for those that are measured cold.
    supervisor.warm(spec, 0).await.unwrap_or_else(|error| refuse(&error));
    times
}

/// The program as it is: to its exec, and to its end.
fn bare(target: &Path) -> Times {
    let started = Instant::now();
    let mut child = Command::new(target).stdin(Stdio::null()).spawn().expect("it starts");
    let running = started.elapsed();
    assert!(child.wait().expect("it ends").success());
    Times { running, gone: started.elapsed() }
}

/// One cell.
pub async fn cell(supervisor: &Supervisor, spec: &JobSpec) -> Times {
    let started = Instant::now();
    let job = supervisor.start(spec.clone(), StdioSet::default()).await.unwrap_or_else(|error| refuse(&error));
    let running = started.elapsed();
    let outcome = job.wait().await.expect("the runtime lives");
    let gone = started.elapsed();
    assert!(outcome.success() && outcome.residue.is_empty(), "{outcome:?}");
    Times { running, gone }
}
