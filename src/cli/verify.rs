//! `ironcell verify`: whether a cell with these options keeps its promises, shown by attacks on a real one.

use super::run::{self, CellArgs};
use super::voice::Voice;
use super::{Head, exit};
use crate::supervise::verify::{Finding, Inside, Outside, Tried, Verdict};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, Write};

/// The arguments of `ironcell verify`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct VerifyArgs {
    /// The cell.
    #[command(flatten)]
    pub cell: CellArgs,

    /// Print one JSON object, for machines
    #[arg(long)]
    pub json: bool,
    /// Say of every attempt what came of it
    #[arg(short, long, conflicts_with = "json")]
    pub verbose: bool,
}

/// The version of the JSON's shape: it changes when a member changes its meaning.
pub const SCHEMA: u32 = 1;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Told<'a> {
    schema: u32,
    /// Whether every promise that was given is kept.
    held: bool,
    promises: &'a [Finding],
}

/// Builds cells, attacks them, and prints what became of every promise: 0 when all that were given are kept.
///
/// # Errors
/// When it cannot be printed.
pub fn verify(args: &VerifyArgs, head: impl Head, out: &mut dyn Write, err: &mut Voice) -> io::Result<u8> {
    // A name for messages: the command of these cells is ironcell itself.
    let found = run::ask(&args.cell, &[OsString::from("verify")], None)
        .and_then(|spec| head.verify(&spec).map_err(|error| error.to_string()));
    let findings = match found {
        Ok(findings) => findings,
        Err(message) => {
            err.say(&message);
            return Ok(exit::OWN_FAILURE);
        }
    };
    if args.json {
        let told = Told { schema: SCHEMA, held: held(&findings), promises: &findings };
        serde_json::to_writer_pretty(&mut *out, &told)?;
        writeln!(out)?;
    } else {
        out.write_all(table(&findings, args.verbose).as_bytes())?;
    }
    Ok(code(&findings))
}

/// Whether nothing is wrong.
fn held(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.verdict.is_good())
}

/// 125 as soon as one promise is broken, or could not be proven.
fn code(findings: &[Finding]) -> u8 {
    if held(findings) { 0 } else { exit::OWN_FAILURE }
}

/// The word for a verdict in the table.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Relaxed(_) => "relaxed",
        Verdict::NotAsked(_) => "not asked",
        Verdict::Unproven(_) => "unproven",
        Verdict::Broken(_) => "broken",
    }
}

/// A promise a line, what is to be said of it below, and the sum.
fn table(findings: &[Finding], verbose: bool) -> String {
    let width = findings.iter().map(|finding| finding.promise.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let Finding { promise, sentence, verdict, attempts } = finding;
        lines.push(format!("{:<9}  {promise:<width$}  {sentence}", word(verdict)));
        let mut below = |text: String| lines.push(format!("{:9}  {:width$}  -> {text}", "", ""));
        match verdict {
            Verdict::Held => {}
            Verdict::Relaxed(flag) => below(format!("given up by {flag}")),
            Verdict::NotAsked(why) | Verdict::Unproven(why) | Verdict::Broken(why) => below(why.clone()),
        }
        if verbose {
            attempts.iter().map(attempt).for_each(below);
        } else if *verdict == Verdict::Held && attempts.iter().all(|tried| tried.control != Outside::Succeeded) {
            below("control: not possible here".to_owned());
        }
    }
    lines.push(sum(findings));
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// One attempt in a line.
fn attempt(tried: &Tried) -> String {
    let inside = match &tried.inside {
        Inside::Allowed { detail } => format!("allowed ({detail})"),
        Inside::Refused { errno } => format!("refused ({errno})"),
        Inside::Absent { detail } => format!("nothing came of it ({detail})"),
        Inside::AsPromised => "as promised".to_owned(),
        Inside::Killed { signal } => format!("killed by {}", super::signal::name(*signal)),
        Inside::Unclear { detail } => format!("unclear ({detail})"),
    };
    match &tried.control {
        Outside::Succeeded => format!("{}: {inside}", tried.tried),
        Outside::NotPossible(why) => format!("{}: {inside}; control: not possible here ({why})", tried.tried),
    }
}

/// The last line.
fn sum(findings: &[Finding]) -> String {
    let count = |wanted: &str| findings.iter().filter(|finding| word(&finding.verdict) == wanted).count();
    let counts: Vec<String> = ["held", "relaxed", "not asked", "unproven", "broken"]
        .into_iter()
        .map(|wanted| (count(wanted), wanted))
        .filter(|(count, _)| *count > 0)
        .map(|(count, wanted)| format!("{count} {wanted}"))
        .collect();
    let verdict =
        if held(findings) { "this cell keeps what it promises" } else { "this cell does not keep all it promises" };
    format!("{verdict}: {} promises, {}", findings.len(), counts.join(", "))
}

#[cfg(test)]
mod tests;
