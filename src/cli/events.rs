//! `--events`: what happens to a job as lines of JSON, each written when it happens. The last one is `ended`, also of a job
//! that was refused; readers ignore members and events that they do not know.

use super::target::Target;
use super::utc::rfc3339;
use crate::life::{Happening, Moment, Outcome};
use crate::spec::JobId;
use serde::Serialize;
use std::io;
use std::time::{Duration, SystemTime};

/// Where the lines go.
#[derive(Debug)]
pub struct Events {
    target: Target,
    /// When the job was asked for.
    asked: SystemTime,
    id: Option<JobId>,
    /// When the leader ended: told with how and why, once that is known.
    ended: Option<Duration>,
    /// The first line that could not be written; none is written after it.
    failed: Option<io::Error>,
}

/// A line about something that happened.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    time: String,
    id: Option<JobId>,
    #[serde(flatten)]
    what: &'a T,
}

/// What the last line tells beside the moment.
#[derive(Serialize)]
struct Last<'a> {
    at: f64,
    event: &'static str,
    exit_code: u8,
    #[serde(flatten)]
    end: End<'a>,
}

/// How and why, or why there was no job.
#[derive(Serialize)]
#[serde(untagged)]
enum End<'a> {
    Outcome {
        exit: crate::life::Exit,
        #[serde(flatten)]
        cause: &'a crate::life::Cause,
    },
    Refused {
        message: &'a str,
    },
}

impl Events {
    /// Lines for this target, about a job that was asked for at this time.
    pub fn new(target: Target, asked: SystemTime) -> Self {
        Self { target, asked, id: None, ended: None, failed: None }
    }

    /// The job has this id.
    pub fn started(&mut self, id: JobId) {
        self.id = Some(id);
    }

    /// Something happened.
    pub fn happened(&mut self, moment: &Moment) {
        match moment.what {
            Happening::Ended => self.ended = Some(moment.at),
            _ => self.write(moment.at, moment),
        }
    }

    /// The last line: it has ended so, and all of it is gone.
    ///
    /// # Errors
    /// The first that came up with any of the lines.
    pub fn ended(self, outcome: &Outcome, exit_code: u8) -> io::Result<()> {
        self.last(End::Outcome { exit: outcome.exit, cause: &outcome.cause }, exit_code)
    }

    /// The last line: there was no job.
    ///
    /// # Errors
    /// The first that came up with any of the lines.
    pub fn refused(self, message: &str, exit_code: u8) -> io::Result<()> {
        self.last(End::Refused { message }, exit_code)
    }

    fn last(mut self, end: End, exit_code: u8) -> io::Result<()> {
        // A start that failed has no moment of its own: it ends now.
        let at = self.ended.unwrap_or_else(|| self.asked.elapsed().unwrap_or_default());
        self.write(at, &Last { at: at.as_secs_f64(), event: "ended", exit_code, end });
        self.failed.map_or(Ok(()), Err)
    }

    fn write(&mut self, at: Duration, what: &impl Serialize) {
        if self.failed.is_none() {
            let line = Line { time: rfc3339(self.asked + at), id: self.id, what };
            let text = serde_json::to_vec(&line).map_err(io::Error::from);
            let text = text.map(|mut text| {
                text.push(b'\n');
                text
            });
            self.failed = text.and_then(|text| self.target.write(&text)).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Cause, Exit, MemoryOf, StopKind};
    use serde_json::{Value, json};
    use std::time::UNIX_EPOCH;

    /// The lines that come of it.
    fn lines(tell: impl FnOnce(Events)) -> Vec<Value> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("events");
        tell(Events::new(Target::open(&path).expect("opened"), UNIX_EPOCH));
        let text = std::fs::read_to_string(&path).expect("read");
        text.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
    }

    #[test]
    fn each_thing_that_happens_is_a_line_and_the_end_is_the_last() {
        let lines = lines(|mut events| {
            let id = JobId::of(0, [7; 10]);
            let at = Duration::from_millis;
            events.started(id);
            events.happened(&Moment { at: at(1), what: Happening::Started });
            events.happened(&Moment { at: at(20), what: Happening::Ended });
            let stopping = Happening::Stopping { cause: "wall_time", how: StopKind::Soft };
            events.happened(&Moment { at: at(10), what: stopping });
            let killed = Exit::Signal { signal: 9, core: false };
            events.ended(&Outcome::of(killed, Cause::Memory { of: MemoryOf::Own }), 137).expect("written");
        });
        let id = &lines[0]["id"];
        let time = "1970-01-01T00:00:00.020Z";
        assert_eq!(lines[0]["event"], "started");
        let stopping = json!({"time": "1970-01-01T00:00:00.010Z", "id": id, "at": 0.01, "event": "stopping",
            "cause": "wall_time", "how": "soft"});
        assert_eq!(lines[1], stopping);
        let ended = json!({"time": time, "id": id, "at": 0.02, "event": "ended", "exit_code": 137,
            "exit": {"kind": "signal", "signal": 9, "core": false}, "cause": "memory", "cause_detail": {"of": "own"}});
        assert_eq!(lines[2..], [ended]);
    }

    #[test]
    fn a_job_that_was_refused_has_its_end_as_well() {
        let lines = lines(|events| events.refused("no", 125).expect("written"));
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(
            (&line["event"], &line["message"], &line["exit_code"]),
            (&json!("ended"), &json!("no"), &json!(125))
        );
        assert_eq!(line["id"], Value::Null);
    }

    #[test]
    fn a_line_that_cannot_be_written_is_told_at_the_end() {
        let mut events = Events::new(Target::open("/dev/full".as_ref()).expect("opened"), UNIX_EPOCH);
        events.happened(&Moment { at: Duration::ZERO, what: Happening::Created });
        assert!(events.ended(&Outcome::of(Exit::Code { code: 0 }, Cause::Itself), 0).is_err());
    }
}
