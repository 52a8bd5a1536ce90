//! QEMU's command line: the machine's hardware, as measured to be fast and to work.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use integration::{LANE_PARAMETER, Lane, PORT, disk};
use rustix::process::Signal;

use crate::children;
use crate::image::Image;

/// Whether other machines run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    Alone,
    Others,
}

/// All that a boot is made of.
pub struct Boot<'a> {
    pub image: &'a Image,
    pub lane: Lane,
    pub company: Company,
    pub kvm: bool,
    pub initramfs: &'a Path,
    pub programs: &'a Path,
    pub socket: PathBuf,
    pub console: PathBuf,
    pub log: PathBuf,
}

/// No idle tests at boot, no mitigations (nobody attacks this guest), the end of the kernel is the end of the machine.
const KERNEL: &str = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr cryptomgr.notests no_timer_check tsc=reliable \
     random.trust_cpu=on";

/// An emulator translates code by its address: randomised addresses cost it a new translation of every program, which
/// makes exec seven times slower.
const EMULATED_KERNEL: &str = " norandmaps";

/// Without cx16, whose emulation corrupts flags; without erms (and fsrm, which needs it), which makes page clearing ten
/// times slower; without la57, which nothing here needs.
const EMULATED_CPU: &str = "max,-cx16,-la57,-erms,-fsrm";

impl Boot<'_> {
    /// Two processors, so that CPU sets and races are real; 1 GiB, of which the largest tests use half.
    pub fn command(&self) -> Result<Command> {
        let mut qemu = children::command("qemu-system-x86_64", Signal::KILL);
        qemu.args(["-m", "1024", "-smp", "2", "-nodefaults", "-display", "none", "-no-reboot"]);
        match self.kvm {
            true => qemu.args(["-accel", "kvm", "-cpu", "host"]),
            false => qemu.args(["-accel", self.threads(), "-cpu", EMULATED_CPU]),
        };
        let kernel =
            format!("{KERNEL}{} {LANE_PARAMETER}{}", if self.kvm { "" } else { EMULATED_KERNEL }, self.lane.name());
        qemu.arg("-kernel").arg(self.image.kernel(self.lane)).args(["-append", &kernel]);
        qemu.arg("-initrd").arg(self.initramfs);
        // Debian's cloud kernels have NVMe built in, so the root comes that way; a second one might be probed first.
        qemu.arg("-drive").arg(drive("root", &self.image.root()));
        qemu.args(["-device", "nvme,drive=root,serial=root"]);
        let disks = [
            (disk::PROGRAMS, self.programs.to_owned()),
            (disk::SCRATCH, self.image.scratch()),
            (disk::SWAP, self.image.swap()),
            (disk::SPARE, self.image.spare()),
        ];
        for (name, file) in disks {
            qemu.arg("-drive").arg(drive(name, &file));
            qemu.arg("-device").arg(format!("virtio-blk-pci,drive={name},serial={name}"));
        }
        let port = with_path("socket,id=port,server=on,wait=off,path=", &self.socket);
        qemu.args(["-device", "virtio-serial-pci"]).arg("-chardev").arg(port);
        qemu.arg("-device").arg(format!("virtserialport,chardev=port,name={PORT}"));
        qemu.arg("-serial").arg(with_path("file:", &self.console));
        let log = std::fs::File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        qemu.stdin(Stdio::null()).stdout(log.try_clone().context("cannot duplicate a descriptor")?).stderr(log);
        Ok(qemu)
    }

    /// Of an emulated machine that is alone each processor has a thread of the host. Those of machines that share a host take
    /// turns on one: a guest that waits for a lock or for another processor's answer spins, and where the one that it waits for
    /// has no processor of the host, all take four times as long.
    ///
    /// 6.12 patches its own code while the second processor runs it, which QEMU 7.2 does not survive with two threads (2 boots
    /// of 40 died).
    fn threads(&self) -> &'static str {
        match (self.company, self.lane) {
            (Company::Alone, Lane::Bare | Lane::Systemd) => "tcg,thread=multi",
            (Company::Others, _) | (_, Lane::Next) => "tcg,thread=single",
        }
    }
}

/// What is written goes to a file that has no name and ends with QEMU: every boot starts from the same bytes.
fn drive(name: &str, file: &Path) -> OsString {
    with_path(&format!("if=none,id={name},format=raw,snapshot=on,file="), file)
}

/// An option that ends in a path. QEMU reads a comma as the end of a value; two stand for one.
fn with_path(option: &str, path: &Path) -> OsString {
    let mut bytes = option.as_bytes().to_vec();
    for byte in path.as_os_str().as_bytes() {
        bytes.extend(std::iter::repeat_n(*byte, if *byte == b',' { 2 } else { 1 }));
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_path_is_not_an_option() {
        let drive = drive("root", Path::new("/a,b/root"));
        assert_eq!(drive, "if=none,id=root,format=raw,snapshot=on,file=/a,,b/root");
    }
}
