//! Which job a process belongs to, and whose lines are whose: rows 1.16 and 4.32 of integration/ROWS.md.

use integration::embed::{logged, with_supervisor};
use ironcell::life::Stream;
use ironcell::spec::{JobSpec, Owner, StdioSet};
use ironcell::supervise::{Error, Filter, LineItem, OutputFrom};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[test]
fn row_1_16_lines_of_jobs_that_run_at_once_are_whole_behind_their_names_and_a_block_is_whole_at_the_end() {
    with_supervisor(|supervisor| async move {
        const LINES: usize = 50;
        // Each line is written in two pieces, with the other jobs' between them.
        let script =
            format!("i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); printf 'line '; sleep 0.001; echo $i; done");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let mut shows = Vec::new();
        let mut jobs = Vec::new();
        for name in ["web:build", "web:test", "app:build"] {
            let spec = JobSpec::shell(script.clone()).name(name).build().expect("a spec");
            let job = supervisor.start(spec, logged()).await.expect("it starts");
            let (mut lines, shown) =
                (job.output(OutputFrom::Start).only(Stream::Stdout).into_lines(), Arc::clone(&shown));
            shows.push(tokio::spawn(async move {
                while let Some(item) = lines.next_line().await {
                    if let LineItem::Line(line) = item {
                        let text = String::from_utf8(line.bytes).expect("text");
                        // One write a line, by whoever shows them: they are never cut by one another.
                        shown.lock().expect("nobody panics").push(format!("[{name}] {}", text.trim_end()));
                    }
                }
            }));
            jobs.push(job);
        }
        for show in shows {
            show.await.expect("it ends");
        }
        let shown = shown.lock().expect("nobody panics").clone();
        for (name, job) in ["web:build", "web:test", "app:build"].into_iter().zip(&jobs) {
            let prefix = format!("[{name}] ");
            let own: Vec<&str> = shown.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
            let expected: Vec<String> = (1..=LINES).map(|number| format!("line {number}")).collect();
            assert_eq!(own, expected);
            // Or all at once when it has ended, from the same log.
            let block = job.output(OutputFrom::Start).snapshot().bytes();
            assert_eq!(String::from_utf8(block).expect("text"), expected.join("\n") + "\n");
        }
        let changes = shown.windows(2).filter(|pair| pair[0].split(' ').next() != pair[1].split(' ').next()).count();
        assert!(changes > 3, "they were live: {changes} changes of the job");
        supervisor
    });
}

#[test]
fn row_4_32_the_job_of_a_process_is_found_by_a_mark_that_it_cannot_lose_and_jobs_by_who_started_them() {
    with_supervisor(|supervisor| async move {
        let jobs = supervisor.jobs_of(Owner::new("alice").expect("a word"));
        let started_by = |tool: &str, script: &str| {
            let origin = format!("{tool}:{}", std::process::id());
            JobSpec::shell(script).label("originator", origin).build().expect("a spec")
        };
        // Without its environment, its session and its parent.
        let script = "env -i setsid sh -c 'sleep 1000 & exec sleep 1000' & sleep 1000";
        let hidden = jobs.start(started_by("ci", script), StdioSet::default()).await.expect("it starts");
        let other = jobs.start(started_by("editor", "sleep 1000"), StdioSet::default()).await.expect("it starts");
        let of_ci = BTreeMap::from([("originator".to_owned(), format!("ci:{}", std::process::id()))]);
        let found = jobs.list(&Filter { labels: of_ci, ..Filter::default() });
        assert_eq!(found.iter().map(|info| info.id).collect::<Vec<_>>(), [hidden.id()]);
        let processes = loop {
            let processes = hidden.processes().await.expect("it runs");
            if processes.len() >= 4 {
                break processes;
            }
            tokio::task::yield_now().await;
        };
        for process in processes {
            assert_eq!(jobs.of_process(process.host_pid).expect("it is found"), hidden.id(), "{process:?}");
        }
        assert_eq!(jobs.of_process(other.pid() as u32).expect("it is found"), other.id());
        // Not the owner's own, nobody's, and not another owner's.
        let own = std::process::id();
        let bob = supervisor.jobs_of(Owner::new("bob").expect("a word"));
        for nobodys in [jobs.of_process(own), jobs.of_process(u32::MAX), bob.of_process(other.pid() as u32)] {
            assert!(matches!(nobodys, Err(Error::NotFound { .. })), "{nobodys:?}");
        }
        supervisor
    });
}
