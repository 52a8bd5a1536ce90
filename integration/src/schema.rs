//! A checker for the part of JSON Schema (draft 2020-12) that ironcell's own schema is written in. A keyword that it does
//! not know fails, so that nothing of the schema goes unchecked; so does a member that the schema does not describe, since
//! the schema is to describe all that is written.

use serde_json::{Map, Value};

/// Keywords that only speak to people, or are looked at elsewhere.
const SILENT: [&str; 5] = ["$schema", "title", "description", "$defs", "properties"];

/// What is wrong with a value; nothing when it is as the schema says.
pub fn breaches(schema: &Value, value: &Value) -> Vec<String> {
    let checker = Checker { root: schema };
    let mut found = Vec::new();
    checker.check(schema, value, "", Members::Described, &mut found);
    found
}

/// Whether members that the schema at hand does not name are a breach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// All are to be described.
    Described,
    /// It is one of several views on an object that is described elsewhere.
    Open,
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str, members: Members, found: &mut Vec<String>) {
        let rules = match schema {
            Value::Bool(true) => return,
            Value::Object(rules) => rules,
            _ => return found.push(format!("{at} must not be there")),
        };
        if let Value::Object(object) = value {
            self.members(rules, object, at, members, found);
        }
        for (keyword, rule) in rules {
            let holds = match keyword.as_str() {
                word if SILENT.contains(&word) => true,
                "$ref" => {
                    let place = rule.as_str().and_then(|place| self.root.pointer(place.strip_prefix('#')?));
                    self.check(place.expect("a reference leads somewhere"), value, at, members, found);
                    true
                }
                "oneOf" => self.one_of(rules, rule, value, at),
                "type" => is_type(rule, value),
                "enum" => list(rule).contains(value),
                "const" => rule == value,
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().expect("a number")),
                "maxItems" => {
                    value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().expect("a count"))
                }
                "required" => value.as_object().is_none_or(|object| {
                    list(rule).iter().all(|name| object.contains_key(name.as_str().expect("a name")))
                }),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{index}"), Members::Described, found);
                    }
                    true
                }
                "additionalProperties" => true,
                unknown => panic!("the checker does not know {unknown}"),
            };
            if !holds {
                found.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
            }
        }
    }

    /// Each member by its own schema.
    fn members(
        &self,
        rules: &Map<String, Value>,
        object: &Map<String, Value>,
        at: &str,
        members: Members,
        found: &mut Vec<String>,
    ) {
        let known = rules.get("properties").and_then(Value::as_object);
        for (name, member) in object {
            let at = format!("{at}/{name}");
            match (known.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
                (Some(schema), _) | (None, Some(schema)) => {
                    self.check(schema, member, &at, Members::Described, found);
                }
                (None, None) if members == Members::Described && known.is_some() => {
                    found.push(format!("{at} is not described"));
                }
                (None, None) => {}
            }
        }
    }

    /// Exactly one of the alternatives holds. Beside `properties` they are views on what is described there.
    fn one_of(&self, rules: &Map<String, Value>, alternatives: &Value, value: &Value, at: &str) -> bool {
        let members = if rules.contains_key("properties") { Members::Open } else { Members::Described };
        let holds = |schema: &&Value| {
            let mut found = Vec::new();
            self.check(schema, value, at, members, &mut found);
            found.is_empty()
        };
        list(alternatives).iter().filter(holds).count() == 1
    }
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("a list")
}

/// Whether a value is of the type, or of one of them.
fn is_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("the checker does not know the type {unknown}"),
    };
    match rule {
        Value::String(name) => is(name),
        _ => list(rule).iter().any(|name| is(name.as_str().expect("a name"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(schema: &Value, value: Value) -> bool {
        breaches(schema, &value).is_empty()
    }

    #[test]
    fn what_is_not_as_the_schema_says_is_found() {
        let schema = json!({
            "type": "object", "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"oneOf": [{"type": "null"}, {"enum": ["x"]}]}},
            "oneOf": [{"properties": {"a": {"const": 1}, "b": false}}, {"properties": {"a": {"const": 2}}}],
            "$defs": {"a": {"type": ["integer"], "minimum": 1, "maximum": 3}},
        });
        assert!(holds(&schema, json!({"a": 1})) && holds(&schema, json!({"a": 2, "b": "x"})));
        for wrong in [
            json!([]),
            json!({}),
            json!({"a": 0}),
            json!({"a": 3}),
            json!({"a": 1.5}),
            json!({"a": 1, "b": null}),
            json!({"a": 2, "b": "y"}),
            json!({"a": 1, "c": 1}),
        ] {
            assert!(!holds(&schema, wrong.clone()), "{wrong}");
        }
    }

    #[test]
    fn each_item_and_each_further_member_is_looked_at() {
        let schema = json!({"items": {"additionalProperties": {"type": "string"}}, "maxItems": 2});
        assert!(holds(&schema, json!([{"a": "b"}])));
        assert!(!holds(&schema, json!([{"a": 1}])) && !holds(&schema, json!([{}, {}, {}])));
    }
}
