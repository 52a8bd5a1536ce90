//! The keeper: one small process with one thread that builds all cells of one supervisor, and clears up after it.
//!
//! It starts in one of two ways, with the same code: the program `ironcell` forks it as its first act; a program with
//! threads executes it once from a sealed memfd (see [`exec_arguments`]). From then on a cell costs one clone3.

use crate::clear::{self, Base, End, Held};
use crate::outside::{Cell, outside};
use crate::ready::{self, Host};
use crate::report::Failure;
use crate::socket::{FromKeeper, LaunchFds, ToKeeper, receive, send};
use crate::step::Step;
use crate::sys;
use crate::wire::{ORDER_MOST_BYTES, Order};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::fstat;
use rustix::io::{Errno, Result, pread};
use rustix::net::RecvFlags;

/// argv[0] by which a program that was executed knows that it is to be the keeper; its socket is descriptor 0.
pub const ARG0: &str = "ironcell-keeper";

/// The keeper of one supervisor.
struct Keeper {
    socket: OwnedFd,
    host: Host,
    held: Vec<Held>,
    /// The place of the cells' cgroups.
    base: Option<Base>,
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
    let mut keeper = Keeper { socket, host, held: Vec::new(), base: None };
    let _ = send(&keeper.socket, &FromKeeper::Ready, &[]);
    let end = keeper.serve();
    clear::up(keeper.held, keeper.base, end);
    sys::exit_now(0)
}

impl Keeper {
    /// Obeys until the supervisor is gone; says how it went.
    fn serve(&mut self) -> End {
        let mut end = End::Death;
        loop {
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

    /// Obeys one order. A message with the wrong descriptors cannot come from our supervisor, and is dropped.
    fn obey(&mut self, message: ToKeeper, mut fds: Vec<OwnedFd>) {
        match message {
            ToKeeper::Base { name } => self.base = fds.pop().map(|above| Base { above, name }),
            // Heard in `serve`.
            ToKeeper::Close => {}
            ToKeeper::Forget { job } => self.held.retain(|held| held.job != job),
            ToKeeper::Launch { job, first_id, name } => {
                let Some(fds) = LaunchFds::of(fds) else { return };
                self.launch(job, first_id, name, fds);
            }
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
        self.held.push(Held { job, name, cgroup, base, ids });
    }
}

/// The order in a sealed memfd.
fn read_order(order: &OwnedFd) -> Result<Order> {
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
