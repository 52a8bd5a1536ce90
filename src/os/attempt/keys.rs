//! The kernel's keyrings, which no namespace divides: a key outlives its job, and every process of a user finds it.

use super::{Around, Attempt, Scene, Seen, inside};
use std::ffi::CString;
use std::ptr::null;

pub(super) const ALL: &[Attempt] = &[
    inside("find_key", "request_key(2) of a key in the caller's session keyring", find, Around::Process),
    inside("add_key", "add_key(2) to a keyring of one's own", add_own, Around::Keyring),
    inside("user_keyring", "keyctl(2) of one's user keyring, which outlives the job", user_keyring, Around::Keyring),
];

/// KEY_SPEC_* of keyctl(2): not numbers of keys but words for one's own keyrings.
const PROCESS_KEYRING: libc::c_long = -2;
const SESSION_KEYRING: libc::c_long = -3;
const USER_KEYRING: libc::c_long = -4;

/// A key of this name into our session keyring.
pub(super) fn add(name: &str) -> Seen {
    add_to(SESSION_KEYRING, name)
}

fn add_to(keyring: libc::c_long, name: &str) -> Seen {
    let Ok(name) = CString::new(name) else { return Seen::Unclear("a name with a NUL".to_owned()) };
    // SAFETY: C strings and one byte of payload, all of which outlive the call.
    Seen::of(unsafe { libc::syscall(libc::SYS_add_key, c"user".as_ptr(), name.as_ptr(), c"x".as_ptr(), 1, keyring) })
}

fn find(scene: &Scene) -> Seen {
    let Ok(name) = CString::new(scene.key.as_str()) else { return Seen::Unclear("a name with a NUL".to_owned()) };
    // SAFETY: C strings that outlive the call; with no call-out information no program of the host's is asked.
    Seen::of(unsafe { libc::syscall(libc::SYS_request_key, c"user".as_ptr(), name.as_ptr(), null::<u8>(), 0) })
}

/// Into the keyring of this process alone, which ends with it.
fn add_own(_: &Scene) -> Seen {
    add_to(PROCESS_KEYRING, "ironcell-verify-own")
}

fn user_keyring(_: &Scene) -> Seen {
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, USER_KEYRING, 1) })
}
