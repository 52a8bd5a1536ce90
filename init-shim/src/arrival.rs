//! A cell that is built before there is a job for it: PID 1 waits behind its walls, as itself and with nothing of a job's,
//! until the order arrives. The cell is that job's from then on, and nobody's after it.

use crate::keeper::read_order;
use crate::mounts;
use crate::outside::Cell;
use crate::report::Failure;
use crate::socket::{receive, send};
use crate::step::Step;
use crate::target::Errand;
use crate::wire::{Order, What};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use serde::{Deserialize, Serialize};

/// The words of the socket on which a job arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// To the supervisor: all walls stand.
    Built,
    /// To PID 1: here is the job. Descriptors: those of [`Arrived`], in its order.
    Job,
}

/// A job that has come: its order, and its three descriptors.
pub struct Arrived {
    /// What is to be done for it.
    pub order: Order,
    /// The target's descriptor 0.
    pub stdin: OwnedFd,
    /// The target's descriptor 1.
    pub stdout: OwnedFd,
    /// The target's descriptor 2.
    pub stderr: OwnedFd,
}

/// A tmpfs whose size is set when the job is known.
pub struct Resizable {
    /// Its entry in the order.
    pub item: u16,
    /// Its mount.
    pub mount: OwnedFd,
}

/// Says that all is built, and waits for the job.
///
/// # Errors
/// EOWNERDEAD when nobody is there any more who could send one; EINVAL for an order that needs other walls than these;
/// EBADMSG for what is no order at all.
pub fn await_job(socket: impl AsFd, built: &Order) -> Result<Arrived, Errno> {
    send(&socket, &Word::Built, &[])?;
    let (word, fds) = receive::<Word>(&socket, RecvFlags::empty())?.ok_or(Errno::OWNERDEAD)?;
    let [order, stdin, stdout, stderr]: [OwnedFd; 4] = fds.try_into().map_err(|_| Errno::BADMSG)?;
    if word != Word::Job {
        return Err(Errno::BADMSG);
    }
    let order = read_order(&order)?;
    // The supervisor has compared them as well. A job must never be behind other walls than those of its own order.
    if order.waits || order.walls() != *built {
        return Err(Errno::INVAL);
    }
    Ok(Arrived { order, stdin, stdout, stderr })
}

/// What is to be done in the cell: what has arrived, or what it was built for.
pub fn errand<'a>(cell: &'a Cell<'_>, arrived: Option<&'a Arrived>) -> Errand<'a> {
    let fds = cell.fds;
    let (order, stdio) = match arrived {
        Some(Arrived { order, stdin, stdout, stderr }) => (order, [stdin, stdout, stderr]),
        None => (cell.order, [&fds.stdin, &fds.stdout, &fds.stderr]),
    };
    Errand { order, stdio: stdio.map(AsFd::as_fd), report: &fds.report }
}

/// What may lie in a tmpfs follows from the job's memory.
///
/// # Errors
/// The entry whose size could not be set.
pub fn resize(errand: &Errand<'_>, resizable: Vec<Resizable>) -> Result<(), Failure> {
    for Resizable { item, mount } in resizable {
        let Some(What::Tmpfs { size, .. }) = errand.order.entries.get(usize::from(item)).map(|entry| &entry.what)
        else {
            return Err(Failure { item, ..Failure::at(Step::ResizeTmpfs, Errno::INVAL) });
        };
        if *size != 0 {
            let failed = |errno| Failure { item, ..Failure::at(Step::ResizeTmpfs, errno) };
            mounts::resize_tmpfs(&mount, *size).map_err(failed)?;
        }
    }
    Ok(())
}
