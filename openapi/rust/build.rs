//! Generates the client from the document. What is compiled is the part that the story is about, because all of it takes a compiler
//! minutes; the rest is generated as well, and stops the build where it cannot be.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use serde_json::{Map, Value};

const DOCUMENT: &str = "../openapi.json";

/// The chapters that the story is about.
const TAGS: [&str; 5] = ["Auth", "Accounts", "Opportunities", "Attachments", "Sync"];

fn main() {
    println!("cargo:rerun-if-changed={DOCUMENT}");
    println!("cargo:rerun-if-changed=build.rs");
    let text = fs::read_to_string(DOCUMENT).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let all = client(document.clone(), |_| true);
    let told = client(document, |tag| TAGS.contains(&tag));
    assert!(all.len() > told.len(), "of all chapters less was made than of some");
    let into = Path::new(&env::var("OUT_DIR").expect("from cargo")).join("client.rs");
    fs::write(into, told).expect("written");
}

/// The code of a client for these chapters.
fn client(mut document: Value, wanted: impl Fn(&str) -> bool) -> String {
    prepare(&mut document, wanted);
    let document = serde_json::from_value(document).expect("OpenAPI 3.0");
    progenitor_impl::Generator::default().generate_tokens(&document).expect("a client").to_string()
}

/// What progenitor does not take: an error that is `application/problem+json` is read as JSON, and forms with files are left out,
/// as it knows none.
fn prepare(document: &mut Value, wanted: impl Fn(&str) -> bool) {
    let paths = document["paths"].as_object_mut().expect("paths");
    for item in paths.values_mut().filter_map(Value::as_object_mut) {
        item.retain(|_, operation| {
            let mut tags = operation["tags"].as_array().into_iter().flatten();
            let tagged = tags.any(|tag| tag.as_str().is_some_and(&wanted));
            tagged && operation.pointer("/requestBody/content/multipart~1form-data").is_none()
        });
        for operation in item.values_mut() {
            let responses = operation["responses"].as_object_mut().expect("responses");
            for content in
                responses.values_mut().filter_map(|it| it.get_mut("content")).filter_map(Value::as_object_mut)
            {
                if let Some(problem) = content.remove("application/problem+json") {
                    content.insert("application/json".into(), problem);
                }
            }
        }
    }
    paths.retain(|_, item| item.as_object().is_some_and(|item| !item.is_empty()));
    let mut used = BTreeSet::new();
    let schemas = document["components"]["schemas"].take();
    let mut waiting = Vec::new();
    references(document, &mut waiting);
    while let Some(name) = waiting.pop() {
        if used.insert(name.clone()) {
            references(&schemas[&name], &mut waiting);
        }
    }
    let Value::Object(mut kept) = schemas else { panic!("no schemas") };
    kept.retain(|name, _| used.contains(name));
    document["components"]["schemas"] = Value::Object(Map::from_iter(kept));
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| match value {
            Value::String(target) if key == "$ref" => found.extend(target.rsplit('/').next().map(str::to_owned)),
            value => references(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
