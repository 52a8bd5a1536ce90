//! PURE: what a cell's mount table should be, proc_pid_mountinfo(5).

use super::expect::{Expect, MountKind, PlannedMount};

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    point: Vec<u8>,
    options: Vec<String>,
    /// `shared:N`, `master:N` and the like: where mount events come from and go to.
    propagation: Vec<String>,
    kind: String,
    /// The file system's own options.
    settings: Vec<String>,
}

impl Line {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }

    /// The place, for people.
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.point).escape_debug().to_string()
    }
}

/// All lines; an error where one is not as the kernel writes it.
fn lines(table: &[u8]) -> Result<Vec<Line>, String> {
    let text = String::from_utf8_lossy(table);
    let lines: Option<Vec<Line>> = text.lines().map(line).collect();
    lines.filter(|lines| !lines.is_empty()).ok_or_else(|| "the mount table cannot be read".to_owned())
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn line(line: &str) -> Option<Line> {
    let words: Vec<&str> = line.split(' ').collect();
    let dash = words.iter().position(|word| *word == "-")?;
    let split = |words: &str| words.split(',').map(str::to_owned).collect();
    Some(Line {
        point: unescaped(words.get(4)?),
        options: split(words.get(5)?),
        propagation: words.get(6..dash)?.iter().map(|word| (*word).to_owned()).collect(),
        kind: (*words.get(dash + 1)?).to_owned(),
        settings: split(words.get(dash + 3)?),
    })
}

/// Blanks and the like stand as `\040`.
fn unescaped(text: &str) -> Vec<u8> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        match octal.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Every line, with what the plan has at its place; a place may have several, of which the last covers the others.
fn beside(table: &[u8], expect: &Expect) -> Result<Vec<(Line, Vec<PlannedMount>)>, String> {
    let planned = expect.mounts();
    let beside = |line: Line| {
        let there = planned.iter().filter(|mount| mount.path == line.point).cloned().collect();
        (line, there)
    };
    Ok(lines(table)?.into_iter().map(beside).collect())
}

/// The first line that is wrong, in words.
fn all(
    table: &[u8],
    expect: &Expect,
    wrong: impl Fn(&Line, &[PlannedMount]) -> Option<&'static str>,
) -> Result<(), String> {
    let found = beside(table, expect)?;
    let first = found.iter().find_map(|(line, there)| Some((line, wrong(line, there)?)));
    first.map_or(Ok(()), |(line, wrong)| Err(format!("{} {wrong}", line.shown())))
}

/// Whether a place is of one of these kinds by plan.
fn any(there: &[PlannedMount], kinds: &[MountKind]) -> bool {
    there.iter().any(|mount| kinds.contains(&mount.kind))
}

/// No mount but those of the plan, with their access; one root, so that the host's is not below or above it.
pub fn planned(table: &[u8], expect: &Expect) -> Result<(), String> {
    if lines(table)?.iter().filter(|line| line.point == b"/").count() != 1 {
        return Err("there is more than one root".to_owned());
    }
    all(table, expect, |line, there| match there {
        [] => Some("is mounted, and not in the plan"),
        _ if !line.has("ro") && !there.iter().any(|mount| mount.writable) => Some("is writable, and not so planned"),
        _ => None,
    })
}

/// No set-user-id rights anywhere.
pub fn without_set_id(table: &[u8], expect: &Expect) -> Result<(), String> {
    all(table, expect, |line, _| (!line.has("nosuid")).then_some("is without nosuid"))
}

/// No devices but where the plan has them.
pub fn without_devices(table: &[u8], expect: &Expect) -> Result<(), String> {
    all(table, expect, |line, there| {
        let devices = any(there, &[MountKind::Device, MountKind::Pts, MountKind::Cover]);
        (!devices && !line.has("nodev")).then_some("is without nodev")
    })
}

/// Nothing executable where there are no programs.
pub fn without_exec(table: &[u8], expect: &Expect) -> Result<(), String> {
    let kinds = [MountKind::Device, MountKind::Pts, MountKind::Proc, MountKind::Sys, MountKind::Cover];
    let found = beside(table, expect)?;
    if !found.iter().any(|(_, there)| any(there, &kinds)) {
        return Err("there is no /proc and no /dev".to_owned());
    }
    all(table, expect, |line, there| (any(there, &kinds) && !line.has("noexec")).then_some("is without noexec"))
}

/// No mount events in or out.
pub fn private(table: &[u8], expect: &Expect) -> Result<(), String> {
    all(table, expect, |line, _| (!line.propagation.is_empty()).then_some("is shared with other mounts"))
}

/// Nothing of the host's, and not the root, can be written to.
pub fn read_only(table: &[u8], expect: &Expect) -> Result<(), String> {
    all(table, expect, |line, there| {
        let own = there.iter().any(|mount| mount.writable && mount.kind != MountKind::Host);
        (!own && !line.has("ro")).then_some("is writable")
    })
}

/// `subset=pid` leaves out all that tells of the host, `hidepid=invisible` the processes of others.
pub fn own_proc(table: &[u8], expect: &Expect) -> Result<(), String> {
    let found = beside(table, expect)?;
    let mut proc =
        found.iter().filter(|(line, there)| line.kind == "proc" || any(there, &[MountKind::Proc])).peekable();
    if proc.peek().is_none() {
        return Err("there is no /proc".to_owned());
    }
    let lacks = |line: &Line, setting: &str| !line.settings.iter().any(|own| own == setting);
    match proc.find(|(line, _)| lacks(line, "subset=pid") || lacks(line, "hidepid=invisible")) {
        Some((line, _)) => Err(format!("{} shows more than the cell's processes", line.shown())),
        None => Ok(()),
    }
}
