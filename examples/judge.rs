//! An online judge for programs in C: compiles a solution in a cell, then runs it on each test in a cell of its own, with
//! limits of time, processor time, memory, processes and output, and gives a verdict of each.
//!
//! ```text
//! cargo build --example judge && sudo target/*/debug/examples/judge SOLUTION.c TESTS
//! ```
//!
//! TESTS is a directory with `NAME.in` and `NAME.out`. A solution sees its own program and the system's directories, not the
//! tests. Exits with 0 when all are accepted, 1 when not, 125 when the judge itself failed.

use ironcell::life::{Cause, Outcome, Stream};
use ironcell::spec::{Access, Isolation, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, Profile, Stdio, StdioSet};
use ironcell::supervise::{Item, OutputFrom, Supervisor};
use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What a solution may use for one test.
const CPU_TIME: Duration = Duration::from_secs(1);
/// One that sleeps uses no processor, and must end, too.
const TIME: Duration = Duration::from_secs(5);
const MEMORY_MAX: u64 = 64 << 20;
const OUTPUT_MOST: u64 = 64 << 10;
const PIDS_MAX: u32 = 2; // PID 1 of the cell, and the solution
/// Memory, processes and time that a compiler may use: it is code of a stranger's that it reads.
const COMPILER: (u64, u32, Duration) = (512 << 20, 32, Duration::from_secs(60));
/// The exit code of a failure of this program, as of `ironcell run`.
const OWN_FAILURE: u8 = 125;

type Answer<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [solution, tests] = &arguments[..] else {
        eprintln!("usage: judge SOLUTION.c TESTS");
        return ExitCode::from(OWN_FAILURE);
    };
    match judge(solution, tests).await {
        Ok(all_accepted) => ExitCode::from(u8::from(!all_accepted)),
        Err(error) => {
            eprintln!("judge: {error}");
            ExitCode::from(OWN_FAILURE)
        }
    }
}

/// Whether the solution is accepted in every test.
async fn judge(solution: &Path, tests: &Path) -> Answer<bool> {
    let source = read(solution)?;
    let tests = inputs(tests)?;
    let supervisor = Supervisor::open()?;
    let built = tempfile::tempdir()?;
    // Whoever runs in the cell is nobody on the host, and must be able to read what was compiled.
    fs::set_permissions(built.path(), Permissions::from_mode(0o755))?;
    let (outcome, _, said) = run(&supervisor, compiler(built.path())?, source).await?;
    if !outcome.success() {
        println!("CE\n{}", String::from_utf8_lossy(&said).trim_end());
        return Ok(false);
    }
    let mut all = true;
    for input in &tests {
        let (outcome, wrote, _) = run(&supervisor, program(built.path())?, read(input)?).await?;
        let verdict = verdict(&outcome, &wrote, &read(&input.with_extension("out"))?);
        all &= verdict == "AC";
        let name = input.file_stem().unwrap_or_default().to_string_lossy();
        let cpu = outcome.usage.cpu().unwrap_or_default().as_millis();
        let memory = outcome.usage.memory_peak.unwrap_or_default() >> 10;
        println!("{verdict:<3} {name:<12} {cpu:>6} ms {memory:>8} KiB");
    }
    supervisor.close();
    Ok(all)
}

fn read(path: &Path) -> Answer<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The inputs of all tests, by name.
fn inputs(tests: &Path) -> Answer<Vec<PathBuf>> {
    let entries = fs::read_dir(tests).map_err(|error| format!("{}: {error}", tests.display()))?;
    let mut found = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    found.retain(|path| path.extension().is_some_and(|extension| extension == "in"));
    found.sort();
    if found.is_empty() { Err(format!("{}: no NAME.in is there", tests.display()).into()) } else { Ok(found) }
}

/// gcc, which reads the source from its input and sees nothing else of the caller's.
fn compiler(built: &Path) -> Answer<JobSpec> {
    let arguments = ["-O2", "-std=c17", "-x", "c", "-o", "/built/program", "-", "-lm"];
    let job = JobSpec::command("gcc").args(arguments).limits(limits(COMPILER.0, COMPILER.1));
    let job = job.isolation(isolation(built, Access::ReadWrite, Profile::Default)).cwd("/built");
    Ok(job.time(COMPILER.2).output_limit(OUTPUT_MOST).build()?)
}

/// The solution, on one test.
fn program(built: &Path) -> Answer<JobSpec> {
    let isolation = isolation(built, Access::ReadOnly, Profile::Strict);
    let job =
        JobSpec::command("/built/program").limits(limits(MEMORY_MAX, PIDS_MAX)).isolation(isolation).cwd("/built");
    let job = job.cpu_time(CPU_TIME).time(TIME).output_limit(OUTPUT_MOST).grace(Duration::ZERO);
    Ok(job.build()?)
}

fn limits(memory: u64, pids: u32) -> Limits {
    let (memory_max, pids_max) = (Some(MemoryLimit::Bytes(memory)), Some(PidsLimit::Count(pids)));
    Limits { memory_max, pids_max, ..Limits::default() }
}

fn isolation(built: &Path, access: Access, profile: Profile) -> Isolation {
    let bind = MountSpec::Bind { source: built.to_owned(), target: "/built".into(), access };
    Isolation { mounts: vec![bind], profile, ..Isolation::default() }
}

/// Runs a job to its end; how it ended, and what it wrote to the two streams, which its output limit bounds.
async fn run(supervisor: &Supervisor, spec: JobSpec, input: Vec<u8>) -> Answer<(Outcome, Vec<u8>, Vec<u8>)> {
    let stdio = StdioSet { stdin: Stdio::Bytes(input), stdout: Stdio::Log, stderr: Stdio::Log };
    // Held to its end: a job that nobody holds is killed.
    let job = supervisor.start(spec, stdio).await?;
    let mut reader = job.output(OutputFrom::Start);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match reader.next().await.ok_or("the runtime has ended")? {
            Item::Chunk(chunk) if chunk.stream == Stream::Stdout => out.extend(chunk.bytes),
            Item::Chunk(chunk) => err.extend(chunk.bytes),
            Item::Gap { .. } => return Err("a log is larger than what may be written".into()),
            Item::Ended(ended) => return Ok((ended.outcome, out, err)),
        }
    }
}

/// The word for it. Blanks at the ends of lines do not matter.
fn verdict(outcome: &Outcome, wrote: &[u8], expected: &[u8]) -> &'static str {
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    match outcome.cause {
        Cause::CpuTime { .. } | Cause::WallTime { .. } => "TLE",
        Cause::Memory { .. } => "MLE",
        Cause::OutputLimit { .. } => "OLE",
        _ if !outcome.success() => "RE",
        _ if lines(wrote) == lines(expected) => "AC",
        _ => "WA",
    }
}
