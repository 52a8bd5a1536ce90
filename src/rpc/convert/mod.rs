//! Between the wire and the words: the only files that see both. What comes from the wire is a word or a refusal; what goes to
//! it loses nothing that a client shows.

mod event;
mod filter;
mod job;
mod outcome;
mod spec;
mod usage;

pub use event::event;
pub use filter::{filter, state_of};
pub use job::{argv_of, detail, job, process, stats, stats_of};
pub use outcome::{outcome, outcome_of};
pub use spec::{Asked, asked, described, limits_asked};
pub use usage::{usage, usage_of};

use crate::rpc::proto;
use crate::spec::units::Span;
use crate::spec::{SpecError, units};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment. One before 1970, or past what fits, is not told.
pub fn timestamp(at: SystemTime) -> Option<prost_types::Timestamp> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    let nanos = i32::try_from(since.subsec_nanos()).ok()?;
    Some(prost_types::Timestamp { seconds: i64::try_from(since.as_secs()).ok()?, nanos })
}

/// A moment of the wire's; none before 1970.
pub fn moment(at: &prost_types::Timestamp) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(span(at.seconds, at.nanos)?)
}

/// A time of ours.
pub fn duration(time: Duration) -> prost_types::Duration {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    prost_types::Duration { seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), nanos }
}

/// A time of the wire's, for telling; one that is none is 0.
pub fn told(time: &prost_types::Duration) -> Duration {
    span(time.seconds, time.nanos).unwrap_or_default()
}

/// A time of the wire's that is asked for.
///
/// # Errors
/// When it is negative or longer than the reader of times takes.
pub fn time(field: &str, time: &prost_types::Duration) -> Result<Duration, SpecError> {
    let shown = format!("{}.{:09}s", time.seconds, time.nanos);
    let span = span(time.seconds, time.nanos);
    let span = span.ok_or_else(|| SpecError::new(field, shown, "not a time", "write one of 0 s or more"))?;
    // The bounds are those of every other time.
    units::duration(field, &Span(span).to_string())
}

fn span(seconds: i64, nanos: i32) -> Option<Duration> {
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

/// The stream of a chunk.
pub fn stream(stream: crate::life::Stream) -> proto::Stream {
    match stream {
        crate::life::Stream::Stdout => proto::Stream::Stdout,
        crate::life::Stream::Stderr => proto::Stream::Stderr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_and_times_are_the_same_after_the_wire(seconds in 0_u64..4_000_000_000, nanos in 0_u32..1_000_000_000) {
            let span = Duration::new(seconds, nanos);
            prop_assert_eq!(told(&duration(span)), span);
            let at = UNIX_EPOCH + span;
            prop_assert_eq!(timestamp(at).as_ref().and_then(moment), Some(at));
        }

        #[test]
        fn no_time_of_the_wire_is_too_odd_to_be_answered(seconds: i64, nanos: i32) {
            let odd = prost_types::Duration { seconds, nanos };
            let _ = (time("grace", &odd), told(&odd), moment(&prost_types::Timestamp { seconds, nanos }));
        }
    }
}
