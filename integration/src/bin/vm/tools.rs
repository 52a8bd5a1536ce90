//! The programs that this needs of the machine, and their installation where that is one command.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{children, progress};

/// Something that must be there: how to see it, and which package of Debian brings it.
struct Tool {
    need: Need,
    package: &'static str,
}

enum Need {
    Program(&'static str),
    File(&'static str),
}

impl Need {
    fn name(&self) -> &'static str {
        match self {
            Self::Program(name) | Self::File(name) => name,
        }
    }

    fn is_met(&self) -> bool {
        match self {
            Self::Program(name) => children::find(name).is_some(),
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// Each boot needs these.
const TO_BOOT: [Tool; 2] = [
    Tool { need: Need::Program("qemu-system-x86_64"), package: "qemu-system-x86" },
    Tool { need: Need::Program("mke2fs"), package: "e2fsprogs" },
];

/// The tests on this machine need these: other implementations to talk with.
const TO_TEST: [Tool; 2] = [
    Tool { need: Need::Program("openssl"), package: "openssl" },
    Tool { need: Need::Program("python3"), package: "python3" },
];

/// Only the making of the image needs these.
const TO_MAKE: [Tool; 5] = [
    Tool { need: Need::Program("mmdebstrap"), package: "mmdebstrap" },
    Tool { need: Need::Program("unshare"), package: "util-linux" },
    Tool { need: Need::Program("mkswap"), package: "util-linux" },
    Tool { need: Need::Program("dpkg-deb"), package: "dpkg" },
    Tool { need: Need::File(crate::mirror::KEYRING), package: "debian-archive-keyring" },
];

/// QEMU and its libraries are about 100 MB; 10 s here, far more behind a slow mirror or another apt that holds the lock.
const INSTALL_SECONDS: u32 = 900;

pub fn ensure_boot() -> Result<()> {
    ensure(&TO_BOOT)
}

/// What tests on this machine need; a Python with grpcio.
pub fn ensure_test() -> Result<PathBuf> {
    ensure(&TO_TEST)?;
    let dir = crate::workdir::path()?.join("python");
    let program = dir.join("bin/python");
    let mut look = children::command(&program, Signal::TERM);
    look.args(["-c", "import grpc, grpc_tools"]).stdin(Stdio::null()).stderr(Stdio::null());
    if !look.status().is_ok_and(|status| status.success()) {
        progress!("installing {} (pip, into {})", GRPCIO.join(", "), dir.display());
        if venv(&dir).is_err() {
            // Debian packs this one part of Python by itself.
            install(&["python3-venv"]).context("cannot install python3-venv")?;
            venv(&dir)?;
        }
        let mut pip = children::command(&program, Signal::TERM);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(GRPCIO);
        children::run_logged(&mut pip, &crate::workdir::path()?.join("pip.log"), "pip install")?;
    }
    Ok(program)
}

/// A Python of our own, in a directory.
fn venv(dir: &Path) -> Result<()> {
    let mut python = children::command("python3", Signal::TERM);
    python.args(["-m", "venv"]).arg(dir);
    children::run_logged(&mut python, &crate::workdir::path()?.join("pip.log"), "python3 -m venv")
}

/// The versions that the test was written with: a newer one that breaks it is to be met on purpose.
const GRPCIO: [&str; 2] = ["grpcio==1.85.1", "grpcio-tools==1.85.1"];

pub fn ensure_make() -> Result<()> {
    ensure(&TO_MAKE)
}

fn ensure(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !tool.need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.need.name()).collect();
    let names = names.join(", ");
    if children::find("apt-get").is_none() {
        bail!("missing on this machine: {names}; install them (they are not installed for you without apt-get)");
    }
    let mut packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    packages.dedup();
    progress!("installing {} (apt-get)", packages.join(", "));
    install(&packages).with_context(|| format!("cannot install {names}"))?;
    match missing.iter().find(|tool| !tool.need.is_met()) {
        Some(tool) => bail!("{} is still missing after the installation of {}", tool.need.name(), tool.package),
        None => Ok(()),
    }
}

/// Installs; where that fails the package lists may be old or absent, so it is tried again with fresh ones.
fn install(packages: &[&str]) -> Result<()> {
    let arguments = ["install", "-y", "--no-install-recommends"];
    if apt(&[&arguments, packages].concat()).is_ok() {
        return Ok(());
    }
    apt(&["update"])?;
    apt(&[&arguments, packages].concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let log = crate::workdir::path()?.join("apt.log");
    let mut command = children::as_root("env", INSTALL_SECONDS)?;
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    children::run_logged(&mut command, &log, &format!("apt-get {}", arguments.join(" ")))
}
