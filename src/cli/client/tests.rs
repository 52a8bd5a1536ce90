//! The lines of the verbs: what is read, and what has no meaning.

use super::ClientVerb;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    verb: ClientVerb,
}

fn read(line: &str) -> Result<ClientVerb, clap::Error> {
    Line::try_parse_from(["ironcell"].into_iter().chain(line.split(' '))).map(|line| line.verb)
}

#[test]
fn every_verb_has_a_line_that_means_something() {
    for line in [
        "start -n web --memory 64M --stdin -- cat -u",
        "start --spec job.toml --lease",
        "stop --grace 5s a b",
        "stop --kill a",
        "status a",
        "log -f --tail 5 --prefix a",
        "log --since 2min --stderr a",
        "ls -a --label tool=ci -q",
        "ls --state failed --json",
        "attach --steal --detach-keys ctrl-] a",
        "wait --timeout 5s a",
        "signal -a HUP a b",
        "pause a",
        "resume a",
        "update --memory 1G a",
        "rm --stop a",
        "purge --older-than 1d --dry-run",
        "stats a",
        "top --count 1",
        "ps a",
        "events --all",
        "whoami --host unix:///tmp/s",
        "info --context build",
        "reconcile --dry-run",
        "drain --cancel",
        "shutdown --leave-jobs",
    ] {
        read(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    assert_eq!(ClientVerb::augment_subcommands(clap::Command::new("x")).get_subcommands().count(), 22);
}

#[test]
fn a_line_without_meaning_is_refused() {
    for line in [
        "start",
        "stop",
        "stop --grace 5s --kill a",
        "log --tail 5 --offset 3 a",
        "log --stdout --stderr a",
        "attach --steal --read-only a",
        "ls -q --json",
        "status --host h:1 --context c a",
        "status --cert c.pem a",
        "start --stdin --terminal -- cat",
        "shutdown --leave-jobs --grace 5s",
    ] {
        assert!(read(line).is_err(), "{line}");
    }
}

#[test]
fn the_manual_page_and_the_completions_have_every_verb() {
    let (mut page, mut completions) = (Vec::new(), Vec::new());
    crate::cli::man::man(&mut page).expect("printed");
    let bash = crate::cli::completions::CompletionsArgs { shell: clap_complete::Shell::Bash };
    crate::cli::completions::completions(&bash, &mut completions).expect("printed");
    let (page, completions) = (String::from_utf8_lossy(&page), String::from_utf8_lossy(&completions));
    for verb in ClientVerb::augment_subcommands(clap::Command::new("x")).get_subcommands() {
        assert!(page.contains(&format!("IRONCELL {}", verb.get_name().to_uppercase())), "{}", verb.get_name());
        assert!(completions.contains(&format!("ironcell__subcmd__{}", verb.get_name())), "{}", verb.get_name());
    }
}
