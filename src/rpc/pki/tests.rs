//! An authority from its beginning to its list, and its certificates as the daemon takes them.

use super::*;
use crate::rpc::tls::identity::{is_for_clients, peer};
use crate::rpc::tls::keys::{Current, Paths};
use std::fs;
use std::os::unix::fs::MetadataExt;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("a/pki");
    (dir, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o7777
}

/// Whether the daemon would take a certificate, with and without the list.
fn verdicts(dir: &Path, daemon: &Issued, client: &Issued) -> [Result<(), String>; 2] {
    [None, Some(dir.join("ca.crl"))].map(|crl| {
        let paths = Paths { cert: daemon.cert.clone(), key: daemon.key.clone(), client_ca: dir.join("ca.crt"), crl };
        let current = Current::read(&paths).expect("the files are good");
        current.verify(&chain(&client.cert).expect("a chain")).map_err(|error| error.to_string())
    })
}

#[test]
fn what_it_issues_is_taken_by_the_daemon_until_it_is_revoked() {
    let (_dir, path) = place();
    let authority = Authority::init(&path, "test authority", AUTHORITY_DAYS).expect("made");
    let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let daemon = authority.issue("daemon", &For::Server(hosts), CERTIFICATE_DAYS).expect("issued");
    drop(authority);
    // What was opened again issues the same.
    let authority = Authority::open(&path).expect("opened");
    let alice = authority.issue("alice", &For::Client(Role::Operator), 1).expect("issued");
    let bob = authority.issue("bob", &For::Client(Role::Admin), 1).expect("issued");
    assert_eq!(verdicts(&path, &daemon, &alice), [Ok(()), Ok(())]);
    let leaf = &chain(&alice.cert).expect("a chain")[0];
    let who = peer(leaf).expect("somebody");
    assert_eq!((who.owner.as_str(), who.role, is_for_clients(leaf)), ("alice", Role::Operator, true));

    assert_eq!(authority.revoke("alice").expect("revoked").as_slice(), std::slice::from_ref(&alice.serial));
    let [without, with] = verdicts(&path, &daemon, &alice);
    assert!(without.is_ok() && with.expect_err("revoked").contains("Revoked"));
    assert_eq!(verdicts(&path, &daemon, &bob), [Ok(()), Ok(())]);
    let shown =
        bob.serial.to_uppercase().as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":");
    assert_eq!(authority.revoke(&shown).expect("by its serial").as_slice(), std::slice::from_ref(&bob.serial));
    assert!(verdicts(&path, &daemon, &bob)[1].is_err());
    assert_eq!(authority.revoke("alice").expect("again changes nothing").len(), 1);
    assert_eq!(ledger::read(&path.join("revoked")).expect("read").len(), 2);
}

#[test]
fn keys_are_their_owners_alone_and_nothing_is_overwritten() {
    let (_dir, path) = place();
    let authority = Authority::init(&path, "a", AUTHORITY_DAYS).expect("made");
    let alice = authority.issue("alice", &For::Client(Role::Viewer), 1).expect("issued");
    assert_eq!((mode(&path), mode(&path.join("ca.key")), mode(&alice.key)), (0o700, 0o600, 0o600));
    assert_eq!(mode(&alice.cert), 0o644);
    let before = fs::read(&alice.key).expect("read");
    let error = authority.issue("alice", &For::Client(Role::Admin), 1).expect_err("there").to_string();
    assert!(error.contains("alice.crt") && error.contains("there already"), "{error}");
    assert_eq!(fs::read(&alice.key).expect("read"), before);
    drop(authority);
    let error = Authority::init(&path, "b", AUTHORITY_DAYS).expect_err("there").to_string();
    assert!(error.contains("an authority is there already"), "{error}");
    let left = fs::read_dir(&path).expect("read").filter_map(Result::ok).map(|file| file.file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().ends_with(".new")));
}

#[test]
fn a_name_is_an_owner_and_a_file() {
    let (_dir, path) = place();
    let authority = Authority::init(&path, "a", AUTHORITY_DAYS).expect("made");
    for name in ["", "two words", "a/b", "../x", ".hidden", "ca", "uid:0", &"x".repeat(129)] {
        let error = authority.issue(name, &For::Client(Role::Viewer), 1).expect_err(name).to_string();
        assert!(error.contains("is no name"), "{error}");
    }
    let error = authority.issue("d", &For::Server(vec!["ho st\u{e9}".to_owned()]), 1).expect_err("no host").to_string();
    assert!(error.contains("--host"), "{error}");
}

#[test]
fn what_is_not_there_is_told_with_the_way_out() {
    let (dir, path) = place();
    let error = Authority::open(&path).expect_err("none").to_string();
    assert!(error.contains("ironcell pki init"), "{error}");
    let authority = Authority::init(&path, "a", AUTHORITY_DAYS).expect("made");
    let error = authority.revoke("nobody").expect_err("none").to_string();
    assert!(error.contains("issued") && error.contains("nobody"), "{error}");
    fs::write(path.join("revoked"), "zz 1 x\n").expect("written");
    let error = authority.list(1).expect_err("broken").to_string();
    assert!(error.contains("revoked") && error.contains("line 1"), "{error}");
    drop(authority);
    fs::write(path.join("ca.key"), "broken").expect("written");
    assert!(Authority::open(&path).expect_err("broken").to_string().contains("ca.key"));
    use std::os::unix::fs::PermissionsExt;
    let open = dir.path().join("open");
    fs::create_dir(&open).expect("made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("set");
    assert!(Authority::init(&open, "a", 1).expect_err("open to all").to_string().contains("others can write"));
}
