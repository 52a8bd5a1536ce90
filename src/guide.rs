//! A guide in seven steps, each a program that compiles.
//!
//! # Starting
//! A [`Supervisor`](crate::supervise::Supervisor) is opened once, in a tokio runtime of any kind that has IO and time, and by
//! root. It starts jobs; each is described by a [`JobSpec`](crate::spec::JobSpec), which is checked when it is built. `start`
//! returns when the target was executed, or says which step failed.
//!
//! ```no_run
//! use ironcell::spec::{JobSpec, StdioSet};
//! use ironcell::supervise::Supervisor;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::open()?;
//! let spec = JobSpec::command("make").args(["-C", "/work", "test"]).name("build").label("ci", "7").build()?;
//! let job = supervisor.start(spec, StdioSet::default()).await?;
//! println!("{} runs as {}", job.id(), job.pid());
//! supervisor.close();
//! # Ok(()) }
//! ```
//!
//! A handle that is dropped kills its job, unless its spec says [`OnDrop::Detach`](crate::spec::OnDrop::Detach).
//!
//! # Limits
//! Every limit that is asked for is in force, and read back, before the first instruction, or the start is refused by an error
//! that names the field. What nobody asks for is not limited, but for a few defaults that the report names.
//!
//! ```no_run
//! use ironcell::spec::{CpuMax, JobSpec, Limits, MemoryLimit, PidsLimit, StdioSet};
//! use ironcell::supervise::Supervisor;
//! use std::time::Duration;
//!
//! # async fn example(supervisor: Supervisor) -> Result<(), Box<dyn std::error::Error>> {
//! let limits = Limits {
//!     memory_max: Some(MemoryLimit::Bytes(512 << 20)),
//!     cpu_max: Some(CpuMax::Millis(1500)),
//!     pids_max: Some(PidsLimit::Count(64)),
//!     ..Limits::default()
//! };
//! let spec = JobSpec::command("./solve").limits(limits).time(Duration::from_secs(10)).build()?;
//! let job = supervisor.start(spec, StdioSet::default()).await?;
//! for limit in job.effective() {
//!     println!("{} is {}", limit.file, limit.value);
//! }
//! // More memory, while it runs; all other limits stay.
//! job.update(Limits { memory_max: Some(MemoryLimit::Bytes(1 << 30)), ..Limits::default() }).await?;
//! # Ok(()) }
//! ```
//!
//! # Output
//! With [`Stdio::Log`](crate::spec::Stdio::Log) a job writes into a bounded log. Any number of readers follow it, from any
//! offset, each at its own pace; none is ever waited for. What is given up is told as a gap, and the end comes last.
//!
//! ```no_run
//! use ironcell::spec::{JobSpec, Stdio, StdioSet};
//! use ironcell::supervise::{Item, OutputFrom, Supervisor};
//!
//! # async fn example(supervisor: Supervisor) -> Result<(), Box<dyn std::error::Error>> {
//! let stdio = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
//! let job = supervisor.start(JobSpec::shell("make 2>&1 | sort").build()?, stdio).await?;
//! let mut reader = job.output(OutputFrom::Start);
//! while let Some(item) = reader.next().await {
//!     match item {
//!         Item::Chunk(chunk) => println!("{:?} at {}: {} bytes", chunk.stream, chunk.offset, chunk.bytes.len()),
//!         Item::Gap { from, to } => println!("{from} to {to} are not kept any more"),
//!         Item::Ended(ended) => println!("{:?}, SHA-256 {:?}", ended.outcome.exit, ended.log.sha256),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Lines are [`OutputReader::into_lines`](crate::supervise::OutputReader::into_lines), and threads read by
//! [`OutputReader::into_blocking`](crate::supervise::OutputReader::into_blocking). More than memory shall keep goes to files:
//! [`Store::Spool`](crate::spec::Store::Spool).
//!
//! # Ends
//! How a job ended and why are two things: a kill for want of memory, a time that is over and a stop all look like SIGKILL.
//!
//! ```no_run
//! use ironcell::life::{Cause, Exit, MemoryOf};
//! use ironcell::supervise::Job;
//! use std::time::Duration;
//!
//! # async fn example(job: Job) -> Result<(), Box<dyn std::error::Error>> {
//! let outcome = job.wait().await.ok_or("the runtime has ended")?;
//! let verdict = match (&outcome.cause, outcome.exit) {
//!     (Cause::Itself, Exit::Code { code: 0 }) => "accepted",
//!     (Cause::Memory { of: MemoryOf::Own }, _) => "too much memory",
//!     (Cause::WallTime { .. } | Cause::CpuTime { .. } | Cause::Idle { .. }, _) => "too slow",
//!     (Cause::OutputLimit { .. }, _) => "too much output",
//!     _ => "failed",
//! };
//! println!("{verdict}: {:?} of processor time", outcome.usage.cpu_user);
//! # Ok(()) }
//! # async fn stopped(job: Job) -> Result<(), Box<dyn std::error::Error>> {
//! // SIGTERM, 5 s, then the whole cell; it returns when nothing of the job is left.
//! let stopped = job.stop_and_wait(ironcell::life::Stopper::Caller, Some(Duration::from_secs(5))).await?;
//! println!("{:?}", stopped.outcome.cause);
//! # Ok(()) }
//! ```
//!
//! A job that shall not end is started again by its [`RestartPolicy`](crate::spec::RestartPolicy): the same job, the same log,
//! and a new cell for each run.
//!
//! ```
//! use ironcell::spec::{JobSpec, OnDrop, Restart, RestartPolicy};
//! use std::time::Duration;
//!
//! let policy = RestartPolicy { when: Restart::OnFailure, delay: Duration::from_secs(2), ..RestartPolicy::default() };
//! let spec = JobSpec::command("/usr/bin/server").name("web").on_drop(OnDrop::Detach).restart(policy).build()?;
//! assert_eq!(spec.restart().count, 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In a program without a runtime
//! A runtime of one thread is enough, and can live beside whatever the program does. Its other threads hold handles, stop jobs
//! and read output without it.
//!
//! ```no_run
//! use ironcell::life::Stopper;
//! use ironcell::spec::{JobSpec, Stdio, StdioSet};
//! use ironcell::supervise::{OutputFrom, Supervisor};
//! use std::io::BufRead;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
//! let stdio = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
//! let job = runtime.block_on(async {
//!     let supervisor = Supervisor::open()?;
//!     let job = supervisor.start(JobSpec::shell("seq 1 10; sleep 60").build()?, stdio).await?;
//!     // The job keeps what it needs until its end.
//!     supervisor.close();
//!     Ok::<_, Box<dyn std::error::Error>>(job)
//! })?;
//! for line in job.output(OutputFrom::Start).into_blocking().lines().take(10) {
//!     println!("{}", line?);
//! }
//! job.stop(Stopper::Caller);
//! println!("{:?}", runtime.block_on(job.wait()).map(|outcome| outcome.exit));
//! # Ok(()) }
//! ```
//!
//! # Jobs that outlive the program
//! A supervisor that is opened in a directory writes down what becomes of its jobs, and its keeper holds their descriptors: the
//! next supervisor of that directory has them all again, with every byte of those that have a spool, however this one ended.
//!
//! ```no_run
//! use ironcell::spec::{JobSpec, Keep, OnDrop, Owner, Stdio, StdioSet, Store};
//! use ironcell::supervise::{Bounds, Filter, Supervisor};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::open_lasting("/run/my-program", Bounds::default()).await?;
//! let jobs = supervisor.jobs_of(Owner::new("alice")?);
//! let store = Store::Spool { max: 64 << 20, keep: Keep::WithJob };
//! let spec = JobSpec::command("backup").name("backup").on_drop(OnDrop::Detach).store(store).build()?;
//! let stdio = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
//! // The same word once more, from this program or the next, starts no second one.
//! jobs.start_once("backup-2026-11-22", spec, stdio).await?;
//! for info in jobs.list(&Filter::running()) {
//!     println!("{} {}", info.id, info.status);
//! }
//! supervisor.leave();
//! // … and the process ends.
//! # Ok(()) }
//! ```
//!
//! # Testing a program that embeds it
//! [`Backend::Mock`](crate::supervise::Backend::Mock) plays scripts in place of jobs, without root and without cgroups; the
//! list, the output, the times and the stops are the real ones. This one runs:
//!
//! ```
//! use ironcell::life::Cause;
//! use ironcell::spec::{JobSpec, StdioSet};
//! use ironcell::supervise::{Backend, Bounds, Mock, MockCall, Script, Supervisor};
//! use std::time::Duration;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mock = Mock::default();
//! mock.expect(Script::default().argv(["solve"]).out("42\n").pause(Duration::from_secs(3600)));
//! let supervisor = Supervisor::with_backend(Backend::Mock(mock.clone()), Bounds::default());
//! let spec = JobSpec::command("solve").time(Duration::from_millis(20)).build()?;
//! let outcome = supervisor.start(spec, StdioSet::default()).await?.wait().await.ok_or("it ends")?;
//! assert!(matches!(outcome.cause, Cause::WallTime { .. }));
//! assert!(mock.calls().iter().any(|(_, call)| *call == MockCall::Signalled { signal: 15, all: false }));
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
