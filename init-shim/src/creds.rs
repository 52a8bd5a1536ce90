//! Who a process is and what it may do: ids, capabilities, secure bits. credentials(7), capabilities(7).

use caps::{CapSet, Capability};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::io::{Errno, Result};
use rustix::thread::{self as thread, CapabilitiesSecureBits as Bits};

/// nix's errno as rustix's: the same number.
fn errno(error: nix::errno::Errno) -> Errno {
    Errno::from_raw_os_error(error as i32)
}

/// The caps crate tells no errno; all its calls fail for want of privilege alone.
fn refused(_: caps::errors::CapsError) -> Errno {
    Errno::PERM
}

/// Takes one user and group in all three roles, and no other group.
///
/// setresuid(2): the group first, since a user without privilege may not change it any more.
///
/// # Errors
/// EPERM, EINVAL for an id that the user namespace does not map.
pub fn become_user(uid: u32, gid: u32) -> Result<()> {
    setgroups(&[]).map_err(errno)?;
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    setresgid(gid, gid, gid).map_err(errno)?;
    setresuid(uid, uid, uid).map_err(errno)
}

/// Takes the effective user id of a job, or goes back to root's. Capabilities stay, by [`keep_capabilities`].
///
/// user_namespaces(7): a user namespace belongs to the effective user id of its creator, and the kernel's per-user limits
/// (inotify, keys, pending signals, message queues) are charged to it. With root's, one job starves all others.
///
/// # Errors
/// EPERM.
pub fn take_effective(uid: u32) -> Result<()> {
    thread::set_thread_res_uid(None, Uid2::from_raw(uid), None)
}
use rustix::process::Uid as Uid2;

/// SECBIT_NO_SETUID_FIXUP: a change of the effective user id leaves the capabilities alone.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub fn keep_capabilities() -> Result<()> {
    thread::set_capabilities_secure_bits(Bits::NO_SETUID_FIXUP)
}

/// Empties the bounding, inheritable and ambient sets and locks the secure bits: no exec, of whatever file and as whatever
/// user, ever gains a capability again. `last` is the kernel's newest capability, which may be past what any crate knows.
///
/// # Errors
/// EPERM without CAP_SETPCAP in the user namespace.
pub fn drop_for_ever(last: u32) -> Result<()> {
    for capability in 0..=last {
        thread::remove_capability_from_bounding_set(thread::CapabilitySet::from_bits_retain(1 << capability))?;
    }
    thread::clear_ambient_capability_set()?;
    caps::clear(None, CapSet::Inheritable).map_err(refused)?;
    thread::set_capabilities_secure_bits(
        Bits::NO_ROOT
            | Bits::NO_ROOT_LOCKED
            | Bits::NO_SETUID_FIXUP
            | Bits::NO_SETUID_FIXUP_LOCKED
            | Bits::KEEP_CAPS_LOCKED
            | Bits::NO_CAP_AMBIENT_RAISE
            | Bits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )
}

/// No capability in any set.
///
/// # Errors
/// As capset(2), which lowers without privilege.
pub fn clear_capabilities() -> Result<()> {
    keep_only(&[])
}

/// These capabilities and no others, permitted and effective.
fn keep_only(kept: &[Capability]) -> Result<()> {
    let kept = kept.iter().copied().collect();
    // Effective first: it may never exceed permitted.
    caps::set(None, CapSet::Effective, &kept).map_err(refused)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(refused)
}

/// PID 1 after its work: a user of its own that the job can neither signal nor trace, with the one right to signal the job.
///
/// # Errors
/// EPERM.
pub fn become_shim(id: u32) -> Result<()> {
    become_user(id, id)?;
    keep_only(&[Capability::CAP_KILL])
}
