//! The operations of the document, and a call of each that its schemas accept.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::Victim;
use crate::world::Person;

/// One operation of the document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub id: String,
    pub open: bool,
    pub parameters: Vec<Value>,
    pub body: Option<Value>,
    /// Whether its body is a form with a file.
    pub brings_file: bool,
}

pub fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let Some(id) = operation["operationId"].as_str() else { continue };
            found.push(Operation {
                method,
                path: path.clone(),
                id: id.to_owned(),
                open: operation["security"] == json!([]),
                parameters: operation["parameters"].as_array().cloned().unwrap_or_default(),
                body: operation.pointer("/requestBody/content/application~1json/schema").cloned(),
                brings_file: operation.pointer("/requestBody/content/multipart~1form-data").is_some(),
            });
        }
    }
    found
}

/// Makes values that a schema accepts, with the victim's ids wherever an id is asked for.
pub struct Filler<'a> {
    pub document: &'a Value,
    pub victim: &'a Victim,
    pub path: &'a str,
}

impl Filler<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#')).expect("a schema");
            return self.value(target, name, depth + 1);
        }
        if let Some(part) = schema["allOf"].as_array().and_then(|parts| parts.first()) {
            return self.value(part, name, depth + 1);
        }
        if let Some(value) = schema["enum"].as_array().and_then(|values| values.first()) {
            return value.clone();
        }
        match schema["type"].as_str().unwrap_or_default() {
            "object" => self.object(schema, depth),
            "array" => json!([self.value(&schema["items"], name, depth + 1)]),
            "boolean" => json!(false),
            "integer" | "number" => schema["minimum"].as_f64().map_or(json!(1), |least| json!(least.ceil() as i64)),
            _ => self.text(schema, name),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let mut object = Map::new();
        for (name, part) in schema["properties"].as_object().into_iter().flatten().filter(|_| depth < 12) {
            // What would empty a field, or asks for more than an example can know.
            if name != "clear" {
                object.insert(name.clone(), self.value(part, name, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn text(&self, schema: &Value, name: &str) -> Value {
        if let Some(id) = (schema["format"] == "uuid").then(|| self.victim.named(name, self.path)).flatten() {
            return json!(id);
        }
        match schema["format"].as_str() {
            Some("uuid") => json!(Uuid::now_v7()),
            Some("date-time") => json!("2026-03-02T08:00:00Z"),
            Some("date") => json!("2026-03-02"),
            Some("email") => json!(format!("{}@example.com", Uuid::now_v7().simple())),
            _ if schema["pattern"] == "^[0-9a-f]{64}$" => json!("0".repeat(64)),
            _ if !schema["example"].is_null() => schema["example"].clone(),
            _ => json!("Walked"),
        }
    }
}

/// What a stranger sent and got.
pub struct Reply {
    pub status: u16,
    pub text: String,
    pub sent: String,
}

pub async fn call(caller: &Person, operation: &Operation, filler: &Filler<'_>, filters: bool) -> Reply {
    let (mut path, mut query) = (operation.path.clone(), Vec::new());
    for parameter in &operation.parameters {
        let name = parameter["name"].as_str().expect("a name");
        let value = match filler.value(&parameter["schema"], name, 0) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match parameter["in"].as_str() {
            Some("path") => {
                let id = match name {
                    "id" => filler.victim.of_path(&operation.path),
                    _ => filler.victim.named(name, &operation.path),
                };
                let id = id.map(|id| id.to_string());
                path = path.replace(&format!("{{{name}}}"), &id.unwrap_or(value));
            }
            Some("query") if parameter["required"] == true || (filters && name.ends_with("Id")) => {
                query.push((name.to_owned(), value));
            }
            _ => {}
        }
    }
    let body = operation.body.as_ref().map(|schema| filler.value(schema, "", 0));
    let sent = format!("{} {path} {query:?} {}", operation.method, body.clone().unwrap_or_default());
    let mut request = caller.request(operation.method.clone(), &path).await.query(&query);
    if let Some(body) = &body {
        request = request.json(body);
    }
    if operation.brings_file {
        let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n%PDF-1.7 mine %%EOF\r\n--x--\r\n";
        request = request.header("content-type", "multipart/form-data; boundary=x").body(form);
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    // Events have no end: what comes at first will do.
    let mut text = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Ok(Some(Ok(chunk))) =
        timeout(Duration::from_millis(if operation.id == "listenEvents" { 300 } else { 30_000 }), chunks.next()).await
    {
        text.extend_from_slice(&chunk);
    }
    Reply { status, text: String::from_utf8_lossy(&text).into_owned(), sent }
}
