//! What the command line says of the configuration: where it is, and what it puts in place of a key.

use super::{Config, ConfigError};
use std::path::PathBuf;

/// Where the configuration comes from, at the start and whenever it is read again.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The file that was named, if one was.
    pub file: Option<PathBuf>,
    /// In place of `jobs.warm`.
    pub warm: Option<usize>,
}

impl Asked {
    /// Reads it, now.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(&self) -> Result<Config, ConfigError> {
        let config = Config::load(self.file.as_deref())?;
        Ok(Config { warm: self.warm.unwrap_or(config.warm), ..config })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_the_command_line_says_stands_in_place_of_the_files_key() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let file = dir.path().join("d.toml");
        fs::write(&file, "[jobs]\nwarm = 3\nrunning = 5").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
        for (warm, kept) in [(None, 3), (Some(7), 7), (Some(0), 0)] {
            let config = Asked { file: Some(file.clone()), warm }.read().expect("good");
            assert_eq!((config.warm, config.jobs.jobs), (kept, 5));
        }
    }
}
