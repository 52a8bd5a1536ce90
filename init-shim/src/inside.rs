//! What PID 1 does for its cell, from inside, before anything of the job runs. [`build`] is the list.

use crate::arrival::{self, Arrived, Resizable};
use crate::landlock::Rules;
use crate::mounts::{self, Failed, NewRoot};
use crate::outside::{Cell, Sources};
use crate::report::{Failure, ROOT_ITEM};
use crate::step::Step;
use crate::sys::{self, Side};
use crate::target::{self, Errand};
use crate::wire::{Order, RootFs, SHIM_ID, What};
use crate::{creds, net, pid1};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, read, write};
use std::time::Instant;

/// The byte that lets PID 1 begin. The end of the file instead of it means that the keeper is gone.
pub const RELEASE: u8 = b'!';
/// PID 1's first sign of life.
const ALIVE: u8 = b'.';
/// The exit code of a PID 1 that could not build its cell; nobody reads it, the report says it all.
pub const NOT_BUILT: i32 = 125;

/// What PID 1 needs of the keeper.
pub struct Inner<'a> {
    /// The cell to build.
    pub cell: &'a Cell<'a>,
    /// What of the host is mounted.
    pub sources: &'a Sources,
    /// Through which the keeper releases it.
    pub held: &'a OwnedFd,
    /// The host's /proc.
    pub proc: &'a OwnedFd,
    /// The kernel's newest capability.
    pub last_capability: u32,
    /// Whether it was moved into its cgroup after the clone, and has no cgroup namespace of its own yet.
    pub moved: bool,
}

/// The target as PID 1 knows it.
pub struct Target {
    /// Its process id in the cell.
    pub pid: i32,
    /// When it was forked.
    pub since: Instant,
}

/// The whole life of PID 1.
pub fn run(inner: &Inner<'_>) -> ! {
    match build(inner) {
        Ok(target) => pid1::live(inner.cell, &target),
        Err(failure) => fail(&inner.cell.fds.report, failure),
    }
}

/// All that happens inside the cell, in order; the last step forks the target.
fn build(inner: &Inner<'_>) -> Result<Target, Failure> {
    let order = inner.cell.order;
    order.step(Step::CloseForeign, || close_foreign(inner))?;
    await_release(inner.held)?;
    become_cell_root()?;
    order.step(Step::SeeOwnCgroup, || see_own_cgroup(inner))?;
    order.step(Step::ForbidNested, || forbid_nested(inner))?;
    order.step(Step::SetHostname, || set_hostname(inner))?;
    order.step(Step::LoopbackUp, || loopback_up(inner))?;
    order.step(Step::MakePrivate, make_private)?;
    let mut root = make_root(inner)?;
    let mut rules = None;
    order.step(Step::MakeRuleset, || make_ruleset(inner, &root).map(|made| rules = made))?;
    let resizable = furnish(inner, &mut root, rules.as_ref())?;
    enter_root(&root)?;
    order.step(Step::LeaveOldRoot, || leave_old_root(&root))?;
    order.step(Step::SealRoot, || seal_root(&root))?;
    drop(root);
    order.step(Step::JoinKeyring, join_keyring)?;
    order.step(Step::DropBounding, || drop_bounding(inner.last_capability))?;
    order.step(Step::NoNewPrivs, no_new_privs)?;
    let arrived = await_job(inner)?;
    let errand = arrival::errand(inner.cell, arrived.as_ref());
    arrival::resize(&errand, resizable)?;
    errand.order.step(Step::MakeRuleset, || allow_stdio(&errand, rules.as_ref()))?;
    let target = fork_target(&errand, rules.as_ref())?;
    drop(rules);
    order.step(Step::DropShim, || drop_shim(inner.cell))?;
    order.step(Step::FilterShim, || filter_shim(errand.order))?;
    close_report(inner.cell)?;
    Ok(target)
}

/// Reports the step that failed and ends the cell.
pub fn fail(report: &OwnedFd, failure: Failure) -> ! {
    // A report that cannot be written has no reader: the owner is gone, and the cell goes with it.
    let _ = write(report, &failure.encode());
    sys::exit_now(NOT_BUILT)
}

/// A step's errno as a failure of that step.
fn at(step: Step) -> impl Fn(Errno) -> Failure {
    move |errno| Failure::at(step, errno)
}

/// The keeper's own descriptors and those of other cells were copied by the clone: they are not this cell's.
fn close_foreign(inner: &Inner<'_>) -> Result<(), Failure> {
    let fds = inner.cell.fds;
    let mut keep: Vec<BorrowedFd<'_>> = inner.sources.entries.iter().flatten().map(AsFd::as_fd).collect();
    keep.extend(inner.sources.root.iter().map(AsFd::as_fd));
    keep.extend([inner.held, inner.proc, &fds.stdin, &fds.stdout, &fds.stderr].map(AsFd::as_fd));
    keep.extend([&fds.status, &fds.report, &fds.lease, &fds.ids].map(AsFd::as_fd));
    sys::close_all_but(&keep).map_err(at(Step::CloseForeign))
}

/// Gives a sign of life, then waits for the id maps: until they are written this process has no id at all.
fn await_release(held: &OwnedFd) -> Result<(), Failure> {
    let mut byte = [0_u8; 1];
    write(held, &[ALIVE]).map_err(at(Step::AwaitRelease))?;
    match read(held, &mut byte).map_err(at(Step::AwaitRelease))? {
        1 if byte[0] == RELEASE => Ok(()),
        _ => Err(Failure::at(Step::AwaitRelease, Errno::OWNERDEAD)),
    }
}

/// credentials(7): id 0 of the cell is the job's first host id, and owner of all the cell's namespaces.
fn become_cell_root() -> Result<(), Failure> {
    creds::become_user(0, 0).map_err(at(Step::BecomeCellRoot))
}

/// cgroup_namespaces(7): the cgroup that a process is in when it makes the namespace is the root that it sees.
fn see_own_cgroup(inner: &Inner<'_>) -> Result<(), Failure> {
    if !inner.moved {
        return Ok(());
    }
    sys::unshare_cgroup().map_err(at(Step::SeeOwnCgroup))
}

/// A job that made a user namespace would be its root: it could mount a /proc of the whole host, and reach the parts of the
/// kernel that are open to root alone. namespaces(7): the limit is the writer's own user namespace's, so it holds for this
/// cell only; clone(2) and unshare(2) then fail with ENOSPC for every user of the cell.
fn forbid_nested(inner: &Inner<'_>) -> Result<(), Failure> {
    openat(inner.proc, "sys/user/max_user_namespaces", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|limit| write(limit, b"0"))
        .map(drop)
        .map_err(at(Step::ForbidNested))
}

/// sethostname(2): CAP_SYS_ADMIN over the UTS namespace.
fn set_hostname(inner: &Inner<'_>) -> Result<(), Failure> {
    rustix::system::sethostname(inner.cell.order.hostname.as_bytes()).map_err(at(Step::SetHostname))
}

/// Only in a network namespace of its own: the host's is not the cell's to touch.
fn loopback_up(inner: &Inner<'_>) -> Result<(), Failure> {
    if !inner.cell.order.own_network {
        return Ok(());
    }
    net::loopback_up().map_err(at(Step::LoopbackUp))
}

fn make_private() -> Result<(), Failure> {
    mounts::make_private().map_err(at(Step::MakePrivate))
}

/// A fresh tmpfs or the host's directory, attached over the present root.
fn make_root(inner: &Inner<'_>) -> Result<NewRoot, Failure> {
    let make = || match (&inner.cell.order.root, &inner.sources.root) {
        (RootFs::Fresh { size, inodes }, _) => NewRoot::attach(mounts::tmpfs(*size, *inodes, 0o755)?, true),
        (RootFs::Tree(_), Some(source)) => NewRoot::attach(rustix::io::dup(source)?, false),
        (RootFs::Tree(_), None) => Err(Errno::BADF),
    };
    make().map_err(at(Step::MakeRoot))
}

/// landlock(7): the rules are bound to the mounts' own files, so they are made while the mounts are in hand.
fn make_ruleset<'a>(inner: &Inner<'a>, root: &NewRoot) -> Result<Option<Rules<'a>>, Failure> {
    let Some(landlock) = &inner.cell.order.landlock else { return Ok(None) };
    let make = || {
        let rules = Rules::make(landlock)?;
        rules.allow_root(root)?;
        Ok(Some(rules))
    };
    make().map_err(|errno| Failure { item: ROOT_ITEM, ..Failure::at(Step::MakeRuleset, errno) })
}

/// Every entry of the order, in its order. Comes back with the mounts of those whose size is not known before the job.
fn furnish(inner: &Inner<'_>, root: &mut NewRoot, rules: Option<&Rules<'_>>) -> Result<Vec<Resizable>, Failure> {
    let mut resizable = Vec::new();
    for (index, (entry, source)) in inner.cell.order.entries.iter().zip(&inner.sources.entries).enumerate() {
        let (item, source) = (index as u16, source.as_ref().map(AsFd::as_fd));
        let made = root.furnish(&entry.path, &entry.what, source).map_err(|failed| match failed {
            Failed::Place(errno) => Failure { item, ..Failure::at(Step::MakeEntry, errno) },
            Failed::Mount(errno) => Failure { item, ..Failure::at(Step::AttachMount, errno) },
        })?;
        if let (Some(rules), Some(mount)) = (rules, made.as_ref().map(AsFd::as_fd).or(source)) {
            let failed = |errno| Failure { item, ..Failure::at(Step::MakeRuleset, errno) };
            rules.allow_entry(item, mount).map_err(failed)?;
        }
        if let (true, What::Tmpfs { .. }, Some(mount)) = (inner.cell.order.waits, &entry.what, made) {
            resizable.push(Resizable { item, mount });
        }
    }
    Ok(resizable)
}

fn enter_root(root: &NewRoot) -> Result<(), Failure> {
    root.enter().map_err(at(Step::EnterRoot))
}

fn leave_old_root(root: &NewRoot) -> Result<(), Failure> {
    root.leave_old().map_err(at(Step::LeaveOldRoot))
}

fn seal_root(root: &NewRoot) -> Result<(), Failure> {
    root.seal().map_err(at(Step::SealRoot))
}

/// keyrings(7): the session keyring is inherited, with all that the caller keeps in it.
fn join_keyring() -> Result<(), Failure> {
    sys::join_new_keyring().map_err(at(Step::JoinKeyring))
}

/// Before the fork, so that PID 1 and target have it alike.
fn drop_bounding(last_capability: u32) -> Result<(), Failure> {
    creds::drop_for_ever(last_capability).map_err(at(Step::DropBounding))
}

/// prctl(2) PR_SET_NO_NEW_PRIVS: inherited by fork and exec, never unset.
fn no_new_privs() -> Result<(), Failure> {
    rustix::thread::set_no_new_privs(true).map_err(at(Step::NoNewPrivs))
}

/// A cell that was built ahead waits here, until a job comes or its owner goes.
fn await_job(inner: &Inner<'_>) -> Result<Option<Arrived>, Failure> {
    if !inner.cell.order.waits {
        return Ok(None);
    }
    // For people who look at the host's processes; a name that cannot be set is no reason to end a cell.
    let _ = rustix::thread::set_name(c"ironcell-warm");
    arrival::await_job(&inner.cell.fds.stdin, inner.cell.order).map(Some).map_err(at(Step::AwaitJob))
}

/// What the job was given may be opened again by its names in /dev/fd.
fn allow_stdio(errand: &Errand<'_>, rules: Option<&Rules<'_>>) -> Result<(), Failure> {
    let failed = |errno| Failure { item: ROOT_ITEM, ..Failure::at(Step::MakeRuleset, errno) };
    rules.map_or(Ok(()), |rules| rules.allow_stdio(errand.stdio)).map_err(failed)
}

/// The target goes its own way to its exec. In the keeper SIGCHLD is ignored, and the kernel would reap a target that ends
/// before PID 1 looks: so it is noticed from before the fork.
fn fork_target(errand: &Errand<'_>, rules: Option<&Rules<'_>>) -> Result<Target, Failure> {
    sys::notice_children();
    let since = Instant::now();
    match sys::fork().map_err(at(Step::ForkTarget))? {
        Side::Child => target::run(errand, rules),
        Side::Parent(pid) => Ok(Target { pid, since }),
    }
}

/// What stays as PID 1 keeps three descriptors and one capability: a job that took it over would gain nothing.
fn drop_shim(cell: &Cell<'_>) -> Result<(), Failure> {
    let fds = cell.fds;
    // For people who look at the host's processes; a name that cannot be set is no reason to end a job.
    let _ = rustix::thread::set_name(c"ironcell-init");
    creds::become_shim(SHIM_ID).map_err(at(Step::DropShim))?;
    let kept = [&fds.status, &fds.report, &fds.lease, &fds.ids].map(AsFd::as_fd);
    sys::close_all_but(&kept).map_err(at(Step::DropShim))
}

/// What PID 1 still calls is some twenty calls.
fn filter_shim(order: &Order) -> Result<(), Failure> {
    if !order.init_filter.is_empty() {
        sys::install_filter(&order.init_filter).map_err(at(Step::FilterShim))?;
    }
    Ok(())
}

/// The report is closed last, since a failure could not be told after that.
fn close_report(cell: &Cell<'_>) -> Result<(), Failure> {
    let fds = cell.fds;
    sys::close_all_but(&[&fds.status, &fds.lease, &fds.ids].map(AsFd::as_fd)).map_err(at(Step::FilterShim))
}
