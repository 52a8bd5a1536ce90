//! What is done with a job's output, and with the job when nobody holds it, from its words.

use super::made::switch;
use super::{Caller, Words};
use crate::spec::{JobSpecBuilder, Keep, LogFile, OnDrop, Overflow, SpecError, Store, Window, units};

impl Words {
    /// The job with all that is said of it.
    pub(super) fn output(&self, mut job: JobSpecBuilder, caller: &Caller) -> Result<JobSpecBuilder, SpecError> {
        if let Some(bytes) = self.one("output_limit", "--output-limit", units::size)? {
            job = job.output_limit(bytes);
        }
        if let Some(bytes) = self.one("log_max", "log_max", units::size)? {
            job = job.log_max(bytes);
        }
        if let Some(overflow) = self.one("overflow", "overflow", Overflow::read)? {
            job = job.overflow(overflow);
        }
        if let Some(window) = self.one("terminal", "--terminal", Window::read)? {
            job = job.terminal(window);
        }
        if let Some(store) = self.store()? {
            job = job.store(store);
        }
        if let Some(file) = self.log_file(caller)? {
            job = job.log_file(file);
        }
        if let Some(on_drop) = self.one("on_drop", "on_drop", OnDrop::read)? {
            job = job.on_drop(on_drop);
        }
        Ok(job)
    }

    /// `spool` and `spool_keep`.
    fn store(&self) -> Result<Option<Store>, SpecError> {
        let always = self.one("spool_keep", "spool_keep", switch)?;
        let keep = if always == Some(true) { Keep::Always } else { Keep::WithJob };
        match (self.one("spool", "spool", units::size)?, self.ones.get("spool_keep")) {
            (Some(max), _) => Ok(Some(Store::Spool { max, keep })),
            (None, Some(word)) if always == Some(true) => {
                let error =
                    SpecError::new("spool_keep", "true", "there is no spool", "give it a size: spool = \"64M\"");
                Err(word.place.tell(error))
            }
            (None, _) => Ok(None),
        }
    }

    /// `log_file` or `log_dir`.
    fn log_file(&self, caller: &Caller) -> Result<Option<LogFile>, SpecError> {
        match (self.ones.get("log_file"), self.ones.get("log_dir")) {
            (Some(_), Some(dir)) => {
                let text = dir.text.to_string_lossy().into_owned();
                let error = SpecError::new("log_dir", text, "there is a log_file as well", "name one of the two");
                Err(dir.place.tell(error))
            }
            (Some(file), None) => Ok(Some(LogFile::At(file.path("log_file", caller.cwd)?))),
            (None, Some(dir)) => Ok(Some(LogFile::In(dir.path("log_dir", caller.cwd)?))),
            (None, None) => Ok(None),
        }
    }
}
