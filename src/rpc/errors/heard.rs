//! What a client makes of a refusal: a sentence for people, and the exit code.

use super::{DOMAIN, REFUSED};
use crate::life::Refused;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The reason, if it is one of ours.
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason)
}

/// The sentence for people. What is no refusal of the daemon's names the code.
pub fn said(status: &Status) -> String {
    match (status.code(), status.message()) {
        (Code::Unimplemented, "") => "the daemon does not know this call: it is another version".to_owned(),
        (Code::DeadlineExceeded, _) => "the daemon did not answer in time".to_owned(),
        (code, "") => format!("the daemon refused: {code}"),
        (_, message) => message.to_owned(),
    }
}

/// What a failed start means for the exit code; nothing of the kind is the cell's.
pub fn exit_of(status: &Status) -> Refused {
    let refused = status.get_details_error_info().and_then(|info| info.metadata.get("refused").cloned());
    let word = refused.unwrap_or_default();
    REFUSED.iter().find(|(known, _)| *known == word).map_or(Refused::Cell, |(_, refused)| *refused)
}
