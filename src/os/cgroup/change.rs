//! Limits of a cell that runs, changed: all of them, or none.

use super::cell::CellCgroup;
use super::set::{ApplyError, Effective};
use crate::os::OsError;
use crate::plan::Setting;

impl CellCgroup {
    /// Writes these settings and reads each back; if one is refused or not held, all are put back as they were.
    ///
    /// # Errors
    /// Names the first that the kernel refused or does not have in force as written, or what could not be put back.
    pub fn change(&self, settings: &[Setting]) -> Result<Vec<Effective>, ApplyError> {
        let refused = |setting: &Setting, error| ApplyError::Refused { field: setting.field.clone(), error };
        let before = |setting: &Setting| {
            let text = self.dir.read(&setting.file).map_err(|error| refused(setting, error))?;
            Ok((setting.clone(), undone(&setting.file, &setting.value, &text.unwrap_or_default())))
        };
        let before = settings.iter().map(before).collect::<Result<Vec<_>, _>>()?;
        self.apply(settings).map_err(|cause| match self.put_back(&before) {
            Ok(()) => cause,
            Err((field, error)) => ApplyError::Torn { field, cause: Box::new(cause), error: Box::new(error) },
        })
    }

    /// Writes what was there before, the last first.
    fn put_back(&self, before: &[(Setting, Vec<String>)]) -> Result<(), (String, OsError)> {
        for (setting, values) in before.iter().rev() {
            for value in values {
                self.dir.write(&setting.file, value).map_err(|error| (setting.field.clone(), error))?;
            }
        }
        Ok(())
    }
}

/// What is to be written so that a file has the text that it had before `wrote` was written.
fn undone(file: &str, wrote: &str, text: &str) -> Vec<String> {
    if file == "io.max" {
        // A line for each disk; a disk without a line has no limit.
        let disk = wrote.split_whitespace().next().unwrap_or_default();
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(disk));
        return vec![line.map_or_else(|| format!("{disk} rbps=max wbps=max riops=max wiops=max"), str::to_owned)];
    }
    if text.trim().is_empty() {
        // An empty line takes the value away (cpuset.cpus).
        return vec!["\n".to_owned()];
    }
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_put_back_as_it_was_and_a_disk_alone() {
        assert_eq!(undone("memory.max", "1048576", "max\n"), ["max"]);
        assert_eq!(undone("cpuset.cpus", "0", "\n"), ["\n"]);
        assert_eq!(undone("io.weight", "50", "default 100\n8:0 20\n"), ["default 100", "8:0 20"]);
        let text = "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max\n";
        assert_eq!(undone("io.max", "8:16 wbps=7", text), ["8:16 rbps=2 wbps=max riops=max wiops=max"]);
        assert_eq!(undone("io.max", "8:32 wbps=7", text), ["8:32 rbps=max wbps=max riops=max wiops=max"]);
    }
}
