//! A description is the same job after the wire, and what has no meaning there is refused by name.

use super::*;
use crate::spec::file::KEYS;
use crate::spec::file::tests::round::job;
use crate::spec::{Overflow, Window};
use proptest::prelude::*;
use prost::Message;

/// The members of a description, those that are by name in an order of their own; without what the wire does not have.
fn plain(spec: &JobSpec) -> Map<String, Value> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(&spec.to_json()) else { panic!("an object") };
    for key in ["rlimit", "cgroup", "label"] {
        if let Some(Value::Array(items)) = members.get_mut(key) {
            items.sort_by_key(Value::to_string);
        }
    }
    members.remove("overflow");
    members.remove("on_drop");
    members
}

proptest! {
    #[test]
    fn a_description_is_the_same_job_after_the_wire(spec in job()) {
        let sent = described(&spec, Some(stdin::From::Pipe(true))).encode_to_vec();
        let wire = proto::JobSpec::decode(&*sent).expect("our own bytes");
        let asked = asked(wire, OnDrop::Detach, None).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(plain(&asked.spec), plain(&spec));
        prop_assert_eq!((asked.spec.on_drop(), asked.spec.overflow()), (OnDrop::Detach, Overflow::default()));
        prop_assert!(matches!(asked.stdin, Stdio::Pipe));
    }

    #[test]
    fn whatever_comes_from_the_wire_is_a_job_or_a_refusal(bytes in prop::collection::vec(proptest::num::u8::ANY, 0..200)) {
        if let Ok(wire) = proto::JobSpec::decode(&*bytes) {
            let _ = (asked(wire.clone(), OnDrop::Kill, Some("1M")), limits_asked(wire, &[]));
        }
    }
}

#[test]
fn the_wire_has_every_key_of_a_description_but_those_without_meaning_there() {
    let proto = include_str!("../../proto/ironcell.proto");
    let spec = proto.split("message JobSpec {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("a message");
    for key in KEYS {
        let there = spec.contains(&format!(" {} = ", key.name));
        let meant = !["extends", "env_file", "on_drop", "overflow"].contains(&key.name);
        assert_eq!(there, meant, "{}", key.name);
    }
}

#[test]
fn a_refusal_names_the_field_of_the_wire() {
    let of = |change: fn(&mut proto::JobSpec)| {
        let mut wire = proto::JobSpec { argv: vec![b"true".to_vec()], ..Default::default() };
        change(&mut wire);
        asked(wire, OnDrop::Detach, None).expect_err("refused").field
    };
    assert_eq!(of(|wire| wire.memory = "12Q".to_owned()), "memory");
    assert_eq!(of(|wire| wire.argv.clear()), "argv[0]");
    assert_eq!(of(|wire| wire.seccomp = "/etc/rules".to_owned()), "seccomp");
    assert_eq!(of(|wire| wire.env = vec![b"HOME".to_vec()]), "env[0]");
    assert_eq!(of(|wire| wire.env_from = "caller".to_owned()), "env_from");
    assert_eq!(of(|wire| wire.cwd = b"src".to_vec()), "cwd");
    assert_eq!(of(|wire| wire.mounts = vec![proto::Mount { mount: None }]), "mounts");
}

#[test]
fn a_spool_is_the_daemons_where_nothing_is_said_of_it() {
    let spool = |said: &str| {
        let wire = proto::JobSpec { argv: vec![b"true".to_vec()], spool: said.to_owned(), ..Default::default() };
        described(&asked(wire, OnDrop::Detach, Some("8M")).expect("a job").spec, None).spool
    };
    assert_eq!((spool("").as_str(), spool("2M").as_str()), ("8M", "2M"));
}

#[test]
fn an_update_changes_limits_and_nothing_else() {
    let wire = |change: fn(&mut proto::JobSpec)| {
        let mut wire = proto::JobSpec::default();
        change(&mut wire);
        wire
    };
    let memory = wire(|wire| wire.memory = "64M".to_owned());
    assert!(limits_asked(memory.clone(), &[]).expect("limits").limits().memory_max.is_some());
    assert!(limits_asked(memory.clone(), &["memory".to_owned()]).is_ok());
    assert_eq!(limits_asked(memory, &["pids".to_owned()]).expect_err("not set").field, "update_mask");
    assert_eq!(limits_asked(wire(|wire| wire.name = "n".to_owned()), &[]).expect_err("no limit").field, "name");
    assert_eq!(limits_asked(proto::JobSpec::default(), &[]).expect_err("nothing").field, "spec");
    let terminal = wire(|wire| wire.terminal = Window::default().to_string());
    assert!(limits_asked(terminal, &["terminal".to_owned()]).is_err());
}
