//! Mends types: what 3.0 forbids or generators stumble over. Works on schemas wherever they stand in the document.

use super::walk;
use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

/// All of it; clashes of names are added to `faults`.
pub fn mend(document: &mut Value, faults: &mut Vec<String>) {
    walk(document, &mut |value| {
        if let Some(object) = value.as_object_mut() {
            content_types(object);
            annotated_reference(object);
            unions_have_no_type(object);
            formats(object);
            if object.get("additionalProperties") == Some(&json!({})) {
                object.insert("additionalProperties".into(), true.into());
            }
        }
    });
    nullable_has_a_type(document);
    flatten_unions(document);
    rename_generics(document, faults);
    for schema in schemas(document).values_mut().filter_map(Value::as_object_mut) {
        schema.remove("title");
    }
}

fn schemas(document: &mut Value) -> &mut Map<String, Value> {
    let schemas = &mut document["components"]["schemas"];
    if !schemas.is_object() {
        *schemas = json!({});
    }
    schemas.as_object_mut().expect("an object was just put there")
}

/// `application/json; charset=utf-8` → `application/json`
fn content_types(object: &mut Map<String, Value>) {
    if let Some(Value::Object(content)) = object.get_mut("content") {
        let plain = |(name, media): (String, Value)| (name.split(';').next().unwrap_or(&name).trim().to_owned(), media);
        *content = std::mem::take(content).into_iter().map(plain).collect();
    }
}

/// `allOf: [reference, {description}]` with the description again beside it → the description beside `allOf: [reference]`
fn annotated_reference(object: &mut Map<String, Value>) {
    let Some([reference, Value::Object(annotations)]) =
        object.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
    else {
        return;
    };
    let repeated = annotations.iter().all(|(key, value)| object.get(key) == Some(value));
    if reference.get("$ref").is_some() && repeated && !annotations.contains_key("properties") {
        let only = json!([reference]);
        object.insert("allOf".into(), only);
    }
}

fn unions_have_no_type(object: &mut Map<String, Value>) {
    if object.contains_key("oneOf") || object.contains_key("anyOf") {
        object.remove("type");
    }
}

/// Formats that generators know: signed integers; streams of events are bytes to them.
fn formats(object: &mut Map<String, Value>) {
    let signed = match object.get("format").and_then(Value::as_str) {
        Some("uint8" | "uint16") => "int32",
        Some("uint32" | "uint64") => "int64",
        Some("event-stream") => {
            object.remove("items");
            object.insert("type".into(), "string".into());
            object.insert("format".into(), "binary".into());
            return;
        }
        _ => return,
    };
    object.insert("format".into(), signed.into());
    object.entry("minimum").or_insert(0.into());
}

/// 3.0 wants a `type` beside `nullable`; beside a reference it is the type of what is referred to.
fn nullable_has_a_type(document: &mut Value) {
    let known = schemas(document).clone();
    walk(document, &mut |value| {
        let Some(object) = value.as_object_mut() else { return };
        if object.get("nullable") != Some(&true.into()) || object.contains_key("type") {
            return;
        }
        let referred = object.get("allOf").and_then(|all| name_of(&all[0]["$ref"]));
        if let Some(kind) = referred.and_then(|name| known.get(name)?.get("type")) {
            object.insert("type".into(), kind.clone());
        }
    });
}

/// `Mutation_Visit = allOf [{kind}, Visit]` → `Visit` itself carries `kind`.
fn flatten_unions(document: &mut Value) {
    let known = schemas(document).clone();
    for union in known.values() {
        let Some(tag) = union.pointer("/discriminator/propertyName").and_then(Value::as_str) else { continue };
        for wrapper in union["oneOf"].as_array().into_iter().flatten().filter_map(|one| name_of(&one["$ref"])) {
            let all = &known[wrapper]["allOf"];
            let Some(target) = name_of(&all[1]["$ref"]) else { continue };
            let mut flat = known[target].clone();
            flat["properties"][tag] = json!({ "type": "string", "enum": all[0]["properties"][tag]["enum"] });
            let mut required = vec![json!(tag)];
            required.extend(flat["required"].as_array().cloned().unwrap_or_default());
            flat["required"] = required.into();
            schemas(document).insert(target.to_owned(), flat);
            schemas(document).remove(wrapper);
            rename_references(document, wrapper, target);
        }
    }
}

/// `Page_Account` → `AccountPage`
fn rename_generics(document: &mut Value, faults: &mut Vec<String>) {
    let names: Vec<String> = schemas(document).keys().cloned().collect();
    for name in names {
        let Some((outer, inner)) = name.split_once('_') else { continue };
        let new = format!("{}{outer}", inner.replace('_', ""));
        let schema = schemas(document).remove(&name).unwrap_or_default();
        if schemas(document).insert(new.clone(), schema).is_some() {
            faults.push(format!("components.schemas: {name} would become {new}, which is another schema"));
        }
        rename_references(document, &name, &new);
    }
}

fn rename_references(document: &mut Value, from: &str, to: &str) {
    let (from, to) = (format!("{SCHEMAS}{from}"), format!("{SCHEMAS}{to}"));
    walk(document, &mut |value| {
        if value.as_str() == Some(&from) {
            *value = to.as_str().into();
        }
    });
}

fn name_of(reference: &Value) -> Option<&str> {
    reference.as_str()?.strip_prefix(SCHEMAS)
}

/// Removes schemas that nothing refers to, and those that only they referred to.
pub fn drop_unused(document: &mut Value) {
    loop {
        let mut used = std::collections::HashSet::new();
        walk(document, &mut |value| {
            if let Some(name) = name_of(&value["$ref"]) {
                used.insert(name.to_owned());
            }
        });
        let all = schemas(document);
        let before = all.len();
        all.retain(|name, _| used.contains(name));
        if all.len() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(schemas: Value) -> (Value, Vec<String>) {
        let mut document = json!({ "components": { "schemas": schemas } });
        let mut faults = Vec::new();
        mend(&mut document, &mut faults);
        (document["components"]["schemas"].take(), faults)
    }

    #[test]
    fn a_description_beside_a_reference() {
        let stage = json!({ "$ref": "#/components/schemas/Stage" });
        let (schemas, _) = mended(json!({
            "Stage": { "type": "string" },
            "Deal": { "properties": {
                "stage": { "description": "Now", "allOf": [stage, { "description": "Now" }] },
                "before": { "nullable": true, "allOf": [stage, { "nullable": true }] },
            }},
        }));
        let properties = &schemas["Deal"]["properties"];
        assert_eq!(properties["stage"], json!({ "description": "Now", "allOf": [stage] }));
        assert_eq!(properties["before"], json!({ "nullable": true, "type": "string", "allOf": [stage] }));
    }

    #[test]
    fn unsigned_numbers_become_signed_with_a_minimum() {
        let (schemas, _) = mended(json!({ "N": { "type": "integer", "format": "uint64" } }));
        assert_eq!(schemas["N"], json!({ "type": "integer", "format": "int64", "minimum": 0 }));
    }

    #[test]
    fn generic_names_are_turned_around_or_refused() {
        let page = json!({ "type": "object", "title": "Page" });
        let (schemas, faults) = mended(json!({
            "Page_Account": page,
            "Owner": { "properties": { "page": { "$ref": "#/components/schemas/Page_Account" } } },
        }));
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(schemas["AccountPage"], json!({ "type": "object" }));
        assert_eq!(schemas["Owner"]["properties"]["page"]["$ref"], "#/components/schemas/AccountPage");

        let (_, faults) = mended(json!({ "Page_Account": page, "AccountPage": page }));
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn a_union_member_carries_its_kind_itself() {
        let (schemas, _) = mended(json!({
            "Change": {
                "type": "object",
                "oneOf": [{ "$ref": "#/components/schemas/Change_Visit" }],
                "discriminator": { "propertyName": "kind", "mapping": { "visit": "#/components/schemas/Change_Visit" } },
            },
            "Change_Visit": { "allOf": [
                { "type": "object", "properties": { "kind": { "type": "string", "enum": ["visit"], "example": "visit" } } },
                { "$ref": "#/components/schemas/Visit" },
            ]},
            "Visit": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
        }));
        assert_eq!(
            schemas,
            json!({
                "Change": {
                    "oneOf": [{ "$ref": "#/components/schemas/Visit" }],
                    "discriminator": { "propertyName": "kind", "mapping": { "visit": "#/components/schemas/Visit" } },
                },
                "Visit": {
                    "type": "object",
                    "required": ["kind", "id"],
                    "properties": { "id": { "type": "string" }, "kind": { "type": "string", "enum": ["visit"] } },
                },
            })
        );
    }

    #[test]
    fn what_nothing_refers_to_goes() {
        let mut document = json!({
            "paths": { "/": { "$ref": "#/components/schemas/A" } },
            "components": { "schemas": {
                "A": { "items": { "$ref": "#/components/schemas/B" } },
                "B": {},
                "C": { "items": { "$ref": "#/components/schemas/D" } },
                "D": {},
            }},
        });
        drop_unused(&mut document);
        assert_eq!(schemas(&mut document).keys().collect::<Vec<_>>(), ["A", "B"]);
    }
}
