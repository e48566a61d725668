//! The mapping of a file whose columns are called as the fields of the API are: what an export wrote, say. It is written out
//! as JSON, so that people see it and can go on from it.

use std::io;
use std::path::Path;

use entity::kind::Kind;
use serde_json::{Map, Value, json};

use super::refused::OWN;
use crate::custom_field::{PREFIX, customizable, is_key};
use crate::export::columns;
use crate::import::field::{Field, ID, KEY, Shape, fields};
use crate::import::source::{Format, Source};

/// What may stand between two cells.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// Looks into the file. Blocks. The error is a sentence about it.
pub fn mapping(name: &str, path: &Path, kind: Kind) -> Result<String, String> {
    let told = |cause: io::Error| match cause.kind() {
        io::ErrorKind::InvalidData => format!("{name} {cause}."),
        _ => format!("{name} cannot be read."),
    };
    let source = Source::look(path, None).map_err(told)?;
    let delimiters = if source.format == Format::Csv { DELIMITERS.as_slice() } else { &DELIMITERS[..1] };
    let known = |header: &String| fields(kind).iter().any(|field| field.name == header) || is_own(kind, header);
    let mut best: Option<(usize, char, Vec<String>)> = None;
    for delimiter in delimiters {
        let headers = source.open(*delimiter, None).map_err(told)?.headers;
        let fitting = headers.iter().filter(|header| known(header)).count();
        if best.as_ref().is_none_or(|(most, ..)| fitting > *most) {
            best = Some((fitting, *delimiter, headers));
        }
    }
    let (_, delimiter, headers) = best.ok_or_else(|| format!("{name} has no columns."))?;
    of_columns(name, kind, &headers, delimiter)
}

/// Whether a column may be of a field that the tenant defined itself; whether there is such a field, is asked later.
fn is_own(kind: Kind, header: &str) -> bool {
    customizable(kind).is_some() && header.strip_prefix(PREFIX).is_some_and(is_key)
}

/// Whether a name is that of a column, or of a part of it: JSON has names for all parts of what is one cell in a table.
fn is_of(column: &str, name: &str) -> bool {
    name.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn of_columns(name: &str, kind: Kind, headers: &[String], delimiter: char) -> Result<String, String> {
    if headers.iter().all(String::is_empty) {
        return Err(format!("{name} has nothing in it but empty lines. The first row names the columns."));
    }
    let has = |column: &str| headers.iter().any(|header| header == column);
    let known = fields(kind);
    let stages = ["stage", "stageSince", "lostFrom", "lostReason", "lostNote"];
    let only_read = columns(kind);
    let is_known = |header: &String| {
        header.is_empty()
            || OWN.contains(&header.as_str())
            || known.iter().any(|field| field.name == header)
            || is_own(kind, header)
            || only_read.iter().any(|column| is_of(column, header))
    };
    let unknown: Vec<&str> = headers.iter().filter(|header| !is_known(header)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        return Err(format!(
            "{name} has the columns {}, which are no fields of this kind. Rename them, take them out, or give a mapping. There are {}.",
            unknown.join(", "),
            names.join(", ")
        ));
    }
    let missing: Vec<&str> = known
        .iter()
        .filter(|field| field.required && !has(field.name) && !(field.name == KEY && has(ID)))
        .map(|field| field.name)
        .collect();
    if !missing.is_empty() {
        return Err(format!("{name} lacks the columns {}. Add them, or give a mapping.", missing.join(", ")));
    }
    let source = |field: &Field| match field.shape {
        Shape::Reference(_) => json!({ "column": field.name, "by": "any" }),
        _ => json!(field.name),
    };
    let mut mapped: Map<String, Value> =
        known.iter().filter(|field| has(field.name)).map(|field| (field.name.to_owned(), source(field))).collect();
    mapped.extend(headers.iter().filter(|header| is_own(kind, header)).map(|header| (header.clone(), json!(header))));
    let mut file = json!({ "path": name, "kind": kind, "delimiter": delimiter, "fields": mapped });
    if kind == Kind::Opportunity && has("stage") {
        let mut stage = json!({ "column": "stage", "lost_note": "The imported data does not tell why." });
        for (key, column) in
            ["", "since", "lost_from_column", "lost_reason_column", "lost_note_column"].into_iter().zip(stages)
        {
            if !key.is_empty() && has(column) {
                stage[key] = json!(column);
            }
        }
        file["stage"] = stage;
    }
    serde_json::to_string_pretty(&json!({ "file": [file] })).map_err(|cause| cause.to_string())
}
