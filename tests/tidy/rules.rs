//! The rules, as data where they can be data.

use crate::Breach;
use crate::paths::{Named, paths};
use crate::source::{Source, block_end, is_word};

/// The layers from the bottom: a file names its own rank and those below. The root and `bin` are above them all.
const LAYERS: [(&str, usize); 7] =
    [("spec", 0), ("life", 0), ("plan", 1), ("os", 2), ("supervise", 3), ("rpc", 4), ("cli", 5)];

/// What a layer never names, though it is below: the voices speak to the head alone.
const NEVER: [(&str, &str); 4] = [("cli", "os"), ("cli", "plan"), ("rpc", "os"), ("rpc", "plan")];

/// Where each dependency lives: beginnings of names of files. One that is not here may be named anywhere.
const HOMES: [(&str, &[&str]); 36] = [
    ("cgroups_rs", &["src/os/cgroup/set.rs"]),
    ("zbus", &["src/os/cgroup/systemd.rs"]),
    ("caps", &["init-shim/src/creds.rs"]),
    ("libc", &["src/os/", "init-shim/src/sys"]),
    // Constants and layouts: no call can be made with them.
    ("linux_raw_sys", &["src/os/", "src/plan/", "init-shim/src/"]),
    ("rustix", &["src/os/", "init-shim/src/"]),
    ("nix", &["src/os/", "init-shim/src/"]),
    ("postcard", &["init-shim/src/"]),
    ("clap", &["src/cli/", "src/bin/"]),
    ("clap_complete", &["src/cli/", "src/bin/"]),
    ("clap_mangen", &["src/cli/", "src/bin/"]),
    ("uuid", &["src/spec/id.rs"]),
    ("sha2", &["src/life/digest.rs"]),
    ("zeroize", &["src/os/sudo.rs"]),
    ("syscalls", &["src/plan/filter/calls.rs"]),
    ("tokio", &["src/supervise/", "src/os/", "src/rpc/", "src/cli/", "src/bin/"]),
    ("tonic", &["src/rpc/"]),
    ("tonic_types", &["src/rpc/"]),
    ("tonic_health", &["src/rpc/"]),
    ("tonic_reflection", &["src/rpc/"]),
    ("prost", &["src/rpc/"]),
    ("prost_types", &["src/rpc/"]),
    ("hyper", &["src/rpc/serve.rs", "src/rpc/metrics/http.rs"]),
    ("hyper_util", &["src/rpc/"]),
    ("http_body", &["src/rpc/gate/"]),
    ("tower", &["src/rpc/"]),
    ("rustls", &["src/rpc/"]),
    ("tokio_rustls", &["src/rpc/"]),
    ("x509_cert", &["src/rpc/"]),
    ("rcgen", &["src/rpc/pki"]),
    ("sd_notify", &["src/rpc/daemon", "src/bin/"]),
    ("tracing_subscriber", &["src/rpc/daemon", "src/bin/"]),
    ("futures_core", &["src/supervise/output/"]),
    ("serde_json", &["src/cli/", "src/rpc/", "src/spec/", "src/supervise/"]),
    ("toml", &["src/spec/file/", "src/rpc/"]),
    ("proptest", &[]),
];

/// What a layer knows nothing of: a path that begins so, and why.
const UNKNOWN: [(&str, &[&str], &str); 4] = [
    ("src/life/", &["std", "time", "Instant"], "life knows no clock: time arrives as an event"),
    ("src/life/", &["std", "time", "SystemTime"], "life knows no clock: time arrives as an event"),
    ("src/plan/", &["std", "fs"], "a plan reads no file: a plan for another machine can be drawn here"),
    ("src/plan/", &["std", "net"], "a plan makes no call"),
];

/// Where `unsafe` may stand.
const UNSAFE_HOMES: [&str; 2] = ["src/os/", "init-shim/src/sys"];
/// Macros that mean that something is not finished.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];
/// Lines of a file and of a function at most, tests not counted.
const FILE_MOST_LINES: usize = 300;
const FUNCTION_MOST_LINES: usize = 50;

/// All that is wrong with a file.
pub fn breaches(source: &Source) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut tell = |line: usize, rule: &'static str, text: String| {
        found.push(Breach { file: source.name.clone(), line, rule, text });
    };
    if !source.empty && !source.first_line.starts_with("//!") {
        tell(1, "header", "the first line does not say what the file is for; begin with //!".to_owned());
    }
    sizes(source, &mut tell);
    if source.name.starts_with("src/") || source.name.starts_with("init-shim/src/") {
        let code = source.without_tests();
        for path in paths(&code) {
            names(source, &path, Source::line_of(&code, path.at), &mut tell);
        }
    }
    for (at, name) in words(&source.code).filter(|(_, word)| UNFINISHED.contains(word)) {
        if source.code[at + name.len()..].starts_with('!') {
            tell(Source::line_of(&source.code, at), "unfinished", format!("{name}! is left in the code"));
        }
    }
    found
}

/// What one path breaks.
fn names(source: &Source, path: &Named, line: usize, tell: &mut dyn FnMut(usize, &'static str, String)) {
    let first = path.names[0].as_str();
    let shown = path.names.join("::");
    if first == "unsafe" && !UNSAFE_HOMES.iter().any(|home| source.name.starts_with(home)) {
        tell(line, "unsafe", format!("unsafe lives in {}", UNSAFE_HOMES.join(" and ")));
    }
    let is_path = path.names.len() > 1 || path.used;
    if let Some((_, homes)) = HOMES.iter().find(|(name, homes)| is_path && *name == first && !lives(source, homes)) {
        tell(line, "home", format!("{shown} is named; {first} lives in {}", shown_homes(homes)));
    }
    for (_, begin, why) in UNKNOWN.iter().filter(|(layer, ..)| source.name.starts_with(layer)) {
        if path.names.iter().zip(*begin).filter(|(a, b)| a == b).count() == begin.len() {
            tell(line, "purity", format!("{shown} is named; {why}"));
        }
    }
    let (Some(own), Some(named)) = (layer_of(&source.name), named_layer(&source.name, &path.names)) else { return };
    if rank(named) > rank(own) {
        tell(line, "layers", format!("{shown} is named; {own} is below {named}"));
    }
    if NEVER.contains(&(own, named)) {
        tell(line, "layers", format!("{shown} is named; {own} never names {named}, it asks supervise"));
    }
}

/// Whether a file is one of the homes.
fn lives(source: &Source, homes: &[&str]) -> bool {
    homes.iter().any(|home| source.name.starts_with(home))
}

/// The homes, for people.
fn shown_homes(homes: &[&str]) -> String {
    if homes.is_empty() { "tests".to_owned() } else { homes.join(", ") }
}

/// The layer that a file of this package belongs to.
fn layer_of(name: &str) -> Option<&str> {
    let first = name.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().map(|(layer, _)| *layer).find(|layer| *layer == first)
}

/// The layer that a path leads to: by `crate`, or by as many `super` as lead to the root.
fn named_layer(name: &str, names: &[String]) -> Option<&'static str> {
    let place = name.strip_prefix("src/")?.trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = place.split('/').count();
    let supers = names.iter().take_while(|name| *name == "super").count();
    let layer = match names.first()?.as_str() {
        "crate" | "ironcell" => names.get(1)?,
        "super" if supers == depth => names.get(supers)?,
        _ => return None,
    };
    LAYERS.iter().map(|(known, _)| *known).find(|known| known == layer)
}

/// How high a layer is.
fn rank(layer: &str) -> usize {
    LAYERS.iter().find(|(known, _)| *known == layer).map_or(LAYERS.len(), |(_, rank)| *rank)
}

/// Files and functions that are too long.
fn sizes(source: &Source, tell: &mut dyn FnMut(usize, &'static str, String)) {
    let lines = source.test.iter().filter(|test| !**test).count();
    if lines > FILE_MOST_LINES {
        tell(FILE_MOST_LINES, "size", format!("{lines} lines, at most {FILE_MOST_LINES}: what are its two halves?"));
    }
    let code = source.without_tests();
    for (at, _) in words(&code).filter(|(_, word)| *word == "fn") {
        let name = code[at + 2..].trim_start();
        // `fn(u8)` is a type.
        if !name.bytes().next().is_some_and(is_word) {
            continue;
        }
        let lines = Source::line_of(&code, block_end(&code, at) - 1) - Source::line_of(&code, at) + 1;
        if lines > FUNCTION_MOST_LINES {
            let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let text = format!("fn {name} has {lines} lines, at most {FUNCTION_MOST_LINES}");
            tell(Source::line_of(&code, at), "size", text);
        }
    }
}

/// The words of the code with their places.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let starts = |at: usize| at == 0 || !is_word(code.as_bytes()[at - 1]);
    (0..code.len()).filter(move |at| is_word(code.as_bytes()[*at]) && starts(*at)).map(|at| {
        let length = code.as_bytes()[at..].iter().take_while(|b| is_word(**b)).count();
        (at, &code[at..at + length])
    })
}

#[cfg(test)]
mod tests;
