//! `io.max` and `io.weight`: one line for each whole disk.

use super::draft::{Draft, refusal};
use crate::plan::Refusal;
use crate::plan::host::{Controller, Disk};
use crate::spec::{IoMax, Limits};

const FIELD: &str = "--io-max";

/// The four keys of a line, in the kernel's order.
pub(super) const KEYS: [&str; 4] = ["rbps", "wbps", "riops", "wiops"];

/// One disk's line in the making.
struct Line {
    major: u32,
    minor: u32,
    rates: [Option<u64>; 4],
}

/// All io settings.
pub(super) fn settings(limits: &Limits, draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, asked) in limits.io_max.iter().enumerate() {
        draft.need(Controller::Io, "io.max", FIELD, &asked.to_string())?;
        let disk = disk(draft, index, asked)?;
        merge(&mut lines, asked, disk)?;
    }
    for line in lines {
        draft.asked(FIELD, "io.max", text(&line));
    }
    if let Some(weight) = limits.io_weight {
        const FIELD: &str = "--io-weight";
        draft.need(Controller::Io, "io.weight", FIELD, &weight.to_string())?;
        if draft.host.io_weight_heard == Some(false) {
            // The kernel takes the number and nothing reads it: that is no limit.
            let problem = "no disk of this host shares by weight: io.cost.qos has no line with enable=1";
            let remedy = "write `MAJ:MIN enable=1` to io.cost.qos of the root cgroup, use --io-max, or leave it out";
            return Err(refusal(FIELD, &weight.to_string(), problem, remedy));
        }
        draft.weight(FIELD, "io.weight", weight)?;
    }
    Ok(())
}

/// The whole disk that the host's facts have for this line.
fn disk<'h>(draft: &Draft<'h>, index: usize, asked: &IoMax) -> Result<&'h Disk, Refusal> {
    let remedy = "name a whole disk or a file on one, or leave --io-max out";
    match draft.host.disks.get(index) {
        Some(Ok(disk)) => Ok(disk),
        Some(Err(why)) => Err(refusal(FIELD, &asked.to_string(), why.clone(), remedy)),
        None => Err(refusal(FIELD, &asked.to_string(), "nobody looked for its disk", remedy)),
    }
}

/// Adds an ask to its disk's line: two paths may be on one disk, and the file has one line for each disk.
fn merge(lines: &mut Vec<Line>, asked: &IoMax, disk: &Disk) -> Result<(), Refusal> {
    let rates = [asked.rbps, asked.wbps, asked.riops, asked.wiops];
    if rates.contains(&Some(0)) {
        return Err(refusal(
            FIELD,
            &asked.to_string(),
            "the kernel has no rate of 0",
            "ask for at least 1, or for max",
        ));
    }
    let found = lines.iter_mut().find(|line| (line.major, line.minor) == (disk.major, disk.minor));
    let Some(line) = found else {
        lines.push(Line { major: disk.major, minor: disk.minor, rates });
        return Ok(());
    };
    for ((old, new), key) in line.rates.iter_mut().zip(rates).zip(KEYS) {
        match (*old, new) {
            (Some(old), Some(new)) if old != new => {
                let problem = format!("{key} of this disk was asked for twice and differently ({})", disk.how);
                return Err(refusal(FIELD, &asked.to_string(), problem, "name each disk once"));
            }
            (None, new) => *old = new,
            _ => {}
        }
    }
    Ok(())
}

/// `MAJ:MIN rbps=.. wbps=..`.
fn text(line: &Line) -> String {
    format!("{}:{}{}", line.major, line.minor, words_of(line.rates))
}

/// The rates that are there, each with a space before it.
fn words_of(rates: [Option<u64>; 4]) -> String {
    let word = |(rate, key): (Option<u64>, &str)| match rate? {
        u64::MAX => Some(format!(" {key}=max")),
        rate => Some(format!(" {key}={rate}")),
    };
    rates.into_iter().zip(KEYS).filter_map(word).collect()
}
