//! The JSON Schema (draft 2020-12) of the rules, taken from the published document: it cannot say anything else.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::app;

const COMPONENTS: &str = "#/components/schemas/";

/// The schema of `Rules`, with all that it refers to under `$defs`.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| made(&app::spec()["components"]["schemas"]));
    &SCHEMA
}

fn made(components: &Value) -> Value {
    let mut defs: BTreeMap<String, Value> = BTreeMap::new();
    let mut open = vec!["Rules".to_owned()];
    while let Some(name) = open.pop() {
        if let Entry::Vacant(place) = defs.entry(name) {
            let schema = place.key().clone();
            rewrite(place.insert(components[&schema].clone()), &mut open);
        }
    }
    let defs: Map<String, Value> = defs.into_iter().collect();
    json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/Rules", "$defs": defs })
}

/// Points references to `$defs`, and notes what they name.
fn rewrite(schema: &mut Value, named: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for (key, inner) in members.iter_mut() {
                match inner {
                    Value::String(target) if key == "$ref" => {
                        if let Some(name) = target.strip_prefix(COMPONENTS).map(str::to_owned) {
                            *target = format!("#/$defs/{name}");
                            named.push(name);
                        }
                    }
                    inner => rewrite(inner, named),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let text = schema().to_string();
        assert!(!text.contains(COMPONENTS));
        let defs = schema()["$defs"].as_object().unwrap();
        for name in text.split(r##""$ref":"#/$defs/"##).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(defs.contains_key(name), "{name}");
        }
        assert!(defs.contains_key("Bracket") && defs.contains_key("Penalty"));
    }
}
