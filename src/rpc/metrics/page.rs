//! The page: every family with its samples, as they are at this moment.

use super::Metrics;
use super::count::BOUNDS;
use super::text::{Kind, Text};
use crate::rpc::audit;
use crate::rpc::authz::Rpc;
use crate::rpc::errors::Reason;
use crate::rpc::listen::{Door, Turned};
use crate::supervise::{Counts, Supervisor, Tally};
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;
use tonic::Code;

/// The page of this daemon.
pub fn page(metrics: &Metrics, supervisor: &Supervisor) -> String {
    let mut text = Text::default();
    daemon(&mut text, metrics);
    jobs(&mut text, supervisor.all_jobs().counts(), &supervisor.tally());
    starts(&mut text, metrics);
    output(&mut text, metrics, &supervisor.tally());
    doors(&mut text, metrics);
    calls(&mut text, metrics);
    text.page()
}

fn daemon(text: &mut Text, metrics: &Metrics) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.family("ironcell_build_info", Kind::Gauge, "Which ironcelld it is; always 1.").sample(
        "ironcell_build_info",
        &version,
        1,
    );
    let started = metrics.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    text.one("process_start_time_seconds", Kind::Gauge, "When it was started, in seconds since 1970.", started);
    if let Some(adoption) = metrics.adoption.get() {
        let help = "How long it took at the start until all jobs of the daemon before were there.";
        text.one("ironcell_adoption_seconds", Kind::Gauge, help, adoption.as_secs_f64());
    }
}

fn jobs(text: &mut Text, counts: Counts, tally: &Tally) {
    let name = "ironcell_jobs";
    text.family(name, Kind::Gauge, "Jobs that are listed, by state.");
    for (state, count) in [
        ("starting", counts.starting),
        ("running", counts.running),
        ("paused", counts.paused),
        ("stopping", counts.stopping),
        ("completed", counts.completed),
        ("failed", counts.failed),
        ("terminated", counts.terminated),
    ] {
        text.sample(name, &[("state", state)], count);
    }
    let name = "ironcell_jobs_ended_total";
    text.family(name, Kind::Counter, "Jobs that have ended, by the cause and the kind of exit that reports have.");
    for ((cause, exit), count) in &tally.ended {
        text.sample(name, &[("cause", cause), ("exit", exit)], count);
    }
    let help = "Jobs whose program was executed.";
    text.one("ironcell_jobs_started_total", Kind::Counter, help, tally.started);
    let help = "Jobs that ran when this daemon began, and that it took over.";
    text.one("ironcell_jobs_adopted_total", Kind::Counter, help, tally.adopted);
    let help = "Keepers that were put in the place of one that had died.";
    text.one("ironcell_keepers_replaced_total", Kind::Counter, help, tally.keepers_replaced);
}

fn starts(text: &mut Text, metrics: &Metrics) {
    let name = "ironcell_starts_refused_total";
    let help = "Starts that were refused to callers who may start, by the reason that the caller was told.";
    text.family(name, Kind::Counter, help);
    for (reason, count) in Reason::ALL.iter().zip(metrics.starts_refused.all()) {
        text.sample(name, &[("reason", reason.word())], count);
    }
}

fn output(text: &mut Text, metrics: &Metrics, tally: &Tally) {
    let help =
        "Bytes that jobs have written and the daemon has taken; of jobs that it took over from their beginning on.";
    text.one("ironcell_output_bytes_total", Kind::Counter, help, tally.output.written);
    let name = "ironcell_output_lost_bytes_total";
    let help =
        "Of these, given up for newer ones (a reader is told a gap), or not taken by a disk (known at a job's end).";
    text.family(name, Kind::Counter, help);
    text.sample(name, &[("why", "given_up")], tally.output.given_up);
    text.sample(name, &[("why", "not_taken")], tally.output.unwritten);
    let streams = metrics.streams.load(Ordering::Relaxed);
    text.one("ironcell_streams_open", Kind::Gauge, "Streams of output and events that callers have open.", streams);
    let missed = metrics.events_missed.load(Ordering::Relaxed);
    let help = "Events that watchers came too late for, and were told so.";
    text.one("ironcell_events_missed_total", Kind::Counter, help, missed);
}

fn doors(text: &mut Text, metrics: &Metrics) {
    let mut each = |name: &str, kind, help: &str, counts: Vec<u64>| {
        text.family(name, kind, help);
        for (door, count) in Door::ALL.iter().zip(counts) {
            text.sample(name, &[("door", door.word())], count);
        }
    };
    each("ironcell_connections_open", Kind::Gauge, "Connections of callers who are known.", metrics.open.all());
    each("ironcell_connections_total", Kind::Counter, "Connections that were let in.", metrics.accepted.all());
    for (name, handshakes, help) in [
        (
            "ironcell_connections_refused_total",
            false,
            "Connections that were closed although it was known whose they are.",
        ),
        ("ironcell_handshakes_failed_total", true, "Connections that never were anybody's."),
    ] {
        text.family(name, Kind::Counter, help);
        for (door, counts) in Door::ALL.iter().zip(&metrics.turned) {
            let rows = Turned::ALL.iter().zip(counts.all());
            for (why, count) in rows.filter(|(why, _)| why.is_of_handshake() == handshakes && why.is_at(*door)) {
                text.sample(name, &[("door", door.word()), ("reason", why.word())], count);
            }
        }
    }
}

/// Of calls that nobody has made nothing is said.
fn calls(text: &mut Text, metrics: &Metrics) {
    let methods = Rpc::ALL.iter().map(|rpc| rpc.path().trim_start_matches('/')).chain(["unknown"]);
    let rows: Vec<_> = methods.zip(&metrics.calls).collect();
    let name = "ironcell_rpcs_total";
    text.family(name, Kind::Counter, "Calls that were answered or given up, by method and code of gRPC.");
    for (method, (codes, _)) in &rows {
        for (code, count) in codes.all().into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let code = audit::word(Code::from(i32::try_from(code).unwrap_or_default()));
            text.sample(name, &[("method", method), ("code", &code)], count);
        }
    }
    let name = "ironcell_rpc_duration_seconds";
    text.family(name, Kind::Histogram, "How long calls took, from their first byte to the end of their answer.");
    for (method, (_, times)) in rows {
        let (counts, sum) = times.told();
        let Some(all) = counts.last().copied().filter(|all| *all > 0) else { continue };
        let bounds = BOUNDS.map(|bound| bound.to_string()).into_iter().chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(counts) {
            text.sample(&format!("{name}_bucket"), &[("method", method), ("le", &bound)], count);
        }
        text.sample(&format!("{name}_sum"), &[("method", method)], sum);
        text.sample(&format!("{name}_count"), &[("method", method)], all);
    }
}
