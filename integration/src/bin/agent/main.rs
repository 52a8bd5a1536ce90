//! The agent: the host's hand inside the test machine. One static program with three lives:
//!
//! 1. `boot`: PID 1 of the kernel's initramfs. Mounts the disks, then becomes the lane's real PID 1.
//! 2. `pid1`: that PID 1 in the lanes without systemd. Mounts what an init mounts, forks, and only reaps.
//! 3. `serve`: takes orders from the host over the virtio-serial port and runs them, one at a time.

mod bare;
mod boot;
mod command;
mod look;
mod output;
mod port;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    let life = std::env::args().nth(1);
    let end = match life.as_deref() {
        Some("pid1") => bare::run(),
        Some("serve") => serve::run(),
        _ if std::process::id() == 1 => boot::run(),
        _ => Err(anyhow::anyhow!("this program belongs into the test machine; `cargo vm` starts it there")),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        // As PID 1 this ends in a kernel panic, which QEMU turns into its own end, which the host notices at once.
        Err(error) => {
            eprintln!("agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
