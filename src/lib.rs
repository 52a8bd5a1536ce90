//! ironcell runs a command on Linux inside a **cell**: fresh PID, mount, network, IPC, UTS, user and cgroup namespaces, and
//! a cgroup v2 of its own with limits that are in force before the command's first instruction.
//!
//! What it promises: every end is explained ([`life::Outcome`]: how, and why); a limit is enforced or the job is refused by
//! an error that names it; nothing is left behind, whoever dies first; and a job without a single setting is already behind
//! every wall.
//!
//! ```no_run
//! use ironcell::spec::{JobSpec, Limits, MemoryLimit, StdioSet};
//! use ironcell::supervise::Supervisor;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::open()?;
//! let limits = Limits { memory_max: Some(MemoryLimit::Bytes(64 << 20)), ..Limits::default() };
//! let spec = JobSpec::command("python3").arg("-c").arg("print(6 * 7)").limits(limits).build()?;
//! let job = supervisor.start(spec, StdioSet::default()).await?;
//! let outcome = job.wait().await.ok_or("the runtime has ended")?;
//! println!("{:?} because of {:?}, peak {:?}", outcome.exit, outcome.cause, outcome.usage.memory_peak);
//! supervisor.close();
//! # Ok(()) }
//! ```
//!
//! The [`guide`] goes through it step by step, with a program for each.
//!
//! A description can be read from TOML or JSON, and written ([`spec::JobSpec::from_toml`]); [`spec::words`] reads files that
//! extend one another.
//!
//! A supervisor keeps a list of its jobs, each with an owner, who can do with his own what can be done to a job, and hears
//! what happens to them ([`supervise::Jobs`]).
//!
//! What a job writes goes to descriptors of the caller's, or into a bounded log, in memory or spooled to files,
//! that any number of readers follow ([`supervise::OutputReader`]).
//!
//! It needs root, cgroup v2 and Linux 5.14; `ironcell doctor` says what a host lacks. The supervisor executes a sealed copy
//! of the embedding program once, as its *keeper*: that copy never reaches the program's `main`.
//!
//! A program's own tests need none of that: [`supervise::Supervisor::with_backend`] runs the same jobs over plain processes or
//! a mock's scripts, neither of which protects anything.
//!
//! # Layers
//! Imports go only downwards; a test holds them to it.
//!
//! | layer | what it is |
//! |---|---|
//! | [`spec`], [`life`] | words: what is asked, what happened |
//! | `plan` | pure: from an ask and a host to every write and mount, or a refusal |
//! | `os`, and the crate `init-shim` | the hands and the door: all that is dangerous |
//! | [`supervise`] | the head: supervisor, one driver a job |
//! | `rpc` | the voice of the daemon `ironcelld`, and of those who call it |
//! | `cli` | the voice of the program `ironcell` |

#[cfg(feature = "cli")]
pub mod cli;
pub mod guide;
pub mod life;
mod os;
mod plan;
#[cfg(feature = "daemon")]
pub mod rpc;
pub mod spec;
pub mod supervise;
