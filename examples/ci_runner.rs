//! A small CI job: steps out of a file, each in a cell of its own, one after the other in the same workspace. What a step
//! writes is shown line by line, with the step's name in front. The first step that fails is the last.
//!
//! ```text
//! cargo build --example ci_runner && sudo target/*/debug/examples/ci_runner WORKSPACE STEPS
//! ```
//!
//! STEPS has a step a line, `NAME: SHELL COMMAND`; lines that begin with `#` are skipped. The workspace is `/work` in the
//! cells, writable, and all that outlives a step. Exits with 0, or the code of the step that failed, or 125.

use ironcell::life::{Cause, Exit, Outcome, Stream};
use ironcell::spec::{Access, Isolation, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, Stdio, StdioSet};
use ironcell::supervise::{Job, OutputFrom, Supervisor};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

/// What a step may use: enough for a build of some hundred files.
const MEMORY_MAX: u64 = 512 << 20;
const PIDS_MAX: u32 = 256;
/// A step that takes longer hangs.
const TIME: Duration = Duration::from_secs(600);
/// A line that is longer is shown as several: what a step writes must not fill this program's memory.
const LINE_MOST: u64 = 16 << 10;
/// The exit code of a failure of this program, as of `ironcell run`.
const OWN_FAILURE: u8 = 125;

struct Step {
    name: String,
    script: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [workspace, steps] = &arguments[..] else {
        eprintln!("usage: ci_runner WORKSPACE STEPS");
        return ExitCode::from(OWN_FAILURE);
    };
    match run(workspace, steps).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("ci_runner: {error}");
            ExitCode::from(OWN_FAILURE)
        }
    }
}

/// All steps up to the first that fails; the exit code.
async fn run(workspace: &Path, steps: &Path) -> Result<u8, Box<dyn Error>> {
    let workspace = workspace.canonicalize().map_err(|error| format!("{}: {error}", workspace.display()))?;
    let text = std::fs::read_to_string(steps).map_err(|error| format!("{}: {error}", steps.display()))?;
    let steps = parse(&text)?;
    let supervisor = Supervisor::open()?;
    let (mut table, mut code) = (Vec::new(), 0);
    for step in &steps {
        let job = supervisor.start(spec(step, &workspace)?, logged()).await?;
        let shown = tokio::join!(show(&step.name, &job, Stream::Stdout), show(&step.name, &job, Stream::Stderr));
        shown.0.and(shown.1)?;
        let outcome = job.wait().await.ok_or("the runtime has ended")?;
        code = code_of(&outcome);
        table.push(row(&step.name, &outcome));
        if code != 0 {
            break;
        }
    }
    supervisor.close();
    table.extend(steps.iter().skip(table.len()).map(|step| format!("{:<12} not run", step.name)));
    println!("{:<12} {:<14} {:>8} {:>8} {:>9}", "STEP", "RESULT", "TIME", "CPU", "MEMORY");
    table.iter().for_each(|row| println!("{row}"));
    Ok(code)
}

/// The steps of a file.
fn parse(text: &str) -> Result<Vec<Step>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let step = |(number, line): (usize, &str)| {
        let (name, script) = line.split_once(':').ok_or(format!("line {}: write NAME: COMMAND", number + 1))?;
        Ok(Step { name: name.trim().to_owned(), script: script.trim().to_owned() })
    };
    lines.map(step).collect()
}

fn spec(step: &Step, workspace: &Path) -> Result<JobSpec, Box<dyn Error>> {
    let limits = Limits {
        memory_max: Some(MemoryLimit::Bytes(MEMORY_MAX)),
        pids_max: Some(PidsLimit::Count(PIDS_MAX)),
        ..Limits::default()
    };
    let source = workspace.to_owned();
    let bind = MountSpec::Bind { source, target: "/work".into(), access: Access::ReadWrite };
    let isolation = Isolation { mounts: vec![bind], ..Isolation::default() };
    let job = JobSpec::shell(step.script.as_str()).cwd("/work").limits(limits).isolation(isolation);
    Ok(job.time(TIME).name(step.name.as_str()).build()?)
}

fn logged() -> StdioSet {
    StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() }
}

/// Shows one stream of a step as it comes, to its end.
async fn show(name: &str, job: &Job, stream: Stream) -> Result<(), std::io::Error> {
    let mut bytes = job.output(OutputFrom::Start).only(stream).into_bytes();
    loop {
        let mut line = Vec::new();
        if (&mut bytes).take(LINE_MOST).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line);
        println!("[{name}] {}", line.strip_suffix('\n').unwrap_or(&line));
    }
}

/// The shell's code for an end.
fn code_of(outcome: &Outcome) -> u8 {
    match (&outcome.cause, outcome.exit) {
        (Cause::WallTime { .. }, _) => 124,
        (_, Exit::Code { code }) => code,
        (_, Exit::Signal { signal, .. }) => 128 + signal,
        (_, Exit::NeverRan | Exit::Unknown) => OWN_FAILURE,
    }
}

/// A line of the table.
fn row(name: &str, outcome: &Outcome) -> String {
    let result = match (&outcome.cause, outcome.exit) {
        (Cause::Memory { .. }, _) => "out of memory".to_owned(),
        (Cause::WallTime { .. }, _) => "out of time".to_owned(),
        (_, Exit::Code { code: 0 }) => "ok".to_owned(),
        (_, Exit::Code { code }) => format!("exit {code}"),
        (_, Exit::Signal { signal, .. }) => format!("signal {signal}"),
        (_, Exit::NeverRan | Exit::Unknown) => "unknown".to_owned(),
    };
    let (wall, cpu) = (outcome.usage.wall.as_secs_f64(), outcome.usage.cpu().unwrap_or_default().as_secs_f64());
    let memory = outcome.usage.memory_peak.map_or("-".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    format!("{name:<12} {result:<14} {wall:>6.2} s {cpu:>6.2} s {memory:>9}")
}
