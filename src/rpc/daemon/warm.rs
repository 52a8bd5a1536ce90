//! Cells that are built ahead for the jobs that most callers start: those that ask for no walls of their own.

use crate::spec::{JobSpec, SpecError};
use crate::supervise::Supervisor;
use std::sync::Arc;

/// From now on so many wait. Nobody waits for them: until they are there, jobs are started as ever.
pub fn keep_warm(supervisor: &Arc<Supervisor>, cells: usize) {
    if cells == 0 && supervisor.warm_cells() == 0 {
        return;
    }
    let supervisor = Arc::clone(supervisor);
    tokio::spawn(async move {
        let kept = match ordinary() {
            Ok(ordinary) => supervisor.warm(&ordinary, cells).await,
            Err(error) => Err(error.into()),
        };
        match kept {
            Ok(()) => tracing::info!(cells, "cells that are built ahead wait for jobs"),
            Err(error) => tracing::error!(cells, %error, "cells could not be built ahead: jobs are started as ever"),
        }
    });
}

/// A job with the walls of a bare start: which begins in `/`, so no directory of the daemon's is shown.
fn ordinary() -> Result<JobSpec, SpecError> {
    JobSpec::command("true").cwd("/").build()
}
