//! What is made for each boot: the disk with the programs, and the initramfs with the agent.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::children;

/// One program on its way into the guest.
pub struct Program {
    /// Below `/ironcell`, such as `bin/ironcell`.
    pub place: String,
    pub file: PathBuf,
}

/// Room for the file system's own tables, beside the programs.
const TABLES: u64 = 8 << 20;

/// An ext4 image with the programs, made without root by `mke2fs -d`.
pub fn programs(work: &Path, programs: &[Program]) -> Result<PathBuf> {
    let (stage, image) = (work.join("stage"), work.join("programs.ext4"));
    let mut size = TABLES;
    for program in programs {
        let copy = stage.join(&program.place);
        let directory = copy.parent().context("a program has no directory")?;
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        // A link costs nothing; another file system needs a copy.
        if fs::hard_link(&program.file, &copy).is_err() {
            fs::copy(&program.file, &copy).with_context(|| format!("cannot copy {}", program.file.display()))?;
        }
        size += fs::metadata(&copy)?.len() * 21 / 20;
    }
    let mut command = children::command(children::find("mke2fs").context("mke2fs is missing")?, Signal::KILL);
    command.args([
        "-q",
        "-F",
        "-t",
        "ext4",
        "-O",
        "^has_journal",
        "-m",
        "0",
        "-N",
        "256",
        "-E",
        "root_owner=0:0",
        "-d",
    ]);
    command.arg(&stage).arg(&image).arg(format!("{}k", size.div_ceil(1024)));
    children::run_logged(&mut command, &work.join("mke2fs.log"), "mke2fs")?;
    fs::remove_dir_all(&stage).with_context(|| format!("cannot remove {}", stage.display()))?;
    Ok(image)
}

/// An initramfs with one file, `/init`. The kernel brings `/dev/console` along in its own.
pub fn initramfs(work: &Path, agent: &Path) -> Result<PathBuf> {
    let file = work.join("initramfs");
    let agent = fs::read(agent).with_context(|| format!("cannot read {}", agent.display()))?;
    let mut out = File::create(&file).with_context(|| format!("cannot write {}", file.display()))?;
    let archive = [entry("init", 0o100_755, &agent), entry("TRAILER!!!", 0, &[])].concat();
    out.write_all(&archive).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// One entry of a cpio archive in the format "newc": thirteen numbers in hexadecimal, the name, the bytes, each padded
/// to four bytes.
fn entry(name: &str, mode: u32, bytes: &[u8]) -> Vec<u8> {
    let mut fields = [0_usize; 13];
    fields[1] = mode as usize;
    fields[4] = 1; // links
    fields[6] = bytes.len();
    fields[11] = name.len() + 1;
    let mut out = b"070701".to_vec();
    out.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
    out.extend(name.bytes().chain([0]));
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_the_kernel_expects() {
        let bytes = entry("init", 0o100_755, b"12345");
        let text = String::from_utf8(bytes).expect("it is all ASCII");
        assert_eq!(text.len() % 4, 0);
        assert!(text.starts_with("07070100000000000081ed"), "{text}");
        assert_eq!(text.len(), 6 + 13 * 8 + 6 + 8, "{text}");
        assert!(text.ends_with("init\0\x0012345\0\0\0"), "{text:?}");
    }
}
