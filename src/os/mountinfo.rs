//! The mounts that this process sees, proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One line of mountinfo, as far as it is used here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The mount's number, as statx(2) gives it for a file.
    pub(crate) id: u64,
    /// The directory of the file system that is mounted.
    pub(crate) root: PathBuf,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// The mount's own options, as `rw,nosuid`.
    pub(crate) options: String,
    /// The type of the file system.
    pub(crate) fstype: String,
    /// What was mounted: a device for most.
    pub(crate) source: PathBuf,
    /// The file system's options, as `rw,upperdir=/a`.
    pub(crate) super_options: String,
}

impl Mount {
    /// The value of an option of the file system.
    pub(crate) fn super_option(&self, name: &str) -> Option<&str> {
        self.super_options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether nothing can be written through it.
    pub(crate) fn read_only(&self) -> bool {
        let ro = |options: &str| options.split(',').any(|option| option == "ro");
        ro(&self.options) || ro(&self.super_options)
    }
}

/// All lines that have the documented shape; others are passed over.
pub(crate) fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: the optional fields before the
/// dash are any number.
fn line(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let id = text(words.next()?).parse().ok()?;
    let root = words.nth(2)?;
    let point = words.next()?;
    let options = words.next()?;
    words.find(|word| *word == b"-")?;
    Some(Mount {
        id,
        root: path(root),
        point: path(point),
        options: text(options),
        fstype: text(words.next()?),
        source: path(words.next()?),
        super_options: text(words.next()?),
    })
}

/// A field with the kernel's octal escapes (`\040` is a space) undone.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|digits| byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        let value = octal.map(|digits| digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                plain.push(value);
                rest = &tail[3..];
            }
            None => {
                plain.push(byte);
                rest = tail;
            }
        }
    }
    plain
}

fn path(field: &[u8]) -> PathBuf {
    OsString::from_vec(unescape(field)).into()
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(&unescape(field)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_read_with_its_escapes_and_optional_fields() {
        let text =
            b"36 35 98:0 /a\\040b /mnt rw,noatime shared:1 master:2 - overlay overlay ro,upperdir=/u,workdir=/w\nx\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 1);
        assert_eq!((mounts[0].id, mounts[0].root.as_path()), (36, "/a b".as_ref()));
        assert_eq!(mounts[0].super_option("upperdir"), Some("/u"));
        assert_eq!(mounts[0].super_option("upper"), None);
        assert!(mounts[0].read_only());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }
    }
}
