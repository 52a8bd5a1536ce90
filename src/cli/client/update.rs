//! `ironcell update`: other limits for a job that runs.

use super::to::To;
use super::{Done, json, table};
use crate::rpc::client::answer;
use crate::rpc::proto::{JobSpec, UpdateJobRequest};
use crate::spec::SpecError;
use serde_json::json as object;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The arguments of `ironcell update`.
#[derive(Debug, clap::Args)]
pub struct UpdateArgs {
    /// Memory at most: 512M, 50% of the host, or max
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Memory past which the job is slowed down and reclaimed from
    #[arg(long, value_name = "SIZE")]
    pub memory_high: Option<String>,
    /// Swap at most
    #[arg(long, value_name = "SIZE")]
    pub swap: Option<String>,
    /// Processor time: 1.5 processors, the same as 150%, or max
    #[arg(long, value_name = "COUNT")]
    pub cpus: Option<String>,
    /// Share of the processors when they are contended, 1 to 10000
    #[arg(long, value_name = "WEIGHT")]
    pub cpu_weight: Option<String>,
    /// Processors that the job may run on: 0,2-4
    #[arg(long, value_name = "LIST")]
    pub cpuset: Option<String>,
    /// Rates on the disk that PATH is on: PATH:rbps=10M,wbps=10M,riops=100,wiops=100; repeatable
    #[arg(long, value_name = "PATH:RATES")]
    pub io_max: Vec<OsString>,
    /// Share of the disks when they are contended, 1 to 10000
    #[arg(long, value_name = "WEIGHT")]
    pub io_weight: Option<String>,
    /// Processes and threads at once, or max
    #[arg(long, value_name = "COUNT")]
    pub pids: Option<String>,
    /// Any other file of the job's cgroup: memory.low=64M; repeatable
    #[arg(long, value_name = "FILE=VALUE")]
    pub cgroup: Vec<String>,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Changes them, and prints what is in force.
pub async fn update(args: &UpdateArgs) -> Done {
    let spec = limits(args)?;
    let mut client = args.to.connect().await?;
    let request = UpdateJobRequest { id: args.id.clone(), spec: Some(spec), update_mask: None };
    let updated = answer(client.jobs.update_job(request).await)?;
    let job = updated.job.unwrap_or_default();
    let rows = || updated.effective.iter().map(|(file, value)| vec![file.clone(), value.clone()]).collect::<Vec<_>>();
    let told = || object!({ "job": json::job(&job), "effective": &updated.effective });
    args.to.print(told, || table::columns(&["FILE", "IN FORCE"], &rows()))?;
    Ok(0)
}

/// The limits, as typed: it is the daemon that reads them.
fn limits(args: &UpdateArgs) -> Result<JobSpec, SpecError> {
    let text = |said: &Option<String>| said.clone().unwrap_or_default();
    let mut cgroup = BTreeMap::new();
    for said in &args.cgroup {
        let none = || SpecError::new("--cgroup", said, "there is no =", "write FILE=VALUE, as memory.low=64M");
        let (file, value) = said.split_once('=').ok_or_else(none)?;
        cgroup.insert(file.to_owned(), value.to_owned());
    }
    Ok(JobSpec {
        memory: text(&args.memory),
        memory_high: text(&args.memory_high),
        swap: text(&args.swap),
        cpus: text(&args.cpus),
        cpu_weight: text(&args.cpu_weight),
        cpuset: text(&args.cpuset),
        io_max: args.io_max.iter().map(|rates| rates.as_bytes().to_vec()).collect(),
        io_weight: text(&args.io_weight),
        pids: text(&args.pids),
        cgroup,
        ..Default::default()
    })
}
