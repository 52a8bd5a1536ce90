//! PURE: from an ask and a host to every kernel write and every mount that will be done, or to a refusal that names the
//! field. A plan reads no file and makes no call: a plan for another machine can be drawn here.

mod cgroup;
mod digest;
mod drawing;
mod explain;
mod filter;
pub mod host;
mod landlock;
mod refusal;
mod root;
mod target;
mod walls;

pub use cgroup::{CpuList, DEFAULT_PIDS_MAX, Origin, Setting};
pub use drawing::{Drawing, Section};
pub use refusal::Refusal;
pub use walls::{Lacking, Relaxed, Walls};

use crate::spec::{JobSpec, Limits, Net, Window};
use host::{Controller, Host};
use init_shim::wire::{self, Order};

/// All that will be done for one job. What is decided only at the start (its host ids, its descriptors) is not in it, so
/// the same ask on the same host is the same plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The writes into the job's cgroup, in order.
    pub settings: Vec<Setting>,
    /// The orders to the shim.
    pub order: Order,
    /// The walls in words.
    pub walls: Walls,
    /// What a person should know of it although nothing is wrong: the current directory cannot be shown, and why.
    pub notes: Vec<String>,
}

/// `oom_score_adj` of every job: under pressure of the host's memory the kernel chooses jobs before services.
const OOM_SCORE_ADJ: i16 = 500;

impl Plan {
    /// The writes that change a running job's limits from the `current` ones to those that are `asked`: what is not asked
    /// stays.
    ///
    /// # Errors
    /// Names the first field that cannot be changed or enforced here, and the way out.
    pub fn change(current: &Limits, asked: &Limits, host: &Host) -> Result<Vec<Setting>, Refusal> {
        cgroup::change(current, asked, host)
    }

    /// The controllers that its settings are of.
    pub fn controllers(&self) -> Vec<Controller> {
        let of = |controller: &Controller| {
            let named = |setting: &Setting| setting.file.split('.').next() == Some(controller.name());
            self.settings.iter().any(named)
        };
        Controller::ALL.into_iter().filter(of).collect()
    }

    /// The plan for this ask on this host.
    ///
    /// # Errors
    /// Names the first field that cannot be enforced here, and the way out.
    pub fn of(spec: &JobSpec, host: &Host) -> Result<Self, Refusal> {
        let settings = cgroup::settings(spec.limits(), host)?;
        let root = root::of(spec, host, &settings)?;
        let user = spec.isolation().user;
        let filter = filter::of(spec, &root.entries, &root.base, host.kernel)?;
        let landlock = landlock::of(host, &root.base, &root.entries);
        let walls = walls::of(spec, host, &filter, landlock.as_ref());
        let order = Order {
            hostname: spec.isolation().hostname.as_str().to_owned(),
            own_network: spec.isolation().net == Net::None,
            landlock,
            filter: filter.program,
            init_filter: filter::of_init().to_vec(),
            #[cfg(feature = "seam")]
            left_out: Vec::new(),
            root: root.base,
            entries: root.entries,
            oom_score_adj: OOM_SCORE_ADJ,
            uid: user.uid(),
            gid: user.gid(),
            rlimits: target::rlimits(spec.limits(), host),
            nice: spec.nice(),
            umask: 0o022,
            cwd: root.cwd,
            programs: target::programs(spec),
            argv: target::argv(spec),
            env: target::env(spec),
            terminal: spec.terminal().map(|Window { rows, columns }| wire::Window { rows, columns }),
            waits: false,
        };
        let disks = host.disks.iter().flatten().map(|disk| format!("--io-max: {}", disk.how));
        let notes = root.notes.into_iter().chain(disks).chain(filter::notes(spec)).collect();
        Ok(Self { settings, order, walls, notes })
    }
}
