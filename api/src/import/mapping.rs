//! The mapping file: which files there are, what their columns mean. `imports/crm-sales-opportunities.toml` teaches it.
//! Here are the format and the checks that need no data; what a cell means is decided in `draft`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use entity::kind::{Kind, LostReason, StageKey};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::field::{Field, ID, KEY, Shape, fields};
use super::template::Template;
use crate::custom_field::{PREFIX, customizable, is_key};

/// What is wrong with a mapping, where, and what to do.
#[derive(Debug)]
pub struct MappingError {
    /// The mapping file, then the key: `imports/x.toml: file 2 (accounts.csv), fields.ownerId`.
    pub place: String,
    pub problem: String,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for MappingError {}

/// A mapping that was read and checked.
#[derive(Debug)]
pub struct Mapping {
    pub path: PathBuf,
    pub passes: Vec<Pass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    file: Vec<Pass>,
}

/// One reading of one file, which yields records of one kind. A file may be read several times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Below the folder that the command names.
    pub path: PathBuf,
    pub kind: Kind,
    /// What stands between two cells.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// How the file is written, such as `gbk`; by default found out.
    pub encoding: Option<String>,
    /// Of a workbook; by default the first that is shown.
    pub sheet: Option<String>,
    /// How days and moments are spelled, in the notation of `strftime`; tried in turn.
    #[serde(default = "iso_days")]
    pub dates: Vec<String>,
    /// By column: what a cell stands for. Applied before anything else looks at the cell.
    #[serde(default)]
    pub translate: BTreeMap<String, BTreeMap<String, String>>,
    /// By field: where its value comes from.
    pub fields: BTreeMap<String, Source>,
    /// For opportunities: where they stand and since when.
    pub stage: Option<Stages>,
}

/// Where a value comes from: exactly one of `column`, `template`, `value`, `lookup`.
#[derive(Debug, Default)]
pub struct Source {
    pub from: From,
    /// Taken where the above yields nothing.
    pub default: Option<String>,
    /// How a reference names its record.
    pub by: By,
    /// What a number is multiplied by.
    pub times: i64,
}

#[derive(Debug)]
pub enum From {
    Column(String),
    Template(Template),
    Value(String),
    Lookup(Lookup),
}

impl Default for From {
    fn default() -> Self {
        From::Value(String::new())
    }
}

/// The cell `take` of the first row of another file whose cell `matching` equals this row's cell `column`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    pub path: PathBuf,
    #[serde(default = "comma")]
    pub delimiter: char,
    pub matching: String,
    pub column: String,
    pub take: String,
}

/// How a reference names its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum By {
    #[default]
    #[serde(rename = "externalId")]
    ExternalId,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "id")]
    Id,
    /// The id if it is one, else the external id.
    #[serde(rename = "any")]
    Any,
}

/// The way of an opportunity through the stages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// The column that names the stage; its cells are translated to stages of the product.
    pub column: String,
    /// By stage: the column with the day on which it was entered.
    #[serde(default)]
    pub entered: BTreeMap<StageKey, String>,
    /// The column with the day or the moment since which it stands where it stands.
    pub since: Option<String>,
    /// Columns that tell of a lost one where it stood, and why it was lost; the following hold where they are empty.
    pub lost_from_column: Option<String>,
    pub lost_reason_column: Option<String>,
    pub lost_note_column: Option<String>,
    /// The stage in which a lost one stood, where no date tells.
    #[serde(default = "intent")]
    pub lost_from: StageKey,
    /// Why the lost ones were lost.
    #[serde(default = "other")]
    pub lost_reason: LostReason,
    /// In words; needed for `other`.
    pub lost_note: Option<String>,
}

fn comma() -> char {
    ','
}

fn iso_days() -> Vec<String> {
    vec!["%Y-%m-%d".to_owned()]
}

fn intent() -> StageKey {
    StageKey::Intent
}

fn other() -> LostReason {
    LostReason::Other
}

/// The long form of a source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    column: Option<String>,
    template: Option<String>,
    value: Option<String>,
    lookup: Option<Lookup>,
    default: Option<String>,
    by: Option<By>,
    times: Option<i64>,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or { column | template | value | lookup = … }")
            }

            fn visit_str<E: serde::de::Error>(self, column: &str) -> Result<Source, E> {
                Ok(Source { from: From::Column(column.to_owned()), times: 1, ..Source::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                let from = match (written.column, written.template, written.value, written.lookup) {
                    (Some(column), None, None, None) => From::Column(column),
                    (None, Some(text), None, None) => {
                        From::Template(Template::parse(&text).map_err(serde::de::Error::custom)?)
                    }
                    (None, None, Some(value), None) => From::Value(value),
                    (None, None, None, Some(lookup)) => From::Lookup(lookup),
                    _ => {
                        return Err(serde::de::Error::custom(
                            "give exactly one of `column`, `template`, `value` and `lookup`",
                        ));
                    }
                };
                let (by, times) = (written.by.unwrap_or_default(), written.times.unwrap_or(1));
                Ok(Source { from, default: written.default, by, times })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Mapping {
    /// Reads and checks the mapping file.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path).map_err(|cause| MappingError {
            place: path.display().to_string(),
            problem: format!("cannot be read: {cause}. Give the path of a mapping file"),
        })?;
        Self::parse(path, &text)
    }

    /// Checks a mapping whose text is at hand; `path` is what errors call it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MappingError> {
        let wrong = |problem: String| MappingError { place: path.display().to_string(), problem };
        let read = |text: &str| -> Result<Document, String> {
            match text.trim_start().starts_with('{') {
                true => serde_json::from_str(text).map_err(|cause| cause.to_string()),
                false => toml::from_str(text).map_err(|cause| cause.to_string()),
            }
        };
        let document = read(text).map_err(|cause| wrong(cause.trim_end().to_owned()))?;
        if document.file.is_empty() {
            return Err(wrong(
                "has no `[[file]]`: name the files to import, each with `path`, `kind` and `fields`".into(),
            ));
        }
        let mapping = Mapping { path: path.to_owned(), passes: document.file };
        for (number, pass) in mapping.passes.iter().enumerate() {
            pass.check().map_err(|(key, problem)| mapping.error(number, &key, problem))?;
        }
        Ok(mapping)
    }

    /// An error at a key of the pass with this index.
    pub fn error(&self, number: usize, key: &str, problem: impl Into<String>) -> MappingError {
        let file = self.passes[number].path.display();
        MappingError {
            place: format!("{}: file {} ({file}), {key}", self.path.display(), number + 1),
            problem: problem.into(),
        }
    }
}

impl Pass {
    /// The encoding that the mapping names.
    pub fn named_encoding(&self) -> Option<&'static Encoding> {
        Encoding::for_label(self.encoding.as_ref()?.as_bytes())
    }

    /// What the mapping says of a field of the kind.
    pub fn mapped(&self) -> impl Iterator<Item = (&'static Field, &Source)> {
        fields(self.kind).iter().filter_map(|field| Some((field, self.fields.get(field.name)?)))
    }

    /// What it says of fields that the tenant defined itself, by key.
    pub fn custom(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.fields.iter().filter_map(|(name, source)| Some((name.strip_prefix(PREFIX)?, source)))
    }

    /// The columns of this file that the mapping names, each with the key that does.
    pub fn columns(&self) -> BTreeSet<(String, String)> {
        let mut columns = BTreeSet::new();
        for (name, source) in &self.fields {
            let names: Vec<&str> = match &source.from {
                From::Column(column) => vec![column],
                From::Template(template) => template.columns(),
                From::Lookup(lookup) => vec![&lookup.column],
                From::Value(_) => Vec::new(),
            };
            columns.extend(names.into_iter().map(|column| (column.to_owned(), format!("fields.{name}"))));
        }
        columns.extend(self.translate.keys().map(|column| (column.clone(), format!("translate.{column}"))));
        if let Some(stages) = &self.stage {
            columns.insert((stages.column.clone(), "stage.column".to_owned()));
            let entered = stages.entered.iter();
            columns.extend(entered.map(|(stage, column)| (column.clone(), format!("stage.entered.{stage}"))));
            for (key, column) in [
                ("since", &stages.since),
                ("lost_from_column", &stages.lost_from_column),
                ("lost_reason_column", &stages.lost_reason_column),
                ("lost_note_column", &stages.lost_note_column),
            ] {
                columns.extend(column.as_ref().map(|column| (column.clone(), format!("stage.{key}"))));
            }
        }
        columns
    }

    fn check(&self) -> Result<(), (String, String)> {
        let known = fields(self.kind);
        if known.is_empty() {
            return Err((
                "kind".into(),
                "must be one of team, user, account, product, contact, opportunity, activity, lead".into(),
            ));
        }
        let delimiters = std::iter::once(("delimiter".to_owned(), self.delimiter)).chain(
            self.fields.iter().filter_map(|(name, source)| match &source.from {
                From::Lookup(lookup) => Some((format!("fields.{name}.lookup.delimiter"), lookup.delimiter)),
                _ => None,
            }),
        );
        for (key, delimiter) in delimiters {
            if !delimiter.is_ascii() || matches!(delimiter, '"' | '\r' | '\n') {
                return Err((key, "must be one ASCII character, such as `,`, `;` or `\\t`".into()));
            }
        }
        if self.encoding.as_ref().is_some_and(|label| Encoding::for_label(label.as_bytes()).is_none()) {
            return Err(("encoding".into(), "must be the name of an encoding, such as utf-8, gbk or utf-16le".into()));
        }
        for format in &self.dates {
            if chrono::format::StrftimeItems::new(format).any(|item| item == chrono::format::Item::Error) {
                return Err(("dates".into(), format!("`{format}` is no format such as %m/%d/%Y or %Y-%m-%d")));
            }
        }
        for (name, source) in &self.fields {
            // Which of those there are, only the tenant knows (`own`).
            let own = customizable(self.kind).and_then(|_| name.strip_prefix(PREFIX)).filter(|key| is_key(key));
            let shape = match (known.iter().find(|field| field.name == name), own) {
                (Some(field), _) => field.shape,
                (None, Some(_)) => Shape::Line,
                (None, None) => {
                    let names: Vec<&str> = known.iter().map(|field| field.name).collect();
                    let own = if customizable(self.kind).is_some() { ", and custom.<key>" } else { "" };
                    let told = format!("is no field of this kind. There are {}{own}", names.join(", "));
                    return Err((format!("fields.{name}"), told));
                }
            };
            if source.by != By::ExternalId && !matches!(shape, Shape::Reference(_)) {
                return Err((format!("fields.{name}.by"), "is only for fields that refer to a record".into()));
            }
            if source.times != 1 && !matches!(shape, Shape::Money | Shape::Integer) {
                return Err((format!("fields.{name}.times"), "is only for amounts and whole numbers".into()));
            }
        }
        let is_named =
            |field: &Field| self.fields.contains_key(field.name) || (field.name == KEY && self.fields.contains_key(ID));
        if let Some(missing) = known.iter().find(|field| field.required && !is_named(field)) {
            let problem = if missing.name == KEY {
                "is needed: without it a second run would not find what the first one made"
            } else {
                "is needed for records of this kind: name its column, or give it a `value`"
            };
            return Err((format!("fields.{}", missing.name), problem.into()));
        }
        match &self.stage {
            Some(_) if self.kind != Kind::Opportunity => Err(("stage".into(), "is only for opportunities".into())),
            Some(stages) => stages.check(),
            None => Ok(()),
        }
    }
}

impl Stages {
    fn check(&self) -> Result<(), (String, String)> {
        if matches!(self.lost_from, StageKey::Signed | StageKey::Lost) {
            return Err(("stage.lost_from".into(), "must be intent, pre_sale or negotiation".into()));
        }
        let is_said = self.lost_note.as_deref().is_some_and(|note| !note.trim().is_empty());
        if self.lost_reason == LostReason::Other && !is_said {
            return Err(("stage.lost_note".into(), "is needed with the reason `other`: say it in words".into()));
        }
        Ok(())
    }
}
