//! PURE: from a failed step of the shim (number, item, errno) to one sentence, since the words are in the plan.

use super::Plan;
use crate::life::{Refused, StartFailure};
use crate::spec::Resource;
use init_shim::report::{Failure, ROOT_ITEM};
use init_shim::step::Step;
use init_shim::wire::{RootFs, What};
use std::io;

/// errno(3) numbers that change the sentence. The same on every architecture of Linux.
mod errno {
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const ENOEXEC: i32 = 8;
    pub const EACCES: i32 = 13;
    pub const ENODEV: i32 = 19;
    pub const EINVAL: i32 = 22;
    pub const ENOSPC: i32 = 28;
    pub const ELOOP: i32 = 40;
}

impl Plan {
    /// The sentence for a failure of this plan.
    pub fn explain(&self, failure: &Failure) -> StartFailure {
        let message = match failure.step {
            Step::Exec | Step::ExecInterpreter => self.explain_exec(failure),
            step => self.explain_step(step, failure),
        };
        let refused = match (failure.step, failure.errno) {
            (Step::Exec, errno::ENOENT) => Refused::NotFound,
            (Step::Exec | Step::ExecInterpreter, _) => Refused::NotExecutable,
            _ => Refused::Cell,
        };
        StartFailure { step: failure.step as u16, name: failure.step.name(), errno: failure.errno, message, refused }
    }

    /// A step that built the cell.
    fn explain_step(&self, step: Step, failure: &Failure) -> String {
        let item = self.item(step, failure.item).map_or(String::new(), |item| format!(" {item}"));
        let why = reason(failure.errno);
        let hint = self.hint(step, failure).map_or(String::new(), |hint| format!("; {hint}"));
        format!("failed to {}{item}: {why}{hint}", step.words())
    }

    /// The target itself.
    fn explain_exec(&self, failure: &Failure) -> String {
        let name = text(&self.order.argv[0]);
        match (failure.step, failure.errno) {
            (Step::ExecInterpreter, _) => {
                format!(
                    "{name} is there, but what should run it (the interpreter of its first line or its loader) is not in the cell; mount it with --ro"
                )
            }
            (_, errno::ENOENT) if name.contains('/') => {
                format!("{name} is not in the cell; mount the directory that holds it with --ro")
            }
            (_, errno::ENOENT) => {
                let path = self.order.env.iter().find_map(|var| var.strip_prefix(b"PATH="));
                let path = path.map_or_else(|| "(not set)".to_owned(), text);
                format!("{name} was not found in the cell's PATH {path}; name its full path, or mount it with --ro")
            }
            (_, errno::EACCES) => format!(
                "{name} cannot be executed: {}; is it executable for others, and not on a noexec mount?",
                reason(failure.errno)
            ),
            (_, errno::ENOEXEC) => format!(
                "{name} cannot be executed: {}; a script needs #! and its interpreter in its first line",
                reason(failure.errno)
            ),
            _ => format!("{name} cannot be executed: {}", reason(failure.errno)),
        }
    }

    /// What the step was working at, for people.
    fn item(&self, step: Step, item: u16) -> Option<String> {
        let entry = self.order.entries.get(usize::from(item));
        let root = match &self.order.root {
            RootFs::Tree(source) if item == ROOT_ITEM => Some(text(&source.path)),
            _ => None,
        };
        match step {
            Step::OpenSource | Step::ProtectSource | Step::MapOwner if root.is_some() => root,
            Step::OpenSource | Step::ProtectSource | Step::MapOwner => entry.and_then(|entry| {
                let source = match &entry.what {
                    What::Device { source, .. } => source,
                    what => &what.source()?.path,
                };
                Some(text(source))
            }),
            Step::MakeEntry | Step::AttachMount | Step::MakeRuleset | Step::ResizeTmpfs => {
                entry.map(|entry| text(&entry.path))
            }
            Step::EnterDirectory => Some(text(&self.order.cwd)),
            Step::SetHostname => Some(self.order.hostname.clone()),
            Step::SetNice => self.order.nice.map(|nice| format!("--nice {nice}")),
            Step::SetRlimit => {
                let limit = self.order.rlimits.get(usize::from(item))?;
                let resource = Resource::ALL.into_iter().find(|known| *known as u32 == limit.resource)?;
                Some(format!("{}={}:{}", resource.name(), limit.soft, limit.hard))
            }
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    fn hint(&self, step: Step, failure: &Failure) -> Option<&'static str> {
        match (step, failure.errno) {
            (Step::MapOwner, errno::EINVAL) => Some(
                "this file system cannot be id-mapped on this kernel: use a directory on ext4, xfs or btrfs, or a newer kernel",
            ),
            (Step::MakeEntry, errno::ENOENT) => {
                Some("the mount point is not there, and ironcell creates none on the host: create it first")
            }
            (Step::MakeEntry, errno::ELOOP) => Some("there is a symbolic link on the way: name the place it points to"),
            (Step::EnterDirectory, errno::ENOENT) => {
                Some("it is not in the cell: mount it with --ro or --rw, or choose another with --cwd")
            }
            (Step::EnterDirectory, errno::EACCES) => {
                Some("the cell's user is nobody's on the host and may not enter it: choose another with --cwd")
            }
            (Step::OpenSource, errno::ENODEV) => Some("it is not the device that it should be"),
            (Step::CloneCell, errno::ENOSPC) => Some("too many namespaces: see /proc/sys/user/max_*_namespaces"),
            (Step::CloneCell | Step::EnterRoot | Step::AttachMount, errno::EPERM) => {
                Some("a container around ironcell must be privileged; `ironcell doctor` says more")
            }
            (Step::EnterRoot, errno::EINVAL) => Some("the root of this host is its initramfs, which cannot be left"),
            (Step::SetNice, errno::EACCES) => Some("a job is at least as nice as whoever starts it"),
            (Step::SetRlimit, errno::EPERM) => {
                Some("it is more than this host allows (for NOFILE: /proc/sys/fs/nr_open)")
            }
            _ => None,
        }
    }
}

/// The kernel's words for an errno, with its number.
fn reason(errno: i32) -> String {
    let words = io::Error::from_raw_os_error(errno).to_string();
    let words = words.split(" (os error").next().unwrap_or_default().to_owned();
    format!("{words} (errno {errno})")
}

/// Bytes of the caller's as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
