//! PURE: what a job may do with files, as a ruleset of landlock(7): a second wall behind the mounts. Should a mount ever be
//! writable that ought not to be, or a path lead out of the cell, nothing can be written there all the same. What is
//! mounted below a writable place has its rights too: the kernel adds up the rules on the way to the root.

use super::host::Host;
use init_shim::wire::{Beneath, Entry, Landlock, RootFs, What};
use linux_raw_sys::landlock as raw;

/// The first version with LANDLOCK_ACCESS_FS_REFER (kernel 5.19): before it no file could be moved to another directory.
const LEAST: u32 = 2;
/// What each version can handle more than the one before: LANDLOCK_ACCESS_FS_*.
const HANDLED: [(u32, u32); 4] = [
    (1, 0x1fff),
    (2, raw::LANDLOCK_ACCESS_FS_REFER),
    (3, raw::LANDLOCK_ACCESS_FS_TRUNCATE),
    (5, raw::LANDLOCK_ACCESS_FS_IOCTL_DEV),
];
/// The first version that keeps signals and abstract sockets within the job (kernel 6.12).
const SCOPES: u32 = 6;

/// Looking, reading, executing.
const READ: u32 =
    raw::LANDLOCK_ACCESS_FS_EXECUTE | raw::LANDLOCK_ACCESS_FS_READ_FILE | raw::LANDLOCK_ACCESS_FS_READ_DIR;
/// Writing to a file that is there.
const WRITE_FILE: u32 = raw::LANDLOCK_ACCESS_FS_WRITE_FILE | raw::LANDLOCK_ACCESS_FS_TRUNCATE;
/// All that can be done in a directory but making devices.
const WRITE: u32 = WRITE_FILE
    | raw::LANDLOCK_ACCESS_FS_REMOVE_DIR
    | raw::LANDLOCK_ACCESS_FS_REMOVE_FILE
    | raw::LANDLOCK_ACCESS_FS_MAKE_DIR
    | raw::LANDLOCK_ACCESS_FS_MAKE_REG
    | raw::LANDLOCK_ACCESS_FS_MAKE_SOCK
    | raw::LANDLOCK_ACCESS_FS_MAKE_FIFO
    | raw::LANDLOCK_ACCESS_FS_MAKE_SYM
    | raw::LANDLOCK_ACCESS_FS_REFER;
/// Using a device.
const DEVICE: u32 = WRITE_FILE | raw::LANDLOCK_ACCESS_FS_IOCTL_DEV;

/// The ruleset for a job with this root on this host; `None` where the kernel has none, or one that is too old.
pub fn of(host: &Host, root: &RootFs, entries: &[Entry]) -> Option<Landlock> {
    let version = host.landlock.filter(|version| *version >= LEAST)?;
    let handled = HANDLED.iter().filter(|(from, _)| *from <= version).fold(0, |all, (_, rights)| all | rights);
    // A right that is not handled cannot be in a rule.
    let rights = |rights: u32| u64::from(rights & handled);
    let beneath = entries.iter().zip(0_u16..).filter_map(|(entry, index)| {
        let allowed = rights(beyond_reading(&entry.what)?);
        Some(Beneath { entry: index, allowed })
    });
    Some(Landlock {
        handled: u64::from(handled),
        scoped: if version >= SCOPES {
            u64::from(raw::LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | raw::LANDLOCK_SCOPE_SIGNAL)
        } else {
            0
        },
        root: rights(if matches!(root, RootFs::Tree(source) if source.writable) { READ | WRITE } else { READ }),
        beneath: beneath.collect(),
        // A file may be opened again by its name in /dev/fd, for what it was given for.
        stdio: (rights(raw::LANDLOCK_ACCESS_FS_READ_FILE), rights(DEVICE)),
    })
}

/// What may be done with an entry beyond reading it, if anything.
fn beyond_reading(what: &What) -> Option<u32> {
    match what {
        What::Tmpfs { .. } => Some(WRITE),
        // The calls for queues go by a mount of the kernel's own, which no rule for the root is above.
        What::Queues => Some(READ | WRITE),
        What::BindDirectory(source) if source.writable => Some(WRITE),
        What::BindFile(source) if source.writable => Some(WRITE_FILE),
        What::Device { .. } | What::Pts => Some(DEVICE),
        // The job's own processes have files that are written to: comm, oom_score_adj, timerslack_ns.
        What::Proc | What::WholeProc => Some(WRITE_FILE),
        What::BindDirectory(_) | What::BindFile(_) => None,
        What::Sys | What::Hidden | What::ReadOnly => None,
        What::Directory { .. } | What::Link { .. } | What::File { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::host::example;
    use init_shim::wire::{IdMapping, Source};

    const FRESH: RootFs = RootFs::Fresh { size: 0, inodes: 0 };

    fn ruleset(version: u32, root: &RootFs, entries: &[Entry]) -> Option<Landlock> {
        of(&crate::plan::host::Host { landlock: Some(version), ..example() }, root, entries)
    }

    fn entry(what: What) -> Entry {
        Entry { path: b"/x".to_vec(), what }
    }

    fn source(writable: bool) -> Source {
        Source { path: b"/x".to_vec(), writable, ids: IdMapping::Plain }
    }

    #[test]
    fn a_kernel_without_it_or_with_its_first_version_gets_none() {
        assert_eq!(of(&crate::plan::host::Host { landlock: None, ..example() }, &FRESH, &[]), None);
        assert_eq!(ruleset(1, &FRESH, &[]), None);
    }

    #[test]
    fn only_what_the_kernel_can_handle_is_asked_for() {
        let handled = |version| ruleset(version, &FRESH, &[entry(What::Pts)]).expect("a ruleset");
        assert_eq!(handled(2).handled, 0x3fff);
        assert_eq!((handled(4).handled, handled(4).scoped), (0x7fff, 0));
        assert_eq!((handled(9).handled, handled(9).scoped), (0xffff, 3));
        for version in 2..9 {
            let ruleset = handled(version);
            assert_eq!(ruleset.beneath[0].allowed & !ruleset.handled, 0, "the kernel refuses other rights");
        }
    }

    #[test]
    fn writing_is_allowed_where_the_job_may_write_and_nowhere_else() {
        let entries = [
            entry(What::BindDirectory(source(false))),
            entry(What::BindDirectory(source(true))),
            entry(What::BindFile(source(true))),
            entry(What::Tmpfs { size: 0, inodes: 0, mode: 0 }),
            entry(What::File { content: Vec::new() }),
        ];
        let ruleset = ruleset(7, &FRESH, &entries).expect("a ruleset");
        let places: Vec<u16> = ruleset.beneath.iter().map(|rule| rule.entry).collect();
        assert_eq!(places, [1, 2, 3]);
        assert_eq!(ruleset.root, u64::from(READ));
    }

    #[test]
    fn a_rule_for_a_file_has_no_right_of_a_directory() {
        let of_files = READ & !raw::LANDLOCK_ACCESS_FS_READ_DIR | DEVICE;
        assert_eq!(WRITE_FILE & !of_files, 0);
        assert_eq!(beyond_reading(&What::BindFile(source(true))).expect("rights") & !of_files, 0);
    }

    #[test]
    fn a_root_that_the_job_may_write_to_is_all_writable_but_makes_no_device() {
        let ruleset = ruleset(7, &RootFs::Tree(source(true)), &[]).expect("a ruleset");
        let devices = raw::LANDLOCK_ACCESS_FS_MAKE_CHAR | raw::LANDLOCK_ACCESS_FS_MAKE_BLOCK;
        assert_eq!(ruleset.root & u64::from(devices), 0);
        assert_ne!(ruleset.root & u64::from(raw::LANDLOCK_ACCESS_FS_MAKE_REG), 0);
        assert_ne!(ruleset.handled & u64::from(devices), 0);
    }
}
