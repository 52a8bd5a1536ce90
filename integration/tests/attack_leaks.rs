//! What a job learns of the host, and what others on the host learn of a job.

use integration::attack::{attack_command, attack_path};
use integration::inside::{Running, scratch, text};
use integration::support::{finish, report, run};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn the_mount_table_and_the_cgroup_name_nothing_of_ironcells_or_of_other_jobs() {
    let other = Running::cell(&["--name", "other-job"], integration::inside::STAYS);
    let script = "cat /proc/self/mountinfo /proc/self/mounts /proc/self/mountstats /proc/self/cgroup /proc/self/limits";
    let ran = run(&["--name", "this-job", "--", "sh", "-c", script]);
    for word in ["ironcell", "other-job", "this-job", "/sys/fs", "/run", "upperdir", "memfd", "keeper"] {
        assert!(!ran.out.contains(word), "{word} is told: {ran:?}");
    }
    assert!(ran.out.contains("\n0::/\n") && ran.out.contains(" /proc "), "the control: they were read: {ran:?}");
    let outside = fs::read_to_string(format!("/proc/{}/cgroup", other.leader())).expect("its cgroup");
    assert!(outside.contains("ironcell"), "the control: the host has such names: {outside}");
    assert_eq!(other.end().code, 0);
}

#[test]
fn a_bind_tells_the_path_that_was_named_and_no_more() {
    let directory = scratch();
    let bind = format!("{}:/d", text(directory.path()));
    let ran = run(&["--ro", &bind, "--", "cat", "/proc/self/mountinfo"]);
    // The kernel writes the path within its file system, which no sandbox can change.
    let name = directory.path().file_name().expect("a name").to_str().expect("text");
    let told = ran.out.lines().filter(|line| line.contains(name)).count();
    assert_eq!(told, 1, "{ran:?}");
}

#[test]
fn the_variables_of_a_job_can_be_read_by_no_other_user_and_stay_out_of_every_argument() {
    let directory = scratch();
    let file = directory.path().join("secrets");
    fs::write(&file, "TOKEN=open-sesame\n").expect("written");
    let job = Running::start(attack_command(&["--env-file", text(&file)], &["stay"]));
    let environment = fs::read(format!("/proc/{}/environ", job.leader())).expect("root reads it");
    assert!(String::from_utf8_lossy(&environment).contains("open-sesame"), "the control: the job has it");
    for pid in [job.pid(), job.keeper(), job.first(), job.leader()] {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).expect("its arguments");
        assert!(!String::from_utf8_lossy(&arguments).contains("open-sesame"), "{pid}");
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups", "cat"]).stdin(Stdio::null());
        command.args([format!("/proc/{pid}/environ"), format!("/proc/{pid}/maps")]);
        let read = command.output().expect("cat runs");
        assert!(read.stdout.is_empty() && !read.status.success(), "{pid} is open to others");
    }
    assert_eq!(job.end().code, 0);
}

#[test]
fn what_a_job_leaves_in_tmp_is_open_to_nobody_on_the_host() {
    // The cell's own directories are reached by /proc/PID/root, which the kernel opens to the job's user and to root only.
    let job = Running::cell(&[], "umask 0; echo secret > /tmp/file; echo ready; read line; exit 0");
    let through = format!("/proc/{}/root/tmp/file", job.leader());
    assert_eq!(fs::read_to_string(&through).expect("root reads it"), "secret\n", "the control");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups", "cat", &through]).stdin(Stdio::null());
    let read = command.output().expect("cat runs");
    assert!(read.stdout.is_empty() && String::from_utf8_lossy(&read.stderr).contains("Permission denied"), "{read:?}");
    assert_eq!(job.end().code, 0);
}

#[test]
fn arguments_with_line_ends_and_quotes_stay_data_in_the_report() {
    let odd = "a\n{\"cause\":\"itself\"}\t\"\u{1b}[31m";
    let (ran, told) = report(&["--name", "job-1", "--label", "k=v\"w", "--", "sh", "-c", "exit 3", "sh", odd]);
    assert_eq!((ran.code, told["exit_code"].as_i64()), (3, Some(3)));
    assert_eq!(told["command"][4], odd, "{told:#}");
    assert_eq!(told["cause"], "itself");
}

#[test]
fn counters_of_the_processor_are_refused() {
    let answers = integration::attack::attack(&[], &["calls"]);
    assert_eq!((answers["perf-self"].as_str(), answers["perf_event_open"].as_str()), ("EPERM", "EPERM"), "{answers:?}");
    let mut outside = Command::new(attack_path());
    outside.arg("calls").stdin(Stdio::null());
    assert!(finish(outside).out.contains("perf-self ok"), "the control: the host's root has them");
}
