//! More privilege from inside: no set, bit, id or limit can be raised, and a program from nowhere has no more than others.

use integration::attack::{attack, attack_outside};
use integration::inside::scratch;
use integration::support::run;
use std::fs;

/// Whether a call that may be made in vain is all that this answer means.
fn refused(user: &str, call: &str, answer: &str) -> bool {
    // To become what one is already is no gain.
    let own = user == "0" && ["setuid-0", "setgid-0"].contains(&call);
    // Answered as done and not done: what it would lead to is tried in attack_core.
    let unheard = call == "core-limit" && answer == "ok 0";
    own || unheard || ["EPERM", "EACCES", "EINVAL", "ENOSYS"].contains(&answer)
}

#[test]
fn no_capability_id_bit_or_limit_can_be_raised() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &["raise"]);
        for (call, answer) in &answers {
            assert!(refused(user, call, answer), "user {user}: {call} {answer}");
        }
        assert!(answers.len() >= 14, "{answers:?}");
    }
    let outside = attack_outside(&["raise"]);
    for call in ["capset", "securebits", "setuid-0", "core-limit", "nice", "fifo"] {
        assert!(outside[call].starts_with("ok"), "the control: the host's root can: {call} {outside:?}");
    }
}

#[test]
fn a_program_without_a_file_has_no_more_than_others() {
    // What is executed from memory is the job's right; that it lies on no mount must not take it out of nosuid.
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &["anonymous", "raise"]);
        assert!(answers.iter().all(|(call, answer)| refused(user, call, answer)), "user {user}: {answers:?}");
        assert!(answers.len() >= 14, "it ran: {answers:?}");
    }
}

#[test]
fn a_loader_that_is_not_in_the_cell_is_told_and_none_of_the_hosts_is_used() {
    let directory = scratch();
    let place = directory.path();
    // The name of the loader stands in the program as text: another one of the same length.
    let program = fs::read("/bin/true").expect("a program");
    let at = program.windows(8).position(|word| word == b"ld-linux").expect("it names its loader");
    let mut changed = program.clone();
    changed[at..at + 8].copy_from_slice(b"ld-other");
    fs::write(place.join("true"), &changed).expect("written");
    fs::set_permissions(place.join("true"), fs::metadata("/bin/true").expect("there").permissions()).expect("set");
    let bind = format!("{}:/d", place.display());
    let without = run(&["--ro", &bind, "--", "/d/true"]);
    assert_eq!(without.code, 126, "{without:?}");
    assert!(without.err.contains("/d/true is there") && without.err.contains("loader"), "{without:?}");
    fs::write(place.join("true"), &program).expect("written");
    assert_eq!(run(&["--ro", &bind, "--", "/d/true"]).code, 0, "the control: with the right name it runs");
}
