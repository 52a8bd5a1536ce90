//! What is done with a job's output, with the job when nobody holds it, and after its end, from its words.

use super::made::switch;
use super::{Caller, Words};
use crate::spec::{
    JobSpecBuilder, Keep, LogFile, OnDrop, Overflow, Restart, RestartPolicy, SpecError, Store, Window, units,
};

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

    /// `restart` and what belongs to it.
    pub(super) fn restart(&self, job: JobSpecBuilder) -> Result<JobSpecBuilder, SpecError> {
        let when = self.one("restart", "--restart", Restart::read)?.unwrap_or_default();
        let default = RestartPolicy::default();
        let policy = RestartPolicy {
            when,
            count: self.one("restart_count", "--restart-count", units::count)?.unwrap_or(default.count),
            delay: self.one("restart_delay", "--restart-delay", units::duration)?.unwrap_or(default.delay),
            min_uptime: self
                .one("restart_min_uptime", "--restart-min-uptime", units::duration)?
                .unwrap_or(default.min_uptime),
        };
        let parts = [("restart_count", "--restart-count"), ("restart_delay", "--restart-delay")];
        for (key, field) in parts.into_iter().chain([("restart_min_uptime", "--restart-min-uptime")]) {
            if let Some(word) = self.ones.get(key).filter(|_| when == Restart::Never) {
                let expected = "say when: --restart on-failure or always";
                let text = word.text.to_string_lossy().into_owned();
                return Err(word.place.tell(SpecError::new(field, text, "the job is never started again", expected)));
            }
        }
        Ok(job.restart(policy))
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
