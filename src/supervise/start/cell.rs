//! The cell of a job that is started: one that was built ahead, or a new one.

use super::Planned;
use crate::os::cell::{Cell, CellError, Looks, NewCell, Untaken, WarmCell};
use crate::os::stdio::Theirs;
use crate::supervise::house::CellHands;

/// The job in the cell that was built ahead for it, or in one that is built now. `created` is told when the cell has its
/// cgroup and limits.
pub async fn launched(
    hands: &CellHands,
    warm: Option<WarmCell>,
    planned: &Planned,
    name: (&str, u128),
    looks: Looks,
    theirs: Theirs,
    created: impl FnOnce(),
) -> Result<Cell, CellError> {
    let CellHands { keeper, devices, .. } = hands;
    let Planned { plan, base, .. } = planned;
    let theirs = match warm {
        None => theirs,
        Some(warm) => match warm.take(keeper, base, plan, looks, theirs).await {
            Ok(cell) => {
                created();
                return Ok(cell);
            }
            Err(Untaken::Failed(error)) => return Err(error),
            Err(Untaken::Gone(theirs)) => theirs,
        },
    };
    let cell = NewCell::create(base, devices, name, plan, looks)?;
    created();
    cell.launch(keeper, base, plan, theirs).await
}
