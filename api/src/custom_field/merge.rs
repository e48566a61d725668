//! Values are merged key by key: two phones that fill different fields of the tenant's do not meet. In histories and
//! conflicts a value is called `custom.<key>`, like a field of its own. Pure.

use std::collections::BTreeSet;

use entity::custom::Custom;
use serde_json::{Map, Value};

pub use super::MEMBER;
use super::PREFIX;

/// Sets the values that are given; an empty text empties.
pub fn set(held: &mut Option<Custom>, given: &Custom) {
    let mut custom = held.take().unwrap_or_default();
    for (key, text) in &given.0 {
        if text.is_empty() {
            custom.0.remove(key);
        } else {
            custom.0.insert(key.clone(), text.clone());
        }
    }
    *held = Some(custom).filter(|custom| !custom.0.is_empty());
}

fn path(key: &str) -> String {
    format!("{PREFIX}{key}")
}

/// The values in a set of fields, by name.
fn values(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    fields.get(MEMBER).and_then(Value::as_object).into_iter().flatten()
}

/// The names of what others changed meanwhile to something else. `shown`: the record as it stands.
pub fn lost(given: &Map<String, Value>, shown: &Map<String, Value>, touched: &BTreeSet<&str>) -> Vec<String> {
    let held = |key: &str| shown.get(MEMBER).and_then(|custom| custom.get(key)).and_then(Value::as_str).unwrap_or("");
    values(given)
        .map(|(key, value)| (path(key), held(key), value))
        .filter(|(path, held, value)| touched.contains(path.as_str()) && value.as_str() != Some(*held))
        .map(|(path, ..)| path)
        .collect()
}

/// Keeps of the values only those whose names pass.
pub fn retain(fields: &mut Map<String, Value>, passes: impl Fn(&String) -> bool) {
    if let Some(Value::Object(custom)) = fields.get_mut(MEMBER) {
        custom.retain(|key, _| passes(&path(key)));
        if custom.is_empty() {
            fields.remove(MEMBER);
        }
    }
}

/// The names of fields and values in a document.
pub fn names(document: Map<String, Value>) -> impl Iterator<Item = String> {
    document.into_iter().flat_map(|(name, value)| match value {
        Value::Object(custom) if name == MEMBER => custom.into_iter().map(|(key, _)| path(&key)).collect(),
        _ => vec![name],
    })
}

/// What changed between two maps of values, by name: before and after.
pub fn difference(from: Option<&Value>, to: Option<&Value>) -> Vec<(String, Value)> {
    let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let (from, to) = (object(from), object(to));
    let keys: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    keys.into_iter()
        .filter(|key| from.get(*key) != to.get(*key))
        .map(|key| (path(key), serde_json::json!([from.get(key), to.get(key)])))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn values_are_set_and_emptied_one_by_one() {
        let custom = |value: Value| -> Option<Custom> { serde_json::from_value(value).unwrap() };
        for (held, given, after) in [
            (json!(null), json!({ "a": "1" }), json!({ "a": "1" })),
            (json!({ "a": "1", "b": "2" }), json!({ "a": "" }), json!({ "b": "2" })),
            (json!({ "a": "1" }), json!({ "a": "", "c": "" }), json!(null)),
            (json!({ "a": "1" }), json!({}), json!({ "a": "1" })),
            (json!(null), json!({ "a": "" }), json!(null)),
        ] {
            let mut record = custom(held);
            set(&mut record, &custom(given).unwrap());
            assert_eq!(record, custom(after));
        }
    }

    #[test]
    fn only_what_others_changed_to_something_else_is_lost() {
        let given = map(json!({ "note": "n", "custom": { "a": "1", "b": "2", "c": "", "d": "" } }));
        let shown = map(json!({ "custom": { "a": "9", "b": "2", "c": "9" } }));
        let touched = BTreeSet::from(["custom.a", "custom.b", "custom.c", "custom.d", "note"]);
        assert_eq!(lost(&given, &shown, &touched), ["custom.a", "custom.c"]);
        assert_eq!(lost(&given, &shown, &BTreeSet::from(["custom.e"])), [""; 0]);
    }

    #[test]
    fn what_is_lost_is_taken_out_and_what_is_left_may_be_nothing() {
        let mut fields = map(json!({ "note": "n", "custom": { "a": "1", "b": "2" } }));
        retain(&mut fields, |name| name != "custom.a");
        assert_eq!(fields, map(json!({ "note": "n", "custom": { "b": "2" } })));
        retain(&mut fields, |_| false);
        assert_eq!(fields, map(json!({ "note": "n" })));
    }

    #[test]
    fn a_history_names_each_value() {
        let told = difference(Some(&json!({ "a": "1", "b": "2" })), Some(&json!({ "b": "3", "c": "4" })));
        let told: Map<String, Value> = told.into_iter().collect();
        let expected = json!({ "custom.a": ["1", null], "custom.b": ["2", "3"], "custom.c": [null, "4"] });
        assert_eq!(Value::Object(told), expected);
        let document = map(json!({ "id": "x", "custom": { "a": "1" } }));
        assert_eq!(names(document).collect::<BTreeSet<_>>(), BTreeSet::from(["id".into(), "custom.a".into()]));
    }
}
