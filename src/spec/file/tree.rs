//! A text in TOML or JSON as one tree, which knows where its parts stand as far as the parser tells.
//!
//! Total: whatever the bytes are, it is a tree within its bounds or a refusal. The parsers bound their own recursion (toml
//! at 80, serde_json at 128), far above [`MOST_DEPTH`], which is what a description needs.

use super::Format;
use crate::spec::SpecError;
use crate::spec::words::Source;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a description, and of all that it extends, together: a page of text is 4 KiB, and a job with more arguments is
/// better given a file.
pub const MOST_BYTES: usize = 256 * 1024;
/// Lists and tables within each other: rules for system calls, which are the deepest, have six.
pub const MOST_DEPTH: usize = 8;

/// A value and where it begins, if the parser tells.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::spec) struct Node {
    pub(in crate::spec) what: What,
    pub(in crate::spec) at: Option<usize>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::spec) enum What {
    Null,
    Switch(bool),
    /// As it was typed.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order in which it was written.
    Table(Vec<(String, Node)>),
}

impl What {
    /// The kind of value, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Switch(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// A part of the tree that stands nowhere.
    pub(in crate::spec) fn nowhere(self) -> Node {
        Node { what: self, at: None }
    }
}

/// The members of the outermost table.
pub(super) fn tree(source: &Source, format: Format) -> Result<Vec<(String, Node)>, SpecError> {
    if source.text.len() > MOST_BYTES {
        let problem = format!("it has {} bytes, a description has at most {MOST_BYTES}", source.text.len());
        return Err(SpecError::new(source.name.clone(), "", problem, "pass long input by a file of its own"));
    }
    let node = match format {
        Format::Toml => from_toml(source)?,
        Format::Json => from_json(source)?,
    };
    if is_deeper(&node, MOST_DEPTH) {
        let problem = format!("it has more than {MOST_DEPTH} lists and tables within each other");
        return Err(SpecError::new(source.name.clone(), "", problem, "no key of a description needs so many"));
    }
    match node.what {
        What::Table(members) => Ok(members),
        other => {
            let problem = format!("it is {}, not a table", other.kind());
            Err(SpecError::new(source.name.clone(), "", problem, "write an object of keys and values"))
        }
    }
}

fn is_deeper(node: &Node, most: usize) -> bool {
    match &node.what {
        What::List(items) => most == 0 || items.iter().any(|item| is_deeper(item, most - 1)),
        What::Table(members) => most == 0 || members.iter().any(|(_, member)| is_deeper(member, most - 1)),
        _ => false,
    }
}

/// A refusal of the parser, with the line that it is about.
fn malformed(source: &Source, at: Option<usize>, problem: &str, format: Format) -> SpecError {
    let line = at.and_then(|at| {
        let begin = source.text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        source.text[begin..].lines().next()
    });
    let problem = problem.trim().replace('\n', ", ");
    let expected = format!("write {}; `ironcell schema spec` describes the keys", format.word());
    SpecError::new(source.at(at), line.unwrap_or_default().trim(), problem, expected)
}

fn from_toml(source: &Source) -> Result<Node, SpecError> {
    let refuse =
        |error: toml::de::Error| malformed(source, error.span().map(|span| span.start), error.message(), Format::Toml);
    let table = DeTable::parse(&source.text).map_err(refuse)?;
    Ok(Node { what: toml_table(table.get_ref(), MOST_DEPTH - 1), at: Some(0) })
}

/// With at most `most` lists and tables within each other. One that is too deep is left empty, and refused for its depth:
/// the parser counts the tables of a dotted key for themselves, so that it lets through some thousand.
fn toml_node(value: &Spanned<DeValue<'_>>, most: usize) -> Node {
    let what = match value.get_ref() {
        DeValue::String(text) => What::Text(text.clone().into_owned()),
        // In another base only the digits are kept: nobody writes an amount so, and the units would misread it.
        DeValue::Integer(number) if number.radix() != 10 => {
            What::Text(format!("base {} {}", number.radix(), number.as_str()))
        }
        DeValue::Integer(number) => What::Number(number.as_str().to_owned()),
        DeValue::Float(number) => What::Number(number.as_str().to_owned()),
        DeValue::Boolean(switch) => What::Switch(*switch),
        // `time = 00:10:00` is a local time to TOML, and ten minutes to us.
        DeValue::Datetime(time) => What::Text(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) if most == 0 => What::List(Vec::new()),
        DeValue::Array(items) => What::List(items.iter().map(|item| toml_node(item, most - 1)).collect()),
        DeValue::Table(table) => toml_table(table, most - 1),
    };
    Node { what, at: Some(value.span().start) }
}

/// The parser sorts the members by name; where they stand puts them back in order.
fn toml_table(table: &DeTable<'_>, most: usize) -> What {
    let mut members: Vec<(usize, String, Node)> = table
        .iter()
        .map(|(key, value)| (key.span().start, key.get_ref().clone().into_owned(), toml_node(value, most)))
        .collect();
    members.sort_by_key(|(at, ..)| *at);
    What::Table(members.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn from_json(source: &Source) -> Result<Node, SpecError> {
    serde_json::from_str(&source.text).map_err(|error| {
        // Columns are bytes, from 1; 0 is the end of the line before.
        let begin: usize = source.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (begin + error.column().saturating_sub(1)).min(source.text.len());
        let at = (0..=at).rev().find(|at| source.text.is_char_boundary(*at));
        let text = error.to_string();
        let problem = text.split(" at line ").next().unwrap_or_default();
        malformed(source, at, problem, Format::Json)
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder).map(What::nowhere)
    }
}

/// Builds a tree out of what the parser of JSON finds.
struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = What;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<What, E> {
        Ok(What::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<What, E> {
        Ok(What::Switch(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<What, E> {
        Ok(What::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<What, E> {
        Ok(What::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<What, E> {
        Ok(What::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<What, E> {
        Ok(What::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<What, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(What::List(items))
    }

    /// A key that is there twice says two things: TOML refuses it, and so it is here.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<What, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((key, value)) = map.next_entry::<String, Node>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("duplicate key {key:?}")));
            }
            members.push((key, value));
        }
        Ok(What::Table(members))
    }
}
