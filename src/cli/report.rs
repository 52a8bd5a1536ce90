//! The report of a job as JSON: the same outcome as on the terminal, with every number. Readers ignore members that they
//! do not know; `schema` changes when one that is here changes its meaning.

use super::utc::rfc3339;
use crate::life::{Moment, Outcome};
use crate::spec::{JobId, JobSpec};
use crate::supervise::{Effective, Origin, Walls};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

/// The version of the report's shape.
pub const SCHEMA: u32 = 1;

/// What is known of a job from its start on.
#[derive(Debug, Clone)]
pub struct Started {
    /// Its id.
    pub id: JobId,
    /// The digest of its plan.
    pub digest: String,
    /// What is enforced, as it was read back from the kernel.
    pub limits: Vec<Effective>,
    /// The walls around it.
    pub walls: Walls,
    /// What a person should know of how it runs, although nothing is wrong.
    pub notes: Vec<String>,
}

/// What is told of a job while it lives.
#[derive(Debug, Clone)]
pub enum News {
    /// It has begun.
    Started(Started),
    /// Something happened to it.
    Happened(Moment),
    /// Some of its output did not reach the caller, in words.
    Lost(String),
}

/// When the ask came, and when it was done with.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When ironcell was asked.
    pub started: SystemTime,
    /// When all was cleared away.
    pub ended: SystemTime,
}

/// The report itself.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: u32,
    ironcell: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<JobId>,
    name: Option<&'a str>,
    labels: BTreeMap<&'a str, &'a str>,
    command: Vec<String>,
    /// The exact bytes, when `command` could not show them.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_hex: Option<Vec<String>>,
    started: String,
    ended: String,
    exit_code: u8,
    #[serde(flatten)]
    end: End<'a>,
    #[serde(flatten)]
    enforced: Option<Enforced<'a>>,
}

/// How it ended: as the job itself tells, or without a job.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum End<'a> {
    Told(&'a Outcome),
    Refused { exit: Never, cause: &'static str, cause_detail: Detail<'a> },
}

/// The one exit that a refused job has.
#[derive(Debug, Serialize)]
struct Never {
    kind: &'static str,
}

/// Why there was no job. The members have the names that a failed step of the set-up has.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    message: &'a str,
    refused: &'static str,
}

/// What was in force.
#[derive(Debug, Serialize)]
struct Enforced<'a> {
    plan_digest: &'a str,
    effective: &'a [Effective],
    defaults: Vec<&'a str>,
    walls: &'a Walls,
    notes: &'a [String],
}

impl<'a> Report<'a> {
    /// The report of a job that had its end; `started` is what was in force, if it ever began.
    pub fn ended(
        spec: &'a JobSpec,
        started: Option<&'a Started>,
        outcome: &'a Outcome,
        times: Times,
        exit_code: u8,
    ) -> Self {
        let enforced = started.map(|started| {
            let defaults = started.limits.iter().filter(|limit| limit.origin == Origin::Default);
            let defaults = defaults.map(|limit| limit.file.as_str()).collect();
            let (effective, walls, notes) = (&started.limits, &started.walls, &started.notes);
            Enforced { plan_digest: &started.digest, effective, defaults, walls, notes }
        });
        Self {
            id: started.map(|started| started.id),
            name: spec.name(),
            labels: spec.labels().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            end: End::Told(outcome),
            enforced,
            ..Self::refused(spec.argv(), "", times, exit_code)
        }
    }

    /// The report of a job that was refused, or failed before it had a plan.
    pub fn refused(argv: &[OsString], message: &'a str, times: Times, exit_code: u8) -> Self {
        let end = End::Refused {
            exit: Never { kind: "never_ran" },
            cause: "start_failed",
            cause_detail: Detail { message, refused: "cell" },
        };
        Self {
            schema: SCHEMA,
            ironcell: env!("CARGO_PKG_VERSION"),
            id: None,
            name: None,
            labels: BTreeMap::new(),
            command: argv.iter().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            command_hex: argv.iter().any(|arg| arg.to_str().is_none()).then(|| argv.iter().map(hex).collect()),
            started: rfc3339(times.started),
            ended: rfc3339(times.ended),
            exit_code,
            end,
            enforced: None,
        }
    }

    /// The report as a text that ends with a newline.
    ///
    /// # Errors
    /// When it is no JSON, which no report is.
    pub fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The bytes of an argument, two digits each.
fn hex(arg: &OsString) -> String {
    arg.as_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
