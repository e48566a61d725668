//! One row as typed values. What it refers to is still named as in the file; nothing here asks the database.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use chrono_tz::Tz;
use entity::kind::{Kind, StageKey};
use entity::scalar::Date;
use serde_json::{Map, Value};

use super::calendar::Calendar;
use super::field::{Field, KEY, Shape};
use super::mapping::{By, From, Lookup, Pass, Source};
use super::rows::{Row, Rows};
use super::steps::{Step, steps};

/// What a row says.
#[derive(Clone, Debug)]
pub struct Draft {
    pub line: u64,
    /// The row as it stood in the file.
    pub cells: Vec<String>,
    /// The external id.
    pub key: String,
    /// By name in the API, parts of a field after a dot.
    pub values: Map<String, Value>,
    pub references: Vec<Reference>,
    /// The moves of an opportunity; empty for other kinds.
    pub steps: Vec<Step>,
    /// Two rows with the same one say the same.
    pub fingerprint: u64,
}

/// A record that a field names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub field: &'static str,
    pub name: Name,
}

/// How a record is named in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub kind: Kind,
    pub by: By,
    pub text: String,
}

/// Makes drafts of the rows of one pass.
pub struct Reader<'a> {
    pass: &'a Pass,
    zone: Tz,
    columns: HashMap<String, usize>,
    /// By field: what a lookup found in the other file.
    lookups: BTreeMap<&'static str, HashMap<String, String>>,
}

impl<'a> Reader<'a> {
    /// `columns`: where the columns that the mapping names stand in the file. Reads the other files of lookups once.
    pub fn new(pass: &'a Pass, columns: HashMap<String, usize>, folder: &Path, zone: Tz) -> io::Result<Self> {
        let mut lookups = BTreeMap::new();
        for (field, source) in pass.mapped() {
            if let From::Lookup(lookup) = &source.from {
                lookups.insert(field.name, first_rows(lookup, folder)?);
            }
        }
        Ok(Reader { pass, zone, columns, lookups })
    }

    /// The draft, or why there is none: every fault of the row.
    pub fn draft(&self, row: Row) -> Result<Draft, (Row, String)> {
        if let Some(reason) = row.broken.clone() {
            return Err((row, reason));
        }
        match self.read(&row.cells) {
            Ok((key, values, references, steps)) => {
                let mut hasher = DefaultHasher::new();
                (Value::Object(values.clone()).to_string(), &references, format!("{steps:?}")).hash(&mut hasher);
                let fingerprint = hasher.finish();
                Ok(Draft { line: row.line, cells: row.cells, key, values, references, steps, fingerprint })
            }
            Err(faults) => Err((row, faults.join("; "))),
        }
    }

    #[expect(clippy::type_complexity, reason = "the parts of a draft, which its only caller puts together")]
    fn read(&self, cells: &[String]) -> Result<(String, Map<String, Value>, Vec<Reference>, Vec<Step>), Vec<String>> {
        let calendar = Calendar { zone: self.zone, formats: &self.pass.dates };
        let cell = |column: &str| self.cell(cells, column);
        let (mut values, mut references, mut faults) = (Map::new(), Vec::new(), Vec::new());
        for (field, source) in self.pass.mapped() {
            let text = self.text(field, source, &cell);
            if text.is_empty() {
                if field.required {
                    faults.push(format!("{} is empty", field.name));
                }
                continue;
            }
            match (field.shape.read(&text, source.times, &calendar), field.shape) {
                (Err(fault), _) => faults.push(format!("{} `{text}`: {fault}", field.name)),
                (Ok(_), Shape::Reference(kind)) => {
                    references.push(Reference { field: field.name, name: Name { kind, by: source.by, text } });
                }
                (Ok(value), _) => {
                    values.insert(field.name.to_owned(), value);
                }
            }
        }
        let steps = self.steps(&cell, &calendar).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        let key = values.get(KEY).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((key, values, references, steps))
    }

    fn text<'c>(&self, field: &Field, source: &Source, cell: &impl Fn(&str) -> &'c str) -> String {
        let text = match &source.from {
            From::Column(column) => cell(column).to_owned(),
            From::Template(template) => template.render(cell),
            From::Value(value) => value.clone(),
            From::Lookup(lookup) => {
                let found = self.lookups.get(field.name).and_then(|found| found.get(cell(&lookup.column)));
                found.cloned().unwrap_or_default()
            }
        };
        match (&source.default, text.is_empty()) {
            (Some(default), true) => default.clone(),
            _ => text,
        }
    }

    /// The cell without surrounding white space, translated.
    fn cell<'c>(&'c self, cells: &'c [String], column: &str) -> &'c str {
        let text = self.columns.get(column).and_then(|place| cells.get(*place)).map_or("", |text| text.trim());
        let translated = self.pass.translate.get(column).and_then(|words| words.get(text));
        translated.map_or(text, |text| text.as_str())
    }

    fn steps<'c>(&self, cell: &impl Fn(&str) -> &'c str, calendar: &Calendar<'_>) -> Result<Vec<Step>, String> {
        let Some(stages) = &self.pass.stage else {
            let created = Step { stage: StageKey::Intent, on: None, assumed: true };
            return Ok(if self.pass.kind == Kind::Opportunity { vec![created] } else { Vec::new() });
        };
        let text = cell(&stages.column);
        let stage = StageKey::parse(text).ok_or_else(|| {
            let known = "intent, pre_sale, negotiation, signed, lost";
            format!("stage `{text}`: is none of {known}: add it to `translate` of the column {}", stages.column)
        })?;
        let mut entered: BTreeMap<StageKey, Date> = BTreeMap::new();
        for (stage, column) in &stages.entered {
            let text = cell(column);
            if !text.is_empty() {
                entered.insert(*stage, calendar.day(text).map_err(|fault| format!("{column} `{text}`: {fault}"))?);
            }
        }
        steps(stage, stages.lost_from, |stage| entered.get(&stage).copied())
    }
}

/// `matching` → `take`, of the first row that has both.
fn first_rows(lookup: &Lookup, folder: &Path) -> io::Result<HashMap<String, String>> {
    let mut rows = Rows::open(&folder.join(&lookup.path), lookup.delimiter)?;
    let column = |name: &str| rows.column(name).map_err(io::Error::other);
    let (matching, take) = (column(&lookup.matching)?, column(&lookup.take)?);
    let mut found = HashMap::new();
    while let Some(row) = rows.row()? {
        if let (None, Some(key), Some(value)) = (row.broken, row.cells.get(matching), row.cells.get(take))
            && !value.trim().is_empty()
        {
            found.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    Ok(found)
}
