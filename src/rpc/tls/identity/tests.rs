//! Certificates of all kinds, and who they say.

use super::*;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair,
};

/// A certificate with this subject, made by an authority whose own OU is `admin`.
fn certificate(subject: DistinguishedName, usages: &[ExtendedKeyUsagePurpose]) -> (CertificateDer<'static>, KeyPair) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::OrganizationalUnitName, "admin");
    let issuer = Issuer::new(authority, KeyPair::generate().expect("a key"));
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name = subject;
    leaf.extended_key_usages = usages.to_vec();
    (leaf.signed_by(&key, &issuer).expect("signed").der().clone(), key)
}

fn subject(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}

fn told(parts: &[(DnType, &str)]) -> Result<Peer, Unfit> {
    peer(&certificate(subject(parts), &[]).0)
}

#[test]
fn cn_and_ou_of_the_leaf_are_owner_and_role() {
    for role in Role::ALL {
        let peer = told(&[(DnType::CommonName, "alice@build"), (DnType::OrganizationalUnitName, role.word())]);
        let peer = peer.expect("a peer");
        assert_eq!((peer.owner.as_str(), peer.name.as_str(), peer.role), ("alice@build", "alice@build", role));
    }
}

#[test]
fn the_fingerprint_is_of_the_key_and_not_of_the_certificate() {
    let name = || subject(&[(DnType::CommonName, "a"), (DnType::OrganizationalUnitName, "viewer")]);
    let (leaf, key) = certificate(name(), &[]);
    let mut sum = Sum::default();
    sum.add(&rcgen::PublicKeyData::subject_public_key_info(&key));
    assert_eq!(peer(&leaf).expect("a peer").fingerprint, sum.hex());
    assert_ne!(
        peer(&certificate(name(), &[]).0).expect("a peer").fingerprint,
        peer(&leaf).expect("a peer").fingerprint
    );
}

#[test]
fn a_role_is_one_word_by_its_exact_letters() {
    let of = |units: &[&str]| role(units.iter().map(ToString::to_string));
    for units in [
        &[][..],
        &[""],
        &["Admin"],
        &["ADMIN"],
        &["admin "],
        &[" admin"],
        &["admin\0"],
        &["admins"],
        &["аdmin"],
        &["root"],
        &["admin,operator"],
    ] {
        assert_eq!(of(units), Err(Unfit::NoRole), "{units:?}");
    }
    assert_eq!(of(&["engineering", "operator", "Viewer"]), Ok(Role::Operator));
    for units in [&["admin", "viewer"][..], &["operator", "x", "admin"], &["viewer", "viewer"]] {
        assert_eq!(of(units), Err(Unfit::ManyRoles), "{units:?}");
    }
}

#[test]
fn an_authority_that_is_called_admin_makes_nobody_admin() {
    assert_eq!(told(&[(DnType::CommonName, "mallory")]), Err(Unfit::NoRole));
}

#[test]
fn a_name_that_is_no_owner_is_told() {
    let operator = (DnType::OrganizationalUnitName, "operator");
    for (name, word) in [("two words", "not a name"), ("uid:0", "local callers"), ("", "CN"), ("a\nb", "not a name")] {
        let error = told(&[(DnType::CommonName, name), operator.clone()]).expect_err("refused");
        assert!(error.to_string().contains(word), "{name:?}: {error}");
    }
    let error = told(&[operator]).expect_err("refused");
    assert!(error.to_string().contains("no CN"), "{error}");
    assert!(owner(&[Some("a".to_owned()), Some("b".to_owned())]).is_err());
}

#[test]
fn the_letters_of_another_alphabet_are_read_as_they_are() {
    let mut name = subject(&[(DnType::CommonName, "a")]);
    name.push(DnType::OrganizationalUnitName, DnValue::BmpString("admin".try_into().expect("text")));
    assert_eq!(peer(&certificate(name, &[]).0).map(|peer| peer.role), Ok(Role::Admin));
}

#[test]
fn a_certificate_is_for_clients_only_if_it_says_so() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    let is = |usages: &[_]| is_for_clients(&certificate(subject(&[]), usages).0);
    assert!(is(&[ClientAuth]) && is(&[ServerAuth, ClientAuth]));
    assert!(!is(&[]) && !is(&[ServerAuth]) && !is(&[Any]));
    assert!(!is_for_clients(&CertificateDer::from(vec![0x30, 0x00])));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let bytes = CertificateDer::from(bytes);
        prop_assert!(peer(&bytes).is_err() && !is_for_clients(&bytes));
    }
}
