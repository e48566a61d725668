//! JSON lines: an object a line. Parts of an object within have the name `address.city`; what is null is empty; a list
//! stands for its JSON.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::path::Path;

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::text::{Text, line};
use super::{LONGEST_ROW, MOST_COLUMNS, Row, invalid};

/// Objects within objects.
const DEEPEST: usize = 4;

pub struct JsonLines {
    input: BufReader<Text>,
    columns: HashMap<String, usize>,
    line: u64,
}

/// Whether the text begins as an object does.
pub fn begins(path: &Path, encoding: &'static Encoding) -> io::Result<bool> {
    let (mut input, mut read, mut cut) = (Text::open(path, encoding)?, Vec::new(), false);
    while line(&mut input, &mut read, &mut cut)? {
        let text = read.trim_ascii();
        if !text.is_empty() {
            if text.starts_with(b"[") && text[1..].trim_ascii().starts_with(b"{") {
                return Err(invalid("is one JSON list: write one object a line (NDJSON), without the brackets around"));
            }
            return Ok(text.starts_with(b"{"));
        }
    }
    Ok(false)
}

/// The names that any object of the file uses. Reads all of it.
pub fn names(path: &Path, encoding: &'static Encoding) -> io::Result<Vec<String>> {
    let (mut input, mut read, mut cut) = (Text::open(path, encoding)?, Vec::new(), false);
    let (mut names, mut known, mut bytes) = (Vec::new(), HashMap::new(), 0);
    while line(&mut input, &mut read, &mut cut)? {
        if let Ok(object) = object(&read) {
            for (name, _) in flat(object) {
                if !known.contains_key(&name) {
                    bytes += name.len();
                    known.insert(name.clone(), names.len());
                    names.push(name);
                }
            }
        }
        if names.len() > MOST_COLUMNS || bytes > LONGEST_ROW {
            return Err(invalid(format!(
                "its objects have more than {MOST_COLUMNS} names, or names of more than 1 MiB"
            )));
        }
    }
    Ok(names)
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(line)
        .map_err(|cause| format!("is no JSON object: column {}: write one object a line", cause.column()))
}

/// Its parts, by name.
fn flat(object: Map<String, Value>) -> Vec<(String, String)> {
    fn add(prefix: &str, object: Map<String, Value>, depth: usize, parts: &mut Vec<(String, String)>) {
        for (name, value) in object {
            let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value {
                Value::Null => parts.push((name, String::new())),
                Value::String(text) => parts.push((name, text)),
                Value::Object(inner) if depth < DEEPEST => add(&name, inner, depth + 1, parts),
                other => parts.push((name, other.to_string())),
            }
        }
    }
    let mut parts = Vec::new();
    add("", object, 0, &mut parts);
    parts
}

impl JsonLines {
    pub fn open(path: &Path, encoding: &'static Encoding, names: &[String]) -> io::Result<Self> {
        let columns = names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        Ok(JsonLines { input: Text::open(path, encoding)?, columns, line: 0 })
    }

    pub fn read(&self) -> u64 {
        self.input.get_ref().read
    }

    /// The next object; a line that is none is a broken row with its text.
    pub fn row(&mut self) -> io::Result<Option<Row>> {
        let (mut read, mut cut) = (Vec::new(), false);
        loop {
            if !line(&mut self.input, &mut read, &mut cut)? {
                return Ok(None);
            }
            self.line += 1;
            if !read.trim_ascii().is_empty() {
                break;
            }
        }
        let told = if cut { Err("is longer than 1 MiB".to_owned()) } else { object(&read) };
        Ok(Some(match told {
            Err(reason) => {
                Row::broken(self.line, vec![String::from_utf8_lossy(read.trim_ascii()).into_owned()], reason)
            }
            Ok(object) => {
                let mut cells = vec![String::new(); self.columns.len()];
                for (name, text) in flat(object) {
                    if let Some(place) = self.columns.get(&name) {
                        cells[*place] = text;
                    }
                }
                Row::plain(self.line, cells)
            }
        }))
    }
}
