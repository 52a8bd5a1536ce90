//! The program `ironcelld`: the daemon.

fn main() {}
