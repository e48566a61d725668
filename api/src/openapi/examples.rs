//! An example for every JSON body and every successful JSON answer that has none of its own, made from its schema, and one of
//! a problem. The values are fixed, so that two exports are equal; those that people read are of the trade.

use serde_json::{Map, Value, json};

use crate::problem::Code;

const JSON: &str = "/content/application~1json";

/// What fields are called → a value that one may well find there.
const NAMED: &[(&str, &str)] = &[
    ("arithmetic", "10 × 70/100 = 7.00"),
    ("authorizationUrl", "https://id.example.com/auth?client_id=waypost&response_type=code"),
    ("claim", "groups"),
    ("clientId", "waypost"),
    ("currency", "CNY"),
    ("cursor", "eyJpZCI6MX0"),
    ("detail", "/amount: Must not be negative."),
    ("deviceName", "Lin's phone"),
    ("from", "09:00"),
    ("to", "18:00"),
    ("email", "lin.wei@example.com"),
    ("externalId", "C-1042"),
    ("fields", "{\"phone\":\"+86 21 5555 0100\"}"),
    ("industry", "optics"),
    ("issuer", "https://id.example.com"),
    ("lostNote", "A cheaper offer from abroad"),
    ("name", "Hopton Photonics"),
    ("nextStep", "Send the quote"),
    ("note", "Prefers to be called in the morning"),
    ("op", "update"),
    ("outcome", "Wants a quote"),
    ("phone", "+86 21 5555 0100"),
    ("problem", "/problems/validation"),
    ("purpose", "Show the samples"),
    ("redirectUri", "https://crm.example.com/login/callback"),
    ("reason", "The customer asked for it"),
    ("series", "GTX"),
    ("slug", "hopton"),
    ("source", "fair"),
    ("summary", "Showed the samples to the head of purchasing"),
    ("timeZone", "Asia/Shanghai"),
    ("title", "Head of purchasing"),
    ("website", "https://hopton.example"),
    ("zh", "霍普光通信"),
];

/// The same for numbers.
const COUNTED: &[(&str, i64)] = &[
    ("distance", 35),
    ("durationMinutes", 45),
    ("employees", 120),
    ("expiresIn", 900),
    ("foundedYear", 1998),
    ("latitude", 31),
    ("longitude", 121),
    ("probability", 30),
    ("staleDays", 30),
];

/// What is there at the end of a story only, and would tell another than the rest of the example.
const AT_THE_END: [&str; 14] = [
    "activityId",
    "cancelReason",
    "claimedAt",
    "coolDownUntil",
    "creditCode",
    "disabledAt",
    "excuse",
    "formerOwnerId",
    "lostFrom",
    "lostNote",
    "lostReason",
    "mergedIntoId",
    "revokedAt",
    "signedOn",
];

/// Adds them to all operations.
pub fn add(document: &mut Value) {
    document["components"]["schemas"]["Problem"]["example"] = json!({
        "type": Code::Validation.uri(),
        "title": Code::Validation.title(),
        "status": Code::Validation.status(),
        "detail": "/amount: Must not be negative.",
        "requestId": "0198c0de-0000-7000-8000-000000000001",
        "errors": [{ "pointer": "/amount", "detail": "Must not be negative." }],
    });
    let schemas = document["components"]["schemas"].clone();
    let maker = Maker { schemas: &schemas };
    let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in operations.flat_map(|item| item.as_object_mut()).flat_map(|item| item.values_mut()) {
        let body = operation.pointer_mut(&format!("/requestBody{JSON}"));
        body.into_iter().for_each(|media| maker.complete(media));
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (_, response) in responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
            response.pointer_mut(JSON).into_iter().for_each(|media| maker.complete(media));
        }
    }
}

struct Maker<'a> {
    schemas: &'a Value,
}

impl Maker<'_> {
    fn complete(&self, media: &mut Value) {
        if media.get("example").is_none()
            && let Some(example) = self.example("", &media["schema"], 0)
        {
            media["example"] = example;
        }
    }

    /// `None` where no value would be right, or none that is short.
    fn example(&self, name: &str, schema: &Value, depth: usize) -> Option<Value> {
        if let Some(own) = schema.get("example") {
            return Some(own.clone());
        }
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(reference) = reference {
            let schema = reference.rsplit('/').next()?;
            return self.whole(schema).or_else(|| self.example(name, &self.schemas[schema], depth + 1));
        }
        if let Some(first) = schema["enum"].get(0) {
            return Some(first.clone());
        }
        match schema["type"].as_str()? {
            "string" => text(name, schema),
            "integer" => Some(json!(count(name, schema))),
            "number" => Some(json!(count(name, schema) as f64)),
            "boolean" => Some(json!(true)),
            "array" => Some(self.example(name, &schema["items"], depth + 1).into_iter().collect()),
            "object" if depth < 16 => Some(Value::Object(self.object(schema, depth))),
            _ => None,
        }
    }

    /// What has parts that belong together, by the name of its schema.
    fn whole(&self, schema: &str) -> Option<Value> {
        let clock = |wall, monotonic: i64| json!({ "wall": wall, "monotonic": monotonic, "bootId": "b41c" });
        match schema {
            "PushRequest" => Some(json!({
                "deviceId": "0198c0de-0000-7000-8000-000000000797",
                "sent": clock("2026-03-02T08:15:00.000Z", 3_900_000),
                "mutations": [{
                    "mutationId": "0198c0de-0000-7000-8000-000000001054",
                    "kind": "activity",
                    "op": "create",
                    "recordId": "0198c0de-0000-7000-8000-000000000205",
                    "captured": clock("2026-03-02T07:20:00.000Z", 600_000),
                    "activity": {
                        "accountId": "0198c0de-0000-7000-8000-000000000922",
                        "kind": "visit",
                        "occurred": "2026-03-02T07:15:00.000Z",
                        "durationMinutes": 45,
                        "summary": "Showed the samples to the head of purchasing",
                        "outcome": "Wants a quote",
                        "nextStep": "Send the quote",
                    },
                }],
            })),
            "SyncPage" => {
                let activity = self.example("activity", &self.schemas["Activity"], 1)?;
                let gone = "0198c0de-0000-7000-8000-000000000812";
                Some(json!({
                    "changes": [
                        { "kind": "activity", "id": activity["id"], "revision": activity["revision"], "deleted": false, "activity": activity },
                        { "kind": "contact", "id": gone, "revision": 3, "deleted": true },
                    ],
                    "cursor": "eyJpZCI6MX0",
                    "hasMore": false,
                    "head": 48_213,
                }))
            }
            _ => None,
        }
    }

    /// What is required, and what else is a plain value. `clear` empties what the example has just set.
    fn object(&self, schema: &Value, depth: usize) -> Map<String, Value> {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let members = schema["properties"].as_object().into_iter().flatten();
        members
            .filter(|(name, _)| name.as_str() != "clear")
            .filter(|(name, _)| required.contains(&name.as_str()) || !AT_THE_END.contains(&name.as_str()))
            .filter_map(|(name, inner)| {
                let value = self.example(name, inner, depth + 1)?;
                let plain = !value.is_object() && !value.is_array();
                (plain || required.contains(&name.as_str())).then(|| (name.clone(), value))
            })
            .collect()
    }
}

fn text(name: &str, schema: &Value) -> Option<Value> {
    let named = |name: &str| NAMED.iter().find(|row| row.0 == name).map(|row| row.1.to_owned());
    Some(Value::String(match schema["format"].as_str() {
        Some("uuid") => format!("0198c0de-0000-7000-8000-{:012}", name.bytes().map(u64::from).sum::<u64>()),
        Some("date") => "2026-03-02".into(),
        Some("date-time") => "2026-03-02T09:15:00.000Z".into(),
        Some("email") => "lin.wei@example.com".into(),
        Some("binary") => return None,
        _ => named(name).unwrap_or_else(|| "text".into()),
    }))
}

fn count(name: &str, schema: &Value) -> i64 {
    let known = COUNTED.iter().find(|row| row.0 == name).map(|row| row.1);
    known.or_else(|| schema["minimum"].as_i64()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_and_answers_get_one_and_keep_their_own() {
        let media = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
        let account = json!({ "$ref": "#/components/schemas/Account" });
        let mut document = json!({
            "paths": { "/accounts": { "post": {
                "requestBody": media(json!({ "type": "string", "example": "own" })),
                "responses": { "201": media(account.clone()), "422": media(account) },
            }}},
            "components": { "schemas": {
                "Kind": { "type": "string", "enum": ["business", "channel"] },
                "Account": {
                    "type": "object",
                    "required": ["id", "owner"],
                    "properties": {
                        "id": { "type": "string", "format": "uuid" },
                        "kind": { "allOf": [{ "$ref": "#/components/schemas/Kind" }] },
                        "owner": { "type": "object", "properties": { "name": { "type": "string" } } },
                        "parent": { "$ref": "#/components/schemas/Account" },
                        "employees": { "type": "integer", "minimum": 0 },
                        "clear": { "type": "array", "items": { "type": "string" } },
                    },
                },
            }},
        });
        add(&mut document);
        let operation = &document["paths"]["/accounts"]["post"];
        assert_eq!(operation.pointer(&format!("/requestBody{JSON}/example")), Some(&json!("own")));
        assert_eq!(
            operation.pointer(&format!("/responses/201{JSON}/example")),
            Some(&json!({
                "id": "0198c0de-0000-7000-8000-000000000205",
                "kind": "business",
                "owner": { "name": "Hopton Photonics" },
                "employees": 120,
            }))
        );
        assert_eq!(operation.pointer(&format!("/responses/422{JSON}/example")), None);
    }
}
