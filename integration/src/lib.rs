//! What the two ends of the test machine share: `vm` on this side of it, `agent` inside.
//!
//! They talk over one virtio-serial port in frames ([`frame`]); an order to run something is a [`order::Order`].
//! Both are built from the same tree at the same moment, so there is one version of the protocol and no negotiation.

pub mod answer;
pub mod attack;
pub mod daemon;
pub mod embed;
pub mod fault;
pub mod frame;
pub mod inside;
pub mod lasting;
pub mod limits;
pub mod on_terminal;
pub mod order;

/// The lanes: what the machine boots. The kernel's command line carries the name to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Linux 6.1, the agent is PID 1 and mounts cgroup v2 itself: nothing else runs.
    Bare,
    /// Linux 6.1, a real systemd is PID 1 and owns the tree; the agent is one of its services.
    Systemd,
    /// Linux 6.12 (Debian's backports), otherwise as `Bare`.
    Next,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Systemd, Self::Next];

    /// As people and the kernel's command line say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Systemd => "systemd",
            Self::Next => "next",
        }
    }

    /// The lane of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.name() == name)
    }
}

/// The port's name, as QEMU gives it and the guest finds it below `/sys/class/virtio-ports`.
pub const PORT: &str = "ironcell";

/// The kernel parameter that carries the lane's name.
pub const LANE_PARAMETER: &str = "ironcell.lane=";

/// Where the disk with the programs is mounted in the guest.
pub const PROGRAMS: &str = "/ironcell";

/// Where the 512 MiB disk for tests of block I/O is mounted in the guest.
pub const SCRATCH: &str = "/scratch";

/// Where commands start: an empty directory that everybody may read.
pub const WORK: &str = "/srv/work";

/// Serials of the virtio disks: the guest finds each by its serial, never by its letter.
pub mod disk {
    /// Holds `bin/` and `tests/`, read-only.
    pub const PROGRAMS: &str = "bins";
    /// An empty ext4.
    pub const SCRATCH: &str = "scratch";
    /// Swap space, in use from boot.
    pub const SWAP: &str = "swap";
    /// Unformatted: for tests that partition, map or loop.
    pub const SPARE: &str = "spare";
}
pub mod schema;
pub mod support;
pub mod verify;
