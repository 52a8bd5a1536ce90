//! `ironcell schema`: the JSON schemas of what ironcell writes and reads, as they are published with the crate.

use crate::spec::file;
use clap::ValueEnum;
use std::io::{self, Write};

/// The schema of the reports, draft 2020-12.
pub const SCHEMA: &str = include_str!("report.schema.json");

/// The arguments of `ironcell schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Of what: the reports of run --report, or the files of run --spec
    #[arg(value_enum, default_value = "report")]
    pub of: Of,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// The reports that `run --report` writes
    Report,
    /// The descriptions that `run --spec` reads
    Spec,
}

/// Prints one.
///
/// # Errors
/// When it cannot be printed.
pub fn schema(args: &SchemaArgs, out: &mut dyn Write) -> io::Result<u8> {
    let text = match args.of {
        Of::Report => SCHEMA,
        Of::Spec => file::SCHEMA,
    };
    out.write_all(text.as_bytes()).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::{self, Report, Started, Times};
    use crate::life::state::{Clock, Reason};
    use crate::life::{Cause, Exit, MemoryOf, Outcome, StopKind, Stopper};
    use crate::spec::{JobId, JobSpec};
    use crate::supervise::Walls;
    use serde_json::Value;
    use std::time::{Duration, SystemTime};

    fn value() -> Value {
        serde_json::from_str(SCHEMA).expect("json")
    }

    /// The values of an `enum` of the schema.
    fn words(pointer: &str) -> Vec<String> {
        let schema = value();
        let list = schema.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("nothing at {pointer}"));
        list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    }

    #[test]
    fn the_schema_is_of_the_reports_version() {
        assert_eq!(value()["properties"]["schema"]["const"], report::SCHEMA);
    }

    #[test]
    fn every_cause_that_can_be_told_is_in_it() {
        let how = StopKind::Soft;
        let limit = Duration::ZERO;
        let causes = words("/properties/cause/enum");
        for cause in [
            Cause::Itself,
            Cause::Stopped { by: Stopper::Caller, how },
            Cause::WallTime { limit, how },
            Cause::CpuTime { limit, how },
            Cause::Idle { limit, how },
            Cause::OutputLimit { limit: 0, how },
            Cause::Memory { of: MemoryOf::Own },
            Cause::Pids,
            Cause::Seccomp,
            Cause::OwnerGone,
            Cause::Lost,
        ] {
            let told = serde_json::to_value(Outcome::of(Exit::Unknown, cause)).expect("json");
            assert!(causes.iter().any(|word| told["cause"] == **word), "{told}");
        }
    }

    #[test]
    fn every_reason_for_a_stop_is_in_it() {
        let reasons = words("/$defs/moment/oneOf/3/properties/cause/enum");
        for reason in [
            Reason::Asked(Stopper::Caller),
            Reason::TimeOver(Clock::Wall),
            Reason::TimeOver(Clock::Cpu),
            Reason::TimeOver(Clock::Idle),
            Reason::OutputOver,
            Reason::OwnerGone,
        ] {
            assert!(reasons.contains(&reason.word().to_owned()), "{reason:?}");
        }
    }

    #[test]
    fn every_member_of_a_report_is_described() {
        let spec = JobSpec::command("true").build().expect("a job");
        let (id, digest, walls) = (JobId::of(0, [7; 10]), String::new(), Walls::default());
        let started = Started { id, digest, limits: Vec::new(), walls, notes: Vec::new() };
        let outcome = Outcome::of(Exit::Unknown, Cause::Itself);
        let times = Times { started: SystemTime::UNIX_EPOCH, ended: SystemTime::UNIX_EPOCH };
        let report = Report::ended(&spec, Some(&started), &outcome, times, 0);
        let told = serde_json::to_value(report).expect("json");
        let schema = value();
        for member in ["", "/usage", "/evidence", "/walls"] {
            let place = if member.is_empty() { String::new() } else { format!("/$defs{member}") };
            let described = schema.pointer(&format!("{place}/properties")).and_then(Value::as_object).expect("members");
            for name in told.pointer(member).and_then(Value::as_object).expect("an object").keys() {
                assert!(described.contains_key(name), "describe {member}/{name} in report.schema.json");
            }
        }
    }
}
