//! A job whose program is one file of the host's, which it is shown and nothing beside it.

use super::{JobSpec, JobSpecBuilder};
use crate::spec::mounts::check_path_bytes;
use crate::spec::{Access, MountSpec, SpecError};
use std::path::{Path, PathBuf};

/// Where in the cell it is shown: a directory that no system has.
const PLACE: &str = "/program";
const FIELD: &str = "stored program";

impl JobSpec {
    /// Begins the description of a job that runs this file of the host, which it sees read-only as `/program/NAME`. It is
    /// mounted last, so no other mount covers it, and whatever walls are taken. The file must be executable for others;
    /// whoever may enter its directory does not matter. In a root of the caller's own
    /// ([`Root::Dir`](crate::spec::Root::Dir)) there must be a file `/program/NAME` to mount it on.
    ///
    /// # Errors
    /// When the path is not absolute, or names no file.
    pub fn stored_program(file: impl AsRef<Path>) -> Result<JobSpecBuilder, SpecError> {
        let file = file.as_ref();
        check_path_bytes(FIELD, file)?;
        let refuse = |problem: &str| {
            SpecError::new(FIELD, file.as_os_str().as_encoded_bytes(), problem, "write the absolute path of a file")
        };
        if !file.is_absolute() {
            return Err(refuse("it is not absolute"));
        }
        let name = file.file_name().ok_or_else(|| refuse("it has no name"))?;
        let target: PathBuf = Path::new(PLACE).join(name);
        let mut builder = Self::command(target.clone());
        builder.shown = Some(MountSpec::Bind { source: file.to_owned(), target, access: Access::ReadOnly });
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Isolation;

    #[test]
    fn a_stored_program_is_the_last_mount_whatever_walls_are_taken() {
        let tmpfs = MountSpec::Tmpfs { target: PLACE.into(), size: None };
        let walls = Isolation { mounts: vec![tmpfs], ..Isolation::default() };
        let job =
            JobSpec::stored_program("/opt/tool").expect("a file").arg("x").isolation(walls).build().expect("a spec");
        let bind =
            MountSpec::Bind { source: "/opt/tool".into(), target: "/program/tool".into(), access: Access::ReadOnly };
        assert_eq!((job.argv()[0].as_os_str(), job.isolation().mounts.last()), ("/program/tool".as_ref(), Some(&bind)));
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for bad in ["", "tool", "/", "/opt/..", "/a\0b"] {
            assert!(JobSpec::stored_program(bad).is_err(), "{bad:?}");
        }
    }
}
