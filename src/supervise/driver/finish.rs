//! Everything after the last process of a job, in order.

use super::Driver;
use crate::life::state::{LeaderEnd, Reason};
use crate::life::verdict::Facts;
use crate::life::{Cause, Outcome, StopKind, Usage};
use crate::os::stdio::Tail;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long the last output may take to reach a terminal: a terminal that is stopped (Ctrl-S) must not hold the end.
const RELAYS_WITHIN: Duration = Duration::from_secs(2);
/// How long the removal of an empty cgroup may take: the kernel is done with its last task in milliseconds.
const REMOVE_WITHIN: Duration = Duration::from_secs(5);

impl Driver {
    /// Output, counters, verdict, removal, and the outcome.
    pub(super) async fn finish(mut self, leader: LeaderEnd, stopped: Option<(Reason, StopKind)>, started: Instant) {
        let ended = started.elapsed();
        self.inputs.close();
        // From here on its master has an end.
        drop(self.held.take());
        let relays = std::mem::take(&mut self.relays);
        let relays = async {
            for relay in relays {
                // An error is the end of the relay's thread, too.
                let _ = relay.await;
            }
        };
        // Bounded: what is not shown after that stays in the terminal's hands.
        let (_, written) = tokio::join!(timeout(RELAYS_WITHIN, relays), self.recording.end());
        let usage = self.usage(leader, ended);
        let mut evidence = self.cell.evidence();
        let oom_kills_until_then = self.seen.oom_kills;
        let (limits, usage_of) = (self.limits, &usage);
        let facts =
            Facts { leader, stopped, oom_kills_until_then, evidence: &evidence, usage: usage_of, limits, written };
        let (exit, cause) = (facts.exit(), facts.cause());
        evidence.limit = facts.limit(&cause);
        evidence.output_unwritten = written.unwritten;
        evidence.stderr_tail = self.tail.as_ref().map(Tail::text);
        if matches!(cause, Cause::Memory { .. }) {
            evidence.biggest = self.cell.biggest().await;
        }
        // What the kernel did to the rest, which nobody watched any more.
        self.note_memory();
        evidence.timeline = self.ends.timeline.borrow().clone();
        let leftovers = self.seen.leftovers;
        let mut outcome = Outcome { exit, cause, usage, evidence, leftovers, residue: Vec::new() };
        // Before the removal: after it nothing is left that it could be known from.
        let log = self.recording.sealed();
        self.recorded.iter_mut().for_each(|recorded| recorded.ended(&outcome, log.clone()));
        if let Err(error) = self.cell.remove(REMOVE_WITHIN).await {
            outcome.residue.push(error.to_string());
            self.recorded.iter_mut().for_each(|recorded| recorded.ended(&outcome, log.clone()));
        }
        self.listed.house.registry.ended(self.listed.id, &outcome);
        // No receiver is left when every handle is gone: then nobody wants to know.
        let _ = self.ends.outcome.send(Some(outcome));
    }

    /// What was used: what the kernel counted, and what PID 1 told.
    fn usage(&self, leader: LeaderEnd, ended: Duration) -> Usage {
        let used = self.seen.used;
        Usage {
            wall: match leader {
                LeaderEnd::Told { wall_nanos, .. } => Duration::from_nanos(wall_nanos),
                LeaderEnd::Untold => ended,
            },
            max_rss: used.map(|used| used.max_rss_kib.saturating_mul(1024)),
            switches_voluntary: used.map(|used| used.switches_voluntary),
            switches_forced: used.map(|used| used.switches_forced),
            ..self.cell.usage()
        }
    }
}
