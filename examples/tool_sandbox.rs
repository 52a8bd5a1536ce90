//! A tool for an agent: JSON in, JSON out, and a command in between that nobody has looked at. It gets the strictest
//! profile, no network, no files but the system's, and a deadline; its answer is bounded and checked. What goes wrong is
//! one line.
//!
//! ```text
//! cargo build --example tool_sandbox
//! echo '{"n": 6}' | sudo target/*/debug/examples/tool_sandbox \
//!     python3 -c 'import json, sys; print(json.dumps({"n": json.load(sys.stdin)["n"] * 7}))'
//! ```
//!
//! Exits with 0 and the answer on standard output, or with 1 and the reason on standard error; 125 is a failure of its own.

use ironcell::life::{Cause, Exit, Outcome, Stream};
use ironcell::spec::{Isolation, JobSpec, Limits, MemoryLimit, PidsLimit, Profile, Stdio, StdioSet};
use ironcell::supervise::{Item, OutputFrom, Supervisor};
use std::error::Error;
use std::ffi::OsString;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

/// What the question may be, and the answer: both go into the memory of a model.
const QUESTION_MOST: u64 = 1 << 20;
const ANSWER_MOST: u64 = 64 << 10;
/// What the tool may use.
const DEADLINE: Duration = Duration::from_secs(3);
const MEMORY_MAX: u64 = 128 << 20;
const PIDS_MAX: u32 = 16;
/// What is shown of the tool's own words when it fails.
const LAST_WORDS_MOST: usize = 200;
/// The exit code of a failure of this program, as of `ironcell run`.
const OWN_FAILURE: u8 = 125;

/// What a run of the tool has brought.
struct Ran {
    outcome: Outcome,
    out: Vec<u8>,
    err: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(tool) = words.next() else {
        eprintln!("usage: tool_sandbox TOOL [ARGUMENT...] < QUESTION.json");
        return ExitCode::from(OWN_FAILURE);
    };
    match ask(tool, words.collect()).await {
        Ok(Ok(answer)) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Ok(Err(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tool_sandbox: {error}");
            ExitCode::from(OWN_FAILURE)
        }
    }
}

/// The tool's answer, or why there is none.
async fn ask(tool: OsString, arguments: Vec<OsString>) -> Result<Result<serde_json::Value, String>, Box<dyn Error>> {
    let mut question = Vec::new();
    std::io::stdin().take(QUESTION_MOST + 1).read_to_end(&mut question)?;
    if question.len() as u64 > QUESTION_MOST {
        return Ok(Err(format!("the question is longer than {QUESTION_MOST} bytes")));
    }
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&question) {
        return Ok(Err(format!("the question is no JSON: {error}")));
    }
    let ran = match run(spec(tool, arguments)?, question).await {
        // The tool could not even be executed: an answer, not a failure of ours.
        Err(ironcell::supervise::Error::Start(failure)) => return Ok(Err(failure.message)),
        ran => ran?,
    };
    if let Some(why) = failure(&ran) {
        return Ok(Err(why));
    }
    Ok(serde_json::from_slice(&ran.out).map_err(|error| format!("the tool's answer is no JSON: {error}")))
}

fn spec(tool: OsString, arguments: Vec<OsString>) -> Result<JobSpec, ironcell::spec::SpecError> {
    let limits = Limits {
        memory_max: Some(MemoryLimit::Bytes(MEMORY_MAX)),
        pids_max: Some(PidsLimit::Count(PIDS_MAX)),
        ..Limits::default()
    };
    // No network, and no file of the caller's: that is what a cell is without being asked.
    let isolation = Isolation { profile: Profile::Strict, ..Isolation::default() };
    let job = JobSpec::command(tool).args(arguments).limits(limits).isolation(isolation).cwd("/tmp");
    job.time(DEADLINE).grace(Duration::ZERO).output_limit(ANSWER_MOST).build()
}

/// Runs the tool to its end.
async fn run(spec: JobSpec, question: Vec<u8>) -> Result<Ran, ironcell::supervise::Error> {
    let supervisor = Supervisor::open()?;
    let stdio = StdioSet { stdin: Stdio::Bytes(question), stdout: Stdio::Log, stderr: Stdio::Log };
    let job = supervisor.start(spec, stdio).await?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut reader = job.output(OutputFrom::Start);
    while let Some(item) = reader.next().await {
        match item {
            Item::Chunk(chunk) if chunk.stream == Stream::Stdout => out.extend(chunk.bytes),
            Item::Chunk(chunk) => err.extend(chunk.bytes),
            // The log is larger than the answer may be.
            Item::Gap { .. } => {}
            Item::Ended(ended) => {
                supervisor.close();
                return Ok(Ran { outcome: ended.outcome, out, err });
            }
        }
    }
    Err(ironcell::supervise::Error::RuntimeEnded)
}

/// Why the tool gave no answer, in one line; `None` when it ended well.
fn failure(ran: &Ran) -> Option<String> {
    let why = match (&ran.outcome.cause, ran.outcome.exit) {
        _ if ran.outcome.success() => return None,
        (Cause::WallTime { limit, .. }, _) => format!("the tool took longer than {limit:?}"),
        (Cause::OutputLimit { limit, .. }, _) => format!("the tool's answer is longer than {limit} bytes"),
        (Cause::Memory { .. }, _) => format!("the tool needs more than {} MiB of memory", MEMORY_MAX >> 20),
        (Cause::Seccomp, _) => "the tool made a system call that it may not make".to_owned(),
        (_, Exit::Code { code }) => format!("the tool failed with code {code}"),
        (_, Exit::Signal { signal, .. }) => format!("the tool was ended by signal {signal}"),
        (_, Exit::NeverRan | Exit::Unknown) => "how the tool ended is not known".to_owned(),
    };
    let err = String::from_utf8_lossy(&ran.err);
    // Its last line says most; what a stranger wrote is shown without what a terminal would obey.
    let last = err.trim_end().lines().next_back().unwrap_or_default();
    let words: String = last.chars().filter(|c| !c.is_control()).take(LAST_WORDS_MOST).collect();
    Some(if words.is_empty() { why } else { format!("{why}: {words}") })
}
