//! What a start has brought, until a driver has it.

use crate::life::Timeline;
use crate::life::pace::Pace;
use crate::life::state::TimeLimits;
use crate::os::stdio::Ours;
use crate::supervise::backend::Body;
use crate::supervise::driver::{Again, Wait};
use crate::supervise::job::About;
use crate::supervise::lasting::{Recorded, Stopping};
use crate::supervise::output::Files;
use tokio::time::Instant;

/// What a start has brought, or what is known of a job that was started by an earlier supervisor.
pub struct Begun {
    pub body: Body,
    pub about: About,
    pub pace: Pace,
    pub limits: TimeLimits,
    pub ours: Ours,
    pub files: Option<Files>,
    pub asked: Instant,
    /// When its target was executed.
    pub started: Instant,
    pub timeline: Timeline,
    /// What is written down of it, if it outlives its supervisor.
    pub recorded: Option<Recorded>,
    /// Whether it is being ended.
    pub stopping: Option<Stopping>,
    /// Whether an earlier supervisor had started it.
    pub taken_over: bool,
    /// What is known of its runs, if it can have several.
    pub again: Option<Box<Again>>,
    /// Set when it waits for its next one.
    pub wait: Option<Box<Wait>>,
}

impl Begun {
    /// What has just begun, and of which nothing else is known.
    pub fn of(body: Body, ours: Ours, (limits, pace): (TimeLimits, Pace), asked: Instant) -> Self {
        Self {
            body,
            about: About::default(),
            pace,
            limits,
            ours,
            files: None,
            asked,
            started: Instant::now(),
            timeline: Timeline::default(),
            recorded: None,
            stopping: None,
            taken_over: false,
            again: None,
            wait: None,
        }
    }
}
