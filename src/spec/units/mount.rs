//! What is mounted: `SRC[:DST]` and, for a tmpfs, `DST[:size=64M]`. A colon of a path is written `\:`, a backslash `\\`.

use super::size::{Size, bytes_of};
use crate::spec::mounts::{absolute, cell_path};
use crate::spec::{Access, MountSpec, SpecError};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const BIND_FORMS: &str = "write SRC or SRC:DST; DST is an absolute path in the cell; a colon in a path is written \\:";
const TMPFS_FORMS: &str = "write DST or DST:size=64M; DST is an absolute path in the cell";

/// A file or directory of the host. A relative source begins at `cwd`; without a target it is seen at its own path.
///
/// # Errors
/// When a path is missing, has no meaning, or there is more than a source and a target.
pub fn bind(field: &str, text: &OsStr, access: Access, cwd: &Path) -> Result<MountSpec, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text.as_bytes(), problem, BIND_FORMS);
    let (source, target) = match &parts(text)[..] {
        [source] => (source.clone(), None),
        [source, target] => (source.clone(), Some(target.clone())),
        _ => return Err(refuse("more than a source and a target")),
    };
    let source = absolute(field, cwd, &source)?;
    let target = match target {
        Some(target) => cell_path(field, &target)?,
        None => source.clone(),
    };
    if target == Path::new("/") {
        return Err(refuse("the cell's / is made by --rootfs"));
    }
    Ok(MountSpec::Bind { source, target, access })
}

/// A fresh tmpfs; the size also without `size=`.
///
/// # Errors
/// When the path or the size has no meaning.
pub fn tmpfs(field: &str, text: &OsStr) -> Result<MountSpec, SpecError> {
    let refuse = |problem: &str| SpecError::new(field, text.as_bytes(), problem, TMPFS_FORMS);
    let (target, size) = match &parts(text)[..] {
        [target] => (target.clone(), None),
        [target, size] => (target.clone(), Some(size.as_os_str().to_owned())),
        _ => return Err(refuse("more than a target and a size")),
    };
    let target = cell_path(field, &target)?;
    if target == Path::new("/") {
        return Err(refuse("the cell's / is a tmpfs already"));
    }
    let size = match size {
        None => None,
        Some(size) => {
            let text = size.to_str().ok_or_else(|| refuse("the size is not text"))?;
            let bytes = bytes_of(text.strip_prefix("size=").unwrap_or(text)).map_err(|problem| refuse(&problem))?;
            // The kernel reads size=0 as "no limit".
            Some(bytes).filter(|bytes| *bytes > 0).ok_or_else(|| refuse("nothing fits into 0 bytes")).map(Some)?
        }
    };
    Ok(MountSpec::Tmpfs { target, size })
}

/// The text cut at its colons, with `\:` and `\\` taken for what they stand for.
fn parts(text: &OsStr) -> Vec<PathBuf> {
    let mut parts = vec![Vec::new()];
    let mut bytes = text.as_bytes().iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'\\').then(|| bytes.next_if(|next| *next == b':' || *next == b'\\')).flatten();
        match (escaped, parts.last_mut()) {
            (None, _) if byte == b':' => parts.push(Vec::new()),
            (escaped, Some(last)) => last.push(escaped.unwrap_or(byte)),
            (_, None) => {}
        }
    }
    parts.into_iter().map(|part| PathBuf::from(OsString::from_vec(part))).collect()
}

/// A path with its colons and backslashes escaped; bytes that are no text are shown as U+FFFD.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:")
}

impl fmt::Display for MountSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { source, target, .. } if source == target => write!(f, "{}", escaped(source)),
            Self::Bind { source, target, .. } => write!(f, "{}:{}", escaped(source), escaped(target)),
            Self::Tmpfs { target, size: None } => write!(f, "{}", escaped(target)),
            Self::Tmpfs { target, size: Some(size) } => write!(f, "{}:size={}", escaped(target), Size(*size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<MountSpec, SpecError> {
        bind("--ro", OsStr::new(text), Access::ReadOnly, Path::new("/home/me"))
    }

    fn bound(source: &str, target: &str) -> Result<MountSpec, SpecError> {
        Ok(MountSpec::Bind { source: source.into(), target: target.into(), access: Access::ReadOnly })
    }

    #[test]
    fn a_source_without_a_target_is_seen_at_its_own_path() {
        assert_eq!(read("/opt"), bound("/opt", "/opt"));
        assert_eq!(read("src"), bound("/home/me/src", "/home/me/src"));
        assert_eq!(read("."), bound("/home/me", "/home/me"));
        assert_eq!(read("../you/./x/"), bound("/home/you/x", "/home/you/x"));
        assert_eq!(read("src:/src"), bound("/home/me/src", "/src"));
        assert_eq!(read("/a\\:b:/c"), bound("/a:b", "/c"));
        assert_eq!(read("/:/host"), bound("/", "/host"));
        assert_eq!(read("/a\\\\:/c"), bound("/a\\", "/c"));
    }

    #[test]
    fn a_bind_without_meaning_is_refused() {
        for bad in ["", ":/x", "/a:b", "/a:", "/a:/b:ro", "/a:/../b", "/a:/", "/", "a\0b", "/a:/b\0"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_tmpfs_has_a_place_and_maybe_a_size() {
        let read = |text: &str| tmpfs("--tmpfs", OsStr::new(text));
        assert_eq!(read("/scratch"), Ok(MountSpec::Tmpfs { target: "/scratch".into(), size: None }));
        let sized = Ok(MountSpec::Tmpfs { target: "/scratch".into(), size: Some(64 << 20) });
        assert_eq!(read("/scratch:size=64M"), sized);
        assert_eq!(read("/scratch/:64M"), sized);
        for bad in ["", "scratch", "/scratch:", "/scratch:12Q", "/scratch:0", "/scratch:64M:x", "/"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(source in "/[a-z:\\\\]{1,9}", target in "/[a-z:\\\\]{1,9}", size in 1u64..) {
            let spec = bound(&source, &target);
            prop_assert_eq!(read(&spec.clone()?.to_string()), spec);
            let spec = MountSpec::Tmpfs { target: target.into(), size: Some(size) };
            prop_assert_eq!(tmpfs("x", OsStr::new(&spec.to_string())), Ok(spec));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let text = OsStr::from_bytes(&bytes);
            let _ = (bind("x", text, Access::ReadOnly, Path::new("/")), tmpfs("x", text));
        }
    }
}
