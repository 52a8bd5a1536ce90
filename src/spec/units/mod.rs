//! Sizes, shares, times and processor counts as people write them, and back: what is printed is read as the same value.
//!
//! Every reader takes the name of the field that it reads for, so that its refusal can name it. All arithmetic is exact
//! integer arithmetic: `0.1` is a tenth here, not the nearest binary fraction.

mod count;
mod cpu;
mod cpuset;
mod io;
mod memory;
mod mount;
mod number;
mod rlimit;
mod size;
mod time;

pub use count::{count, nice, pids_limit, user, weight};
pub use cpu::cpu_max;
pub use cpuset::cpuset;
pub use io::io_max;
pub use memory::{memory_limit, swap_limit};
pub use mount::{bind, tmpfs};
pub use rlimit::rlimit;
pub use size::{Rounded, Size, size};
pub use time::{Span, duration};
