//! Reads the emitted JSON, in which a key may stand twice: two groups of routes share a path, two error variants a
//! status. Parts that complete each other are merged; parts that contradict each other are faults, because a plain JSON
//! parser would keep one and drop the other without a word.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Integral floats up to here are written as integers: 2^53, up to which each of them is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Parses; contradictions are added to `faults`.
///
/// # Errors
/// The text is not JSON.
pub fn read(text: &str, faults: &mut Vec<String>) -> Result<Value, Vec<String>> {
    let node: Node = serde_json::from_str(text).map_err(|err| vec![format!("the emitted document: {err}")])?;
    Ok(settle(node, "", faults))
}

/// JSON in which keys may repeat.
enum Node {
    Scalar(Value),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    /// Limits are emitted as floats; `500.0` becomes `500`.
    fn visit_f64<E>(self, v: f64) -> Result<Node, E> {
        let integral = v.fract() == 0.0 && v.abs() <= EXACT;
        Ok(Node::Scalar(if integral { (v as i64).into() } else { v.into() }))
    }

    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

fn settle(node: Node, at: &str, faults: &mut Vec<String>) -> Value {
    match node {
        Node::Scalar(value) => value,
        Node::Array(items) => {
            items.into_iter().enumerate().map(|(i, item)| settle(item, &format!("{at}/{i}"), faults)).collect()
        }
        Node::Object(fields) => {
            let mut object = Map::new();
            for (key, inner) in fields {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                let value = settle(inner, &at, faults);
                match object.get_mut(&key) {
                    Some(first) => merge(first, value, &at, faults),
                    None => {
                        object.insert(key, value);
                    }
                }
            }
            Value::Object(object)
        }
    }
}

fn merge(first: &mut Value, second: Value, at: &str, faults: &mut Vec<String>) {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            for (key, value) in second {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                match first.get_mut(&key) {
                    Some(Value::String(own)) if key == "description" => join(own, &value),
                    Some(own) => merge(own, value, &at, faults),
                    None => {
                        first.insert(key, value);
                    }
                }
            }
        }
        (first, second) if *first == second => {}
        _ => faults.push(format!("{at}: given twice with different content")),
    }
}

/// Two descriptions of one thing are both true.
fn join(own: &mut String, other: &Value) {
    match other.as_str() {
        Some(other) if !other.is_empty() && own != other => {
            if !own.is_empty() {
                own.push_str("; ");
            }
            own.push_str(other);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(text: &str) -> (Value, Vec<String>) {
        let mut faults = Vec::new();
        let value = read(text, &mut faults).expect("JSON");
        (value, faults)
    }

    #[test]
    fn parts_of_one_path_are_put_together() {
        let text = r#"{"paths": {"/a": {"get": {"x": 1.0}}, "/b": {}, "/a": {"post": {"y": 0.5}}}}"#;
        let expected = json!({ "paths": { "/a": { "get": { "x": 1 }, "post": { "y": 0.5 } }, "/b": {} } });
        assert_eq!(read_all(text), (expected, vec![]));
    }

    #[test]
    fn one_status_may_have_two_descriptions() {
        let text = r#"{"409": {"description": "taken"}, "409": {"description": "locked"}}"#;
        assert_eq!(read_all(text), (json!({ "409": { "description": "taken; locked" } }), vec![]));
    }

    #[test]
    fn contradictions_are_told_with_their_place() {
        let text = r#"{"/a": {"get": {"operationId": "one"}}, "/a": {"get": {"operationId": "two"}}}"#;
        assert_eq!(read_all(text).1, ["/~1a/get/operationId: given twice with different content"]);
    }
}
