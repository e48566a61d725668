//! Whether a client that was generated from one document still works with a server that publishes another. Strict on both
//! sides, as generated clients are: what they send must still be understood, and what they get must be what they know.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Sent,
    Received,
}

/// Everything that the newer document breaks, each with its place.
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut check = Check { old, new, seen: BTreeSet::new(), found: Vec::new() };
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in members(item) {
            let at = format!("{method} {path}");
            match new["paths"][path].get(method) {
                Some(now) => check.operation(&at, operation, now),
                None => check.tell(&at, "is gone"),
            }
        }
    }
    check.found
}

/// Whether the version allows a break: by semantic versioning another major one, or before 1.0 another minor one.
pub fn says_so(old: &str, new: &str) -> bool {
    let parts = |version: &str| version.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (parts(old), parts(new));
    old[0] != new[0] || (old[0] == "0" && old[1] != new[1])
}

struct Check<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of named schemas that were compared.
    seen: BTreeSet<(String, String, Way)>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    fn tell(&mut self, at: &str, what: &str) {
        self.found.push(format!("{at}: {what}"));
    }

    fn operation(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            self.tell(at, "has another operationId");
        }
        self.parameters(at, old, new);
        let (old_body, new_body) = (&old["requestBody"], &new["requestBody"]);
        if new_body["required"] == true && old_body["required"] != true {
            self.tell(at, "needs a body now");
        }
        self.media(&format!("{at}, body"), old_body, new_body, Way::Sent);
        for (status, response) in members(&old["responses"]).filter(|(status, _)| status.starts_with('2')) {
            match new["responses"].get(status) {
                Some(now) => self.media(&format!("{at}, {status}"), response, now, Way::Received),
                None => self.tell(at, &format!("never answers {status} any more")),
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in items(&old["parameters"]) {
            let at = format!("{at}, parameter {}", parameter["name"]);
            match items(&new["parameters"]).find(|now| same(parameter, now)) {
                Some(now) => self.schema(&at, &parameter["schema"], &now["schema"], Way::Sent),
                None => self.tell(&at, "is gone"),
            }
        }
        for parameter in items(&new["parameters"]).filter(|parameter| parameter["required"] == true) {
            let before = items(&old["parameters"]).find(|before| same(parameter, before));
            if before.is_none_or(|before| before["required"] != true) {
                self.tell(at, &format!("parameter {} is required now", parameter["name"]));
            }
        }
    }

    fn media(&mut self, at: &str, old: &'a Value, new: &'a Value, way: Way) {
        for (media, content) in members(&old["content"]) {
            match new["content"].get(media) {
                Some(now) => self.schema(at, &content["schema"], &now["schema"], way),
                None => self.tell(at, &format!("{media} is gone")),
            }
        }
    }

    fn schema(&mut self, at: &str, old: &'a Value, new: &'a Value, way: Way) {
        if let (Some(before), Some(now)) = (reference(old), reference(new)) {
            if !self.seen.insert((before.to_owned(), now.to_owned(), way)) {
                return;
            }
            // The shortest way to say where it is.
            let (before, now) = (&self.old["components"]["schemas"][before], &self.new["components"]["schemas"][now]);
            let name = reference(old).unwrap_or_default();
            return self.plain(&format!("{name} ({at})"), before, now, way);
        }
        let resolve = |document: &'a Value, schema: &'a Value| {
            reference(schema).map_or(schema, |name| &document["components"]["schemas"][name])
        };
        self.plain(at, resolve(self.old, old), resolve(self.new, new), way);
    }

    fn plain(&mut self, at: &str, old: &'a Value, new: &'a Value, way: Way) {
        for key in ["type", "format"] {
            if old[key] != new[key] {
                return self.tell(at, &format!("{key} was {} and is {}", old[key], new[key]));
            }
        }
        if way == Way::Received && new["nullable"] == true && old["nullable"] != true {
            self.tell(at, "can be null now");
        }
        self.values(at, old, new, way);
        if way == Way::Sent {
            self.limits(at, old, new);
        }
        for (name, member) in members(&old["properties"]) {
            match new["properties"].get(name) {
                Some(now) => self.schema(&format!("{at}.{name}"), member, now, way),
                None => self.tell(at, &format!("{name} is gone")),
            }
        }
        let (had, has) = (strings(&old["required"]), strings(&new["required"]));
        let (changed, what): (Vec<_>, _) = match way {
            Way::Sent => (has.difference(&had).collect(), "is required now"),
            Way::Received => (had.difference(&has).collect(), "may be missing now"),
        };
        for name in changed {
            self.tell(at, &format!("{name} {what}"));
        }
        for key in ["items", "additionalProperties"] {
            if old[key].is_object() && new[key].is_object() {
                self.schema(&format!("{at}[]"), &old[key], &new[key], way);
            }
        }
    }

    fn values(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let (had, has) = (strings(&old["enum"]), strings(&new["enum"]));
        let (changed, what): (Vec<_>, _) = match way {
            Way::Sent if new["enum"].is_array() && old["enum"].is_null() => {
                return self.tell(at, "takes only some values now");
            }
            Way::Sent if new["enum"].is_null() => return,
            Way::Sent => (had.difference(&has).collect(), "is not taken any more"),
            Way::Received if old["enum"].is_null() => return,
            Way::Received => (has.difference(&had).collect(), "is a value that older clients do not know"),
        };
        for value in changed {
            self.tell(at, &format!("`{value}` {what}"));
        }
    }

    fn limits(&mut self, at: &str, old: &Value, new: &Value) {
        let tighter = |key: &str| match (old[key].as_f64(), new[key].as_f64()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(was), Some(is)) if key.starts_with("max") => is < was,
            (Some(was), Some(is)) => is > was,
        };
        for key in ["maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems"] {
            if tighter(key) {
                self.tell(at, &format!("{key} is {} now", new[key]));
            }
        }
        if !new["pattern"].is_null() && old["pattern"] != new["pattern"] {
            self.tell(at, "has another pattern");
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> BTreeSet<&str> {
    items(value).filter_map(Value::as_str).collect()
}

/// The name of the schema that is meant.
fn reference(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    reference.rsplit('/').next()
}
