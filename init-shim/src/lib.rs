//! The door of ironcell: all that runs with privilege between an ask and the target's first instruction.
//!
//! Two processes live here. The **keeper** is one small process with one thread; it receives orders over a socket and
//! does [`outside`]: it opens what is to be mounted, clones a cell straight into its cgroup and gives it its ids. The
//! **PID 1** of a cell is forked by that clone; it does [`inside`]: it builds the root, drops what privilege it had, forks
//! the target and stays to reap. Each is a list of numbered steps ([`step::Step`]); a step that fails comes back as step,
//! item and errno, and whoever ordered the cell finds the words for it in its own plan.
//!
//! The steps follow the order of the project's security notes; above each privileged call stands the kernel's reason.

pub mod arrival;
pub mod clear;
pub mod creds;
pub mod inside;
pub mod keeper;
pub mod landlock;
pub mod mounts;
pub mod net;
pub mod next;
pub mod outside;
pub mod pid1;
pub mod ready;
pub mod report;
pub mod socket;
pub mod stdio;
pub mod step;
pub mod sys;
pub mod target;
pub mod terminal;
pub mod wire;
