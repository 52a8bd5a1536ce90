//! Messages arrive whole; and the core has the bytes that it has had from the beginning.

use super::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a socket pair")
}

#[test]
fn a_message_arrives_whole_with_its_descriptors() {
    let (a, b) = pair();
    let sent = ToKeeper::Launch { job: 7, first_id: 0x4000_0000, name: "x".repeat(255) };
    send(&a, &sent, &[a.as_fd(), b.as_fd()]).expect("sent");
    let (got, fds) = receive::<ToKeeper>(&b, RecvFlags::empty()).expect("received").expect("a message");
    assert_eq!((got, fds.len()), (sent, 2));
}

#[test]
fn the_end_of_the_other_side_is_no_message() {
    let (a, b) = pair();
    drop(a);
    assert!(receive::<ToKeeper>(&b, RecvFlags::empty()).expect("an end").is_none());
    assert_eq!(send(&b, &FromKeeper::Ready, &[]), Err(Errno::PIPE));
}

#[test]
fn garbage_is_refused() {
    let (a, b) = pair();
    for garbage in [&[0xff_u8; 40][..], &[0][..], &[2, 1, 9][..]] {
        rustix::io::write(&a, garbage).expect("written");
        assert_eq!(receive::<ToKeeper>(&b, RecvFlags::empty()).err(), Some(Errno::BADMSG));
    }
}

/// The bytes of a message as they are sent.
fn bytes<M: Serialize>(message: &M) -> Vec<u8> {
    postcard::to_stdvec(message).expect("plain data")
}

/// Never to be changed: keepers that run now are told to let go in these bytes by programs of a later time.
#[test]
fn the_core_has_the_bytes_that_it_always_had() {
    assert_eq!(bytes(&ToKeeper::Close), [2]);
    assert_eq!(bytes(&ToKeeper::Forget { job: 300 }), [3, 0xac, 2]);
    assert_eq!(bytes(&ToKeeper::Adopt), [7]);
    assert_eq!(bytes(&FromKeeper::AllTold), [5]);
    use Role::{Lease, PidFd, Status, Stderr, Stdin, Stdout, Terminal};
    let roles = vec![Status, Lease, PidFd, Stdout, Stderr, Stdin, Terminal];
    let held = FromKeeper::Held { job: 300, name: "ab".to_owned(), pid: 77, roles };
    // The pid is in zigzag.
    assert_eq!(bytes(&held), [4, 0xac, 2, 2, b'a', b'b', 0x9a, 1, 7, 0, 1, 2, 3, 4, 5, 6]);
}
