//! From the document that poem-openapi emits to the one that is published: OpenAPI 3.0.3 that every common generator
//! copes with, in an order that does not change. A document that cannot be made right is refused with the reasons.
//! Here is the order of the steps; `emitted` reads, `schemas` mends types, `operations` completes what each operation
//! must say, `examples` shows what it looks like, `links` says what
//! follows from what. Serving the document is `http::docs`'s.

mod emitted;
mod examples;
mod links;
mod operations;
mod schemas;

use serde_json::{Value, json};

/// The published document. `emitted` is what `OpenApiService::spec` returns.
///
/// # Errors
/// Every reason why the document cannot be published: keys given twice with different content, two schemas of one name,
/// operations without operationId, tag or summary, and a missing schema `Problem`.
pub fn polish(emitted: &str) -> Result<Value, Vec<String>> {
    let mut faults = Vec::new();
    let mut document = emitted::read(emitted, &mut faults)?;
    to_3_0_3(&mut document);
    schemas::mend(&mut document, &mut faults);
    operations::complete(&mut document, &mut faults);
    schemas::drop_unused(&mut document);
    examples::add(&mut document);
    links::add(&mut document);
    if faults.is_empty() { Ok(document) } else { Err(faults) }
}

/// Removes what only 3.1 knows.
fn to_3_0_3(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    remove(document, "", "webhooks");
    remove(document, "/info", "summary");
    remove(document, "/info/license", "identifier");
}

fn remove(document: &mut Value, pointer: &str, key: &str) {
    if let Some(object) = document.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.remove(key);
    }
}

/// Calls `f` on every value of the document from the root down, but not inside of data (examples, enums).
fn walk(value: &mut Value, f: &mut impl FnMut(&mut Value)) {
    f(value);
    match value {
        Value::Object(fields) => {
            for (_, inner) in fields.iter_mut().filter(|(k, _)| !matches!(k.as_str(), "example" | "default" | "enum")) {
                walk(inner, f);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, f)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with one operation, to which `change` is done.
    pub(super) fn minimal(change: impl FnOnce(&mut Value)) -> String {
        let mut document = json!({
            "openapi": "3.0.0",
            "info": { "title": "Test", "version": "1", "summary": "3.1 only", "license": { "name": "MIT", "identifier": "MIT" } },
            "webhooks": {},
            "paths": { "/v1/things": { "get": {
                "operationId": "listThings", "tags": ["Things"], "summary": "List things",
                "security": [{ "bearer": [] }],
                "responses": { "200": { "description": "" } },
            }}},
            "components": {
                "schemas": { "Problem": { "type": "object" } },
                "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            },
        });
        change(&mut document);
        document.to_string()
    }

    #[test]
    fn nothing_of_3_1_is_left() {
        let document = polish(&minimal(|_| ())).expect("polishes");
        assert_eq!(document["openapi"], "3.0.3");
        assert_eq!(document["info"], json!({ "title": "Test", "version": "1", "license": { "name": "MIT" } }));
        assert_eq!(document.get("webhooks"), None);
    }

    #[test]
    fn polishing_twice_changes_nothing() {
        let once = polish(&minimal(|_| ())).expect("polishes");
        assert_eq!(polish(&once.to_string()).expect("polishes again"), once);
    }

    #[test]
    fn every_reason_is_told_at_once() {
        let bad = minimal(|d| {
            let operation = d["paths"]["/v1/things"]["get"].as_object_mut().expect("an object");
            for key in ["operationId", "tags", "summary"] {
                operation.remove(key);
            }
            d["components"]["schemas"] = json!({});
        });
        let faults = polish(&bad).expect_err("four things are missing");
        assert_eq!(
            faults,
            [
                "get /v1/things: no operationId",
                "get /v1/things: no tag",
                "get /v1/things: no summary",
                "components.schemas: no Problem",
            ]
        );
    }
}
