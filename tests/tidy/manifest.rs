//! Every dependency has its reason in a comment above it. One that is taken from the workspace has it there.

use crate::Breach;

/// All dependencies of a manifest that have no reason.
pub fn breaches(file: &str, text: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    let (mut section, mut before) = ("", "");
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let reasoned = line.contains("workspace = true") || before.starts_with('#');
        match line.split_once('=') {
            _ if line.starts_with('[') => section = line.trim_matches(['[', ']']),
            Some((name, _)) if section.ends_with("dependencies") && !line.starts_with('#') && !reasoned => {
                let text = format!("{} has no comment above it that says what it is for", name.trim());
                found.push(Breach { file: file.to_owned(), line: index + 1, rule: "reason", text });
            }
            _ => {}
        }
        before = line;
    }
    found
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let text = "[package]\nname = \"x\"\n[dependencies]\n# Why.\na = \"1\"\nb = { version = \"1\" }\nc.workspace = true\n\
                d = { workspace = true, optional = true }\n[target.'cfg(unix)'.dev-dependencies]\ne = \"1\"\n# f = 1\n[features]\ng = []\n";
    let found: Vec<(usize, String)> = breaches("Cargo.toml", text).into_iter().map(|b| (b.line, b.text)).collect();
    let names: Vec<(usize, &str)> = found.iter().map(|(line, text)| (*line, &text[..1])).collect();
    assert_eq!(names, [(6, "b"), (10, "e")]);
}
