//! Which jobs are meant, from the wire.

use super::job::state;
use super::time;
use crate::life::Status;
use crate::rpc::proto;
use crate::spec::SpecError;
use crate::supervise::Filter;

/// The jobs that a filter of the wire means; whose they are is told apart, since that is asked of the list.
///
/// # Errors
/// Names the part that has no meaning.
pub fn filter(filter: &proto::JobFilter) -> Result<Filter, SpecError> {
    let word = |state: i32| {
        let unknown = "write the number of a JobState other than 0";
        state_of(state)
            .ok_or_else(|| SpecError::new("filter.states", state.to_string(), "there is no such state", unknown))
    };
    Ok(Filter {
        states: filter.states.iter().map(|state| word(*state)).collect::<Result<_, _>>()?,
        labels: filter.label.clone(),
        name_prefix: Some(filter.name_prefix.clone()).filter(|prefix| !prefix.is_empty()),
        older_than: filter.older_than.as_ref().map(|older| time("filter.older_than", older)).transpose()?,
    })
}

/// Where a job of the wire stands.
pub fn state_of(number: i32) -> Option<Status> {
    let known = proto::JobState::try_from(number).ok()?;
    Status::ALL.into_iter().find(|status| state(*status) == known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_the_same_after_the_wire_and_no_other_is_one() {
        for status in Status::ALL {
            assert_eq!(state_of(state(status) as i32), Some(status));
        }
        assert_eq!((state_of(0), state_of(99), state_of(-1)), (None, None, None));
    }
}
