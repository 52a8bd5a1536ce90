//! What a caller is told who is not let through: by the table of all reasons.

use crate::rpc::authz::Denied;
use crate::rpc::errors::{Reason, Told};
use crate::rpc::limits::REQUEST_MOST_BYTES;
use crate::rpc::tls::identity::Unfit;
use tonic::{Code, Status};

/// A certificate that says nobody.
pub fn unfit(unfit: &Unfit) -> Status {
    let reason = match unfit {
        Unfit::NoRole => Reason::NoRoleInCert,
        Unfit::ManyRoles => Reason::AmbiguousRole,
        Unfit::Unusable(_) => Reason::CertUnusable,
    };
    Told::new(reason, unfit.to_string()).into()
}

/// A role that is too small, or no such call.
pub fn denied(denied: Denied) -> Status {
    Told::from(denied).into()
}

/// The daemon ends.
pub fn ends() -> Status {
    Told::new(Reason::ShuttingDown, "the daemon is shutting down").into()
}

/// tonic's own word for a request that is too large is OUT_OF_RANGE, which here means an offset; this is ours.
pub fn too_large(answered: &Status) -> Option<Status> {
    let told = answered.code() == Code::OutOfRange && answered.message().contains("decoded message length too large");
    told.then(|| {
        let message = format!("the request is larger than {REQUEST_MOST_BYTES} bytes; write input in pieces");
        Told::new(Reason::MessageTooLarge, message).with("most", REQUEST_MOST_BYTES).into()
    })
}
