//! A real job: shells as people use them: pipelines, archives, traps, jobs in the background and on a terminal.

use integration::inside::{scratch, text};
use integration::support::run;

fn bash(flags: &[&str], script: &str) -> integration::support::Ran {
    run(&[flags, &["--cwd", "/tmp", "--", "bash", "-c", script]].concat())
}

#[test]
fn a_pipeline_of_many_programs_gives_its_result() {
    let script =
        "set -o pipefail; seq 10000 | sed s/7/x/ | grep -v x | awk '{ s += $1 } END { print NR, s }' | tee out |
        tr ' ' '\\n' | sort -n | paste -sd+ | xargs -I{} sh -c 'echo $(({}))'; diff <(cut -d' ' -f1 out) <(echo 6561)";
    let ran = bash(&[], script);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "30793483\n", ""), "{ran:?}");
}

#[test]
fn archives_are_made_and_unpacked_with_every_compression() {
    let directory = scratch();
    let bind = format!("{}:/out", text(directory.path()));
    let script = "mkdir -p in/deep && seq 1000 > in/deep/file && ln in/deep/file in/hard && ln -s deep in/link && chmod 750 in/deep
        for kind in '' gzip xz; do
            tar -c ${kind:+--$kind} -f /out/a.tar in && mkdir out && tar -x ${kind:+--$kind} -C out -f /out/a.tar &&
            diff -r in out/in && stat -c '%a %h' out/in/deep out/in/hard && readlink out/in/link && rm -r out || exit 1
        done";
    let ran = bash(&["--rw", &bind], script);
    let each = "750 2\n644 2\ndeep\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, each.repeat(3).as_str(), ""), "{ran:?}");
}

#[test]
fn traps_and_background_jobs_work() {
    let script = "trap 'echo bye' EXIT; trap 'echo asked' USR1
        sleep 60 & jobs -r | grep -c sleep; kill %1; wait %1; echo $?
        kill -USR1 $$; (exit 3) & wait -n; echo $?
        coproc cat; echo over >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo $line
        ulimit -n 100; ulimit -n; { umask 077; umask; } ; exec 5<<<here; cat <&5; exit 9";
    let ran = bash(&[], script);
    assert_eq!((ran.code, ran.out.as_str()), (9, "1\n143\nasked\n3\nover\n100\n0077\nhere\nbye\n"), "{ran:?}");
}

#[test]
fn job_control_works_on_a_terminal_that_the_job_makes_for_itself() {
    // set -m gives each job a process group, and the terminal to the one in front: tcsetpgrp, SIGTSTP, SIGCONT.
    let inner = "set -m; sleep 60 & kill -STOP %1; sleep 0.1; jobs -s | grep -c Stopped; bg %1; jobs -r | grep -c Running; \
                 kill %1; (stty size; tty) | cat";
    let ran = run(&["--cwd", "/tmp", "--", "script", "-q", "-e", "-c", &format!("bash -c '{inner}'"), "/dev/null"]);
    let lines: Vec<&str> = ran.out.lines().map(str::trim).collect();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(lines.iter().filter(|line| **line == "1").count(), 2, "stopped, then running again: {ran:?}");
}
