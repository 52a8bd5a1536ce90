//! A job that was just started begins to outlive its supervisor, or is ended again.

use super::Recorded;
use crate::os::keeper::Release;
use crate::supervise::Error;
use crate::supervise::backend::Body;
use crate::supervise::start::Begun;
use std::sync::Arc;
use std::time::Duration;

/// How long a job that nobody was told of may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Has the keeper hold it, then writes down that it runs: from then on it is a job, whoever dies.
///
/// # Errors
/// When that cannot be; it is to be [discarded](discard) then.
pub fn outlive(begun: &mut Begun, recorded: &mut Recorded) -> Result<(), Error> {
    let Body::Cell(cell, keeper) = &mut begun.body else { return Ok(()) };
    cell.outlive(keeper, &begun.ours.to_hold())?;
    let job = cell.keeper_job();
    begun.ours.closes(|role| Release { keeper: Arc::clone(keeper), job, role });
    recorded.begun(cell.effective().to_vec(), cell.above_before())
}

/// Ends a job that nobody was told of, and removes it.
pub async fn discard(body: Body) {
    if let Err(error) = body.kill() {
        tracing::error!(%error, pid = body.pid(), "a cell was not killed by its cgroup as it should be");
    }
    body.emptied(GONE_WITHIN).await;
    if let Err(error) = body.remove(GONE_WITHIN).await {
        tracing::error!(%error, "a cell that was not to be could not be removed");
    }
}
