//! Cargo, asked for programs: where they are is what its messages say, never a guess.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::{children, progress};

/// A program that cargo has built.
#[derive(Debug, PartialEq, Eq)]
pub struct Artifact {
    pub name: String,
    /// `bin`, `example`, `test` or `bench`.
    pub kind: String,
    pub file: PathBuf,
}

/// Cargo, without what `cargo run` has told us about ourselves: that is for no other package.
pub fn command() -> Command {
    let mut cargo = children::command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), Signal::TERM);
    let ours = |name: &str| {
        name.starts_with("CARGO_PKG_")
            || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME"].contains(&name)
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Builds and gives the programs. Silent where there is nothing to do; otherwise says `what` it is building.
pub fn build(words: &[&str], what: &str) -> Result<Vec<Artifact>> {
    let mut cargo = command();
    cargo.args(words).args(["--quiet", "--message-format=json-render-diagnostics"]).stdin(Stdio::null());
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let answers = child.stdout.take().context("cargo has no standard output")?;
    let mut artifacts = Vec::new();
    let mut said = false;
    for line in BufReader::new(answers).lines() {
        let line = line.context("cannot read cargo's messages")?;
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        if !said && message["fresh"] == false {
            progress!("building {what}");
            said = true;
        }
        artifacts.extend(artifact(&message));
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("cargo {} failed ({status})", words.join(" "));
    }
    Ok(artifacts)
}

/// The program that a message is about. The unit tests of a program go by the program's name and kind, so they are
/// left out by their profile.
fn artifact(message: &Value) -> Option<Artifact> {
    let target = &message["target"];
    let kind = target["kind"][0].as_str()?;
    if kind == "bin" && message["profile"]["test"] == true {
        return None;
    }
    Some(Artifact {
        name: target["name"].as_str()?.to_owned(),
        kind: kind.to_owned(),
        file: message["executable"].as_str()?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_taken_from_the_messages_and_nothing_else() {
        let lines = [
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"ironcell"},"executable":"/t/ironcell"}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"ironcell"},"executable":null}"#,
            r#"{"target":{"kind":["bin"],"name":"vm"},"profile":{"test":true},"executable":"/t/vm-0123"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let found: Vec<Artifact> =
            lines.iter().filter_map(|line| artifact(&serde_json::from_str(line).expect("JSON"))).collect();
        assert_eq!(found, [Artifact { name: "ironcell".into(), kind: "bin".into(), file: "/t/ironcell".into() }]);
    }
}
