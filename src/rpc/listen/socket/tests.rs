//! The socket's file: what it replaces, what it leaves alone, and how open it is.

use super::*;
use std::os::unix::net::UnixListener as Plain;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("run/d.sock");
    (dir, path)
}

fn in_runtime<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _guard = runtime.enter();
    work()
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_daemon() {
    let (_dir, path) = place();
    in_runtime(|| {
        let local = Socket::bind(&path).expect("bound");
        let file = fs::symlink_metadata(&path).expect("there");
        assert!(file.file_type().is_socket() && file.mode() & 0o7777 == 0o600, "{:o}", file.mode());
        let beside = fs::read_dir(path.parent().expect("a directory")).expect("read").count();
        assert_eq!(beside, 1, "nothing is left of how it was made");
        drop(local);
    });
    assert!(!path.exists());
}

#[test]
fn the_socket_of_a_dead_daemon_is_replaced_and_of_a_living_one_not() {
    let (_dir, path) = place();
    fs::create_dir(path.parent().expect("a directory")).expect("made");
    drop(Plain::bind(&path).expect("bound"));
    assert!(path.exists(), "a socket's file stays when nobody listens any more");
    in_runtime(|| {
        let first = Socket::bind(&path).expect("replaced");
        let error = Socket::bind(&path).expect_err("a daemon listens");
        assert!(error.to_string().contains("listens there already"), "{error}");
        assert!(Probe::connect(&path).is_ok(), "the first goes on");
        drop(first);
    });
}

#[test]
fn a_later_daemons_socket_is_not_removed_by_an_earlier_one() {
    let (_dir, path) = place();
    in_runtime(|| {
        let first = Socket::bind(&path).expect("bound");
        fs::remove_file(&path).expect("removed by somebody");
        let second = Socket::bind(&path).expect("bound");
        drop(first);
        assert!(Probe::connect(&path).is_ok());
        drop(second);
    });
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (dir, path) = place();
    fs::create_dir(path.parent().expect("a directory")).expect("made");
    let target = dir.path().join("target");
    drop(Plain::bind(&target).expect("bound"));
    type Make = fn(&Path, &Path);
    let makers: [(&str, Make); 3] = [
        ("no socket", |path, _| fs::write(path, "precious").expect("written")),
        ("symbolic link", |path, target| std::os::unix::fs::symlink(target, path).expect("linked")),
        ("no socket", |path, _| fs::create_dir(path).expect("made")),
    ];
    for (word, make) in makers {
        make(&path, &target);
        let error = in_runtime(|| Socket::bind(&path).expect_err("in the way"));
        assert!(error.to_string().contains(word) && error.to_string().contains("remove it"), "{error}");
        assert!(fs::symlink_metadata(&path).is_ok(), "{word} is left");
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused_and_leaves_nothing() {
    let (dir, _) = place();
    let path = dir.path().join("d".repeat(200));
    let error = in_runtime(|| Socket::bind(&path).expect_err("too long"));
    assert!(error.to_string().contains("107 bytes"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 0);
}
