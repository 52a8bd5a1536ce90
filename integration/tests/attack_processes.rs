//! Processes that scatter, and hosts that run out of them: every one is found, and ironcell says what happened.

use integration::attack::{attack_command, attack_to_the_end};
use integration::inside::Running;
use integration::limits::{AtEnd, count, shell};
use integration::support::{Host, run};
use std::fs;

#[test]
fn processes_that_leave_their_parents_sessions_and_groups_all_go() {
    let (ran, report) = attack_to_the_end(&["--pids", "64", "--time", "1", "--grace", "0"], &["scatter"]);
    assert_eq!((ran.code, report["cause"].as_str()), (124, Some("wall_time")), "{ran:?}");
    assert_eq!(count(&report, "/usage/pids_peak"), 64, "the control: they did come to be: {report:#}");
    assert_eq!(report["residue"], serde_json::json!([]));
}

#[test]
fn a_leader_that_ends_takes_the_scattered_with_it() {
    let script = "/attack scatter > /dev/null & sleep 1; exit 5";
    let bind = format!("{}:/attack", integration::attack::attack_path());
    let (ran, report) = integration::support::report(&["--pids", "64", "--ro", &bind, "--", "sh", "-c", script]);
    // It failed, and forks had been refused: that is the cause that is told.
    assert_eq!((ran.code, report["cause"].as_str()), (5, Some("pids")), "{ran:?}");
    assert!(count(&report, "/usage/pids_peak") >= 32, "{report:#}");
}

#[test]
fn jobs_on_a_host_without_free_pids_are_refused_and_ironcell_lives() {
    // Few enough that two jobs use them up: past the first round the kernel gives none below 300 again.
    const MOST: u32 = 700;
    let before = shell("cat /proc/sys/kernel/pid_max");
    let host = Host::now();
    let restored = AtEnd(format!("echo {before} > /proc/sys/kernel/pid_max"));
    let mut jobs = [(); 2].map(|()| Running::start(attack_command(&["--pids", "600"], &["fill"])));
    fs::write("/proc/sys/kernel/pid_max", MOST.to_string()).expect("lowered");
    jobs.iter_mut().for_each(|job| job.tell("go"));
    let said = [jobs[0].line(), jobs[1].line()];
    fs::write("/proc/sys/kernel/pid_max", &before).expect("raised");
    let number = |line: &String| line.strip_prefix("fill EAGAIN after ").and_then(|number| number.parse::<u32>().ok());
    let each: Vec<u32> = said.iter().map(|line| number(line).unwrap_or_else(|| panic!("{said:?}"))).collect();
    // The control: neither met its own ceiling, so it was the host's that both met.
    assert!(each.iter().all(|count| *count < 590) && each.iter().sum::<u32>() > MOST / 4, "{said:?}");
    jobs.iter_mut().for_each(|job| job.tell("end"));
    for job in jobs {
        let (ran, _) = job.wait_only();
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    drop(restored);
    host.assert_nothing_left();
    assert_eq!(run(&["--", "true"]).code, 0, "and the next run is as it should be");
}
