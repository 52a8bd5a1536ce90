//! The keeper: one small process with one thread that builds all cells of one supervisor, and clears up after it.
//!
//! It starts in one of two ways, with the same code: the program `ironcell` forks it as its first act; a program with
//! threads executes it once from a sealed memfd (see [`exec_arguments`]). From then on a cell costs one clone3.
//!
//! For a daemon it is a vault as well: it holds copies of the descriptors of every running job, and when the daemon dies it
//! waits for the next one and gives them back.

use crate::clear::{self, Base, End, Held, Kept};
use crate::next::{Look, Next};
use crate::outside::{Cell, outside};
use crate::ready::{self, Host};
use crate::report::Failure;
use crate::socket::{FromKeeper, HoldFds, LaunchFds, Role, ToKeeper, receive, send};
use crate::step::Step;
use crate::sys;
use crate::wire::{ORDER_MOST_BYTES, Order};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::{Errno, Result, pread};
use rustix::net::{RecvFlags, SocketFlags, accept_with};
use rustix::process::PidfdFlags;
use std::time::Duration;

/// argv[0] by which a program that was executed knows that it is to be the keeper; its socket is descriptor 0.
pub const ARG0: &str = "ironcell-keeper";

/// The pause before another try to take a next supervisor in, when the host is short of descriptors or memory.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The keeper of one supervisor.
struct Keeper {
    socket: OwnedFd,
    host: Host,
    held: Vec<Held>,
    /// The places of the cells' cgroups: one, and that of an earlier supervisor if it was another.
    bases: Vec<Base>,
    /// Where the next supervisor comes, if there is to be one.
    next: Option<Next>,
}

/// Runs the keeper on this socket until the other side is gone. Never returns.
pub fn run(socket: OwnedFd) -> ! {
    let (socket, host) = match ready::get_ready(socket) {
        Ok(ready) => ready,
        Err((socket, errno)) => {
            // Who is not there to hear it needs no answer.
            let _ = send(&socket, &FromKeeper::Unfit { errno: errno.raw_os_error() }, &[]);
            sys::exit_now(crate::inside::NOT_BUILT)
        }
    };
    let mut keeper = Keeper { socket, host, held: Vec::new(), bases: Vec::new(), next: None };
    let _ = send(&keeper.socket, &FromKeeper::Ready, &[]);
    loop {
        let end = keeper.serve();
        if !keeper.awaits_next() {
            // Nobody is to come any more: who does now finds no keeper, and starts one.
            drop(keeper.next.take());
            clear::up(keeper.held, &keeper.bases, end);
            sys::exit_now(0)
        }
    }
}

impl Keeper {
    /// Obeys until the supervisor is gone; says how it went.
    fn serve(&mut self) -> End {
        let mut end = End::Death;
        loop {
            if let Some(next) = &mut self.next
                && !Next::wait(&self.socket)
            {
                // What another has taken meanwhile is for the supervisor to see: it has its jobs in its own hands.
                next.look();
                continue;
            }
            match receive::<ToKeeper>(&self.socket, RecvFlags::empty()) {
                // Jobs may still run: the end itself is the end of the stream.
                Ok(Some((ToKeeper::Close, _))) => end = End::Orderly,
                Ok(Some((message, fds))) => self.obey(message, fds),
                // No message of our supervisor's: not worth the cells of all others.
                Err(Errno::BADMSG) => {}
                Ok(None) | Err(_) => return end,
            }
        }
    }

    /// The supervisor is gone. What was not to outlive it ends; for the rest the next one is waited for. False when nothing
    /// is left to wait for.
    fn awaits_next(&mut self) -> bool {
        let Some(next) = &mut self.next else { return false };
        let (kept, gone) = std::mem::take(&mut self.held).into_iter().partition(|held| held.kept.is_some());
        self.held = kept;
        if self.held.is_empty() {
            self.held = gone;
            return false;
        }
        // First of all: who starts the next supervisor may do so at once.
        let mut look = next.look();
        // The base stays: cells are in it.
        clear::up(gone, &[], End::Death);
        while look == Look::Found {
            if !Next::wait(&next.listener) {
                look = next.look();
                continue;
            }
            match accept_with(&next.listener, SocketFlags::CLOEXEC) {
                Ok(socket) => {
                    self.socket = socket;
                    return true;
                }
                Err(Errno::INTR | Errno::CONNABORTED | Errno::AGAIN) => {}
                // The socket is none: nobody can ever come.
                Err(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP) => return false,
                // The host is short of something for now, which is no reason to end the jobs.
                Err(_) => std::thread::sleep(ACCEPT_AGAIN),
            }
        }
        false
    }

    /// Obeys one order. A message with the wrong descriptors cannot come from our supervisor, and is dropped.
    fn obey(&mut self, message: ToKeeper, mut fds: Vec<OwnedFd>) {
        match message {
            ToKeeper::Base { name } => {
                let new = fds.pop().map(|above| Base { above, name });
                self.bases.extend(new.filter(|new| !self.bases.iter().any(|known| known.is(new))));
            }
            // Heard in `serve`.
            ToKeeper::Close => {}
            ToKeeper::Forget { job } => self.held.retain(|held| held.job != job),
            ToKeeper::Launch { job, first_id, name } => {
                let Some(fds) = LaunchFds::of(fds) else { return };
                self.launch(job, first_id, name, fds);
            }
            ToKeeper::Outlive { path } => self.next = fds.pop().map(|listener| Next::new(listener, path)),
            ToKeeper::Hold { job, name, pid, roles } => {
                let Some((HoldFds { cgroup, base, ids }, rest)) = HoldFds::of(fds) else { return };
                if rest.len() != roles.len() {
                    return;
                }
                let kept = Some(Kept { pid, fds: roles.into_iter().zip(rest).collect() });
                self.held.retain(|held| held.job != job);
                self.held.push(Held { job, name, cgroup, base, ids, kept });
            }
            ToKeeper::Release { job, role } => self.release(job, role),
            ToKeeper::Adopt => self.tell_all(),
        }
    }

    /// Lets go of one descriptor of a job.
    fn release(&mut self, job: u64, role: Role) {
        let kept = self.held.iter_mut().filter(|held| held.job == job).filter_map(|held| held.kept.as_mut());
        kept.for_each(|kept| kept.fds.retain(|(of, _)| *of != role));
    }

    /// Tells of all that is held for a next supervisor. One that dies meanwhile is noticed by the next receive.
    fn tell_all(&self) {
        for held in &self.held {
            let Some(kept) = &held.kept else { continue };
            let (job, name, pid) = (held.job, held.name.clone(), kept.pid);
            let roles = kept.fds.iter().map(|(role, _)| *role).collect();
            let mut fds = vec![held.cgroup.as_fd(), held.base.as_fd(), held.ids.as_fd()];
            fds.extend(kept.fds.iter().map(|(_, fd)| fd.as_fd()));
            if send(&self.socket, &FromKeeper::Held { job, name, pid, roles }, &fds).is_err() {
                return;
            }
        }
        let own = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty());
        // Without it the supervisor takes us for one of another program.
        let program = openat(&self.host.proc, "self/exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok();
        // Without one it is not told; the supervisor then waits in vain, and opens no vault that it could not watch.
        if let Ok(own) = own {
            let fds: Vec<_> = [&own].into_iter().chain(&program).map(AsFd::as_fd).collect();
            let _ = send(&self.socket, &FromKeeper::AllTold, &fds);
        }
    }

    /// Builds a cell and answers.
    fn launch(&mut self, job: u64, first_id: u32, name: String, fds: LaunchFds) {
        let born = read_order(&fds.order)
            .map_err(|errno| Failure::at(Step::ReadOrder, errno))
            .and_then(|order| outside(&mut self.host, &Cell { order: &order, first_id, fds: &fds }));
        // Who is not there to hear the answer is noticed by the next receive.
        let _ = match born {
            Ok(born) => {
                let pid = born.pid;
                send(&self.socket, &FromKeeper::Launched { job, pid }, &[born.pidfd.as_fd()])
            }
            Err(failure) => send(&self.socket, &FromKeeper::Refused { job, failure: failure.encode() }, &[]),
        };
        // Also after a failure: should the supervisor die now, its cgroup is ours to remove.
        let LaunchFds { cgroup, base, ids, .. } = fds;
        self.held.push(Held { job, name, cgroup, base, ids, kept: None });
    }
}

/// The order in a sealed memfd.
pub(crate) fn read_order(order: &OwnedFd) -> Result<Order> {
    let length = u64::try_from(fstat(order)?.st_size).unwrap_or(u64::MAX);
    if length > ORDER_MOST_BYTES {
        return Err(Errno::MSGSIZE);
    }
    let mut bytes = vec![0_u8; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match pread(order, &mut bytes[filled..], filled as u64)? {
            0 => return Err(Errno::BADMSG),
            got => filled += got,
        }
    }
    Order::decode(&bytes).ok_or(Errno::BADMSG)
}

/// Whether a program was executed to be the keeper, by its arguments; the socket is then its standard input.
pub fn is_asked_for(arg0: &[u8]) -> bool {
    arg0 == ARG0.as_bytes()
}

/// Becomes the keeper on standard input. For a program that [`is_asked_for`]; never returns.
pub fn take_over() -> ! {
    match rustix::io::dup(rustix::stdio::stdin()) {
        Ok(socket) => run(socket),
        Err(_) => sys::exit_now(crate::inside::NOT_BUILT),
    }
}
