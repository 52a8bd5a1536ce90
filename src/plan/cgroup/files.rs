//! `--cgroup FILE=VALUE`: any other file of the cgroup, written as given, last.

use super::draft::{Draft, refusal};
use super::{Origin, Setting};
use crate::plan::Refusal;
use crate::plan::host::Controller;
use crate::spec::{CgroupFile, Limits};

/// The file whose value the supervisor counts on when it tells why a job ended.
const FIXED: (&str, &str) = ("memory.oom.group", "1");

/// All of them, in the caller's order.
pub(super) fn settings(limits: &Limits, draft: &mut Draft<'_>) -> Result<(), Refusal> {
    for asked in &limits.cgroup_files {
        let field = format!("--cgroup {}", asked.file());
        available(draft, asked, &field)?;
        if asked.file() == FIXED.0 && asked.value().trim() != FIXED.1 {
            let problem = "out of memory ends a job as a whole, so that its end can be told";
            return Err(refusal(&field, asked.value(), problem, "leave it out"));
        }
        no_second_voice(draft, asked, &field)?;
        draft.asked(&field, asked.file(), asked.value());
    }
    Ok(())
}

/// The file's controller and the file are there.
fn available(draft: &Draft<'_>, asked: &CgroupFile, field: &str) -> Result<(), Refusal> {
    let prefix = asked.file().split('.').next().unwrap_or_default();
    match Controller::ALL.into_iter().find(|controller| controller.name() == prefix) {
        Some(controller) => draft.need(controller, asked.file(), field, asked.value()),
        None if draft.has_file(asked.file()) => Ok(()),
        None => Err(draft.no_file(asked.file(), field, asked.value())),
    }
}

/// A file says one thing: it takes the place of a default, and contradicts nothing that was asked for.
fn no_second_voice(draft: &mut Draft<'_>, asked: &CgroupFile, field: &str) -> Result<(), Refusal> {
    let key = device(asked.value());
    let same = |known: &Setting| known.file == asked.file() && device(&known.value) == key;
    if let Some(other) = draft.settings.iter().find(|known| known.origin == Origin::Asked && same(known)) {
        let problem = format!("{} was asked for before, by {}", other.file, other.field);
        return Err(refusal(field, asked.value(), problem, "ask for it once"));
    }
    draft.settings.retain(|known| !same(known));
    Ok(())
}

/// In files with a line for each disk, the disk that a line is about.
fn device(value: &str) -> Option<&str> {
    value.split_whitespace().next().filter(|first| first.contains(':'))
}
