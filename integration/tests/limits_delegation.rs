//! Enforced or refused: in a cgroup that was given to ironcell without controllers, a job runs, and a limit is refused.

use integration::limits::{AtEnd, count, shell, text};
use integration::support::{Ran, cgroup_mount, finish, ironcell_path};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A cgroup that is marked as delegated, as systemd does, with these controllers and no others.
struct Given {
    cgroup: PathBuf,
    /// Takes it away; last, so that nothing lives in it any more.
    _removed: AtEnd,
}

impl Given {
    fn with(controllers: &[&str]) -> Self {
        let above = cgroup_mount().join(format!("limits-{}", std::process::id()));
        let cgroup = above.join("given");
        let (up, down) = (text(&above), text(&cgroup));
        // Outermost first; the root's own list is ironcell's to enable as well, so it stays.
        let removed = AtEnd(format!("rmdir {down}/supervisor {down} {up}"));
        shell(&format!("mkdir -p {down} && setfattr -n trusted.delegate -v 1 {down}"));
        for controller in controllers {
            let root = cgroup_mount();
            shell(&format!("for at in {} {up}; do echo +{controller} > $at/cgroup.subtree_control; done", text(&root)));
        }
        assert_eq!(shell(&format!("cat {down}/cgroup.controllers")), controllers.join(" "));
        Self { cgroup, _removed: removed }
    }

    /// `ironcell run ARGS` by a shell that lives in it.
    fn run(&self, args: &[&str]) -> Ran {
        let script = "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", script, text(&self.cgroup)])
            .arg(ironcell_path())
            .arg("run")
            .args(args)
            .stdin(Stdio::null());
        finish(command)
    }
}

#[test]
fn without_controllers_a_job_runs_and_every_limit_is_refused_with_a_way_out() {
    let given = Given::with(&[]);
    let file = tempfile::NamedTempFile::new().expect("a file for the report");
    let ran = given.run(&["--report", text(file.path()), "--", "cat", "/proc/self/cgroup"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "0::/\n"), "{ran:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file.path()).expect("a report")).expect("JSON");
    assert_eq!(report["defaults"], serde_json::json!([]), "no controller, no default");
    assert!(report["usage"]["memory_peak"].is_null() && report["usage"]["pids_peak"].is_null(), "unknown is not 0");

    let place = text(&cgroup_mount()).to_owned();
    for (flag, value, controller) in [
        ("--memory", "64M", "memory"),
        ("--memory-high", "32M", "memory"),
        ("--swap", "1M", "memory"),
        ("--cpus", "1", "cpu"),
        ("--cpu-weight", "50", "cpu"),
        ("--cpuset", "0", "cpuset"),
        ("--pids", "20", "pids"),
        ("--io-max", "/srv:wbps=1M", "io"),
        ("--io-weight", "50", "io"),
        ("--cgroup", "memory.low=1M", "memory"),
    ] {
        let ran = given.run(&[flag, value, "--", "echo", "ran"]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (125, "", 1), "{ran:?}");
        let named = ran.err.starts_with(&format!("ironcell: {flag} "));
        let why = ran.err.contains(&format!("the controller {controller} is not available to {}", text(&given.cgroup)));
        let out = ran.err.contains("Delegate=yes") && ran.err.contains(&format!("leave {flag}"));
        assert!(named && why && out && ran.err.contains(&place), "{}", ran.err);
    }
}

#[test]
fn with_one_controller_its_limits_are_enforced_and_the_others_refused() {
    let given = Given::with(&["pids"]);
    let file = tempfile::NamedTempFile::new().expect("a file for the report");
    let ran = given.run(&["--report", text(file.path()), "--pids", "2", "--", "sh", "-c", "(sleep 0) && echo forked"]);
    assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file.path()).expect("a report")).expect("JSON");
    assert_eq!((count(&report, "/usage/pids_peak"), count(&report, "/evidence/pids_max_events")), (2, 1));
    let ran = given.run(&["--memory", "64M", "--", "true"]);
    assert_eq!(ran.code, 125, "{ran:?}");
}
