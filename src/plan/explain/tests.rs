//! The sentences for failed steps.

use super::*;
use crate::plan::host::example;
use crate::spec::JobSpec;
use rustix::io::Errno;

fn plan() -> Plan {
    let spec = JobSpec::command("frobnicate").build().expect("a spec");
    Plan::of(&spec, &example()).expect("a plan")
}

fn told(step: Step, item: u16, errno: Errno) -> StartFailure {
    plan().explain(&Failure { item, ..Failure::at(step, errno) })
}

#[test]
fn a_program_that_is_not_there_names_the_path_that_was_searched() {
    let failure = told(Step::Exec, 0, Errno::NOENT);
    assert_eq!(failure.refused, Refused::NotFound);
    assert_eq!(
        failure.message,
        "frobnicate was not found in the cell's PATH \
         /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin; name its full path, or mount it with --ro"
    );
}

#[test]
fn a_program_that_cannot_be_executed_is_told_from_one_that_is_missing() {
    for (step, errno) in
        [(Step::Exec, Errno::ACCESS), (Step::Exec, Errno::NOEXEC), (Step::ExecInterpreter, Errno::NOENT)]
    {
        assert_eq!(told(step, 0, errno).refused, Refused::NotExecutable);
    }
}

#[test]
fn a_step_names_its_item_the_reason_and_the_way_out() {
    let plan = plan();
    let index = plan.order.entries.iter().position(|entry| entry.path == b"/srv/project").expect("the directory");
    let failure = told(Step::MakeEntry, index as u16, Errno::NOENT);
    assert_eq!(failure.refused, Refused::Cell);
    assert_eq!(
        failure.message,
        "failed to make the place in the cell /srv/project: No such file or directory (errno 2); the mount point is not \
         there, and ironcell creates none on the host: create it first"
    );
}

#[test]
fn every_step_has_a_sentence_for_every_errno_and_any_item() {
    for step in Step::ALL {
        for errno in [1, 2, 13, 22, 28, 40, 9999] {
            for item in [0, u16::MAX] {
                let failure = Failure { step: *step, item, errno };
                let told = plan().explain(&failure);
                assert!(
                    told.message.contains(&format!("errno {errno}")) || told.message.contains("frobnicate"),
                    "{told:?}"
                );
            }
        }
    }
}
