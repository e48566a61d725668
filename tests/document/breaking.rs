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
    compare(old, new).found
}

/// Operations, parameters, fields and headers that are gone and that the older document did not mark `deprecated`.
pub fn unannounced(old: &Value, new: &Value) -> Vec<String> {
    compare(old, new).unannounced
}

/// The places of what is marked `deprecated` without a word on what to use instead.
pub fn unexplained(document: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        let told = value["description"].as_str().unwrap_or_default();
        if value["deprecated"] == true && !told.contains("instead") {
            found.push(at.to_owned());
        }
        members(value).for_each(|(name, inner)| walk(&format!("{at}/{name}"), inner, found));
        items(value).enumerate().for_each(|(number, inner)| walk(&format!("{at}/{number}"), inner, found));
    }
    let mut found = Vec::new();
    walk("", document, &mut found);
    found
}

fn compare<'a>(old: &'a Value, new: &'a Value) -> Check<'a> {
    let mut check = Check { old, new, seen: BTreeSet::new(), found: Vec::new(), unannounced: Vec::new() };
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in members(item) {
            let at = format!("{method} {path}");
            match new["paths"][path].get(method) {
                Some(now) => check.operation(&at, operation, now),
                None => check.gone(&at, "is gone", operation),
            }
        }
    }
    // Types of generated clients have these names.
    for (name, _) in members(&old["components"]["schemas"]) {
        if new["components"]["schemas"].get(name).is_none() {
            check.tell(&format!("schema {name}"), "is gone");
        }
    }
    for (name, scheme) in members(&old["components"]["securitySchemes"]) {
        let now = &new["components"]["securitySchemes"][name];
        if ["type", "scheme", "in", "name"].iter().any(|key| scheme[key] != now[key]) {
            check.tell(&format!("security scheme {name}"), "is another one");
        }
    }
    check
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
    /// Those of them that should have been announced.
    unannounced: Vec<String>,
}

impl<'a> Check<'a> {
    fn tell(&mut self, at: &str, what: &str) {
        self.found.push(format!("{at}: {what}"));
    }

    /// `thing` is what the older document says of it.
    fn gone(&mut self, at: &str, what: &str, thing: &Value) {
        self.tell(at, what);
        if thing["deprecated"] != true {
            self.unannounced.push(format!("{at}: {what}"));
        }
    }

    fn operation(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        // Functions and classes of generated clients have these names.
        for (key, what) in [("operationId", "has another operationId"), ("tags", "has another tag")] {
            if old[key] != new[key] {
                self.tell(at, what);
            }
        }
        let (had, has) = (proofs(self.old, old), proofs(self.new, new));
        if !has.is_empty() && (had.is_empty() || had.iter().any(|proof| !has.contains(proof))) {
            self.tell(at, "asks for another proof of who calls");
        }
        self.parameters(at, old, new);
        let (old_body, new_body) = (&old["requestBody"], &new["requestBody"]);
        if new_body["required"] == true && old_body["required"] != true {
            self.tell(at, "needs a body now");
        }
        self.media(&format!("{at}, body"), old_body, new_body, Way::Sent);
        for (status, response) in members(&old["responses"]) {
            let (here, is_good) = (format!("{at}, {status}"), status.starts_with('2'));
            match new["responses"].get(status) {
                Some(now) => {
                    self.headers(&here, response, now);
                    if is_good {
                        self.media(&here, response, now, Way::Received);
                    }
                }
                None if is_good => self.tell(at, &format!("never answers {status} any more")),
                None => {}
            }
        }
    }

    fn headers(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        for (name, header) in members(&old["headers"]) {
            let (at, header) = (format!("{at}, header {name}"), resolved(self.old, header));
            let Some(now) = new["headers"].get(name).map(|now| resolved(self.new, now)) else {
                self.gone(&at, "is gone", header);
                continue;
            };
            if header["required"] == true && now["required"] != true {
                self.tell(&at, "may be missing now");
            }
            self.schema(&at, &header["schema"], &now["schema"], Way::Received);
        }
    }

    fn parameters(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in items(&old["parameters"]) {
            let at = format!("{at}, parameter {}", parameter["name"]);
            match items(&new["parameters"]).find(|now| same(parameter, now)) {
                Some(now) => self.schema(&at, &parameter["schema"], &now["schema"], Way::Sent),
                None => self.gone(&at, "is gone", parameter),
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
        self.plain(at, resolved(self.old, old), resolved(self.new, new), way);
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
                None => self.gone(at, &format!("{name} is gone"), member),
            }
        }
        self.shape(at, old, new, way);
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

    /// Whether it is a map, what else it takes, and whether a list may say something twice.
    fn shape(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let is_map = |schema: &Value| schema["additionalProperties"].is_object();
        let is_closed = |schema: &Value| schema["additionalProperties"] == false;
        let is_unique = |schema: &Value| schema["uniqueItems"] == true;
        if is_map(old) != is_map(new) {
            self.tell(at, if is_map(new) { "is a map now" } else { "is no map any more" });
        }
        match way {
            Way::Sent if is_closed(new) && !is_closed(old) => self.tell(at, "takes no other members now"),
            Way::Sent if is_unique(new) && !is_unique(old) => self.tell(at, "takes nothing twice now"),
            Way::Received if is_unique(old) && !is_unique(new) => self.tell(at, "may hold the same twice now"),
            _ => {}
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
        for (bound, exclusive) in [("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")] {
            if old[bound] == new[bound] && new[exclusive] == true && old[exclusive] != true {
                self.tell(at, &format!("{bound} itself is not taken any more"));
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

/// What an operation asks for as proof of who calls: one of these, or nothing.
fn proofs<'a>(document: &'a Value, operation: &'a Value) -> &'a [Value] {
    let asked = operation.get("security").unwrap_or(&document["security"]);
    asked.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The place of the schema or the header that is meant.
fn pointer(it: &Value) -> Option<&str> {
    it["$ref"].as_str().or_else(|| it["allOf"][0]["$ref"].as_str())?.strip_prefix('#')
}

/// Itself, or what it refers to.
fn resolved<'a>(document: &'a Value, it: &'a Value) -> &'a Value {
    pointer(it).and_then(|place| document.pointer(place)).unwrap_or(it)
}

/// The name of the schema that is meant.
fn reference(schema: &Value) -> Option<&str> {
    pointer(schema)?.rsplit('/').next()
}
