//! The hands on cgroup v2: finds the hierarchy, makes the place for cells, makes, limits, kills, reads and removes a cell.
//!
//! Everything goes through held directory descriptors, so that no path can change its meaning under way.

mod above;
mod bootstrap;
mod cell;
mod change;
mod devices;
mod file;
mod freeze;
mod hierarchy;
mod make;
mod note;
mod parent;
mod process;
mod seat;
mod set;
mod stat;
mod sweep;
mod systemd;
mod wait;

pub use above::Above;
pub use bootstrap::{Base, prepare, prepare_beside};
pub use cell::CellCgroup;
pub use devices::DeviceGuard;
pub use hierarchy::{Discovery, discover};
pub use parent::{Guest, ParentError, end_below, foretold, leftovers_below, note, sweep_parents};
pub use process::above_process;
pub use seat::{Seat, join_beside, join_leaf};
pub use set::{ApplyError, Effective};
pub use stat::{pressure, value_of};
pub use sweep::{end, leftovers, sweep};
