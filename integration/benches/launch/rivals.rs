//! Whole processes: `ironcell run` beside what else is installed here to do something like it, each with the flags that come
//! nearest. What each of them does not do stands beside it, and which of them are not here.

use crate::table::{Row, Table};
use crate::timed;
use integration::support::ironcell_path;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that runs commands behind walls.
struct Rival {
    /// The program, and an argument by which it shows that it is there and works.
    program: &'static str,
    /// All of its flags and the command.
    flags: &'static str,
    /// What it gives, and what not, compared with a bare `ironcell run`.
    gives: &'static str,
}

/// The nearest of all: it is measured side by side, too.
const BUBBLEWRAP: Rival = Rival {
    program: "bwrap",
    flags: "--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
            --proc /proc --dev /dev --tmpfs /tmp true",
    gives: "all namespaces, a root of its own; no cgroup, no limits, no filter, no ids of its own, no report",
};

const RIVALS: &[Rival] = &[
    BUBBLEWRAP,
    Rival {
        program: "unshare",
        flags: "--pid --fork --mount --net --ipc --uts --cgroup --mount-proc true",
        gives: "namespaces; the host's whole root, writable, as root",
    },
    Rival {
        program: "firejail",
        flags: "--quiet --noprofile --net=none --private-dev --private-tmp --caps.drop=all --nonewprivs --seccomp true",
        gives: "namespaces but IPC, a filter; the host's root, no cgroup",
    },
    Rival {
        program: "systemd-run",
        flags: "--quiet --wait --collect --pipe -p PrivateNetwork=yes -p PrivateIPC=yes -p PrivateUsers=yes -p PrivateTmp=yes \
                -p PrivateDevices=yes -p ProtectSystem=strict -p ProtectHostname=yes -p CapabilityBoundingSet= \
                -p NoNewPrivileges=yes -p SystemCallFilter=@system-service -p MemoryMax=64M -p TasksMax=32 true",
        gives: "namespaces but PID, limits, accounting, a filter; the host's root, read-only",
    },
    Rival {
        program: "nsjail",
        flags: "--quiet --mode o --user 99999 --group 99999 --bindmount_ro /usr --symlink usr/bin:/bin --symlink usr/lib:/lib \
                --symlink usr/lib64:/lib64 --tmpfsmount /tmp -- /usr/bin/true",
        gives: "all namespaces, a root of its own, one id; no cgroup, no limits but rlimits, no filter, no report",
    },
    Rival {
        program: "hakoniwa",
        flags: "run --unshare-all --rootdir /:ro -- true",
        gives: "namespaces; the host's root read-only, no cgroup",
    },
];

impl Rival {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.flags.split_whitespace());
        command
    }
}

/// A run of bubblewrap, where it is there.
pub fn bubblewrap() -> Option<impl Fn() -> Command + Sync> {
    works(&mut BUBBLEWRAP.command()).is_ok().then_some(|| BUBBLEWRAP.command())
}

/// Those that run a bundle of the Open Container Initiative, with what stands before their verb: the same bundle for each.
const BUNDLED: &[(&str, &[&str])] = &[("crun", &["--cgroup-manager=disabled"]), ("runc", &[])];
const BUNDLED_GIVES: &str = "namespaces, a root of its own, no capabilities; no filter, no ids of its own, no report";

/// All that are asked for: name, command, and what is said of it.
fn all(bundle: &Path) -> Vec<(&'static str, Command, String)> {
    let single =
        RIVALS.iter().map(|rival| (rival.program, rival.command(), format!("with `{}`: {}", rival.flags, rival.gives)));
    let bundled = BUNDLED.iter().map(|(program, before)| {
        let mut command = Command::new(program);
        command
            .args(*before)
            .args(["run", "--bundle"])
            .arg(bundle)
            .arg(format!("ironcell-bench-{}", std::process::id()));
        let flags = [before, &["run", "--bundle"][..]].concat().join(" ");
        (*program, command, format!("with `{flags}`: {BUNDLED_GIVES}"))
    });
    single.chain(bundled).collect()
}

/// The table; what each rival gives, and which are left out and why.
pub fn measure(rounds: usize, warm_up: usize, bundle: &Path) -> (Table, Vec<String>) {
    let mut own = Command::new(ironcell_path());
    own.args(["run", "--", "true"]);
    let mut rows = vec![Row::new("`ironcell run -- true`"), Row::new("`true` without walls")];
    let (mut commands, mut notes) = (vec![own, Command::new("true")], Vec::new());
    for (program, mut command, what) in all(bundle) {
        match works(&mut command) {
            Ok(()) => {
                notes.push(format!("`{program}` gives {what}."));
                rows.push(Row::new(format!("`{program}`")));
                commands.push(command);
            }
            Err(why) => notes.push(format!("`{program}` is not measured: {why}.")),
        }
    }
    for round in 0..warm_up + rounds {
        for (row, command) in rows.iter_mut().zip(&mut commands) {
            let time = timed(command.stdin(Stdio::null()));
            if round >= warm_up {
                row.add(time);
            }
        }
    }
    (
        Table::of_times("whole process", rows, 0).pictured("Whole process that runs true, each behind its own walls"),
        notes,
    )
}

/// Whether it is there and can do here what is measured; why not.
fn works(command: &mut Command) -> Result<(), String> {
    let tried = command.stdin(Stdio::null()).output();
    // What it says is of no use any more.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing of why");
            Err(format!("it fails here ({}; {})", output.status, first.trim_end_matches('.')))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err("it is not installed here".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
