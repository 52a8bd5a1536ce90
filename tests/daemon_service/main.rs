//! The services of the daemon, in this process and over real sockets: jobs are plain processes or a mock's scripts, so it
//! needs neither root nor cgroup v2. Rows of what ironcell joins are shown under their numbers (`row_2_7_…`).
#![cfg(feature = "daemon")]

mod attach;
mod autostart;
mod batch;
mod cli;
mod compat;
mod house;
mod input;
mod output;
mod reasons;
mod roles;
mod rows;
