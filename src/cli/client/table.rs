//! What the daemon tells, for people: pure. A job chooses its own name and words, so none of them reaches a terminal as it is.

use crate::cli::render;
use crate::cli::voice::harmless;
use crate::life::{Exit, Outcome};
use crate::rpc::convert::{argv_of, moment, outcome_of, state_of};
use crate::rpc::proto::Job;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// Characters of a command that a list shows.
const COMMAND_MOST: usize = 60;
/// Between columns.
const GAP: usize = 2;

/// Rows below their headings, each column as wide as its widest.
pub fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], at: usize| row.get(at).map_or(0, |text| text.chars().count());
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| rows.iter().map(|row| cell(row, at)).max().unwrap_or(0).max(heading.len()))
        .collect();
    let mut text = String::new();
    let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (value, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{value:<width$}{:GAP$}", "");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Jobs, a line each.
pub fn jobs(jobs: &[Job], now: SystemTime) -> String {
    let row = |job: &Job| {
        let state = state_of(job.state).map(|state| state.to_string()).unwrap_or_default();
        let age = job.create_time.as_ref().and_then(moment).and_then(|at| now.duration_since(at).ok());
        let age = age.map(in_short).unwrap_or_default();
        vec![job.id.clone(), harmless(&job.name), state, job.owner.clone(), age, command(job)]
    };
    columns(&["ID", "NAME", "STATE", "OWNER", "AGE", "COMMAND"], &jobs.iter().map(row).collect::<Vec<_>>())
}

/// A command on one line, shortened.
pub fn command(job: &Job) -> String {
    let words: Vec<String> = argv_of(job).iter().map(|arg| harmless(&arg.to_string_lossy())).collect();
    let line = words.join(" ");
    match line.char_indices().nth(COMMAND_MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A time in its largest unit.
pub fn in_short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}min", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Where a job stands: the word first, alone on its line, then how and why it ended.
pub fn status(job: &Job) -> String {
    let mut text = state_of(job.state).map_or("unknown", |state| state.word()).to_owned();
    text.push('\n');
    for line in job.outcome.as_ref().map(|outcome| ends(&outcome_of(outcome))).unwrap_or_default() {
        text.push_str(&harmless(&line));
        text.push('\n');
    }
    text
}

/// How and why a job ended: what `ironcell run` says of it, and its own code.
pub fn ends(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Exit::Code { code } = outcome.exit {
        lines.push(format!("the command returned {code}"));
    }
    lines.extend(footer(outcome));
    lines
}

/// The footer of `ironcell run`. How long the grace was is not told by the wire: then it is not named.
pub fn footer(outcome: &Outcome) -> Vec<String> {
    render::footer(outcome, Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Cause, StopKind, Stopper};
    use crate::rpc::convert;

    #[test]
    fn a_table_has_its_columns_below_each_other_and_nothing_behind_them() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(columns(&["X", "Y"], &rows), "X     Y\na     b\nlong\n");
    }

    #[test]
    fn the_words_of_a_job_cannot_take_a_terminal_over() {
        let argv = vec![b"sh\x1b[2J".to_vec(), vec![0xff]];
        let job = Job { id: "abc".to_owned(), name: "\x1b]0;x".to_owned(), argv, ..Default::default() };
        assert!(!jobs(&[job], SystemTime::UNIX_EPOCH).contains('\x1b'));
    }

    #[test]
    fn the_status_is_the_word_and_then_how_and_why() {
        let stopped = Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard };
        let outcome = Outcome::of(Exit::Signal { signal: 9, core: false }, stopped);
        let state = crate::rpc::proto::JobState::Terminated as i32;
        let job = Job { state, outcome: Some(convert::outcome(&outcome)), ..Default::default() };
        assert_eq!(status(&job), "terminated\nstopped: by its owner; the cell was killed\n");
        let outcome = Some(convert::outcome(&Outcome::of(Exit::Code { code: 3 }, Cause::Itself)));
        let failed = Job { state: crate::rpc::proto::JobState::Failed as i32, outcome, ..Default::default() };
        assert_eq!(status(&failed), "failed\nthe command returned 3\n");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let told = |seconds| in_short(Duration::from_secs(seconds));
        assert_eq!([told(0), told(59), told(60), told(3600), told(90_000)], ["0s", "59s", "1min", "1h", "1d"]);
    }
}
