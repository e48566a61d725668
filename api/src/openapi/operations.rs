//! Completes what each operation must say: its name, its errors, whether it is open. Names are demanded, errors that
//! every operation of its form has are added.

use serde_json::{Map, Value, json};

use crate::http::once::{IDEMPOTENCY_KEY, is_kept_here};

/// Completes all operations; what is missing and cannot be added is told in `faults`.
pub fn complete(document: &mut Value, faults: &mut Vec<String>) {
    let schemes: Vec<String> =
        document["components"]["securitySchemes"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    if !schemes.is_empty() {
        document["security"] = schemes.iter().map(|name| json!({ name: [] })).collect();
        document["components"]["headers"] = rate_headers();
    }
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                demand_names(operation, &format!("{method} {path}"), faults);
                if method == "post" {
                    add_idempotency(operation);
                }
                add_errors(operation);
                tidy_parameters(operation);
                spell_headers(operation);
                add_rate(operation);
            }
        }
    }
    if document.pointer("/components/schemas/Problem").is_none() {
        faults.push("components.schemas: no Problem".into());
    }
}

fn demand_names(operation: &Map<String, Value>, at: &str, faults: &mut Vec<String>) {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).is_some_and(|t| !t.trim().is_empty());
    if !text("operationId") {
        faults.push(format!("{at}: no operationId"));
    }
    if operation.get("tags").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        faults.push(format!("{at}: no tag"));
    }
    if !text("summary") {
        faults.push(format!("{at}: no summary"));
    }
}

/// The key that `http::once` takes where the operation does not read it itself, and the answer to its misuse.
fn add_idempotency(operation: &mut Map<String, Value>) {
    if !is_kept_here(&Value::Object(operation.clone())) {
        return;
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        let schema = json!({ "type": "string" });
        parameters.push(json!({ "name": IDEMPOTENCY_KEY, "in": "header", "required": false, "schema": schema }));
    }
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.entry("409").or_insert_with(|| problem("In conflict with what is there, or with another request"));
    }
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// The statuses with which layers outside of the operation can answer, and `security: []` where it is open.
fn add_errors(operation: &mut Map<String, Value>) {
    let security = operation.entry("security").or_insert_with(|| json!([]));
    let secured = security.as_array().is_some_and(|s| !s.is_empty());
    let has_body = operation.contains_key("requestBody");
    let has_parameters = operation.get("parameters").and_then(Value::as_array).is_some_and(|p| !p.is_empty());

    let mut errors = vec![("500", "Something went wrong on the server"), ("503", "Temporarily unavailable")];
    if has_body || has_parameters {
        errors.push(("400", "The request could not be read"));
    }
    if secured {
        errors.push(("401", "Authentication is needed"));
        errors.push(("429", "Too many requests"));
    }
    if has_body {
        errors.push(("413", "The request is too large"));
        errors.push(("415", "The media type is not supported"));
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    for (status, description) in errors {
        responses.entry(status).or_insert_with(|| {
            let mut response = problem(description);
            if status == "429" {
                response["headers"] = json!({ "Retry-After": {
                    "description": "Seconds to wait", "required": false, "schema": { "type": "integer", "format": "int32" },
                } });
            }
            response
        });
    }
    // A description is required, and an empty one helps nobody.
    for (status, response) in responses {
        if response["description"].as_str().unwrap_or_default().is_empty() {
            response["description"] = if status.starts_with('2') { "Success".into() } else { status.as_str().into() };
        }
    }
}

/// Parameters that mean the same wherever they stand.
const EVERYWHERE: [(&str, &str); 4] = [
    ("cursor", "From the page before; the first page has none. Keep filters and sort as they were."),
    ("limit", "How many items a page has at most; 50 by default."),
    (
        "Idempotency-Key",
        "Made by the client for each request, such as a UUID: sent again, the request is answered again, not done again. A 409 \
         tells by its `type` what the key was met with: `/problems/idempotency_key_reused`, \
         `/problems/idempotency_in_progress` or `/problems/answer_not_kept`.",
    ),
    (
        "If-Match",
        "The `ETag` that the client saw, one and no weak one: if the record has changed since, nothing is done and the answer \
         is 412.",
    ),
];

/// Leaves out what only repeats a default: `deprecated: false`, and `explode` where nothing can be exploded. Describes
/// parameters that have a meaning everywhere and no description of their own.
fn tidy_parameters(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
        if parameter.get("deprecated") == Some(&false.into()) {
            parameter.remove("deprecated");
        }
        if parameter.get("schema").is_none_or(|s| s["type"] != "array") {
            parameter.remove("explode");
        }
        let known = EVERYWHERE.iter().find(|row| parameter.get("name").is_some_and(|name| name == row.0));
        if let Some((_, meaning)) = known {
            parameter.entry("description").or_insert_with(|| json!(meaning));
        }
    }
}

/// `etag` → `ETag`: names of headers as the standards spell them.
fn spell_headers(operation: &mut Map<String, Value>) {
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(Map::values_mut) {
        let Some(Value::Object(headers)) = response.get_mut("headers") else { continue };
        *headers = std::mem::take(headers)
            .into_iter()
            .map(|(name, mut header)| {
                if let Some(header) = header.as_object_mut()
                    && header.get("deprecated") == Some(&false.into())
                {
                    header.remove("deprecated");
                }
                (spelled(&name), header)
            })
            .collect();
    }
}

/// What `http::rate` says to every token, once for the whole document.
fn rate_headers() -> Value {
    let header = |description: &str, example: &str| {
        let schema = json!({ "type": "string" });
        json!({ "description": description, "required": true, "schema": schema, "example": example })
    };
    let left =
        "What the token may still do: requests (`r`), and seconds in which there will be at least one more (`t`).";
    let policy = "What each token may do: requests (`q`) in so many seconds (`w`).";
    json!({
        "RateLimit": header(left, "\"token\";r=5999;t=1"),
        "RateLimit-Policy": header(policy, "\"token\";q=6000;w=60"),
    })
}

/// The headers, where they are sure to be: in every answer that is no error, and in the one to who asks too often. Other
/// errors have them only if the token was proven first.
fn add_rate(operation: &mut Map<String, Value>) {
    if operation["security"].as_array().is_none_or(Vec::is_empty) {
        return;
    }
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        if status.as_str() < "400" || status == "429" {
            for name in ["RateLimit", "RateLimit-Policy"] {
                response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
            }
        }
    }
}

fn spelled(name: &str) -> String {
    let part = |part: &str| match part.to_ascii_lowercase().as_str() {
        "etag" => "ETag".to_owned(),
        "ratelimit" => "RateLimit".to_owned(),
        "www" => "WWW".to_owned(),
        lower => lower[..1].to_ascii_uppercase() + &lower[1..],
    };
    name.split('-').filter(|p| !p.is_empty()).map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::super::{polish, tests::minimal};
    use super::*;

    fn statuses(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let document = polish(&minimal(|d| change(&mut d["paths"]["/v1/things"]["get"]))).expect("polishes");
        let responses = document["paths"]["/v1/things"]["get"]["responses"].as_object().expect("an object");
        for (status, response) in responses.iter().filter(|(s, _)| s.as_str() >= "400") {
            let schema = response.pointer("/content/application~1problem+json/schema/$ref");
            assert_eq!(schema, Some(&json!("#/components/schemas/Problem")), "{status}");
        }
        responses.keys().cloned().collect()
    }

    #[test]
    fn errors_follow_from_the_form_of_the_operation() {
        let body = json!({ "content": {} });
        let parameters = json!([{ "name": "limit", "in": "query", "schema": { "type": "integer" }, "explode": true }]);
        assert_eq!(statuses(|_| ()), ["200", "401", "429", "500", "503"]);
        assert_eq!(statuses(|o| o["security"] = json!([])), ["200", "500", "503"]);
        assert_eq!(statuses(|o| o["parameters"] = parameters), ["200", "400", "401", "429", "500", "503"]);
        assert_eq!(statuses(|o| o["requestBody"] = body), ["200", "400", "401", "413", "415", "429", "500", "503"]);
    }

    #[test]
    fn an_open_operation_says_so() {
        let open = minimal(|d| {
            d["paths"]["/v1/things"]["get"].as_object_mut().map(|o| o.remove("security"));
        });
        let document = polish(&open).expect("polishes");
        assert_eq!(document["security"], json!([{ "bearer": [] }]));
        assert_eq!(document["paths"]["/v1/things"]["get"]["security"], json!([]));
    }

    #[test]
    fn headers_are_spelled_as_in_the_standards() {
        for (given, spelling) in [
            ("etag", "ETag"),
            ("RETRY-AFTER", "Retry-After"),
            ("www-authenticate", "WWW-Authenticate"),
            ("ratelimit-policy", "RateLimit-Policy"),
        ] {
            assert_eq!(spelled(given), spelling);
        }
    }

    #[test]
    fn who_brings_a_token_is_told_its_rate() {
        fn told(security: Value) -> Vec<String> {
            let emitted = minimal(|d| d["paths"]["/v1/things"]["get"]["security"] = security);
            let document = polish(&emitted).expect("polishes");
            let responses = document["paths"]["/v1/things"]["get"]["responses"].as_object().expect("an object");
            let tells = |response: &Value| {
                ["RateLimit", "RateLimit-Policy"].iter().all(|name| {
                    let place = response["headers"][*name]["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
                    place.is_some_and(|place| document.pointer(place).is_some())
                })
            };
            responses.iter().filter(|(_, response)| tells(response)).map(|(status, _)| status.clone()).collect()
        }
        assert_eq!(told(json!([{ "bearer": [] }])), ["200", "429"]);
        assert_eq!(told(json!([])), Vec::<String>::new());
    }
}
