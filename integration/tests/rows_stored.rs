//! Programs that are handed over as bytes, row by row of what the systems that ironcell joins can do with them.

use integration::embed::{ran, with_threads};
use integration::inside::scratch;
use ironcell::life::Exit;
use ironcell::spec::{Env, EnvName, JobSpec};
use ironcell::supervise::{BinaryStore, Error, Supervisor};
use std::ffi::OsStr;
use std::path::PathBuf;

/// Runs a job to its end: its exit, and its standard output.
async fn run(supervisor: &Supervisor, spec: JobSpec) -> (Exit, String) {
    let (outcome, bytes) = ran(supervisor, spec).await;
    (outcome.exit, String::from_utf8(bytes).expect("text"))
}

#[test]
fn row_3_1_a_program_of_bytes_runs_cannot_be_changed_and_goes_with_its_store() {
    let place = scratch();
    let root = place.path().to_owned();
    with_threads(2, async move {
        let mut store = BinaryStore::open(&root).expect("a store");
        let script = "#!/bin/sh\necho \"$1\"; (echo x >> \"$0\") 2>/dev/null && echo changed; \
                      rm -f \"$0\" 2>/dev/null && echo removed; ls \"${0%/*}\"\n";
        store.add("tool", script.as_bytes()).expect("added");
        store.add("other", b"secret").expect("added");
        let elf = std::fs::read("/bin/true").expect("a program of the host");
        store.add("true", &elf).expect("added");
        let supervisor = Supervisor::open().expect("a supervisor");
        let spec = |name: &str| store.command(name).expect("stored").arg("hello").build().expect("a spec");
        let (exit, out) = run(&supervisor, spec("tool")).await;
        assert_eq!((exit, out.as_str()), (Exit::Code { code: 0 }, "hello\ntool\n"), "and the other is not seen");
        assert_eq!(run(&supervisor, spec("true")).await.0, Exit::Code { code: 0 });
        assert_eq!(std::fs::read(store.path("tool").expect("stored")).expect("it is there"), script.as_bytes());
        supervisor.close();
        drop(store);
        assert_eq!(std::fs::read_dir(&root).expect("the place").count(), 0);
    });
}

#[test]
fn row_3_2_programs_are_added_all_or_none_listed_found_and_removed() {
    let place = scratch();
    let mut store = BinaryStore::open(place.path()).expect("a store");
    let programs: [(&str, &[u8]); 2] = [("b", b"1"), ("a", b"2")];
    store.add_all(programs).expect("added");
    assert_eq!(store.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(store.path("a").expect("stored"), store.directory().join("a"));
    assert!(store.add("a", b"3").is_err(), "the name is taken");
    let error = store.add_all([("c", b"4".as_slice()), ("../d", b"5")]).expect_err("not a name");
    assert!(error.to_string().contains("../d"), "{error}");
    assert_eq!(store.names().count(), 2, "none of them");
    store.remove("a").expect("removed");
    assert!(matches!(store.path("a"), Err(Error::NotStored { .. })) && store.command("a").is_err());
    assert_eq!(std::fs::read_dir(store.directory()).expect("its directory").count(), 1);
}

#[test]
fn row_3_3_environment_and_directory_of_a_stored_program_are_honoured() {
    let place = scratch();
    let root: PathBuf = place.path().to_owned();
    with_threads(2, async move {
        let mut store = BinaryStore::open(&root).expect("a store");
        store.add("where", b"#!/bin/sh\necho \"$WORD\"; pwd\n").expect("added");
        let mut env = Env::default();
        env.set(EnvName::new(OsStr::new("WORD")).expect("a name"), OsStr::new("a  b")).expect("a value");
        let supervisor = Supervisor::open().expect("a supervisor");
        let spec = store.command("where").expect("stored").env(env).cwd("/usr/bin").build().expect("a spec");
        assert_eq!(run(&supervisor, spec).await, (Exit::Code { code: 0 }, "a  b\n/usr/bin\n".to_owned()));
        supervisor.close();
    });
}
