//! Who the job is: looks at what the kernel says of it. What it should be is for others to say.

use super::{Around, Attempt, Scene, Seen, inside, unlike};
use nix::sys::signal::{SigSet, SigmaskHow};
use std::fmt::Write;
use std::fs;

pub(super) const ALL: &[Attempt] = &[
    unlike(
        "credentials",
        "a look at /proc/self/status: ids, groups, capabilities, no_new_privs, seccomp",
        status,
        (Around::Process, with_groups),
    ),
    inside("secure_bits", "a look at the secure bits: prctl(2) PR_GET_SECUREBITS", secure_bits, Around::Process),
    inside("id_maps", "a look at /proc/self/uid_map and gid_map", id_maps, Around::Process),
    inside("session", "a look at the session: getsid(2) of the job's first process", session, Around::Process),
    unlike(
        "signals",
        "a look at /proc/self/status: signals that are blocked or ignored",
        status,
        (Around::Process, disturbed),
    ),
    inside("resource_limits", "a look at every limit of getrlimit(2)", limits, Around::Process),
    inside("oom_score", "a look at /proc/self/oom_score_adj", oom_score, Around::Process),
    inside("lower_oom_score", "a write to /proc/self/oom_score_adj: one less", lower_oom_score, Around::Process),
];

fn status(_: &Scene) -> Seen {
    Seen::of_read(fs::read("/proc/self/status"))
}

/// What a caller may leave behind: groups.
fn with_groups(scene: &Scene) -> Seen {
    match rustix::thread::set_thread_groups(&[rustix::process::Gid::ROOT]) {
        Ok(()) => status(scene),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}

fn secure_bits(_: &Scene) -> Seen {
    match rustix::thread::capabilities_secure_bits() {
        Ok(bits) => Seen::Facts(bits.bits().to_string().into_bytes()),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}

fn id_maps(_: &Scene) -> Seen {
    let both = fs::read("/proc/self/uid_map").and_then(|mut uids| {
        uids.extend(fs::read("/proc/self/gid_map")?);
        Ok(uids)
    });
    Seen::of_read(both)
}

/// The process that forked this attempt, and its session: one of its own has its number. A session whose leader is not in
/// this PID namespace has the number 0, which no wrapper of the call expects.
fn session(_: &Scene) -> Seen {
    // SAFETY: numbers only.
    let (parent, session) = unsafe {
        let parent = libc::getppid();
        (parent, libc::getsid(parent))
    };
    if session == -1 { Seen::of_errno() } else { Seen::Facts(format!("{parent} {session}").into_bytes()) }
}

/// What a caller may leave behind: a signal that is blocked.
fn disturbed(scene: &Scene) -> Seen {
    let blocked = nix::sys::signal::sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), None);
    match blocked {
        Ok(()) => status(scene),
        Err(errno) => Seen::Refused(errno as i32),
    }
}

/// Resources that setrlimit(2) knows: asm-generic/resource.h, the same since 2.6.25.
const RESOURCES: u32 = 16;

/// One line a resource: its number, the soft and the hard limit.
fn limits(_: &Scene) -> Seen {
    let mut text = String::new();
    for resource in 0..RESOURCES {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the kernel writes to `limit`, which outlives the call; nothing is set.
        if unsafe { libc::prlimit(0, resource, std::ptr::null(), &raw mut limit) } == -1 {
            return Seen::of_errno();
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{resource} {} {}", limit.rlim_cur, limit.rlim_max);
    }
    Seen::Facts(text.into_bytes())
}

fn oom_score(_: &Scene) -> Seen {
    Seen::of_read(fs::read("/proc/self/oom_score_adj"))
}

/// The score is this attempt's own, so nobody else's changes.
fn lower_oom_score(_: &Scene) -> Seen {
    let path = "/proc/self/oom_score_adj";
    let lower = fs::read_to_string(path).and_then(|score| {
        let score: i32 = score.trim().parse().map_err(std::io::Error::other)?;
        fs::write(path, (score - 1).to_string())
    });
    match lower {
        Ok(()) => Seen::Allowed("it is lower now".to_owned()),
        Err(error) => Seen::of_error(&error),
    }
}
