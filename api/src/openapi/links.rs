//! What follows from what: the answer to whoever makes something names its id, and here is said which operations take it. Tools
//! that try an API read this (schemathesis walks along it), and so do people.

use serde_json::{Map, Value, json};

/// Statuses of having made something, at once or soon.
const MADE: [&str; 2] = ["201", "202"];

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Adds a link to each operation below the path of what was made that asks for nothing but its id in the path.
pub fn add(document: &mut Value) {
    let known = document.clone();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths.iter_mut().filter(|(path, _)| !path.contains('{')) {
        let responses = item.pointer_mut("/post/responses").and_then(Value::as_object_mut);
        for (_, response) in responses.into_iter().flatten().filter(|(status, _)| MADE.contains(&status.as_str())) {
            if let Some(id) = id_in(&known, response) {
                let links = links(&known, path, &id, response.pointer("/headers/ETag").is_some());
                if !links.is_empty() {
                    response["links"] = Value::Object(links);
                }
            }
        }
    }
}

/// The JSON pointer to the id of what was made: its own, or that of the one object in the answer.
fn id_in(document: &Value, response: &Value) -> Option<String> {
    let schema = resolved(document, response.pointer("/content/application~1json/schema")?)?;
    let properties = schema["properties"].as_object()?;
    if is_id(properties.get("id")) {
        return Some("/id".to_owned());
    }
    let mut inner = properties.iter().filter(|(_, property)| {
        resolved(document, property).is_some_and(|schema| is_id(schema.pointer("/properties/id")))
    });
    match (inner.next(), inner.next()) {
        (Some((name, _)), None) => Some(format!("/{name}/id")),
        _ => None,
    }
}

fn is_id(property: Option<&Value>) -> bool {
    property.is_some_and(|property| property["format"] == "uuid")
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    match reference {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(schema),
    }
}

/// `versioned`: the answer tells the revision too.
fn links(document: &Value, path: &str, id: &str, versioned: bool) -> Map<String, Value> {
    let below = format!("{path}/{{id}}");
    let items = document["paths"].as_object().into_iter().flatten();
    let items = items.filter(|(other, _)| {
        other.strip_prefix(&below).is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !rest.contains('{'))
    });
    let operations = items.flat_map(|(_, item)| METHODS.iter().filter_map(|method| item.get(*method)));
    // A stream of events has no end to wait for.
    let operations = operations.filter(|it| it.pointer("/responses/200/content/text~1event-stream").is_none());
    operations
        .filter_map(|operation| {
            let name = operation["operationId"].as_str()?;
            let mut parameters = json!({ "id": format!("$response.body#{id}") });
            if versioned && takes(operation, "If-Match") {
                parameters["If-Match"] = "$response.header.ETag".into();
            }
            Some((name.to_owned(), json!({ "operationId": name, "parameters": parameters })))
        })
        .collect()
}

fn takes(operation: &Value, parameter: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|own| own["name"] == parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let answer = |name: &str| {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            json!({ "201": { "headers": { "ETag": {} }, "content": { "application/json": { "schema": schema } } } })
        };
        let operation = |name: &str| json!({ "operationId": name, "responses": {} });
        let mut changes = operation("updateThing");
        changes["parameters"] = json!([{ "name": "If-Match", "in": "header" }]);
        let mut streams = operation("listen");
        streams["responses"] = json!({ "200": { "content": { "text/event-stream": {} } } });
        json!({
            "paths": {
                "/v1/things": { "get": operation("listThings"), "post": { "operationId": "createThing", "responses": answer("Thing") } },
                "/v1/things/{id}": { "parameters": [], "get": operation("getThing"), "patch": changes },
                "/v1/things/{id}/paint": { "post": operation("paintThing") },
                "/v1/things/{id}/parts/{partId}": { "get": operation("getPart") },
                "/v1/things/{id}/events": { "get": streams },
                "/v1/keys": { "post": { "operationId": "createKey", "responses": answer("NewKey") } },
                "/v1/keys/{id}": { "delete": operation("deleteKey") },
                "/v1/log-ins": { "post": { "operationId": "logIn", "responses": answer("Session") } },
                "/v1/log-ins/{id}": { "get": operation("getLogIn") },
            },
            "components": { "schemas": {
                "Thing": { "properties": { "id": { "type": "string", "format": "uuid" } } },
                "NewKey": { "properties": { "secret": { "type": "string" }, "key": { "allOf": [{ "$ref": "#/components/schemas/Thing" }] } } },
                "Session": { "properties": { "id": { "type": "integer" }, "token": { "type": "string" } } },
            }},
        })
    }

    #[test]
    fn what_was_made_leads_to_what_takes_its_id() {
        let mut linked = document();
        add(&mut linked);
        let links = |path: &str| linked["paths"][path]["post"]["responses"]["201"]["links"].clone();
        let by_id = |name: &str, id: &str| json!({ "operationId": name, "parameters": { "id": format!("$response.body#{id}") } });
        assert_eq!(
            links("/v1/things"),
            json!({
                "getThing": by_id("getThing", "/id"),
                "paintThing": by_id("paintThing", "/id"),
                "updateThing": {
                    "operationId": "updateThing",
                    "parameters": { "id": "$response.body#/id", "If-Match": "$response.header.ETag" },
                },
            })
        );
        assert_eq!(links("/v1/keys"), json!({ "deleteKey": by_id("deleteKey", "/key/id") }));
        assert_eq!(links("/v1/log-ins"), Value::Null);
        let once = linked.clone();
        add(&mut linked);
        assert_eq!(linked, once);
    }
}
