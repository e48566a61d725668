//! Says which field of a body is at fault and what would be right, by comparing the body with its schema in the
//! document. It runs only after the framework has refused the body, whose own message echoes the input and seldom names
//! the field. Nothing that the client sent goes into the answer but the names of its fields.

use super::contract::Contract;
use crate::problem::FieldError;
use entity::scalar::LINE_PATTERN;
use serde_json::Value;

/// More than this many faults in one body help nobody.
const MAX_FAULTS: usize = 20;

/// The faults of `value` against `schema`, with JSON pointers. Empty if the document sees nothing wrong.
pub fn faults(contract: &Contract, schema: &Value, value: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    Walk { contract, found: &mut found }.visit(schema, value, "");
    found
}

/// What `schema` asks of a value: `Must be one of: visit, call.`
pub fn expectation(contract: &Contract, schema: &Value) -> String {
    let schema = contract.resolve(schema);
    if let Some(allowed) = schema["enum"].as_array() {
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        return format!("Must be one of: {}.", allowed.join(", "));
    }
    let form = match (schema["type"].as_str(), schema["format"].as_str()) {
        (_, Some("uuid")) => "a UUID",
        (_, Some("date")) => "a date (YYYY-MM-DD)",
        (_, Some("date-time")) => "a time (RFC 3339, such as 2026-03-01T09:30:00.000Z)",
        (Some("integer"), _) => "a whole number",
        (Some("number"), _) => "a number",
        (Some("boolean"), _) => "true or false",
        (Some("array"), _) => "a list",
        (Some("object"), _) => "an object",
        (Some("string"), _) => "text",
        _ => "a value of the documented form",
    };
    let form = [
        form.to_owned(),
        size(&schema["minLength"], &schema["maxLength"], "characters"),
        size(&schema["minItems"], &schema["maxItems"], "entries"),
    ]
    .concat();
    let mut limits = Vec::new();
    for (keyword, words) in [("minimum", "at least"), ("maximum", "at most"), ("pattern", "matching")] {
        if keyword == "pattern" && schema[keyword] == LINE_PATTERN {
            limits.push("in one line that is not blank".to_owned());
        } else if !schema[keyword].is_null() {
            limits.push(format!("{words} {}", plain(&schema[keyword])));
        }
    }
    if limits.is_empty() { format!("Must be {form}.") } else { format!("Must be {form}, {}.", limits.join(", ")) }
}

/// How many there may be: ` of 1 to 200 characters`.
fn size(least: &Value, most: &Value, what: &str) -> String {
    match (least.as_u64(), most.as_u64()) {
        (None, None) => String::new(),
        (Some(least), None) => format!(" of at least {least} {what}"),
        (None, Some(most)) => format!(" of at most {most} {what}"),
        (Some(least), Some(most)) => format!(" of {least} to {most} {what}"),
    }
}

struct Walk<'a> {
    contract: &'a Contract,
    found: &'a mut Vec<FieldError>,
}

impl Walk<'_> {
    fn visit(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = self.contract.resolve(schema);
        if self.found.len() >= MAX_FAULTS {
            return;
        }
        if !has_type(schema, value) || !within_limits(schema, value) {
            self.found.push(FieldError::new(at, expectation(self.contract, schema)));
            return;
        }
        match value {
            Value::Object(fields) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let required: Vec<&str> = required.collect();
                for name in &required {
                    if fields.get(*name).is_none_or(Value::is_null) {
                        let expected = expectation(self.contract, &schema["properties"][*name]);
                        let detail = format!("Is required. {expected}");
                        self.found.push(FieldError::new(format!("{at}/{}", escape(name)), detail));
                    }
                }
                let others = &schema["additionalProperties"];
                let known = schema["properties"].as_object();
                for name in fields.keys().filter(|n| others.is_null() && known.is_some_and(|k| !k.contains_key(*n))) {
                    let detail = "There is no such field here. Check its spelling, or leave it out.";
                    self.found.push(FieldError::new(format!("{at}/{}", escape(name)), detail));
                }
                for (name, given) in fields
                    .iter()
                    .filter(|(n, v)| others.is_object() && !v.is_null() && schema["properties"][n].is_null())
                {
                    self.visit(others, given, &format!("{at}/{}", escape(name)));
                }
                // Null stands for absent wherever a field is optional.
                for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                    if let Some(given) = fields.get(name).filter(|v| !v.is_null()) {
                        self.visit(inner, given, &format!("{at}/{}", escape(name)));
                    }
                }
            }
            Value::Array(items) if !schema["items"].is_null() => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(&schema["items"], item, &format!("{at}/{index}"));
                }
            }
            _ => {}
        }
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    }
}

fn within_limits(schema: &Value, value: &Value) -> bool {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return false;
    }
    let size = |keyword: &str| schema[keyword].as_u64().and_then(|n| usize::try_from(n).ok());
    let sized =
        |n: usize, least: &str, most: &str| size(least).is_none_or(|l| n >= l) && size(most).is_none_or(|m| n <= m);
    match value {
        Value::String(text) => {
            sized(text.chars().count(), "minLength", "maxLength")
                && has_format(schema, text)
                && matches_pattern(schema, text)
        }
        Value::Array(items) => sized(items.len(), "minItems", "maxItems"),
        Value::Number(n) => {
            let n = n.as_f64().unwrap_or_default();
            schema["minimum"].as_f64().is_none_or(|least| n >= least)
                && schema["maximum"].as_f64().is_none_or(|most| n <= most)
                && (schema["format"] != "int32" || n.abs() <= f64::from(i32::MAX))
        }
        _ => true,
    }
}

fn has_format(schema: &Value, text: &str) -> bool {
    match schema["format"].as_str() {
        Some("uuid") => text.parse::<uuid::Uuid>().is_ok(),
        Some("date") => text.parse::<chrono::NaiveDate>().is_ok(),
        // As lenient as the parser of times: a space may stand for the plus sign that a query string has eaten.
        Some("date-time") => chrono::DateTime::parse_from_rfc3339(&text.replacen(' ', "+", 1)).is_ok(),
        _ => true,
    }
}

/// Patterns are compiled anew each time: they are needed only for a body that has been refused already.
fn matches_pattern(schema: &Value, text: &str) -> bool {
    let pattern = schema["pattern"].as_str().and_then(|p| regex::Regex::new(p).ok());
    pattern.is_none_or(|p| p.is_match(text))
}

/// A value of the document in words: text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A segment of a JSON pointer (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_the_field_and_the_remedy() {
        let contract = Contract::new(json!({ "components": { "schemas": {
            "Kind": { "type": "string", "enum": ["visit", "call"] },
            "Visit": {
                "type": "object",
                "required": ["id", "kind"],
                "properties": {
                    "id": { "type": "string", "format": "uuid" },
                    "kind": { "allOf": [{ "$ref": "#/components/schemas/Kind" }], "description": "What it was." },
                    "minutes": { "type": "integer", "format": "int32", "minimum": 0 },
                    "on": { "type": "string", "format": "date" },
                    "tags": { "type": "array", "items": { "type": "string", "maxLength": 3 } },
                    "cost": { "type": "string", "pattern": "^[0-9]+$" },
                    "custom": { "type": "object", "additionalProperties": { "type": "object" } },
                    "next": { "$ref": "#/components/schemas/Visit" },
                },
            },
        }}}));
        let schema = json!({ "$ref": "#/components/schemas/Visit" });
        let id = "0198c0de-0000-7000-8000-000000000001";
        for (body, pointer, detail) in [
            (json!([]), "", "Must be an object."),
            (json!({ "kind": "visit" }), "/id", "Is required. Must be a UUID."),
            (json!({ "id": "7", "kind": "visit" }), "/id", "Must be a UUID."),
            (json!({ "id": id, "kind": "nap" }), "/kind", "Must be one of: visit, call."),
            (json!({ "id": id, "kind": "call", "minutes": "5" }), "/minutes", "Must be a whole number, at least 0."),
            (json!({ "id": id, "kind": "call", "minutes": 1e12 }), "/minutes", "Must be a whole number, at least 0."),
            (json!({ "id": id, "kind": "call", "on": "today" }), "/on", "Must be a date (YYYY-MM-DD)."),
            (
                json!({ "id": id, "kind": "call", "tags": ["a", "long"] }),
                "/tags/1",
                "Must be text of at most 3 characters.",
            ),
            (
                json!({ "id": id, "kind": "call", "next": { "id": id, "kind": "call", "minuts": 5 } }),
                "/next/minuts",
                "There is no such field here. Check its spelling, or leave it out.",
            ),
            (
                json!({ "id": id, "kind": "call", "next": { "id": id } }),
                "/next/kind",
                "Is required. Must be one of: visit, call.",
            ),
        ] {
            assert_eq!(faults(&contract, &schema, &body), [FieldError::new(pointer, detail)], "{body}");
        }
        assert_eq!(faults(&contract, &schema, &json!({ "id": id, "kind": "call", "minutes": null })), []);
    }

    #[test]
    fn the_pattern_of_a_line_is_what_its_parser_asks() {
        let pattern = regex::Regex::new(LINE_PATTERN).unwrap();
        for c in ('\0'..='\u{2FF}').chain(['\u{2028}', '\u{3000}', '客', '🙂']) {
            for text in [format!("a{c}b"), c.to_string()] {
                assert_eq!(pattern.is_match(&text), entity::scalar::Line::parse(&text).is_ok(), "{text:?}");
            }
        }
    }
}
