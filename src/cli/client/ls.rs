//! `ironcell ls`: jobs, a line each.

use super::to::To;
use super::{Done, Failure, json, table};
use crate::life::Status;
use crate::rpc::client::{Client, answer};
use crate::rpc::convert::duration;
use crate::rpc::proto::{Job, JobFilter, JobState, ListJobsRequest};
use crate::spec::{SpecError, units};
use serde_json::Value;
use std::time::SystemTime;

/// Which jobs are meant: the flags of every verb about many.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FilterArgs {
    /// Jobs with this label; repeatable
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Which jobs")]
    pub label: Vec<String>,
    /// Jobs whose name begins so
    #[arg(long, value_name = "NAME", help_heading = "Which jobs")]
    pub name_prefix: Option<String>,
    /// Jobs that were asked for longer ago than this: 30s, 2h, 1d
    #[arg(long, value_name = "TIME", help_heading = "Which jobs")]
    pub older_than: Option<String>,
    /// Jobs of this owner
    #[arg(long, value_name = "OWNER", help_heading = "Which jobs")]
    pub owner: Option<String>,
}

impl FilterArgs {
    /// For the wire, with these states; none is any.
    pub fn filter(&self, states: impl IntoIterator<Item = JobState>) -> Result<JobFilter, SpecError> {
        let pair = |label: &String| {
            let none = || SpecError::new("--label", label, "there is no =", "write KEY=VALUE");
            label.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(none)
        };
        let older = self.older_than.as_ref().map(|time| units::duration("--older-than", time)).transpose()?;
        Ok(JobFilter {
            states: states.into_iter().map(|state| state as i32).collect(),
            label: self.label.iter().map(pair).collect::<Result<_, _>>()?,
            name_prefix: self.name_prefix.clone().unwrap_or_default(),
            older_than: older.map(duration),
            owner: self.owner.clone().unwrap_or_default(),
        })
    }
}

/// The arguments of `ironcell ls`.
#[derive(Debug, clap::Args)]
pub struct LsArgs {
    /// Also jobs that have ended
    #[arg(short, long)]
    pub all: bool,
    /// Jobs in this state: starting, running, paused, stopping, completed, failed or terminated; repeatable
    #[arg(long, value_name = "STATE", conflicts_with = "all", help_heading = "Which jobs")]
    pub state: Vec<String>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print ids alone
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// The states of jobs that have not ended.
pub const RUNNING: [JobState; 4] = [JobState::Starting, JobState::Running, JobState::Paused, JobState::Stopping];

/// Prints them.
pub async fn ls(args: &LsArgs) -> Done {
    let filter = args.filter.filter(states(args)?)?;
    let mut client = args.to.connect().await?;
    let jobs = all(&mut client, filter).await?;
    let text = || match args.quiet {
        true => jobs.iter().map(|job| format!("{}\n", job.id)).collect(),
        false => table::jobs(&jobs, SystemTime::now()),
    };
    args.to.print(|| jobs.iter().map(json::job).collect::<Value>(), text)?;
    Ok(0)
}

fn states(args: &LsArgs) -> Result<Vec<JobState>, SpecError> {
    if args.state.is_empty() {
        return Ok(if args.all { Vec::new() } else { RUNNING.to_vec() });
    }
    let word = |said: &String| {
        let words = Status::ALL.map(|status| status.to_string());
        let known = words.iter().position(|word| word == said).and_then(|at| i32::try_from(at + 1).ok());
        let state = known.and_then(|number| JobState::try_from(number).ok());
        let none =
            || SpecError::new("--state", said, "there is no such state", format!("write one of {}", words.join(", ")));
        state.ok_or_else(none)
    };
    args.state.iter().map(word).collect()
}

/// All that are meant, page by page.
pub async fn all(client: &mut Client, filter: JobFilter) -> Result<Vec<Job>, Failure> {
    let (mut jobs, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListJobsRequest { page_size: 0, page_token, filter: Some(filter.clone()) };
        let page = answer(client.jobs.list_jobs(request).await)?;
        jobs.extend(page.jobs);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(jobs);
        }
    }
}
