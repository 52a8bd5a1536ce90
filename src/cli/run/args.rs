//! The flags of `ironcell run`, as text; what they mean is read in `spec`, where a refusal can name the field.

use super::ends::Ends;
use super::mounts::Mounts;
use clap::{ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// The options that describe a cell: what is limited, what is shown, what surrounds the job.
#[derive(Debug, clap::Args)]
pub struct CellArgs {
    /// Take the description of the job from a file in TOML or JSON; flags win over it, and a flag that is repeatable adds
    /// to its list
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub spec: Option<PathBuf>,

    /// Memory at most, page cache and tmpfs included: 512M, 50% of the host, or max
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub memory: Option<String>,
    /// Memory past which the job is slowed down and reclaimed from, never killed
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub memory_high: Option<String>,
    /// Swap at most; 0 unless asked for
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub swap: Option<String>,
    /// Processor time: 1.5 processors, the same as 150%, or max
    #[arg(long, value_name = "COUNT", help_heading = "Limits")]
    pub cpus: Option<String>,
    /// Share of the processors when they are contended, 1 to 10000; 100 is everybody's
    #[arg(long, value_name = "WEIGHT", help_heading = "Limits")]
    pub cpu_weight: Option<String>,
    /// Processors that the job may run on: 0,2-4
    #[arg(long, value_name = "LIST", help_heading = "Limits")]
    pub cpuset: Option<String>,
    /// Rates on the disk that PATH is on: PATH:rbps=10M,wbps=10M,riops=100,wiops=100, one or more of them; repeatable
    #[arg(long, value_name = "PATH:RATES", help_heading = "Limits")]
    pub io_max: Vec<OsString>,
    /// Share of the disks when they are contended, 1 to 10000; 100 is everybody's
    #[arg(long, value_name = "WEIGHT", help_heading = "Limits")]
    pub io_weight: Option<String>,
    /// Processes and threads at once, the cell's own PID 1 included; 2 or more, or max
    #[arg(long, value_name = "COUNT", help_heading = "Limits")]
    pub pids: Option<String>,
    /// A limit of each process, setrlimit(2): nofile=1024, fsize=64M:1G, core=unlimited; repeatable
    #[arg(long, value_name = "NAME=SOFT[:HARD]", help_heading = "Limits")]
    pub rlimit: Vec<String>,
    /// Any other file of the job's cgroup, written as given and read back: memory.low=64M; repeatable
    #[arg(long, value_name = "FILE=VALUE", help_heading = "Limits")]
    pub cgroup: Vec<String>,
    /// Make the cell below this cgroup of another manager's: its path from the root of cgroup v2, as /system.slice/ci.service.
    /// Under systemd a unit with Delegate=yes
    #[arg(long, value_name = "PATH", help_heading = "Limits")]
    pub cgroup_parent: Option<PathBuf>,
    /// Stop the job after this much wall-clock time: 30s, 1.5, 2min30s, 00:10:00
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub time: Option<String>,
    /// Stop the job after this much processor time of its whole tree: 10s, 1.5, 2min
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub cpu_time: Option<String>,
    /// Stop the job when no process of it has run for this long: none used a processor, and so none wrote anything
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub idle: Option<String>,
    /// Stop the job when it has written more than this to standard output and standard error together: 64K, 100M. What it
    /// writes then goes through ironcell
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub output_limit: Option<String>,
    /// Time from the soft stop (SIGTERM) to the hard one (the whole cell is killed); 10s unless asked for
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub grace: Option<String>,

    /// How nice the job's processes are, 0 to 19; where cells have the cpu controller, among themselves: see --cpu-weight
    #[arg(long, value_name = "NICE", help_heading = "Limits")]
    pub nice: Option<String>,

    /// Of a daemon's job, when it is started again after its end: never, on-failure (any end but a 0 of its own) or always
    #[arg(long, value_name = "WHEN", help_heading = "Restarts")]
    pub restart: Option<String>,
    /// Starts in a row after short runs, 10 unless asked for; then the last end is the job's
    #[arg(long, value_name = "COUNT", help_heading = "Restarts")]
    pub restart_count: Option<String>,
    /// The first pause before a start, 1s unless asked for; each further one in a row is twice as long, up to 5min
    #[arg(long, value_name = "TIME", help_heading = "Restarts")]
    pub restart_delay: Option<String>,
    /// A run of this length begins count and pause anew; 10s unless asked for
    #[arg(long, value_name = "TIME", help_heading = "Restarts")]
    pub restart_min_uptime: Option<String>,

    /// A directory as the job's /, read-only, in place of the host's system directories
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files and network")]
    pub rootfs: Option<PathBuf>,
    /// Let the job write to its --rootfs
    #[arg(long, help_heading = "Files and network")]
    pub rootfs_rw: bool,
    /// What else is mounted, in the order given.
    #[command(flatten)]
    pub mounts: Mounts,
    /// Start in this directory of the cell; unless asked for in the current one, and a job of a daemon in /
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files and network")]
    pub cwd: Option<PathBuf>,
    /// The network: none has the loopback interface only, host is the host's
    #[arg(long, value_name = "none|host", value_enum, hide_possible_values = true, help_heading = "Files and network")]
    pub net: Option<NetArg>,

    /// How much of the kernel the job can reach: strict, default, build (compilers, debuggers, test suites) or compat
    /// (build, and the whole of /proc and /sys, masked)
    #[arg(long, value_name = "NAME", value_enum, hide_possible_values = true, help_heading = "Protection")]
    pub profile: Option<ProfileArg>,
    /// Rules for system calls in place of the profile's, as Docker and Podman read them (JSON)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Protection")]
    pub seccomp: Option<PathBuf>,

    /// What the environment begins with: default (PATH, HOME and TERM), none, or caller (all of this one, with its secrets)
    #[arg(
        long,
        value_name = "default|none|caller",
        value_enum,
        hide_possible_values = true,
        help_heading = "Surroundings"
    )]
    pub env_from: Option<EnvFromArg>,
    /// Set a variable, or copy it from here; repeatable. Nothing else of this environment is passed on
    #[arg(short = 'E', long, value_name = "NAME[=VALUE]", help_heading = "Surroundings")]
    pub env: Vec<OsString>,
    /// Set the variables of a file with lines NAME=VALUE; # begins a comment, --env wins; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Surroundings")]
    pub env_file: Vec<PathBuf>,
    /// The host name that the job sees; cell unless asked for
    #[arg(long, value_name = "NAME", help_heading = "Surroundings")]
    pub hostname: Option<String>,
    /// The job's ids inside the cell, 0 to 65533; 1000:1000 unless asked for. Outside they are nobody's
    #[arg(long, value_name = "UID[:GID]", help_heading = "Surroundings")]
    pub user: Option<String>,
    /// A name for the job, for reports
    #[arg(short, long, value_name = "NAME", help_heading = "Surroundings")]
    pub name: Option<String>,
    /// A label for the job, for reports; repeatable
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Surroundings")]
    pub label: Vec<String>,
}

/// The two forms of a line.
const USAGE: &str = "ironcell run [OPTIONS] [--] COMMAND [ARGUMENTS]...
       ironcell run [OPTIONS] --spec FILE [-- COMMAND [ARGUMENTS]...]";

/// The arguments of `ironcell run`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true, override_usage = USAGE)]
pub struct RunArgs {
    /// The cell.
    #[command(flatten)]
    pub cell: CellArgs,

    /// How its end is told.
    #[command(flatten)]
    pub ends: Ends,
    /// Write what happened to a file as JSON, - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "dry_run")]
    pub report: Option<PathBuf>,
    /// Give the job a terminal of its own, and type into it what comes from standard input; TERM is the caller's
    #[arg(short, long)]
    pub terminal: bool,
    /// Print the whole plan and touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Say nothing of how the job ended
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is enforced, and what was used
    #[arg(short, long)]
    pub verbose: bool,

    /// The command and its arguments, in place of those of --spec
    #[arg(required_unless_present = "spec", trailing_var_arg = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// The profiles by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileArg {
    /// For programs that only compute.
    Strict,
    /// For ordinary programs.
    Default,
    /// For compilers, debuggers and test suites.
    Build,
    /// For programs that look at the machine.
    Compat,
}

/// The beginnings of an environment by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EnvFromArg {
    /// PATH, HOME and TERM.
    Default,
    /// Nothing.
    None,
    /// All that the caller has.
    Caller,
}

impl EnvFromArg {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::None => "none",
            Self::Caller => "caller",
        }
    }
}

/// The networks by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NetArg {
    /// Loopback only.
    None,
    /// The host's network, as it is.
    Host,
}
