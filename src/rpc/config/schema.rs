//! The configuration as JSON schema, out of the table of the keys.

use super::keys::{KEYS, Key, Place};
use super::{Config, LogFormat};
use crate::spec::Profile;
use serde_json::{Map, Value, json};

/// The schema, draft 2020-12, indented.
pub fn schema() -> String {
    let mut outermost = Map::new();
    for key in &KEYS {
        let mut described = value(key);
        described["description"] = key.doc.into();
        if key.section.is_empty() {
            outermost.insert(key.name.to_owned(), described);
        } else {
            let section = outermost
                .entry(key.section)
                .or_insert_with(|| json!({ "type": "object", "additionalProperties": false, "properties": {} }));
            section["properties"][key.name] = described;
        }
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of ironcelld",
        "type": "object",
        "additionalProperties": false,
        "properties": outermost,
    });
    format!("{schema:#}\n")
}

/// What can stand behind a key.
fn value(key: &Key) -> Value {
    const ABSOLUTE: &str = "^/";
    match (key.place)(&mut Config::default()) {
        Place::Path(_) | Place::MaybePath(_) => json!({ "type": "string", "pattern": ABSOLUTE }),
        Place::Paths(_) => json!({ "type": "array", "items": { "type": "string", "pattern": ABSOLUTE } }),
        Place::Address(_) => json!({ "type": "string", "examples": ["0.0.0.0:7443", "[::]:7443"] }),
        Place::Switch(_) => json!({ "type": "boolean" }),
        Place::Count(_, range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
        Place::Small(_, range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
        Place::Time(..) => json!({ "type": ["string", "number"], "examples": ["30s", "5min"] }),
        Place::Size(_) => json!({ "type": ["string", "integer"], "examples": ["16M", "1G"] }),
        Place::Profiles(_) => {
            json!({ "type": "array", "items": { "enum": Profile::ALL.map(Profile::word) } })
        }
        Place::Shown(_) => json!({
            "type": "string",
            "pattern": r"^(unix:///|127\.0\.0\.1:|\[::1\]:)",
            "examples": ["127.0.0.1:9464", "[::1]:9464", "unix:///run/ironcell/metrics.sock"],
        }),
        Place::Log(_) => json!({ "enum": LogFormat::ALL.map(LogFormat::word) }),
    }
}
