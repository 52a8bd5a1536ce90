//! The keys of a description: each is named as its flag, with `_` for `-`.

/// What stands behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text or a number, read as the flag of this name reads it.
    Text,
    /// `true` or `false`: the flag, or not.
    Switch,
    /// A list of texts, each as the flag reads it. A later file's takes its place, but that `env_file`, like `env`, is added
    /// to.
    List,
    /// A table, or a list of texts `NAME=VALUE`. A later file adds to it, and wins where the names are the same.
    ByName,
    /// A list of `{ ro = … }`, `{ rw = … }` and `{ tmpfs = … }`, in their order. A later file's takes its place.
    Mounts,
    /// The path of a file, or the rules themselves.
    Rules,
    /// The program and its arguments.
    Argv,
    /// A line for a shell.
    Shell,
    /// Another file, or a list of them.
    Extends,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub kind: Kind,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// All of them.
pub const KEYS: [Key; 47] = [
    key("extends", Kind::Extends),
    key("argv", Kind::Argv),
    key("shell", Kind::Shell),
    key("memory", Kind::Text),
    key("memory_high", Kind::Text),
    key("swap", Kind::Text),
    key("cpus", Kind::Text),
    key("cpu_weight", Kind::Text),
    key("cpuset", Kind::Text),
    key("io_max", Kind::List),
    key("io_weight", Kind::Text),
    key("pids", Kind::Text),
    key("rlimit", Kind::ByName),
    key("cgroup", Kind::ByName),
    key("cgroup_parent", Kind::Text),
    key("time", Kind::Text),
    key("cpu_time", Kind::Text),
    key("idle", Kind::Text),
    key("grace", Kind::Text),
    key("rootfs", Kind::Text),
    key("rootfs_rw", Kind::Switch),
    key("mounts", Kind::Mounts),
    key("cwd", Kind::Text),
    key("net", Kind::Text),
    key("profile", Kind::Text),
    key("seccomp", Kind::Rules),
    key("env_from", Kind::Text),
    key("env_file", Kind::List),
    key("env", Kind::ByName),
    key("hostname", Kind::Text),
    key("user", Kind::Text),
    key("name", Kind::Text),
    key("label", Kind::ByName),
    key("output_limit", Kind::Text),
    key("terminal", Kind::Text),
    key("log_max", Kind::Text),
    key("overflow", Kind::Text),
    key("spool", Kind::Text),
    key("spool_keep", Kind::Switch),
    key("log_file", Kind::Text),
    key("log_dir", Kind::Text),
    key("on_drop", Kind::Text),
    key("restart", Kind::Text),
    key("restart_count", Kind::Text),
    key("restart_delay", Kind::Text),
    key("restart_min_uptime", Kind::Text),
    key("nice", Kind::Text),
];
