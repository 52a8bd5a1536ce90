//! Makes a call of the keeper or of what it builds fail, or its caller die of it: strace(1) attached to a keeper that waits for its first order.
//!
//! `ironcell run` forks its keeper before it reads its flags; an `--env-file` that is a named pipe holds the rest up until
//! strace is there. So the supervisor is not traced, and the n-th call is counted for keeper, PID 1 and target alone (each
//! by itself).

use crate::inside::{children, text};
use crate::support::{Host, RUN_WITHIN, Ran, collect, ironcell};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is to fail, or to be killed.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The call, by its name.
    pub call: &'a str,
    /// How, as strace(1) writes it: `error=EIO`, `signal=KILL`.
    pub how: &'a str,
    /// Which of a process's calls, as strace(1) writes it: `1`, `2+`.
    pub when: &'a str,
}

/// A run with a fault, to its end; its report. Fails the test when anything is left.
pub fn run_with(fault: Fault<'_>, flags: &[&str], command: &[&str]) -> (Ran, serde_json::Value) {
    run_with_all(&[fault], flags, command)
}

/// The same with several faults in different calls.
pub fn run_with_all(faults: &[Fault<'_>], flags: &[&str], command: &[&str]) -> (Ran, serde_json::Value) {
    let before = Host::now();
    let directory = tempfile::tempdir().expect("a directory");
    let (pipe, report) = (directory.path().join("env"), directory.path().join("report"));
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).expect("a pipe");
    let own = ["run", "--env-file", text(&pipe), "--report", text(&report)];
    let started = Instant::now();
    let mut ironcell = ironcell(&[&own, flags, &["--"], command].concat());
    let child = ironcell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut tracer = attach(waiting_keeper(child.id() as i32), faults);
    // Opening waits for the other side, which waits for us: from here on it runs.
    fs::write(&pipe, "A=1\n").expect("the environment is read");
    let ran = collect(child, started);
    // It ends with the last process that it traces.
    end(&mut tracer);
    let bytes = fs::read(&report).unwrap_or_else(|error| panic!("no report ({error}) of {ran:?}"));
    before.assert_nothing_left();
    let report = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("no JSON ({error}) of {ran:?}"));
    (ran, report)
}

/// Waits for the tracer, and ends one that still traces somebody: that is told, with who it is.
fn end(tracer: &mut Child) {
    let until = Instant::now() + RUN_WITHIN;
    while tracer.try_wait().expect("strace is ours").is_none() {
        if Instant::now() > until {
            let left =
                Command::new("ps").args(["-eo", "pid,ppid,stat,wchan:30,args"]).output().expect("ps runs").stdout;
            let _ = tracer.kill();
            let _ = tracer.wait();
            panic!("strace still traces somebody:\n{}", String::from_utf8_lossy(&left));
        }
        sleep(Duration::from_millis(2));
    }
}

/// The keeper of this supervisor, once it waits for an order.
fn waiting_keeper(supervisor: i32) -> i32 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let [keeper] = children(supervisor)[..]
            && waits(keeper)
        {
            return keeper;
        }
        assert!(Instant::now() < until, "no keeper waits below {supervisor}");
        sleep(Duration::from_millis(2));
    }
}

/// Whether a process is in recvmsg(2).
fn waits(pid: i32) -> bool {
    let call = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("syscall")).unwrap_or_default();
    call.split(' ').next().and_then(|number| number.parse().ok()) == Some(libc::SYS_recvmsg)
}

/// strace(1) on this process and all that it will make, once it is attached.
fn attach(pid: i32, faults: &[Fault<'_>]) -> Child {
    let calls: Vec<&str> = faults.iter().map(|fault| fault.call).collect();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-p", &pid.to_string(), "-o", "/dev/null", "-e", &format!("trace={}", calls.join(","))]);
    for Fault { call, how, when } in faults {
        strace.args(["-e", &format!("inject={call}:{how}:when={when}")]);
    }
    let mut tracer = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace starts");
    let mut line = String::new();
    let mut stderr = BufReader::new(tracer.stderr.take().expect("a pipe"));
    stderr.read_line(&mut line).expect("strace speaks");
    assert!(line.contains("attached"), "strace said: {line}");
    // What it says of each further process is read, so that it never waits for a reader.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    tracer
}
