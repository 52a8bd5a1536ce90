//! Who a verified certificate says that its holder is: the CN is the owner, the one OU that names a role is the role. Only
//! the leaf counts: an authority's own names say who it is, not whom it vouches for.

use crate::life::digest::Sum;
use crate::rpc::peer::{Peer, Role};
use crate::spec::Owner;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATIONAL_UNIT_NAME};
use x509_cert::der::oid::db::rfc5280::ID_KP_CLIENT_AUTH;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::ext::pkix::name::DirectoryString;

/// What owners of local callers begin with; no certificate can claim one.
pub const LOCAL: &str = "uid:";

/// A certificate that verifies, and yet says nobody. Its holder is answered, so that he learns why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No OU names a role.
    #[error("no OU of the client certificate is a role; issue one with OU=admin, OU=operator or OU=viewer")]
    NoRole,
    /// More than one does.
    #[error("the client certificate has more than one role in its OUs; issue one with exactly one of them")]
    ManyRoles,
    /// It has no name that an owner can have.
    #[error("the client certificate cannot be used: {0}")]
    Unusable(String),
}

/// Whose certificate this is.
///
/// # Errors
/// When it says nobody.
pub fn peer(leaf: &CertificateDer<'_>) -> Result<Peer, Unfit> {
    let certificate = decoded(leaf)?;
    let tbs = certificate.tbs_certificate();
    let all = |oid| tbs.subject().iter().filter(move |attribute| attribute.oid == oid);
    let role = role(all(ORGANIZATIONAL_UNIT_NAME).filter_map(text))?;
    let owner = owner(&all(COMMON_NAME).map(text).collect::<Vec<_>>())?;
    let key = tbs.subject_public_key_info().to_der().map_err(|error| Unfit::Unusable(error.to_string()))?;
    let mut sum = Sum::default();
    sum.add(&key);
    Ok(Peer { name: owner.to_string(), owner, role, fingerprint: sum.hex() })
}

/// Whether it says that it is for clients. A certificate that does not say what it is for is for nothing here, though
/// RFC 5280 §4.2.1.12 would have it be for all.
pub fn is_for_clients(leaf: &CertificateDer<'_>) -> bool {
    let usage = decoded(leaf).ok().and_then(|leaf| leaf.tbs_certificate().get_extension::<ExtendedKeyUsage>().ok()?);
    usage.is_some_and(|(_, usage)| usage.0.contains(&ID_KP_CLIENT_AUTH))
}

fn decoded(leaf: &CertificateDer<'_>) -> Result<Certificate, Unfit> {
    Certificate::from_der(leaf).map_err(|error| Unfit::Unusable(error.to_string()))
}

/// The one role among the OUs, by its exact letters. OUs that are no roles may stand beside it.
fn role(units: impl Iterator<Item = String>) -> Result<Role, Unfit> {
    let mut roles = units.filter_map(|unit| Role::ALL.into_iter().find(|role| role.word() == unit));
    match (roles.next(), roles.next()) {
        (None, _) => Err(Unfit::NoRole),
        (Some(role), None) => Ok(role),
        (Some(_), Some(_)) => Err(Unfit::ManyRoles),
    }
}

/// The owner that the one CN names.
fn owner(names: &[Option<String>]) -> Result<Owner, Unfit> {
    let unusable = |problem: String| Err(Unfit::Unusable(problem));
    let name = match names {
        [Some(name)] => name,
        [None] => return unusable("its CN is no text".to_owned()),
        [] => return unusable("it has no CN, which names the owner of jobs".to_owned()),
        _ => return unusable("it has more than one CN, which names the owner of jobs".to_owned()),
    };
    if name.starts_with(LOCAL) {
        return unusable(format!("its CN is {name:?}, and only local callers are named {LOCAL}"));
    }
    Owner::new(name)
        .or_else(|error| unusable(format!("its CN is {:?}: {}; {}", error.value, error.problem, error.expected)))
}

/// The text of an attribute, if it is one.
fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    DirectoryString::try_from(&attribute.value).ok().map(|text| text.value().into_owned())
}

#[cfg(test)]
mod tests;
