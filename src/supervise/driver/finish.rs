//! Everything after the last process of a job, in order.

use super::waits::from_now;
use super::{Driver, Wait};
use crate::life::restart::{self, Next, Over};
use crate::life::state::{LeaderEnd, Reason};
use crate::life::verdict::Facts;
use crate::life::{Cause, Outcome, StopKind, Usage};
use crate::os::stdio::Tail;
use crate::supervise::backend::Body;
use std::time::Duration;
use tokio::time::timeout;

/// How long the last output may take to reach a terminal: a terminal that is stopped (Ctrl-S) must not hold the end.
const RELAYS_WITHIN: Duration = Duration::from_secs(2);
/// How long the removal of an empty cgroup may take: the kernel is done with its last task in milliseconds.
const REMOVE_WITHIN: Duration = Duration::from_secs(5);

impl Driver {
    /// Output, counters, verdict, and the removal of what a run was in. Then the outcome, or the wait for the next run.
    pub(super) async fn finish(&mut self, leader: LeaderEnd, stopped: Option<(Reason, StopKind)>) {
        let ended = self.started.elapsed();
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
        let (_, written) = tokio::join!(timeout(RELAYS_WITHIN, relays), self.recording.drain());
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
        let leftovers = self.seen.leftovers.take();
        self.over(Outcome { exit, cause, usage, evidence, leftovers, residue: Vec::new() }).await;
    }

    /// A run is over: the job with it, or it waits for the next.
    pub(super) async fn over(&mut self, mut outcome: Outcome) {
        let in_a_row = self.again.as_ref().map(|again| again.in_a_row);
        let next = in_a_row.and_then(|in_a_row| restart::next(self.spec.restart(), in_a_row, &outcome));
        let over = match next {
            Some(Next::Again { after, in_a_row }) if self.may_begin_again() => {
                let until = from_now(after);
                self.note_wait(&outcome, in_a_row, until);
                self.remove_body(&mut outcome).await;
                self.told_wait(&outcome, after);
                self.wait = Some(Box::new(Wait { until, last: outcome }));
                return;
            }
            Some(Next::Again { .. }) => Some(Over::ShuttingDown),
            Some(Next::Over(why)) => Some(why),
            None => None,
        };
        self.end(outcome, over).await;
    }

    /// The end of the job.
    pub(super) async fn end(&mut self, mut outcome: Outcome, over: Option<Over>) {
        self.ends.requests.close();
        self.recording.seal();
        self.note_over(&outcome, over);
        // Before the removal: after it nothing is left that it could be known from.
        let log = self.recording.sealed();
        self.recorded.iter_mut().for_each(|recorded| recorded.ended(&outcome, log.clone()));
        if self.remove_body(&mut outcome).await {
            self.recorded.iter_mut().for_each(|recorded| recorded.ended(&outcome, log.clone()));
        }
        self.listed.house.registry.ended(self.listed.id, &outcome);
        // Also when every handle is gone and nobody wants to know.
        self.ends.outcome.send_replace(Some(outcome));
    }

    /// Removes what the run was in; whether something of it is left, which the outcome tells.
    async fn remove_body(&mut self, outcome: &mut Outcome) -> bool {
        let body = std::mem::replace(&mut self.cell, Body::Nothing);
        let removed = body.remove(REMOVE_WITHIN).await;
        outcome.residue.extend(removed.as_ref().err().map(ToString::to_string));
        removed.is_err()
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
