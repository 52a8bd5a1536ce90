//! PURE: what the job of a probe should see of itself, out of the very plan by which its cell is built.

use init_shim::wire::{Order, RootFs, What};

/// What is expected.
#[derive(Debug, Clone)]
pub struct Expect {
    /// The orders to the shim.
    pub order: Order,
    /// Whether the host lets nobody lower an `oom_score_adj` that was raised.
    pub holds_oom_score: bool,
    /// The host's namespaces, as the control saw them; none of a cell's may be among them.
    pub host_namespaces: Vec<u8>,
}

/// A mount of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMount {
    /// Where.
    pub path: Vec<u8>,
    /// Of what kind.
    pub kind: MountKind,
    /// Whether anything can be written through it.
    pub writable: bool,
}

/// The kinds of mounts, as far as their flags differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// Files of the host.
    Host,
    /// Memory of the cell's own.
    Tmpfs,
    /// A device node.
    Device,
    /// The cell's processes.
    Proc,
    /// The cell's terminals.
    Pts,
    /// What `compat` covers: an empty directory, `null`, or a part of /proc read-only; not there where there is nothing
    /// to cover.
    Cover,
    /// The kernel's view of the hardware.
    Sys,
}

impl Expect {
    /// Every mount of the plan; the root is `/`.
    pub fn mounts(&self) -> Vec<PlannedMount> {
        let root = match &self.order.root {
            RootFs::Fresh { .. } => (MountKind::Tmpfs, false),
            RootFs::Tree(source) => (MountKind::Host, source.writable),
        };
        let mut all = vec![PlannedMount { path: b"/".to_vec(), kind: root.0, writable: root.1 }];
        for entry in &self.order.entries {
            let (kind, writable) = match &entry.what {
                What::Directory { .. } | What::Link { .. } | What::File { .. } => continue,
                What::BindDirectory(source) | What::BindFile(source) => (MountKind::Host, source.writable),
                What::Device { .. } => (MountKind::Device, true),
                What::Tmpfs { .. } => (MountKind::Tmpfs, true),
                What::Proc | What::WholeProc => (MountKind::Proc, true),
                What::Sys => (MountKind::Sys, false),
                // Through a covering `null` something can be written, which goes nowhere.
                What::Hidden => (MountKind::Cover, true),
                What::ReadOnly => (MountKind::Cover, false),
                What::Pts => (MountKind::Pts, true),
            };
            all.push(PlannedMount { path: entry.path.clone(), kind, writable });
        }
        all
    }
}
