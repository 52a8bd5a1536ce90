//! The guest's end of the port: finding it, and one writer for many threads.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use integration::PORT;
use integration::frame::Frame;

/// Opens the port by its name; without udev there is no `/dev/virtio-ports`, so the name is read from sysfs.
pub fn open() -> Result<File> {
    let ports = "/sys/class/virtio-ports";
    for entry in fs::read_dir(ports).with_context(|| format!("cannot read {ports}"))? {
        let entry = entry.with_context(|| format!("cannot read {ports}"))?;
        if fs::read_to_string(entry.path().join("name")).is_ok_and(|name| name.trim() == PORT) {
            let device = Path::new("/dev").join(entry.file_name());
            let opened = OpenOptions::new().read(true).write(true).open(&device);
            return opened.with_context(|| format!("cannot open {}", device.display()));
        }
    }
    anyhow::bail!("no port named '{PORT}' in {ports}")
}

/// The writing side, shared by all threads. A frame is one write below the lock, so frames never mix.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<File>>);

impl Voice {
    pub fn new(port: File) -> Self {
        Self(Arc::new(Mutex::new(port)))
    }

    /// Blocks while the host is slow to read: that is how back pressure reaches the command.
    pub fn say(&self, frame: &Frame) -> std::io::Result<()> {
        frame.write_to(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
