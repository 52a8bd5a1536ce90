//! The attempts outside of any cell: each must succeed, or it would show nothing inside.
//!
//! They run before anything else of verify, while this process has one thread and may fork, and leave nothing: what they
//! change is their own process's, or in namespaces that end with it.

use super::alone::{alone, wait};
use super::{Around, Attempt, Control, Deed, Scene, Seen, all};
use crate::os::{Doing, OsError};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;

/// What attempts aim at, held as long as they are made.
#[derive(Debug)]
pub struct Stage {
    scene: Scene,
    victim: Victim,
    _port: TcpListener,
    _socket: UnixListener,
}

/// A process that only waits to be aimed at.
#[derive(Debug)]
struct Victim(Pid);

impl Drop for Victim {
    fn drop(&mut self) {
        // Our own child, not waited for before: the id is still its own.
        let _ = kill_process(self.0, Signal::KILL);
        wait(self.0);
    }
}

/// A session keyring of our own, which the keeper inherits when it is forked after this: what is put into it is the
/// caller's, as far as a cell can tell, and the caller's own is not touched.
///
/// # Errors
/// As keyctl(2): EDQUOT, ENOMEM.
pub fn own_keyring() -> Result<(), OsError> {
    init_shim::sys::join_new_keyring().map_err(|errno| OsError::new(Doing::Make, "a session keyring", errno))
}

impl Stage {
    /// Sets it up. A key that cannot be made (a host without keyrings) shows as a control that is not possible.
    ///
    /// # Errors
    /// When there is no port, socket or process to be had.
    pub fn set(cgroup: PathBuf) -> Result<Self, OsError> {
        let listening = |error: std::io::Error| OsError::new(Doing::Make, "something that listens", error);
        let port = TcpListener::bind("127.0.0.1:0").map_err(listening)?;
        let number = port.local_addr().map_err(listening)?.port();
        let name = format!("ironcell-verify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).map_err(listening)?;
        let socket = UnixListener::bind_addr(&address).map_err(listening)?;
        let _ = super::keys::add(&name);
        let victim = Victim::fork()?;
        let scene = Scene {
            port: number,
            socket: name.clone(),
            host_pid: std::process::id() as i32,
            key: name,
            cgroup,
            first: 1,
            programs: Scene::PROGRAMS.map(PathBuf::from).to_vec(),
            answer: -1,
        };
        Ok(Self { scene, victim, _port: port, _socket: socket })
    }

    /// What is aimed at, as the job hears of it.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }
}

impl Victim {
    fn fork() -> Result<Self, OsError> {
        let failed = |errno| OsError::new(Doing::Clone, "a process to aim at", errno);
        match init_shim::sys::fork().map_err(failed)? {
            init_shim::sys::Side::Child => {
                // It must not outlive us, nor hold what is ours: the keeper waits for the end of its socket.
                let _ = set_parent_process_death_signal(Some(Signal::KILL));
                let _ = init_shim::sys::close_all_but(&[]);
                init_shim::sys::sleep_until_killed()
            }
            init_shim::sys::Side::Parent(pid) => Pid::from_raw(pid).map(Self).ok_or_else(|| failed(Errno::SRCH)),
        }
    }
}

/// Every control, by the name of its attempt. Only for a process with one thread.
pub fn controls(stage: &Stage) -> Vec<(&'static str, Seen)> {
    let scene = Scene { first: stage.victim.0.as_raw_pid(), ..stage.scene.clone() };
    all().map(|attempt| (attempt.name, control(attempt, &scene))).collect()
}

/// One of them.
fn control(attempt: &Attempt, scene: &Scene) -> Seen {
    match (attempt.control, attempt.deed) {
        (Control::Same(around), Deed::Inside(deed)) | (Control::Other(around, deed), _) => {
            alone(scene, |scene| match surround(around) {
                Ok(()) => deed(scene),
                Err(errno) => Seen::Unclear(format!("there are no namespaces to try it in: {errno}")),
            })
        }
        (Control::Ourselves | Control::Same(_), Deed::FromHost(look)) => look(scene.host_pid),
        (Control::Ourselves, Deed::Inside(_)) => Seen::Unclear("nothing of ours is like it".to_owned()),
    }
}

/// Puts around this process what makes the attempt harmless.
fn surround(around: Around) -> rustix::io::Result<()> {
    match around {
        Around::Process => Ok(()),
        Around::Keyring => init_shim::sys::join_new_keyring(),
        Around::Namespaces => {
            super::spaces::leave_host()?;
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
            mount("none", "/tmp", "tmpfs", MountFlags::empty(), None)
        }
    }
}
