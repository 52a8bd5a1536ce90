//! What attempts aim at: things of the host's that a job must not reach, each made by verify itself.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What attempts aim at. It reaches the job as its arguments, since its environment is what is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// A port of the host's loopback address on which we listen.
    pub port: u16,
    /// The name of an abstract socket of the host's on which we listen.
    pub socket: String,
    /// A process of the host's: ourselves.
    pub host_pid: i32,
    /// The name of a key in our session keyring.
    pub key: String,
    /// Where cgroup v2 is mounted on the host.
    pub cgroup: PathBuf,
    /// The first process: of the cell, it is PID 1; for a control, one that was forked to be aimed at.
    pub first: i32,
    /// Directories to look for set-id programs in.
    pub programs: Vec<PathBuf>,
    /// The descriptor by which an attempt gives its answer, which is nobody's leak.
    pub answer: i32,
}

impl Scene {
    /// Where system programs are, in a cell and outside.
    pub const PROGRAMS: [&str; 3] = ["/usr/bin", "/usr/sbin", "/usr/lib"];

    /// The arguments of the probe.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> =
            [self.port.to_string(), self.socket.clone(), self.host_pid.to_string(), self.key.clone()]
                .into_iter()
                .map(OsString::from)
                .collect();
        words.push(self.cgroup.clone().into());
        words
    }

    /// The scene as the job sees it; `None` when these are not its words.
    pub(super) fn of(words: &[OsString]) -> Option<Self> {
        let [port, socket, host_pid, key, cgroup] = words else { return None };
        Some(Self {
            port: text(port)?.parse().ok()?,
            socket: text(socket)?.to_owned(),
            host_pid: text(host_pid)?.parse().ok()?,
            key: text(key)?.to_owned(),
            cgroup: cgroup.into(),
            first: 1,
            programs: Self::PROGRAMS.map(PathBuf::from).to_vec(),
            answer: -1,
        })
    }
}

fn text(word: &OsStr) -> Option<&str> {
    str::from_utf8(word.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_comes_back_from_its_words() {
        let scene = Scene {
            port: 80,
            socket: "s".to_owned(),
            host_pid: 7,
            key: "k".to_owned(),
            cgroup: "/sys/fs/cgroup".into(),
            first: 1,
            programs: Scene::PROGRAMS.map(PathBuf::from).to_vec(),
            answer: -1,
        };
        assert_eq!(Scene::of(&scene.words()), Some(scene));
        assert_eq!(Scene::of(&["80".into()]), None);
    }
}
