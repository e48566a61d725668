//! One row as typed values. What it refers to is still named as in the file; nothing here asks the database.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono_tz::Tz;
use entity::kind::{Kind, LostReason, StageKey};
use entity::scalar::Date;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::calendar::Calendar;
use super::field::{ID, KEY, Shape};
use super::mapping::{By, From, Pass, Source, Stages};
use super::own::{self, Own};
use super::source::Row;
use super::steps::{Step, steps};
use crate::custom_field::PREFIX;
use crate::statement::sheet::is_guarded;

/// Cells of a row whose faults are told.
const MOST_FAULTS: usize = 20;

/// What a row says.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The id here and the external id; at least one of them.
    pub id: Option<Uuid>,
    pub external_id: Option<String>,
    /// By name in the API, parts of a field after a dot.
    pub values: Map<String, Value>,
    pub references: Vec<Reference>,
    /// The moves of an opportunity; empty for other kinds.
    pub steps: Vec<Step>,
    /// Why it was lost, if it was.
    pub loss: Option<Loss>,
    /// Two rows with the same one say the same.
    pub fingerprint: u64,
}

/// Why an opportunity was lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    pub reason: LostReason,
    pub note: Option<String>,
}

impl Draft {
    /// What tells it from the other rows of its file: the external id, or else the id.
    pub fn key(&self) -> String {
        self.external_id.clone().or_else(|| self.id.map(|id| id.to_string())).unwrap_or_default()
    }

    /// The names by which the record is found that it is about.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = Name> {
        let name = move |by, text| Name { kind, by, text };
        let id = self.id.map(|id| name(By::Id, id.to_string()));
        id.into_iter().chain(self.external_id.clone().map(|text| name(By::ExternalId, text)))
    }
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
    lookups: BTreeMap<String, HashMap<String, String>>,
    /// The types of fields that the tenant defined itself.
    own: &'a Own,
    /// Whether an apostrophe before what looks like a formula is none of the text.
    guarded: bool,
}

/// What a row was read as.
type Read = (Map<String, Value>, Vec<Reference>, Vec<Step>, Option<Loss>);

impl<'a> Reader<'a> {
    /// `columns`: where the columns that the mapping names stand in the file. `lookups`: by field, what the other file has.
    pub fn new(
        pass: &'a Pass,
        columns: HashMap<String, usize>,
        lookups: BTreeMap<String, HashMap<String, String>>,
        own: &'a Own,
        zone: Tz,
        guarded: bool,
    ) -> Self {
        Reader { pass, zone, columns, lookups, own, guarded }
    }

    /// The draft, or why there is none: every fault of the row.
    pub fn draft(&self, row: &Row) -> Result<Draft, String> {
        if let Some(reason) = row.broken.clone() {
            return Err(reason);
        }
        // A cell that nothing asks for may be what it likes.
        let used = |place: &usize| self.columns.values().any(|column| column == place);
        let faults = row.faults.iter().filter(|fault| used(fault.0)).take(MOST_FAULTS);
        let faults: Vec<&str> = faults.map(|(_, fault)| fault.as_str()).collect();
        if !faults.is_empty() {
            return Err(faults.join("; "));
        }
        match self.read(&row.cells) {
            Ok((mut values, references, steps, loss)) => {
                let mut hasher = DefaultHasher::new();
                (Value::Object(values.clone()).to_string(), &references, format!("{steps:?}"), &loss).hash(&mut hasher);
                let fingerprint = hasher.finish();
                let id = values.remove(ID).and_then(|id| id.as_str()?.parse().ok());
                let external_id = values.get(KEY).and_then(Value::as_str).map(str::to_owned);
                Ok(Draft { id, external_id, values, references, steps, loss, fingerprint })
            }
            Err(faults) => Err(faults.join("; ")),
        }
    }

    fn read(&self, cells: &[String]) -> Result<Read, Vec<String>> {
        let calendar = Calendar { zone: self.zone, formats: &self.pass.dates };
        let cell = |column: &str| self.cell(cells, column);
        let (mut values, mut references, mut faults) = (Map::new(), Vec::new(), Vec::new());
        for (field, source) in self.pass.mapped() {
            let text = self.text(field.name, source, &cell);
            if text.is_empty() {
                if field.required && !(field.name == KEY && values.contains_key(ID)) {
                    faults.push(format!("{} is empty", field.name));
                }
                continue;
            }
            match (field.shape.read(&text, source.times, &calendar), field.shape) {
                (Err(_), _) if text.contains('\n') => faults.push(format!(
                    "{} `{}`: has several lines: take out the line breaks, or in CSV close the quotation mark before it",
                    field.name,
                    shown(&text)
                )),
                (Err(fault), _) => faults.push(format!("{} `{}`: {fault}", field.name, shown(&text))),
                (Ok(_), Shape::Reference(kind)) => {
                    let by = match source.by {
                        By::Any if text.parse::<Uuid>().is_ok() => By::Id,
                        By::Any => By::ExternalId,
                        by => by,
                    };
                    let text = if by == By::Id { text.to_lowercase() } else { text };
                    references.push(Reference { field: field.name, name: Name { kind, by, text } });
                }
                (Ok(value), _) => {
                    values.insert(field.name.to_owned(), value);
                }
            }
        }
        for (key, source) in self.pass.custom() {
            let name = format!("{PREFIX}{key}");
            let text = self.text(&name, source, &cell);
            let Some(value_type) = self.own.get(key).filter(|_| !text.is_empty()) else { continue };
            match own::read(*value_type, &text, &calendar) {
                Ok(value) => drop(values.insert(name, value)),
                Err(fault) => faults.push(format!("{name} `{}`: {fault}", shown(&text))),
            }
        }
        let steps = self.steps(&cell, &calendar).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        let loss = self.pass.stage.as_ref().filter(|_| steps.last().is_some_and(|last| last.stage == StageKey::Lost));
        match loss.map(|stages| self.loss(stages, &cell)).transpose() {
            Ok(loss) => Ok((values, references, steps, loss)),
            Err(fault) => Err(vec![fault]),
        }
    }

    fn loss<'c>(&self, stages: &Stages, cell: &impl Fn(&str) -> &'c str) -> Result<Loss, String> {
        let text = |column: &Option<String>| column.as_deref().map(cell).filter(|text| !text.is_empty());
        let reason = match text(&stages.lost_reason_column) {
            None => stages.lost_reason,
            Some(text) => LostReason::parse(text).ok_or_else(|| format!("lost reason `{text}`: is not known"))?,
        };
        let own = text(&stages.lost_note_column).map(str::to_owned);
        let same = reason == stages.lost_reason || reason == LostReason::Other;
        Ok(Loss { reason, note: own.or_else(|| stages.lost_note.clone().filter(|_| same)) })
    }

    fn text<'c>(&self, field: &str, source: &Source, cell: &impl Fn(&str) -> &'c str) -> String {
        let text = match &source.from {
            From::Column(column) => cell(column).to_owned(),
            From::Template(template) => template.render(cell),
            From::Value(value) => value.clone(),
            From::Lookup(lookup) => {
                let found = self.lookups.get(field).and_then(|found| found.get(cell(&lookup.column)));
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
        let text = if self.guarded && is_guarded(text) { &text[1..] } else { text };
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
            format!("stage `{text}`: is none of {known}: write one of them, or add it to `translate` of the column {} in a mapping", stages.column)
        })?;
        let mut entered: BTreeMap<StageKey, Date> = BTreeMap::new();
        for (stage, column) in &stages.entered {
            let text = cell(column);
            if !text.is_empty() {
                entered.insert(*stage, calendar.day(text).map_err(|fault| format!("{column} `{text}`: {fault}"))?);
            }
        }
        if let Some(column) = &stages.since
            && !cell(column).is_empty()
        {
            let text = cell(column);
            let day = calendar.day_of(text).map_err(|fault| format!("{column} `{text}`: {fault}"))?;
            entered.entry(stage).or_insert(day);
        }
        let lost_from = match stages.lost_from_column.as_deref().map(cell).filter(|text| !text.is_empty()) {
            None => stages.lost_from,
            Some(text) => StageKey::parse(text)
                .filter(|stage| !matches!(stage, StageKey::Signed | StageKey::Lost))
                .ok_or_else(|| format!("lost from `{text}`: is none of intent, pre_sale, negotiation"))?,
        };
        steps(stage, lost_from, |stage| entered.get(&stage).copied())
    }
}

/// As much of a cell as tells which one it is.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let start: String = line.chars().take(60).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::import::mapping::Mapping;

    #[test]
    fn of_many_faults_some_are_told_and_only_of_cells_that_count() {
        let names: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
        let all: String = names.iter().map(|name| format!("{{{name}}}")).collect();
        let text = format!(
            "[[file]]\npath = \"p\"\nkind = \"product\"\n[file.fields]\nexternalId = \"c0\"\nname = {{ template = \"{all}\" }}"
        );
        let (mapping, own) = (Mapping::parse(Path::new("mapping"), &text).unwrap(), Own::new());
        let columns = names.into_iter().zip(40..).collect();
        let reader = Reader::new(&mapping.passes[0], columns, BTreeMap::new(), &own, Tz::UTC, true);
        let faults = (0..70).map(|place| (place, format!("fault {place}"))).collect();
        let row = Row { line: 2, cells: vec![String::new(); 70], broken: None, faults };
        let told = reader.draft(&row).unwrap_err();
        assert!(told.starts_with("fault 40; fault 41; ") && told.ends_with("; fault 59"), "{told}");
    }
}
