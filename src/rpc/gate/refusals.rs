//! What a caller is told who is not let through: a code, a reason for programs, and a sentence for people.

use crate::rpc::authz::Denied;
use crate::rpc::limits::REQUEST_MOST_BYTES;
use crate::rpc::tls::identity::Unfit;
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of our reasons.
const DOMAIN: &str = "ironcell.dev";
/// When to try again after the daemon has ended: a daemon that is replaced is back by then.
const RETRY: Duration = Duration::from_secs(1);

fn status(code: Code, reason: &str, message: String, metadata: HashMap<String, String>) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, metadata))
}

/// A certificate that says nobody.
pub fn unfit(unfit: &Unfit) -> Status {
    let code = match unfit {
        Unfit::NoRole | Unfit::ManyRoles => Code::PermissionDenied,
        Unfit::Unusable(_) => Code::Unauthenticated,
    };
    status(code, unfit.reason(), unfit.to_string(), HashMap::new())
}

/// A role that is too small, or no such call.
pub fn denied(denied: Denied, path: &str) -> Status {
    match denied {
        Denied::Role { role, needed, .. } => {
            let metadata = [("role", role.word()), ("needed", needed.word())];
            let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            status(Code::PermissionDenied, "ROLE_REQUIRED", denied.to_string(), metadata)
        }
        Denied::Unknown => Status::unimplemented(format!("{denied}: {path:?}")),
    }
}

/// The daemon ends.
pub fn ends() -> Status {
    let mut details = ErrorDetails::with_error_info("SHUTTING_DOWN", DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY));
    Status::with_error_details(Code::Unavailable, "the daemon is shutting down; its jobs go on", details)
}

/// tonic's own word for a request that is too large is OUT_OF_RANGE, which here means an offset; this is ours.
pub fn too_large(answered: &Status) -> Option<Status> {
    let told = answered.code() == Code::OutOfRange && answered.message().contains("decoded message length too large");
    told.then(|| {
        let message = format!("the request is larger than {REQUEST_MOST_BYTES} bytes; write input in pieces");
        let metadata = [("most".to_owned(), REQUEST_MOST_BYTES.to_string())].into();
        status(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message, metadata)
    })
}
