//! ironcell runs a command on Linux inside a cell: fresh namespaces and a cgroup v2 of its own.

#[cfg(feature = "cli")]
pub mod cli;
pub mod life;
pub mod os;
pub mod plan;
pub mod spec;
pub mod supervise;
