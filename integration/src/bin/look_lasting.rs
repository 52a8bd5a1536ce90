//! A program that embeds ironcell and whose jobs outlive it: obeys one line after the other, and answers each with one.
//!
//! `start NAME SCRIPT`, `once REQUEST NAME SCRIPT`, `below CGROUP NAME SCRIPT`, `list`, `wait NAME`, `output NAME`,
//! `stop NAME`, `pause NAME`, `resume NAME`, `runs NAME`, `remove NAME`, `shutdown`, `leave`.

use ironcell::life::{Exit, Outcome, Over, Run};
use ironcell::spec::{JobSpec, JobSpecBuilder, OnDrop, Owner, Restart, RestartPolicy, Stdio, StdioSet, Store};
use ironcell::supervise::{Bounds, Error, Filter, Item, Job, JobInfo, Jobs, OutputFrom, Shutdown, Supervisor};
use std::io::{BufRead, Write};
use std::time::Duration;

/// Bytes of output that are kept of a job.
const SPOOL: u64 = 64 << 20;
/// The first pause of a job that is started again: long enough for a test to kill somebody in it.
const PAUSE: Duration = Duration::from_secs(2);

fn main() {
    let dir = std::env::args().nth(1).expect("a directory");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let supervisor = match Supervisor::open_lasting(&dir, Bounds { ended: 65_536, ..Bounds::default() }).await {
            Ok(supervisor) => supervisor,
            Err(error) => return say(&format!("refused {error}")),
        };
        say("open");
        let mut supervisor = Some(supervisor);
        for line in std::io::stdin().lock().lines() {
            let line = line.expect("a line of text");
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let answer = match (words.as_slice(), supervisor.take()) {
                (["shutdown"], Some(open)) => {
                    let left = open.shutdown(Shutdown::Hard, Duration::from_secs(20)).await;
                    format!("left {}", left.len())
                }
                (["leave"], Some(open)) => {
                    open.leave();
                    std::process::exit(0);
                }
                (words, Some(open)) => {
                    let jobs = open.jobs_of(Owner::default());
                    let answer = obey(&jobs, words).await.unwrap_or_else(|error| format!("error {error}"));
                    supervisor = Some(open);
                    answer
                }
                (_, None) => "closed".to_owned(),
            };
            say(&answer);
        }
    });
    // As a daemon ends: what is dropped must not be taken for the end of jobs.
    std::process::exit(0);
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("somebody reads");
}

async fn obey(jobs: &Jobs, words: &[&str]) -> Result<String, Error> {
    let find = |name: &str| jobs.find(name).and_then(|id| jobs.get(id));
    Ok(match words {
        ["start", name, script] => started(jobs.start(spec(name, script)?, stdio(name)).await?),
        ["once", request, rest] => {
            let (name, script) = rest.split_once(' ').expect("a name and a script");
            started(jobs.start_once(request, spec(name, script)?, stdio(name)).await?)
        }
        ["below", parent, rest] => {
            let (name, script) = rest.split_once(' ').expect("a name and a script");
            let job = described(name, script).cgroup_parent(*parent).build()?;
            started(jobs.start(job, stdio(name)).await?)
        }
        ["list"] => {
            let told = jobs
                .list(&Filter::default())
                .into_iter()
                .map(|info| format!("{}={}", info.name.unwrap_or_default(), info.status));
            format!("jobs {}", told.collect::<Vec<_>>().join(" "))
        }
        ["runs", name] => runs(&jobs.info(jobs.find(name)?)?),
        ["wait", name] => ended(&find(name)?.wait().await.ok_or(Error::RuntimeEnded)?),
        ["output", name] => output(&find(name)?).await,
        ["type", name, text] => {
            let stdin = find(name)?;
            stdin.stdin().expect("it has one").write_all(format!("{text}\n").as_bytes()).await.expect("it reads");
            "typed".to_owned()
        }
        ["close", name] => {
            find(name)?.stdin().expect("it has one").close();
            "closed".to_owned()
        }
        ["stop", name] => ended(&jobs.stop(jobs.find(name)?, None).await?.outcome),
        ["ask", name] => {
            find(name)?.stop(ironcell::life::Stopper::Caller);
            "asked".to_owned()
        }
        ["pause", name] => jobs.pause(jobs.find(name)?).await.map(|()| "paused".to_owned())?,
        ["resume", name] => jobs.resume(jobs.find(name)?).await.map(|()| "resumed".to_owned())?,
        ["remove", name] => jobs.remove(jobs.find(name)?).map(|info| format!("removed {}", info.id))?,
        other => format!("error no such order: {other:?}"),
    })
}

fn spec(name: &str, script: &str) -> Result<JobSpec, Error> {
    Ok(described(name, script).build()?)
}

fn described(name: &str, script: &str) -> JobSpecBuilder {
    let store = Store::Spool { max: SPOOL, keep: ironcell::spec::Keep::WithJob };
    let grace = Duration::from_secs(20);
    let job = JobSpec::command("sh").args(["-c", script]).name(name).on_drop(OnDrop::Detach).grace(grace);
    // As a name says: some have a time.
    let job = if name.starts_with("timed") { job.time(Duration::from_secs(3)) } else { job };
    let job = if name.starts_with("again") {
        let policy = RestartPolicy { when: Restart::OnFailure, count: 5, delay: PAUSE, ..RestartPolicy::default() };
        job.restart(policy)
    } else {
        job
    };
    job.store(store)
}

/// A job that is started again reads nothing.
fn stdio(name: &str) -> StdioSet {
    let stdin = if name.starts_with("again") { Stdio::Null } else { Stdio::Pipe };
    StdioSet { stdin, stdout: Stdio::Log, stderr: Stdio::Log }
}

/// The codes of its runs, and why there is no other.
fn runs(info: &JobInfo) -> String {
    let code = |run: &Run| match &run.end {
        Some((Exit::Code { code }, _)) => code.to_string(),
        Some((exit, _)) => format!("{exit:?}"),
        None => "on".to_owned(),
    };
    let codes: Vec<String> = info.runs.iter().map(code).collect();
    format!("runs {} over {}", codes.join(" "), info.over.map_or("no", Over::word))
}

fn started(job: Job) -> String {
    format!("started {} {}", job.id(), job.pid())
}

fn ended(outcome: &Outcome) -> String {
    format!("ended {:?} {:?} residue {}", outcome.exit, outcome.cause, outcome.residue.len())
}

/// How many bytes, and the last line; told of a gap.
async fn output(job: &Job) -> String {
    let (mut reader, mut bytes, mut gaps) = (job.output(OutputFrom::Start), Vec::new(), 0);
    while let Some(item) = reader.next().await {
        match item {
            Item::Chunk(chunk) => bytes.extend(chunk.bytes),
            Item::Gap { .. } => gaps += 1,
            Item::Ended(_) => {}
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let in_order = lines.iter().enumerate().all(|(index, line)| line.parse() == Ok(index + 1));
    format!("output {} bytes {gaps} gaps in_order {in_order} last {}", bytes.len(), lines.last().unwrap_or(&""))
}
