//! Whether this machine's hardware virtualisation works: asked by using it, for a `/dev/kvm` may be there and hang.

use std::fs::{self, File};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use integration::Lane;
use rustix::process::Signal;

use crate::children;
use crate::image::{self, Image};

/// A working KVM shows the kernel's first line after 0.3 s; a broken one says no after 50 ms, or never.
const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// True if a kernel prints its first line under KVM. The answer is kept until the machine is booted anew.
pub fn works(image: &Image) -> Result<bool> {
    if File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(false);
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("cannot read the boot id")?;
    let file = image::cache()?.join("kvm");
    let known = fs::read_to_string(&file).unwrap_or_default();
    if let Some(answer) = known.strip_prefix(boot.as_str()) {
        return Ok(answer == "works");
    }
    let works = probe(image)?;
    fs::write(&file, boot + if works { "works" } else { "fails" }).context("cannot note the answer about KVM")?;
    Ok(works)
}

fn probe(image: &Image) -> Result<bool> {
    let mut command: Command = children::command("qemu-system-x86_64", Signal::KILL);
    command.args(["-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot"]);
    command.arg("-kernel").arg(image.kernel(Lane::Bare)).args([
        "-append",
        "console=ttyS0 panic=-1",
        "-serial",
        "stdio",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut qemu = command.spawn().context("cannot run qemu-system-x86_64")?;
    let mut console = qemu.stdout.take().context("qemu has no standard output")?;
    let (said, heard) = channel();
    thread::spawn(move || {
        let mut first = [0; 16];
        // The receiver may have given up.
        let _ = said.send(console.read_exact(&mut first).is_ok());
    });
    let works = heard.recv_timeout(PROBE_LIMIT).unwrap_or(false);
    qemu.kill().context("cannot end the probe of KVM")?;
    qemu.wait().context("cannot wait for the probe of KVM")?;
    Ok(works)
}
