//! The memory limits: what keeps pages from leaking away first, then the limits themselves.

use super::draft::{Draft, refusal};
use super::{DEFAULT_MEMORY_SHARE, LEAST_MEMORY_MAX};
use crate::plan::Refusal;
use crate::plan::host::{Controller, Host};
use crate::spec::{Limits, MemoryLimit};

/// Hundredths of a percent in the whole.
const WHOLE: u128 = 10_000;

/// All memory settings in the order in which they are written.
pub(super) fn settings(limits: &Limits, draft: &mut Draft<'_>) -> Result<(), Refusal> {
    for (field, file, asked) in [
        ("--swap", "memory.swap.max", limits.memory_swap_max),
        ("--memory-high", "memory.high", limits.memory_high),
        ("--memory", "memory.max", limits.memory_max),
    ] {
        if let Some(asked) = asked {
            draft.need(Controller::Memory, file, field, &asked.to_string())?;
        }
    }
    if !draft.has(Controller::Memory) {
        return Ok(());
    }
    swap(limits, draft)?;
    // One process killed and the rest half alive is no end that can be told: out of memory ends the job as a whole.
    if draft.has_file("memory.oom.group") {
        draft.house("memory.oom.group", "1");
    }
    high_and_max(limits, draft)
}

/// `memory.swap.max` and `memory.zswap.max`: without them a memory limit leaks into swap.
fn swap(limits: &Limits, draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if let Some(asked) = limits.memory_swap_max {
        let value = value(asked, draft.host);
        draft.asked("--swap", "memory.swap.max", value);
    } else if draft.has_file("memory.swap.max") {
        draft.house("memory.swap.max", "0");
    } else if let Some(asked) = limits.memory_max.filter(|_| draft.host.swap_total > 0) {
        // Without swap accounting the limit would only move pages to the host's swap.
        let problem = "this host has swap and does not count it, so the limit would leak into swap";
        let remedy = "boot without swapaccount=0, turn swap off, or leave --memory out; `ironcell doctor` says more";
        return Err(refusal("--memory", &asked.to_string(), problem, remedy));
    }
    if !draft.host.hierarchy.files.is_empty() && draft.has_file("memory.zswap.max") {
        draft.house("memory.zswap.max", "0");
    }
    Ok(())
}

/// `memory.high` and `memory.max`, which must not contradict each other.
fn high_and_max(limits: &Limits, draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let host = draft.host;
    let max = limits.memory_max.unwrap_or(MemoryLimit::HostShare(DEFAULT_MEMORY_SHARE));
    for (field, asked) in [("--memory", limits.memory_max), ("--memory-high", limits.memory_high)] {
        if let Some(asked) = asked.filter(|asked| bytes(*asked, host).is_some_and(|bytes| bytes < LEAST_MEMORY_MAX)) {
            let remedy =
                format!("ask for at least {LEAST_MEMORY_MAX} bytes; ordinary programs need some megabytes more");
            return Err(refusal(field, &asked.to_string(), "a cell cannot start in less than 1 MiB", remedy));
        }
    }
    if let Some(high) = limits.memory_high {
        let (high_bytes, max_bytes) = (bytes(high, host), bytes(max, host));
        if let (Some(high_bytes), Some(max_bytes)) = (high_bytes, max_bytes)
            && high_bytes > max_bytes
        {
            let problem = match limits.memory_max {
                Some(_) => format!("it is past --memory, {max_bytes} bytes, so it would never be reached"),
                None => format!("it is past the default of --memory here, {max_bytes} bytes"),
            };
            let remedy = "ask for less, or for a larger --memory";
            return Err(refusal("--memory-high", &high.to_string(), problem, remedy));
        }
        draft.asked("--memory-high", "memory.high", value(high, host));
    }
    match limits.memory_max {
        Some(_) => draft.asked("--memory", "memory.max", value(max, host)),
        None => draft.by_default("--memory", "memory.max", value(max, host)),
    }
    Ok(())
}

/// What is written for a limit.
fn value(limit: MemoryLimit, host: &Host) -> String {
    bytes(limit, host).map_or_else(|| "max".to_owned(), |bytes| bytes.to_string())
}

/// A limit in bytes, in whole pages as the kernel counts them; `None` for no limit.
fn bytes(limit: MemoryLimit, host: &Host) -> Option<u64> {
    let bytes = match limit {
        MemoryLimit::Bytes(bytes) => bytes,
        MemoryLimit::HostShare(share) => {
            let bytes = u128::from(host.memory_total) * u128::from(share) / WHOLE;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        }
        MemoryLimit::Max => return None,
    };
    Some(bytes - bytes % host.page_size.max(1))
}
