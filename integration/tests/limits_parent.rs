//! A cell below another manager's cgroup: limited there, refused where it cannot be, and gone without a trace, whoever dies.

use integration::inside::{Running, STAYS};
use integration::lasting::Lasting;
use integration::limits::{AtEnd, shell, text};
use integration::support::{Host, cgroup_mount, run};
use std::fs;
use std::path::{Path, PathBuf};

/// A cgroup of another manager's: the controllers are there, and it has given its children none.
struct Managed {
    name: String,
    dir: PathBuf,
    /// Takes it away; last, so that nothing lives in it any more.
    _removed: AtEnd,
}

impl Managed {
    fn new(name: &str) -> Self {
        let (name, root) = (format!("/{name}-{}", std::process::id()), cgroup_mount());
        let dir = root.join(&name[1..]);
        shell(&format!("echo '+cpu +memory +pids' > {}/cgroup.subtree_control; mkdir {}", text(&root), text(&dir)));
        let _removed = AtEnd(format!("rmdir {}", text(&dir)));
        Self { name, dir, _removed }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir.join(file)).expect("read").trim().to_owned()
    }

    fn places(&self) -> Vec<String> {
        names(&self.dir).into_iter().filter(|name| self.dir.join(name).is_dir()).collect()
    }

    /// It is as it was.
    fn assert_untouched(&self) {
        assert_eq!((self.places(), self.read("cgroup.subtree_control").as_str()), (Vec::new(), ""));
        assert_eq!(notes(), 0);
    }

    /// What `ironcell` says of a job below it.
    fn refused(&self, flags: &[&str]) -> String {
        let flags: Vec<&str> = ["--cgroup-parent", &self.name].iter().chain(flags).copied().collect();
        let ran = run(&[&flags[..], &["--", "true"]].concat());
        assert_eq!(ran.code, 125, "{ran:?}");
        ran.err
    }
}

/// What is written down of parents.
fn notes() -> usize {
    names(Path::new("/run/ironcell")).iter().filter(|name| name.starts_with("parent-")).count()
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

#[test]
fn a_cell_is_made_there_with_its_limits_and_leaves_all_as_it_was() {
    let managed = Managed::new("managed");
    let flags = ["--cgroup-parent", &managed.name, "--memory", "32M"];
    let job = Running::cell(&flags, STAYS);
    let cells = names(&managed.dir.join("ironcell")).into_iter().filter(|name| !name.contains('.')).collect::<Vec<_>>();
    assert_eq!(cells.len(), 1, "{cells:?}");
    let cell = managed.dir.join("ironcell").join(&cells[0]);
    assert_eq!(fs::read_to_string(cell.join("memory.max")).expect("read").trim(), (32 << 20).to_string());
    // What it needs and no more.
    assert_eq!(managed.read("cgroup.subtree_control"), "memory pids");
    // A second one is no other's to take away.
    assert_eq!(run(&["--cgroup-parent", &managed.name, "--", "sh", "-c", "exit 4"]).code, 4);
    assert_eq!(managed.read("cgroup.subtree_control"), "memory pids");
    assert_eq!(job.end().code, 0);
    managed.assert_untouched();
}

#[test]
fn what_limits_the_manager_limits_the_job() {
    let managed = Managed::new("tight");
    fs::write(managed.dir.join("memory.max"), "24M").expect("written");
    let eats = ["--cgroup-parent", &managed.name, "--memory", "200M", "--swap", "0"];
    let ran = run(&[&eats[..], &["--", "sh", "-c", "head -c 100000000 /dev/zero | tail | wc -c"]].concat());
    assert!(ran.code != 0 || !ran.out.contains("100000000"), "{ran:?}");
    managed.assert_untouched();
}

#[test]
fn what_is_missing_there_is_named_and_nothing_is_changed() {
    let managed = Managed::new("missing");
    let inner = AtEnd(format!("rmdir {}/inner", text(&managed.dir)));
    fs::create_dir(managed.dir.join("inner")).expect("made");
    let ran = run(&["--cgroup-parent", &format!("{}/inner", managed.name), "--", "true"]);
    assert!(ran.code == 125 && ran.err.contains("--cgroup-parent") && ran.err.contains("controller memory"), "{ran:?}");
    drop(inner);
    shell(&format!("sleep 1000 > /dev/null 2>&1 & echo $! > {}/cgroup.procs", text(&managed.dir)));
    let full = managed.refused(&[]);
    assert!(full.contains("processes of its own") && full.contains("cgroup.subtree_control"), "{full}");
    shell(&format!(
        "echo 1 > {0}/cgroup.kill; while grep -q 'populated 1' {0}/cgroup.events; do sleep 0.05; done",
        text(&managed.dir)
    ));
    fs::write(managed.dir.join("cgroup.freeze"), "1").expect("written");
    shell(&format!("while ! grep -q 'frozen 1' {}/cgroup.events; do sleep 0.05; done", text(&managed.dir)));
    assert!(managed.refused(&[]).contains("frozen"));
    fs::write(managed.dir.join("cgroup.freeze"), "0").expect("written");
    for (name, word) in
        [("/no/such", "no such cgroup"), ("relative", "path from the root"), ("/ironcell", "place of cells")]
    {
        let ran = run(&["--cgroup-parent", name, "--", "true"]);
        assert!(ran.code == 125 && ran.err.contains(word), "{ran:?}");
    }
    managed.assert_untouched();
}

#[test]
fn what_killed_ones_leave_there_is_swept_by_the_next() {
    let managed = Managed::new("swept");
    let job = Running::cell(&["--cgroup-parent", &managed.name], "echo ready; exec sleep 1000");
    let (own, keeper) = (job.pid(), job.keeper());
    // Stopped first, so that it clears nothing away.
    Running::signal(keeper, libc::SIGSTOP);
    Running::signal(own, libc::SIGKILL);
    Running::signal(keeper, libc::SIGKILL);
    let (_, before) = job.wait_only();
    assert_eq!(managed.places(), ["ironcell"]);
    assert_eq!(notes(), 1);
    let base = tempfile::tempdir_in("/run").expect("a directory");
    Lasting::open(&base.path().join("state")).shutdown();
    managed.assert_untouched();
    before.assert_nothing_left();
}

#[test]
fn a_job_that_outlives_its_supervisor_does_so_there_as_well() {
    let managed = Managed::new("outlives");
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let (dir, before) = (base.path().join("state"), Host::now());
    let mut first = Lasting::open(&dir);
    for (name, script) in [("below-one", "read line; exit 3"), ("below-two", "sleep 1000")] {
        let answer = first.order(&format!("below {} {name} {script}", managed.name));
        assert!(answer.starts_with("started "), "{answer}");
    }
    first.kill();
    assert_eq!(managed.places(), ["ironcell"]);
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs below-one=running below-two=running");
    assert_eq!(next.order("type below-one 1"), "typed");
    assert_eq!(next.order("wait below-one"), "ended Code { code: 3 } Itself residue 0");
    assert_eq!(managed.places(), ["ironcell"]);
    assert!(next.order("stop below-two").starts_with("ended Signal { signal: 15"));
    managed.assert_untouched();
    next.shutdown();
    before.assert_nothing_left();
}
