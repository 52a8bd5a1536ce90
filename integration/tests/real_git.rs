//! A real job: git, cloning a repository of the host and working in the clone.

use integration::inside::{scratch, text};
use integration::limits::shell;
use integration::support::run;

/// A repository of the host's, with two commits.
fn repository(directory: &std::path::Path) -> String {
    let place = format!("{}/repository", text(directory));
    shell(&format!(
        "git init -q {place} && cd {place} && git config user.name a && git config user.email a@b && echo one > file &&
         git add file && git commit -q -m one && echo two >> file && git commit -q -a -m two && git gc -q"
    ));
    place
}

const WORK: &str = "cd clone && git config user.name b && git config user.email b@c && git checkout -q -b mine &&
    echo three >> file && git commit -q -a -m three && git log --format=%s | cat && git diff --stat HEAD~1 | cat";
const WORKED: &str = "three\ntwo\none\n file | 1 +\n 1 file changed, 1 insertion(+)\n";

#[test]
fn a_repository_shown_read_only_is_cloned_when_its_owner_is_trusted() {
    let directory = scratch();
    let place = repository(directory.path());
    let clone = format!("git clone -q {place} clone && {WORK}");
    // Read-only, the host's owners are nobody's inside, and git asks to be told that this is meant.
    let ran = run(&["--ro", &place, "--cwd", "/tmp", "--", "sh", "-c", &clone]);
    assert!(ran.code != 0 && ran.err.contains("dubious ownership"), "{ran:?}");
    let trusting = format!("git config --global safe.directory '*' && {clone}");
    let ran = run(&["--ro", &place, "--cwd", "/tmp", "--", "sh", "-c", &trusting]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, WORKED, ""), "{ran:?}");
}

#[test]
fn in_a_writable_repository_git_pushes_back() {
    let directory = scratch();
    let place = repository(directory.path());
    let script = format!("git clone -q {place} clone && {WORK} && git push -q origin mine");
    let ran = run(&["--rw", &place, "--cwd", "/tmp", "--", "sh", "-c", &script]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, WORKED, ""), "{ran:?}");
    assert_eq!(shell(&format!("git -C {place} log --format=%s -1 mine")), "three");
}
