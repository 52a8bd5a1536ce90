//! What a job writes to the host may belong to root, so no call can give it a set-user-id or set-group-id bit.

use integration::inside::{look, look_outside, scratch, text};
use integration::support::run;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Files below a directory that have such a bit.
fn marked(directory: &Path) -> Vec<String> {
    let all = fs::read_dir(directory).expect("listed").flatten();
    all.filter(|entry| entry.metadata().expect("there").mode() & 0o6000 != 0)
        .map(|entry| text(&entry.path()).to_owned())
        .collect()
}

#[test]
fn every_call_that_could_set_the_bits_is_refused_and_sets_none() {
    for user in ["1000", "0"] {
        let directory = scratch();
        let bind = format!("{}:/out", text(directory.path()));
        let answers = look(&["--user", user, "--rw", &bind], &["setid", "/out"]);
        for (call, answer) in &answers {
            let expected = match call.as_str() {
                "plain-chmod" | "plain-open" => "ok",
                // Their modes lie in memory, where a filter cannot look: programs fall back to the other calls.
                "openat2-uid" | "openat2-gid" | "io_uring" => "ENOSYS",
                _ => "EPERM",
            };
            assert!(answer.starts_with(expected), "user {user}: {call} {answer}");
        }
        assert!(answers.len() >= 25, "{answers:?}");
        assert_eq!(marked(directory.path()), [""; 0], "user {user}");
    }
}

#[test]
fn outside_the_same_calls_set_them() {
    let directory = scratch();
    let answers = look_outside(&["setid", text(directory.path())]);
    for call in
        ["chmod-uid", "fchmod-gid", "fchmodat-uid", "open-uid", "openat-uid", "creat-uid", "mknod-uid", "openat2-uid"]
    {
        assert!(answers[call].starts_with("ok"), "{call}: {answers:?}");
    }
    assert!(marked(directory.path()).len() >= 6, "{answers:?}");
}

#[test]
fn without_a_writable_directory_nothing_is_filtered() {
    // What stays in the cell's own memory is nosuid and gone with it.
    let answers = look(&[], &["setid", "/tmp"]);
    assert!(answers["chmod-uid"].starts_with("ok") && answers["openat2-uid"].starts_with("ok"), "{answers:?}");
}

#[test]
fn programs_that_copy_and_unpack_work_under_the_filter() {
    let directory = scratch();
    let bind = format!("{}:/out", text(directory.path()));
    let script = "cd /out && mkdir -m 755 d && cp /bin/ls d/ls && install -m 700 /bin/ls d/two && touch -d @0 d/ls && \
                  tar cf a.tar d && tar xf a.tar && mv d/two d/three && rm -r d a.tar && ls -A /out";
    let ran = run(&["--rw", &bind, "--", "sh", "-c", script]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""), "{ran:?}");
}

#[test]
fn a_directory_with_a_set_group_id_bit_hands_on_the_group_and_no_bit_to_files() {
    let directory = scratch();
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o2755)).expect("set");
    let bind = format!("{}:/out", text(directory.path()));
    let ran = run(&["--rw", &bind, "--", "sh", "-c", "echo > /out/file && cp /bin/true /out/prog"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(marked(directory.path()), [""; 0]);
}

#[test]
fn a_set_id_file_that_is_there_loses_its_bit_when_it_is_written_to() {
    let directory = scratch();
    let file = directory.path().join("prog");
    let bind = format!("{}:/out", text(directory.path()));
    let make = || {
        fs::copy("/bin/true", &file).expect("copied");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).expect("set");
    };
    for script in
        ["echo x >> /out/prog", "echo x > /out/prog", "dd if=/dev/zero of=/out/prog bs=1 count=1 conv=notrunc"]
    {
        make();
        assert_eq!(run(&["--rw", &bind, "--", "sh", "-c", script]).code, 0);
        assert_eq!(marked(directory.path()), [""; 0], "{script}");
    }
}
