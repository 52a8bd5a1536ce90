//! What a driver tells those who watch, and writes down, as it happens.

use super::{Driver, Waits};
use crate::life::state::State;
use crate::life::{Happening, StopKind, Throttle};
use crate::os::cell::CpuLook;
use crate::supervise::events::Change;
use tokio::time::Instant;

impl Driver {
    /// Notes what a new state means for those who watch, before its actions are done.
    pub(super) fn note_state(&mut self, state: &State, waits: &mut Waits) {
        match state {
            State::Stopping { why, how } => {
                if *how == StopKind::Hard {
                    self.see_oom_kills();
                }
                waits.look = None;
                waits.ending = true;
                if let Some(recorded) = &mut self.recorded {
                    let grace = waits.grace.map_or(self.grace, |until| until.saturating_duration_since(Instant::now()));
                    recorded.stopping(why, *how, grace);
                }
                self.note(Happening::Stopping { cause: why.word(), how: *how });
            }
            State::Draining { .. } => {
                // What was done to it until now, and was not noticed yet.
                self.note_memory();
                self.note_cpu(self.cell.cpu());
                self.go_on_to_end();
                self.note(Happening::Ended);
            }
            State::Running | State::Finished => {}
        }
    }

    /// Notes what the kernel did for want of memory.
    pub(super) fn note_memory(&self) {
        let seen = self.cell.memory().unwrap_or_default();
        if seen.throttled {
            self.note(Happening::Throttled { by: Throttle::MemoryHigh });
        }
        if seen.oom_kills > 0 {
            self.note(Happening::Oom { kills: seen.oom_kills });
        }
    }

    /// Notes that `cpu.max` held it back.
    pub(super) fn note_cpu(&self, seen: Option<CpuLook>) {
        if seen.is_some_and(|seen| seen.throttled) {
            self.note(Happening::Throttled { by: Throttle::CpuMax });
        }
    }

    /// Tells those who watch.
    fn note(&self, what: Happening) {
        let now = self.asked.elapsed();
        if !self.ends.timeline.send_if_modified(|timeline| timeline.tell(now, what)) {
            return;
        }
        let change = match what {
            Happening::Oom { kills } => Change::Oom { kills },
            Happening::Throttled { by } => Change::Throttled { by },
            Happening::Stopping { cause, how } => Change::Stopping { cause, how },
            // The list has words of its own for these.
            Happening::Created | Happening::Started | Happening::Ended => return,
        };
        self.listed.tell(change);
    }
}
