//! A program that embeds ironcell may end in any way: its jobs end with it, and nothing is left.

use integration::inside::Running;
use integration::support::ironcell_path;
use std::process::Command;

fn embedding(ending: &str) -> Running {
    let mut command = Command::new(ironcell_path().with_file_name("look_embed"));
    command.arg(ending);
    Running::start(command)
}

#[test]
fn a_program_that_exits_without_closing_leaves_nothing() {
    assert_eq!(embedding("exit").wait().code, 3);
}

#[test]
fn a_program_that_drops_everything_leaves_nothing() {
    for ending in ["drop-job-first", "drop-supervisor-first"] {
        assert_eq!(embedding(ending).wait().code, 0, "{ending}");
    }
}

#[test]
fn a_program_that_panics_or_aborts_leaves_nothing() {
    assert_eq!(embedding("panic").wait().code, 101);
    assert_eq!(embedding("abort").wait().code, 128 + libc::SIGABRT);
}

#[test]
fn a_program_that_is_killed_leaves_nothing() {
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGHUP] {
        let program = embedding("wait");
        Running::signal(program.pid(), signal);
        assert_eq!(program.wait().code, 128 + signal);
    }
}

#[test]
fn a_program_that_is_killed_while_its_job_stands_still_leaves_nothing() {
    let program = embedding("wait-paused");
    Running::signal(program.pid(), libc::SIGKILL);
    assert_eq!(program.wait().code, 128 + libc::SIGKILL);
}

#[test]
fn while_it_runs_the_job_is_there_which_shows_that_the_tests_before_see_something() {
    let program = embedding("wait");
    assert!(std::path::Path::new(&format!("/proc/{}", program.first())).exists());
    assert!(program.leader() > 0);
    Running::signal(program.first(), libc::SIGKILL);
    assert_eq!(program.wait().code, 0, "its wait ends");
}
