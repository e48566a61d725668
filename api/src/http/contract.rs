//! What the published document says about a request's path: its operation, the methods beside it, the names of its
//! path parameters, the schema of its body. The envelope reads it, so that no route has to repeat any of this.

use poem::http::Method;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The polished document, indexed by path.
pub struct Contract {
    document: Value,
    /// Paths without parameters.
    literal: HashMap<String, Template>,
    /// Those with parameters, by the number of their segments.
    by_length: HashMap<usize, Vec<Template>>,
}

struct Template {
    path: String,
    segments: Vec<Segment>,
    /// Names of the operations. Every request asks for one.
    operations: Vec<(Method, String)>,
}

enum Segment {
    Literal(String),
    Parameter(String),
}

/// A path of the document that a request matches.
#[derive(Clone, Copy)]
pub struct Matched<'a> {
    contract: &'a Contract,
    template: &'a Template,
}

impl Contract {
    pub fn new(document: Value) -> Self {
        let mut literal = HashMap::new();
        let mut by_length: HashMap<usize, Vec<Template>> = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let segments: Vec<Segment> = path.split('/').map(Segment::parse).collect();
            let operations = item.as_object().into_iter().flatten().filter_map(|(method, operation)| {
                let method = method.to_ascii_uppercase().parse().ok()?;
                Some((method, operation["operationId"].as_str()?.to_owned()))
            });
            let template = Template { path: path.clone(), operations: operations.collect(), segments };
            if template.segments.iter().all(|segment| matches!(segment, Segment::Literal(_))) {
                literal.insert(path.clone(), template);
            } else {
                by_length.entry(template.segments.len()).or_default().push(template);
            }
        }
        Self { document, literal, by_length }
    }

    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The template for `path`; like the router, it prefers a literal segment to a parameter.
    pub fn matching(&self, path: &str) -> Option<Matched<'_>> {
        if let Some(template) = self.literal.get(path) {
            return Some(Matched { contract: self, template });
        }
        let segments: Vec<&str> = path.split('/').collect();
        let candidates = self.by_length.get(&segments.len())?.iter().filter(|t| t.accepts(&segments));
        let template = candidates.min_by_key(|t| t.parameter_positions())?;
        Some(Matched { contract: self, template })
    }

    /// Follows `$ref`, also the one inside a single `allOf`, which carries a description beside it.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().or_else(|| match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([one]) => one["$ref"].as_str(),
            _ => None,
        });
        reference.and_then(|r| self.document.pointer(r.strip_prefix('#')?)).unwrap_or(schema)
    }
}

impl Segment {
    fn parse(segment: &str) -> Self {
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => Segment::Parameter(name.to_owned()),
            None => Segment::Literal(segment.to_owned()),
        }
    }
}

impl Template {
    fn accepts(&self, segments: &[&str]) -> bool {
        self.segments.iter().zip(segments).all(|(own, given)| match own {
            Segment::Literal(text) => text == given,
            Segment::Parameter(_) => !given.is_empty(),
        })
    }

    /// Orders templates that accept the same path: `false` (a literal) sorts first.
    fn parameter_positions(&self) -> Vec<bool> {
        self.segments.iter().map(|s| matches!(s, Segment::Parameter(_))).collect()
    }
}

impl<'a> Matched<'a> {
    fn item(self) -> &'a Value {
        &self.contract.document["paths"][self.template.path.as_str()]
    }

    fn operation(self, method: &Method) -> &'a Value {
        &self.item()[answering(method).as_str().to_ascii_lowercase()]
    }

    /// Name of the operation, `advanceOpportunity`.
    pub fn operation_id(self, method: &Method) -> Option<&'a str> {
        let mut operations = self.template.operations.iter();
        operations.find(|(own, _)| own == answering(method)).map(|(_, name)| name.as_str())
    }

    /// Value of `Allow`: every method of the path. GET answers HEAD too.
    pub fn allow(self) -> String {
        let mut methods: Vec<String> = Vec::new();
        for method in self.item().as_object().into_iter().flat_map(Map::keys) {
            methods.push(method.to_ascii_uppercase());
            if method == "get" {
                methods.push("HEAD".into());
            }
        }
        methods.join(", ")
    }

    /// Name of the path's parameter number `index`, counted from 0.
    pub fn path_parameter(self, index: usize) -> Option<&'a str> {
        let names = self.template.segments.iter().filter_map(|s| match s {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        });
        names.into_iter().nth(index)
    }

    /// Schema of the parameter `name`, wherever it stands.
    pub fn parameter_schema(self, method: &Method, name: &str) -> Option<&'a Value> {
        let mut parameters = self.operation(method)["parameters"].as_array()?.iter();
        Some(&parameters.find(|p| p["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)))?["schema"])
    }

    /// Whether the query may have the parameter `name`; anything may stand in that of a path that is not in the document.
    pub fn knows_query(self, method: &Method, name: &str) -> bool {
        let operation = self.operation(method);
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        operation.is_null() || parameters.any(|p| p["in"] == "query" && p["name"] == name)
    }

    /// Schema of the JSON body.
    pub fn body_schema(self, method: &Method) -> Option<&'a Value> {
        self.operation(method).pointer("/requestBody/content/application~1json/schema")
    }

    /// The media types that a body may have.
    pub fn media_types(self, method: &Method) -> Vec<&'a str> {
        let types = self.operation(method).pointer("/requestBody/content").and_then(Value::as_object);
        types.into_iter().flat_map(Map::keys).map(String::as_str).collect()
    }

    /// The parts that a form may have, those first that it must.
    pub fn form_parts(self, method: &Method) -> Vec<String> {
        let schema = self.operation(method).pointer("/requestBody/content/multipart~1form-data/schema");
        let Some(schema) = schema.map(|schema| self.contract.resolve(schema)) else { return Vec::new() };
        let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        let names = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        let (must, may): (Vec<&String>, Vec<&String>) = names.partition(|name| required(name));
        let must = must.into_iter().map(|name| format!("{name} (required)"));
        must.chain(may.into_iter().cloned()).collect()
    }
}

/// GET answers HEAD too.
fn answering(method: &Method) -> &Method {
    if *method == Method::HEAD { &Method::GET } else { method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_literal_wins_over_a_parameter() {
        let contract = Contract::new(json!({ "paths": {
            "/v1/accounts/{id}": { "get": { "operationId": "getAccount" }, "delete": {} },
            "/v1/accounts/search": { "get": { "operationId": "searchAccounts" } },
            "/v1/accounts/{id}/members/{user}": { "put": {} },
        }}));
        let get = |path| contract.matching(path).and_then(|m| m.operation_id(&Method::GET));
        assert_eq!(get("/v1/accounts/7"), Some("getAccount"));
        assert_eq!(get("/v1/accounts/search"), Some("searchAccounts"));
        assert_eq!(get("/v1/accounts/"), None);
        assert_eq!(get("/v1/accounts"), None);
        assert_eq!(contract.matching("/v1/accounts/7").map(Matched::allow).as_deref(), Some("DELETE, GET, HEAD"));
        let members = contract.matching("/v1/accounts/7/members/8");
        assert_eq!(members.and_then(|m| m.path_parameter(1)), Some("user"));
    }
}
