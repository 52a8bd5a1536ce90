//! PURE: from an ask and a host to every kernel write and every mount that will be done, or to a refusal that names the
//! field. A plan reads no file and makes no call: a plan for another machine can be drawn here.

pub mod cgroup;
pub mod host;
mod refusal;

pub use cgroup::{CpuList, Origin, Setting};
pub use refusal::Refusal;
