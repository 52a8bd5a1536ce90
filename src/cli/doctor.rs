//! `ironcell doctor`: what this host can and cannot do, item by item, with the remedy.

use super::exit;
use crate::supervise::doctor::{Check, State};
use std::io::{self, Write};

/// The arguments of `ironcell doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print a JSON array, for machines
    #[arg(long)]
    pub json: bool,
}

/// The word for a state in the table.
fn word(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Limited => "limited",
        State::Missing => "missing",
    }
}

/// Prints what was found: 0 when runs are possible.
///
/// # Errors
/// When it cannot be printed.
pub fn doctor(args: &DoctorArgs, checks: &[Check], out: &mut dyn Write) -> io::Result<u8> {
    if args.json {
        serde_json::to_writer_pretty(&mut *out, checks)?;
        writeln!(out)?;
    } else {
        out.write_all(table(checks).as_bytes())?;
    }
    Ok(code(checks))
}

/// 125 as soon as one thing is missing without which nothing runs.
fn code(checks: &[Check]) -> u8 {
    if checks.iter().any(|check| check.state == State::Missing) { exit::OWN_FAILURE } else { 0 }
}

/// The items in columns, each remedy below its item, and the verdict.
fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.item.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for check in checks {
        lines.push(format!("{:<7}  {:<width$}  {}", word(check.state), check.item, check.found));
        lines.extend(check.remedy.iter().map(|remedy| format!("{:7}  {:width$}  -> {remedy}", "", "")));
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    lines.push(match (count(State::Missing), count(State::Limited)) {
        (0, 0) => "ironcell can run here, with everything".to_owned(),
        (0, limited) => format!("ironcell can run here; {limited} of {} items are limited", checks.len()),
        (missing, _) => format!("ironcell cannot run here: {missing} of {} items are missing", checks.len()),
    });
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(item: &str, state: State, found: &str, remedy: Option<&str>) -> Check {
        Check { item: item.to_owned(), state, found: found.to_owned(), remedy: remedy.map(str::to_owned) }
    }

    fn printed(json: bool, checks: &[Check]) -> (u8, String) {
        let mut out = Vec::new();
        let code = doctor(&DoctorArgs { json }, checks, &mut out).expect("printed");
        (code, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn people_get_columns_and_a_verdict() {
        let mut checks = vec![
            check("kernel", State::Good, "6.12.1", None),
            check("controller io", State::Limited, "on cgroup v1 only", Some("boot with cgroup_no_v1=all")),
        ];
        let (code, text) = printed(false, &checks);
        assert_eq!(code, 0);
        assert_eq!(
            text,
            "good     kernel         6.12.1\n\
             limited  controller io  on cgroup v1 only\n                        \
             -> boot with cgroup_no_v1=all\n\
             ironcell can run here; 1 of 2 items are limited\n"
        );
        checks.push(check("root", State::Missing, "uid 1000", Some("run it with sudo")));
        let (code, text) = printed(false, &checks);
        assert_eq!(code, exit::OWN_FAILURE);
        assert!(text.ends_with("ironcell cannot run here: 1 of 3 items are missing\n"));
    }

    #[test]
    fn machines_get_an_array() {
        let (code, text) = printed(true, &[check("kernel", State::Good, "6.12.1", None)]);
        let value: serde_json::Value = serde_json::from_str(&text).expect("json");
        assert_eq!(value, serde_json::json!([{"item": "kernel", "state": "good", "found": "6.12.1", "remedy": null}]));
        assert_eq!(code, 0);
    }
}
