//! A tree as text, in TOML or JSON. Both take the same strings, so there is one way to write one.

use super::tree::{Node, What};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// Of a key that is nobody's, so much is repeated.
const SHOWN_CHARS: usize = 40;

/// A value as JSON on one line.
pub(super) fn json(node: &Node) -> String {
    let mut text = String::new();
    value(node, ": ", &mut text);
    text
}

/// A value as a person has typed it, near enough to be found: a text without its quotes.
pub(super) fn shown(node: &Node) -> String {
    match &node.what {
        What::Text(text) | What::Number(text) => text.clone(),
        _ => json(node),
    }
}

/// A name, shortened.
pub(super) fn cut(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Members as a document of TOML, a line each.
pub(in crate::spec) fn toml_document(members: &[(&str, Node)]) -> String {
    members.iter().fold(String::new(), |mut text, (key, node)| {
        text.push_str(key);
        text.push_str(" = ");
        value(node, " = ", &mut text);
        text.push('\n');
        text
    })
}

/// Members as a document of JSON, a line each.
pub(in crate::spec) fn json_document(members: &[(&str, Node)]) -> String {
    let lines: Vec<String> = members.iter().map(|(key, node)| format!("  \"{key}\": {}", json(node))).collect();
    if lines.is_empty() { "{}\n".to_owned() } else { format!("{{\n{}\n}}\n", lines.join(",\n")) }
}

/// Any bytes: as a text where they are one.
pub(in crate::spec) fn bytes(bytes: &OsStr) -> Node {
    let what = match bytes.to_str() {
        Some(text) => What::Text(text.to_owned()),
        None => {
            let digits = bytes.as_bytes().iter().fold(String::new(), |mut digits, byte| {
                // Writing to a String cannot fail.
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            What::Table(vec![("hex".to_owned(), What::Text(digits).nowhere())])
        }
    };
    what.nowhere()
}

/// One value; `is` stands between a key and its value.
fn value(node: &Node, is: &str, text: &mut String) {
    match &node.what {
        What::Null => text.push_str("null"),
        What::Switch(on) => text.push_str(if *on { "true" } else { "false" }),
        What::Number(number) => text.push_str(number),
        What::Text(string) => quoted(string, text),
        What::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                value(item, is, text);
            }
            text.push(']');
        }
        What::Table(members) => {
            text.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { " " });
                quoted(key, text);
                text.push_str(is);
                value(member, is, text);
            }
            text.push_str(" }");
        }
    }
}

/// A basic string of TOML, which is a string of JSON.
fn quoted(string: &str, text: &mut String) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            // TOML wants DEL escaped as well.
            c if c.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
