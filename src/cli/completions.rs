//! `ironcell completions`: what a shell needs to complete the flags, out of the definition of the flags.

use super::args::Args;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::{self, Write};

/// The arguments of `ironcell completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the completions. They are made in memory first: the generator panics when it cannot write.
///
/// # Errors
/// When they cannot be printed.
pub fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> io::Result<u8> {
    let mut text = Vec::new();
    generate(args.shell, &mut Args::command(), "ironcell", &mut text);
    out.write_all(&text).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_learns_every_verb_and_flag() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            completions(&CompletionsArgs { shell: *shell }, &mut out).expect("printed");
            let text = String::from_utf8(out).expect("text");
            for word in [
                "run",
                "doctor",
                "verify",
                "schema",
                "completions",
                "man",
                "cpu-time",
                "preserve-status",
                "memory-high",
                "tmpfs",
                "dry-run",
                "spec",
            ] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }
}
