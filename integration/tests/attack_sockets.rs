//! Out of the cell by the network: nobody outside can be reached, and nobody outside can reach the job.

use integration::attack::{attack, attack_command, attack_in_bubblewrap, attack_outside};
use integration::inside::Running;
use std::net::{TcpListener, TcpStream};

#[test]
fn nothing_outside_can_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the host's");
    let port = listener.local_addr().expect("its address").port().to_string();
    for user in ["1000", "0"] {
        for (place, answer) in attack(&["--user", user], &["reach", &port]) {
            let expected = if place.starts_with("loopback") { "ECONNREFUSED" } else { "ENETUNREACH" };
            assert_eq!(answer, expected, "user {user}: {place}");
        }
    }
    assert_eq!(attack_outside(&["reach", &port])["loopback"], "ok 0", "the control: it listens");
    let shared = attack_in_bubblewrap(&["--share-net"], &["reach", &port]);
    assert_eq!(shared["loopback"], "ok 0", "and in a sandbox with the host's network: {shared:?}");
}

#[test]
fn what_a_job_listens_on_is_out_of_reach_for_the_host_and_for_other_jobs() {
    // A port that is free on the host, too, or the job's would not be the only one there.
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").port()
    };
    let text = port.to_string();
    let server = Running::start(attack_command(&[], &["serve", &text]));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the host reaches the job");
    assert_eq!(attack(&[], &["reach", &text])["loopback"], "ECONNREFUSED", "another job reaches it");
    // The same port again: each has its own.
    let second = Running::start(attack_command(&[], &["serve", &text]));
    assert_eq!(second.end().code, 0);
    assert_eq!(server.end().code, 0);
    let shared = Running::start(attack_command(&["--net", "host"], &["serve", &text]));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "the control: with --net host it is reached");
    assert_eq!(shared.end().code, 0);
}
