//! What a hostile job would try, call by call, for `ironcell verify`: each attempt is made inside a real cell, and outside
//! of it as its control, since an attempt that can never succeed proves nothing.
//!
//! Nothing is judged here. An attempt says what it saw; which of that is right for a cell is known in
//! `supervise::verify`. Every attempt runs in a process of its own ([`alone`]), which a filter may kill, and a control
//! that would touch the host runs in namespaces of its own ([`Around`]).

mod alone;
mod answer;
mod cgroups;
mod control;
mod devices;
mod environment;
mod exhaust;
mod files;
mod foreign;
mod from_host;
mod identity;
mod inside;
mod kernel;
mod keys;
mod mounts;
mod network;
mod privilege;
mod processes;
mod scene;
mod second;
mod setid;
mod sockets;
mod spaces;
mod terminals;

pub use answer::{Seen, errno_name};
pub use control::{Stage, controls, own_keyring};
pub use exhaust::{Mode, forks_outside, memory_outside};
pub use from_host::look as look_from_host;
pub use inside::{DONE, WORD, enter, image};
pub use scene::Scene;

use alone::alone;

/// One thing to try.
#[derive(Debug)]
pub struct Attempt {
    /// Its name for machines: stable.
    pub name: &'static str,
    /// What is tried, for people.
    pub tried: &'static str,
    /// How.
    pub deed: Deed,
    /// How it is shown that it can succeed.
    pub control: Control,
}

/// Where an attempt is made, and by what.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    /// By the job itself.
    Inside(fn(&Scene) -> Seen),
    /// By the host, which looks at the cell's first process by its id. The control looks at ourselves.
    FromHost(fn(i32) -> Seen),
}

/// The attempt that must succeed, outside of any cell.
#[derive(Debug, Clone, Copy)]
pub enum Control {
    /// The same attempt, by the host's root.
    Same(Around),
    /// The same end by a way that leaves the host alone.
    Other(Around, fn(&Scene) -> Seen),
    /// The host's own process, looked at in the same way.
    Ourselves,
}

/// What is put around a control, so that it is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A process of its own is enough.
    Process,
    /// Mounts, network, host name and IPC of its own, with an empty tmpfs as `/tmp`.
    Namespaces,
    /// A keyring of its own.
    Keyring,
}

/// An attempt by the job whose control is the same by root.
const fn inside(name: &'static str, tried: &'static str, deed: fn(&Scene) -> Seen, around: Around) -> Attempt {
    Attempt { name, tried, deed: Deed::Inside(deed), control: Control::Same(around) }
}

/// An attempt by the job whose control is another.
const fn unlike(
    name: &'static str,
    tried: &'static str,
    deed: fn(&Scene) -> Seen,
    control: (Around, fn(&Scene) -> Seen),
) -> Attempt {
    Attempt { name, tried, deed: Deed::Inside(deed), control: Control::Other(control.0, control.1) }
}

/// Every attempt, family by family.
pub fn all() -> impl Iterator<Item = &'static Attempt> {
    let families: [&[Attempt]; 18] = [
        mounts::ALL,
        files::ALL,
        processes::ALL,
        identity::ALL,
        environment::ALL,
        privilege::ALL,
        spaces::ALL,
        keys::ALL,
        terminals::ALL,
        sockets::ALL,
        network::ALL,
        kernel::ALL,
        devices::ALL,
        cgroups::ALL,
        setid::ALL,
        foreign::ALL,
        from_host::ALL,
        second::ALL,
    ];
    families.into_iter().flatten()
}
