//! Each kind of error has its reason, and the details that go with it.

use super::*;
use crate::supervise::Error;
use tonic::Code;

fn failure(refused: Refused) -> Error {
    Error::Start(StartFailure { step: 301, name: "exec", errno: 2, message: "no such file".to_owned(), refused })
}

fn reason(error: Error) -> (Code, String) {
    let status = status(error);
    (status.code(), reason_of(&status).expect("one of ours"))
}

#[test]
fn each_error_of_a_verb_has_its_reason() {
    let id = JobId::of(0, [0; 10]);
    let of = |error, code, word: &str| assert_eq!(reason(error), (code, word.to_owned()));
    of(Error::NotFound { said: "x".to_owned() }, Code::NotFound, "JOB_NOT_FOUND");
    of(Error::Ambiguous { said: "x".to_owned(), candidates: vec![id] }, Code::FailedPrecondition, "AMBIGUOUS_ID");
    of(Error::NameTaken { name: "x".to_owned(), id }, Code::AlreadyExists, "NAME_IN_USE");
    of(Error::Ended(id), Code::FailedPrecondition, "JOB_EXITED");
    of(Error::StillRunning(id), Code::FailedPrecondition, "JOB_NOT_EXITED");
    of(Error::TooManyJobs { most: 1 }, Code::ResourceExhausted, "TOO_MANY_JOBS");
    of(Error::ShuttingDown, Code::Unavailable, "SHUTTING_DOWN");
    of(failure(Refused::Cell), Code::FailedPrecondition, "EXEC_FAILED");
    of(Error::NotRoot, Code::Internal, "INTERNAL");
}

#[test]
fn a_field_without_meaning_is_told_with_its_value_and_the_way_out() {
    for (field, word) in [
        ("memory", "INVALID_LIMIT"),
        ("--cpu-time", "INVALID_LIMIT"),
        ("argv[2]", "INVALID_FIELD"),
        ("env HOME", "INVALID_ENV"),
        ("mounts[0].ro", "INVALID_MOUNT"),
        ("label", "INVALID_FIELD"),
    ] {
        let status = status(SpecError::new(field, "12Q", "unknown unit Q", "write bytes"));
        assert_eq!((status.code(), reason_of(&status).as_deref()), (Code::InvalidArgument, Some(word)), "{field}");
        let violations = status.get_details_bad_request().expect("details").field_violations;
        assert_eq!(violations[0].field, field);
        assert!(violations[0].description.contains("12Q") && violations[0].description.contains("write bytes"));
    }
}

#[test]
fn a_client_knows_from_a_refused_start_what_it_returns() {
    for (_, refused) in REFUSED {
        assert_eq!(exit_of(&status(failure(refused))), refused);
    }
    assert_eq!(exit_of(&Status::unavailable("gone")), Refused::Cell);
    assert_eq!(said(&status(failure(Refused::Cell))), "no such file");
}

#[test]
fn what_may_be_tried_again_says_when() {
    let status = status(Error::ShuttingDown);
    assert_eq!(status.get_details_retry_info().and_then(|info| info.retry_delay), Some(RETRY_AFTER));
}
