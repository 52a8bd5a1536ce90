//! `ironcell ps`: the processes of a running job, as a tree.

use super::to::To;
use super::{Done, json, table};
use crate::cli::voice::harmless;
use crate::rpc::client::answer;
use crate::rpc::convert::told;
use crate::rpc::proto::{GetProcessTreeRequest, Process};
use serde_json::Value;

/// Levels that are indented; below, the tree goes straight on.
const INDENTED_MOST: usize = 16;

/// The arguments of `ironcell ps`.
#[derive(Debug, clap::Args)]
pub struct PsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Prints them.
pub async fn ps(args: &PsArgs) -> Done {
    let mut client = args.to.connect().await?;
    let tree = answer(client.jobs.get_process_tree(GetProcessTreeRequest { id: args.id.clone() }).await)?;
    args.to.print(|| tree.processes.iter().map(json::process).collect::<Value>(), || text(&tree.processes))?;
    Ok(0)
}

fn text(processes: &[Process]) -> String {
    let mut rows = Vec::with_capacity(processes.len());
    // What has no parent here first, each with all below it.
    let known = |pid: u32| processes.iter().any(|process| process.pid == pid);
    let root = |process: &&Process| process.parent.is_none_or(|parent| !known(parent));
    let mut left: Vec<(usize, &Process)> = processes.iter().filter(root).map(|process| (0, process)).rev().collect();
    while let Some((depth, process)) = left.pop() {
        let name = format!("{:indent$}{}", "", harmless(&process.comm), indent = 2 * depth.min(INDENTED_MOST));
        let age = process.age.as_ref().map(told).unwrap_or_default();
        rows.push(vec![process.pid.to_string(), process.host_pid.to_string(), table::in_short(age), name]);
        let below =
            processes.iter().rev().filter(|child| child.parent == Some(process.pid) && child.pid != process.pid);
        // Each stands once: a tree that was read while it changed can have no circle longer than itself.
        if rows.len() < processes.len() {
            left.extend(below.map(|child| (depth + 1, child)));
        }
    }
    table::columns(&["PID", "HOST PID", "AGE", "NAME"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_stands_below_its_parent() {
        let one = |pid, parent, comm: &str| Process { pid, parent, comm: comm.to_owned(), ..Default::default() };
        let tree = [one(1, None, "init"), one(2, Some(1), "sh"), one(3, Some(1), "cat"), one(4, Some(2), "sleep")];
        let names: Vec<String> =
            text(&tree).lines().skip(1).filter_map(|line| line.get(20..).map(str::to_owned)).collect();
        let depths: Vec<(usize, &str)> =
            names.iter().map(|name| (name.len() - name.trim_start().len(), name.trim())).collect();
        let base = depths[0].0;
        let told: Vec<(usize, &str)> = depths.into_iter().map(|(depth, name)| (depth - base, name)).collect();
        assert_eq!(told, [(0, "init"), (2, "sh"), (4, "sleep"), (2, "cat")]);
    }
}
