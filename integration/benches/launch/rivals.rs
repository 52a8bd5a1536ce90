//! Whole processes: `ironcell run` beside what else is installed here to do something like it, each with the flags that come
//! nearest. What each of them does not do stands beside it.

use crate::table::{Row, Table};
use crate::timed;
use integration::support::ironcell_path;
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
        flags: "--quiet --wait --collect --pipe -p PrivateNetwork=yes -p PrivateTmp=yes -p PrivateDevices=yes \
                -p ProtectSystem=strict -p NoNewPrivileges=yes -p MemoryMax=64M -p TasksMax=32 true",
        gives: "limits, accounting, some namespaces; no PID namespace, the host's root read-only",
    },
    Rival {
        program: "nsjail",
        flags: "--quiet --mode o --chroot / --user 99999 --group 99999 -- /usr/bin/true",
        gives: "namespaces, ids; the host's root read-only, no cgroup",
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
    works(&mut BUBBLEWRAP.command()).then_some(|| BUBBLEWRAP.command())
}

/// Those that run a bundle of the Open Container Initiative, with what stands before their verb: the same bundle for each.
const BUNDLED: &[(&str, &[&str])] = &[("crun", &["--cgroup-manager=disabled"]), ("runc", &[])];
const BUNDLED_GIVES: &str = "namespaces, a root of its own, no capabilities; no filter, no ids of its own, no report";

/// The table, and what each rival gives.
pub fn measure(rounds: usize, warm_up: usize, bundle: &Path) -> (Table, Vec<String>) {
    let (mut rows, mut commands, mut gives) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |name: String, command: Command, what: Option<&str>| {
        gives.extend(what.map(|what| format!("{name} gives {what}.")));
        rows.push(Row::new(name));
        commands.push(command);
    };
    let mut own = Command::new(ironcell_path());
    own.args(["run", "--", "true"]);
    add("`ironcell run -- true`".to_owned(), own, None);
    add("`true` without walls".to_owned(), Command::new("true"), None);
    for rival @ Rival { program, flags, gives } in RIVALS {
        let mut command = rival.command();
        if works(&mut command) {
            let flags = flags.split_whitespace().collect::<Vec<_>>().join(" ");
            add(format!("`{program}`"), command, Some(&format!("with `{flags}`: {gives}")));
        }
    }
    for (program, before) in BUNDLED {
        let mut command = Command::new(program);
        let name = format!("ironcell-bench-{}", std::process::id());
        command.args(*before).args(["run", "--bundle"]).arg(bundle).arg(name);
        if works(&mut command) {
            let flags = before.join(" ");
            add(format!("`{program}`"), command, Some(&format!("with `{flags} run --bundle`: {BUNDLED_GIVES}")));
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
    (Table::of_times("whole process", rows, 0), gives)
}

/// Whether it is there and can do here what is measured.
fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
