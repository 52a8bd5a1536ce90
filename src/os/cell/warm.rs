//! A cell that is built ahead of its job: namespaces, root, network, guard of devices and ids are there, and PID 1 waits
//! behind its walls. What a job brings along (limits, order, streams) comes at its start.

use super::made::MadeCgroup;
use super::start::{Measures, Raised, raise, sealed_order};
use super::{Cell, CellError, Looks};
use crate::os::cgroup::{Base, CellCgroup, DeviceGuard};
use crate::os::ids::CellIds;
use crate::os::keeper::Keeper;
use crate::os::stdio::Theirs;
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use crate::plan::Plan;
use init_shim::arrival::Word;
use init_shim::socket::{receive, send};
use init_shim::wire::{Order, RootFs, What};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open, stat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use std::time::Duration;
use tokio::time::timeout;

/// How long building one may take: as the answer of a keeper.
const BUILT_WITHIN: Duration = Duration::from_secs(30);

/// A path of the host that is mounted into the cell, and what was there: device and inode.
type Shown = (Vec<u8>, Option<(u64, u64)>);

/// What must be the same of a job and of the cell that was built ahead for it: all walls.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape(Order);

impl Shape {
    /// What a job with this plan needs.
    pub fn of(plan: &Plan) -> Self {
        Self(plan.order.walls())
    }
}

/// A cell that waits for its job.
#[derive(Debug)]
pub struct WarmCell {
    raised: Raised,
    /// Where the job is sent. Its closing ends the cell.
    socket: OwnedFd,
    walls: Order,
    /// What of the host it shows.
    shown: Vec<Shown>,
}

/// Why a job did not come to run in a cell that was built ahead.
#[derive(Debug)]
pub enum Untaken {
    /// The cell was gone, killed by somebody else. Nothing of the job is: it can be started in another.
    Gone(Theirs),
    /// As any start.
    Failed(CellError),
}

impl From<CellError> for Untaken {
    fn from(error: CellError) -> Self {
        Self::Failed(error)
    }
}

impl WarmCell {
    /// Builds one with this plan's walls.
    ///
    /// # Errors
    /// The step that failed. Nothing is left of it.
    pub async fn build(
        base: &Base,
        devices: &DeviceGuard,
        (name, seed): (&str, u128),
        plan: &Plan,
        keeper: &Keeper,
    ) -> Result<Self, CellError> {
        let walls = plan.order.walls();
        // Before it is mounted: what is another by then is seen as another when a job comes.
        let shown = shown(&walls);
        let ids = CellIds::take(seed)?;
        let cgroup = MadeCgroup::new(CellCgroup::create(base, name)?, None);
        walls.guard(|| devices.guard(&cgroup))?;
        let (socket, stdio) = streams()?;
        let raised = raise(cgroup, ids, keeper, base, &walls, stdio).await?;
        match built(&socket, &raised).await {
            Ok(()) => Ok(Self { raised, socket, walls, shown }),
            Err(error) => {
                raised.dismiss(keeper).await;
                Err(error)
            }
        }
    }

    /// Whether a job of this shape can be behind this cell's walls.
    pub fn fits(&self, shape: &Shape) -> bool {
        self.walls == shape.0
    }

    /// Whether each path of the host is still what it shows.
    pub fn is_current(&self) -> bool {
        self.shown == shown(&self.walls)
    }

    /// Sets the job's limits and reads them back, gives it the cell, and waits until the target was executed.
    ///
    /// # Errors
    /// The first limit that is not in force, or the step that failed; the cell is gone then.
    pub async fn take(
        self,
        keeper: &Keeper,
        base: &Base,
        plan: &Plan,
        looks: Looks,
        stdio: Theirs,
    ) -> Result<Cell, Untaken> {
        let Self { raised, socket, .. } = self;
        let measures = match Measures::of(&raised.cgroup, base, plan, looks) {
            Ok(measures) => measures,
            Err(error) => {
                raised.dismiss(keeper).await;
                return Err(error.into());
            }
        };
        match hand_over(&socket, plan, &stdio) {
            Ok(true) => {}
            Ok(false) => {
                raised.dismiss(keeper).await;
                return Err(Untaken::Gone(stdio));
            }
            Err(error) => {
                raised.dismiss(keeper).await;
                return Err(CellError::Os(error).into());
            }
        }
        // Our copies of its streams: a job's end must be the end of them.
        let terminal = stdio.terminal;
        drop((stdio.stdin, stdio.stdout, stdio.stderr, socket));
        Ok(raised.executed(keeper, measures, terminal).await?)
    }

    /// Ends it; no job ever ran in it.
    pub async fn dismiss(self, keeper: &Keeper) {
        drop(self.socket);
        self.raised.dismiss(keeper).await;
    }
}

/// Sends the job to the cell; false when that is gone.
fn hand_over(socket: &OwnedFd, plan: &Plan, stdio: &Theirs) -> Result<bool, OsError> {
    let order = sealed_order(&plan.order)?;
    match send(socket, &Word::Job, &[order.as_fd(), stdio.stdin.as_fd(), stdio.stdout.as_fd(), stdio.stderr.as_fd()]) {
        Ok(()) => Ok(true),
        Err(Errno::PIPE | Errno::CONNRESET) => Ok(false),
        Err(errno) => Err(OsError::new(Doing::Order, "a cell that was built ahead", errno)),
    }
}

/// The socket by which a job will come, ours first, and no streams.
fn streams() -> Result<(OwnedFd, Theirs), OsError> {
    let made = |errno| OsError::new(Doing::Make, "a socket pair", errno);
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).map_err(made)?;
    let null = || {
        let opened = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        opened.map_err(|errno| OsError::new(Doing::Open, "/dev/null", errno))
    };
    Ok((ours, Theirs { stdin: theirs, stdout: null()?, stderr: null()?, terminal: None }))
}

/// Waits until PID 1 says that all walls stand.
async fn built(socket: &OwnedFd, raised: &Raised) -> Result<(), CellError> {
    let failed = |error| OsError::new(Doing::Read, "a cell that is built ahead", error);
    let copy = socket.try_clone().map_err(failed)?;
    let watch = Watch::readable(copy).map_err(failed)?;
    match timeout(BUILT_WITHIN, watch.attempt(|fd| receive::<Word>(fd, RecvFlags::DONTWAIT))).await {
        Ok(Ok(Some((Word::Built, _)))) => Ok(()),
        // It has ended instead, and says why, unless it was killed.
        Ok(Ok(_)) => Err(match raised.reported().await? {
            Some(failure) => CellError::Step(failure),
            None => failed(Errno::PIPE.into()).into(),
        }),
        Ok(Err(error)) => Err(failed(error).into()),
        Err(_) => Err(failed(Errno::TIMEDOUT.into()).into()),
    }
}

/// Every path of the host that is mounted by this order, and what is there.
fn shown(order: &Order) -> Vec<Shown> {
    let root = match &order.root {
        RootFs::Tree(source) => Some(&source.path),
        RootFs::Fresh { .. } => None,
    };
    let entries = order.entries.iter().filter_map(|entry| match &entry.what {
        What::Device { source, .. } => Some(source),
        what => what.source().map(|source| &source.path),
    });
    let look = |path: &Vec<u8>| (path.clone(), stat(path.as_slice()).ok().map(|stat| (stat.st_dev, stat.st_ino)));
    root.into_iter().chain(entries).map(look).collect()
}
