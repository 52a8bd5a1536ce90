//! Programs that give their rights to who starts them: by the set-user-id bit, or by capabilities of the file.
//!
//! One that is there is executed with its harmless `--version`. Whether it got its rights is told by the program's own
//! loader: with LD_SHOW_AUXV it prints the vector that the kernel gave it, and it does not obey any such variable in a
//! program that has more rights than who started it (ld.so(8), "secure-execution mode").

use super::{Around, Attempt, Scene, Seen, unlike};
use rustix::fs::{Mode, XattrFlags, chmod, setxattr};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) const ALL: &[Attempt] = &[
    unlike("set_user_id", "execve(2) of a set-user-id program", set_user_id, (Around::Namespaces, made_set_user_id)),
    unlike(
        "file_capabilities",
        "execve(2) of a program with capabilities",
        file_capabilities,
        (Around::Namespaces, made_capable),
    ),
];

/// Files that are looked at in a directory at most.
const FILES_MOST: usize = 20_000;
/// The loader of glibc, in the name that every program has of it.
const LOADER: &[u8] = b"/ld-linux";
/// What is printed by a loader that obeys.
const OBEYED: &str = "AT_SECURE:";
/// Who the control is: any user but root, who gains nothing by root's rights.
const NOBODY: u32 = 65534;
/// The set-user-id bit.
const SET_USER_ID: u32 = 0o4000;
/// The extended attribute with a file's capabilities.
const CAPABILITIES: &str = "security.capability";
/// `vfs_cap_data` of linux/capability.h, version 2, effective: CAP_NET_RAW alone, permitted. Little endian.
const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn set_user_id(scene: &Scene) -> Seen {
    let there = find(scene, |path| {
        fs::symlink_metadata(path).is_ok_and(|file| {
            tells(path)
                && file.is_file()
                && file.uid() != rustix::process::getuid().as_raw()
                && file.mode() & SET_USER_ID != 0
        })
    });
    tried(there, None)
}

fn file_capabilities(scene: &Scene) -> Seen {
    let there = find(scene, |path| {
        let mut some = [0_u8; 64];
        rustix::fs::lgetxattr(path, CAPABILITIES, &mut some).is_ok() && tells(path)
    });
    tried(there, None)
}

/// Whether a program has the loader that would print: its name stands in the first page of the program.
fn tells(path: &Path) -> bool {
    let mut page = [0_u8; 4096];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut page));
    read.is_ok_and(|count| page[..count].windows(LOADER.len()).any(|part| part == LOADER))
}

/// The first such file.
fn find(scene: &Scene, wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let listed = scene.programs.iter().filter_map(|directory| fs::read_dir(directory).ok());
    let mut files = listed.flat_map(|entries| entries.flatten().take(FILES_MOST)).map(|entry| entry.path());
    files.find(|path| wanted(path))
}

/// Executes it, as this user or as who we are, and says whether it got its rights.
fn tried(program: Option<PathBuf>, user: Option<u32>) -> Seen {
    let Some(program) = program else { return Seen::Absent("there is no such program".to_owned()) };
    let mut command = Command::new(&program);
    command.arg("--version").env_clear().env("LD_SHOW_AUXV", "1").stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    match command.output() {
        Err(error) => Seen::of_error(&error),
        Ok(ran) if String::from_utf8_lossy(&ran.stdout).contains(OBEYED) => {
            Seen::Absent(format!("{} ran without its rights", program.display()))
        }
        Ok(_) => Seen::Allowed(format!("{} ran with its rights", program.display())),
    }
}

fn made_set_user_id(scene: &Scene) -> Seen {
    made(scene, |path| chmod(path, Mode::from_raw_mode(0o4755)))
}

fn made_capable(scene: &Scene) -> Seen {
    made(scene, |path| {
        chmod(path, Mode::from_raw_mode(0o755))?;
        setxattr(path, CAPABILITIES, &NET_RAW, XattrFlags::empty())
    })
}

/// A copy of a small program of the host's in a `/tmp` of the control's own, given rights and executed by a user without
/// any.
fn made(scene: &Scene, give: impl Fn(&Path) -> rustix::io::Result<()>) -> Seen {
    let copy = Path::new("/tmp/program");
    let Some(program) = scene.programs.iter().map(|directory| directory.join("true")).find(|path| path.exists()) else {
        return Seen::Unclear("the host has no program true to copy".to_owned());
    };
    if let Err(error) = fs::copy(program, copy).map(drop) {
        return Seen::of_error(&error);
    }
    if let Err(errno) = give(copy) {
        return Seen::Refused(errno.raw_os_error());
    }
    tried(Some(copy.to_owned()), Some(NOBODY))
}
