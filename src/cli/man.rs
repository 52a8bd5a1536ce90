//! `ironcell man`: the manual page, out of the definition of the flags and the catalogue of exit codes.

use super::args::Args;
use super::exit::{CATALOGUE, CAVEAT, Entry};
use crate::spec::file::KEYS;
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::{self, Write};

/// Commands that are worth to be typed, each with its reason.
const EXAMPLES: [(&str, &str); 6] = [
    ("ironcell run --memory 64M --pids 32 -- sh -c 'id; hostname'", "A shell that sees only itself, within limits."),
    (
        "ironcell run --cpus 1.5 --time 2min --rw out -- make -j4",
        "Builds in the current directory, which is read-only but for out.",
    ),
    (
        "ironcell run --io-max /data:wbps=20M --report report.json --rw /data -- ./import",
        "Holds the disk of /data at 20 MiB a second and writes what was used.",
    ),
    ("ironcell run --spec job.toml --memory 2G", "Runs the job that a file describes, with more memory."),
    ("ironcell run --dry-run --memory 50% -- true", "Shows every write and every mount, and makes none."),
    ("ironcell verify --user 0 --rw out", "Attacks such a cell from inside, and says which promises it keeps."),
];

/// The same of the verbs that a daemon is asked by.
#[cfg(feature = "daemon")]
const OF_DAEMON: [(&str, &str); 9] = [
    (
        "ironcell start -n build --memory 2G --rw /work -- make -C /work",
        "Has the daemon of this host run a job, and prints its id.",
    ),
    ("ironcell log -f --tail 20 build", "Shows the last lines of what it wrote, and what follows, until it ends."),
    ("ironcell wait build", "Waits for its end, and returns what ironcell run would."),
    (
        "ironcell attach --detach-keys ctrl-a,d build",
        "Types into it and shows what it writes; Ctrl-A D leaves it as it is.",
    ),
    (
        "ironcell stop --grace 30s build",
        "Asks it to end, kills it after half a minute, and returns when nothing of it is left.",
    ),
    ("ironcell update --memory 4G build", "Gives it more memory while it runs."),
    ("ironcell ls --state failed --label ci=7", "Lists the jobs of that label that failed."),
    ("ironcell events --json", "Tells what happens to all jobs, as lines of JSON."),
    (
        "ironcell ps --host build.example.org:7443 --cert alice.crt --key alice.key --ca ca.crt build",
        "Lists the processes of a job of a daemon elsewhere.",
    ),
];
/// Without it there are none.
#[cfg(not(feature = "daemon"))]
const OF_DAEMON: [(&str, &str); 0] = [];

/// Prints the page.
///
/// # Errors
/// When it cannot be printed.
pub fn man(out: &mut dyn Write) -> io::Result<u8> {
    let mut command = Args::command();
    command.build();
    let page = Man::new(command.clone()).section("1");
    page.render_title(out)?;
    page.render_name_section(out)?;
    synopsis(&mut command).to_writer(out)?;
    page.render_description_section(out)?;
    for verb in command.get_subcommands() {
        let mut roff = Roff::new();
        roff.control("SH", [format!("IRONCELL {}", verb.get_name().to_uppercase()).as_str()]);
        roff.text([roman(verb.get_about().map(ToString::to_string).unwrap_or_default() + ".")]);
        roff.to_writer(out)?;
        options_below(verb, out)?;
    }
    descriptions().to_writer(out)?;
    exit_status().to_writer(out)?;
    examples().to_writer(out)?;
    Ok(0)
}

/// One line for each verb.
fn synopsis(command: &mut clap::Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for verb in command.get_subcommands_mut() {
        let usage = verb.render_usage().to_string();
        for line in usage.trim_start_matches("Usage: ").lines() {
            roff.text([roman(line.trim())]);
            roff.control("br", []);
        }
    }
    roff
}

/// The flags of a verb, under headings below the verb's own.
fn options_below(verb: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    Man::new(verb.clone()).render_options_section(&mut text)?;
    for line in text.split_inclusive(|b| *b == b'\n') {
        match line.strip_prefix(b".SH ") {
            Some(heading) => {
                out.write_all(b".SS ")?;
                out.write_all(heading)?;
            }
            None => out.write_all(line)?,
        }
    }
    Ok(())
}

/// The files of `--spec`.
fn descriptions() -> Roff {
    let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let mut roff = Roff::new();
    roff.control("SH", ["JOB DESCRIPTIONS"]);
    roff.text([roman(format!(
        "What --spec reads is TOML or JSON. A key is the name of a flag, with _ for -, and is read as the flag is; --ro, --rw \
         and --tmpfs are the items of mounts. The keys: {}. Bytes that are no text are written {{ hex = \"ff00\" }}. Relative \
         paths begin at the file that has them. Of files that extend one another the later wins, and flags win over all. \
         As root a file is read when it belongs to root (or to SUDO_UID) and nobody else may write to it. ironcell schema \
         spec describes each key.",
        keys.join(", ")
    ))]);
    roff
}

/// The catalogue.
fn exit_status() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for Entry { code, meaning } in CATALOGUE {
        roff.control("TP", ["8"]);
        roff.text([bold(code.replace('–', "-"))]);
        roff.text([roman(meaning.replace('`', ""))]);
    }
    roff.control("PP", []);
    roff.text([roman(CAVEAT.replace('`', ""))]);
    roff
}

/// The examples.
fn examples() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (line, reason) in EXAMPLES.iter().chain(&OF_DAEMON) {
        roff.control("TP", []);
        roff.text([bold(*line)]);
        roff.text([roman(*reason)]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Verb;
    use crate::cli::run::spec_of;
    use crate::spec::words::Caller;
    use clap::Parser;
    use std::path::Path;

    fn page() -> String {
        let mut out = Vec::new();
        man(&mut out).expect("printed");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_page_has_every_flag_and_every_exit_code() {
        let page = page().replace('\\', "");
        for word in [
            "--memory-high",
            "--cpu-time",
            "--events",
            "schema",
            "--io-max",
            "--tmpfs",
            "--json",
            "EXIT STATUS",
            "JOB DESCRIPTIONS",
            "extends, argv, shell",
            "EXAMPLES",
            "128+n",
        ] {
            assert!(page.contains(word), "{word}");
        }
        assert!(CATALOGUE.iter().all(|entry| page.contains(&entry.code.replace('–', "-"))));
        assert!(page.is_ascii(), "old typesetters know no other characters");
    }

    #[test]
    fn every_heading_stands_once() {
        let page = page();
        let mut headings: Vec<&str> = page.lines().filter(|line| line.starts_with(".SH ")).collect();
        let all = headings.len();
        headings.sort_unstable();
        headings.dedup();
        assert_eq!(headings.len(), all, "{headings:?}");
    }

    #[test]
    fn every_example_of_the_daemons_verbs_is_read_as_one() {
        for (line, _) in OF_DAEMON {
            Args::try_parse_from(line.split(' ')).expect(line);
            assert!(page().replace('\\', "").contains(line), "{line}");
        }
    }

    #[test]
    fn every_example_is_a_command_line_that_means_something() {
        let read = |_: &Path, _| Ok(b"argv = ['make']".to_vec());
        let caller = Caller { cwd: Path::new("/home/me"), read: &read, ..Caller::nobody() };
        for (line, _) in EXAMPLES {
            let (cell, command) = match Args::try_parse_from(line.split(' ')).expect(line).verb {
                Verb::Run(run) => (run.cell, run.command),
                Verb::Verify(verify) => (verify.cell, vec!["true".into()]),
                other => panic!("{line}: {other:?}"),
            };
            spec_of(&cell, &command, None, &caller).expect(line);
        }
    }
}
