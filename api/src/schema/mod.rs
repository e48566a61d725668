//! What records are made of: for each kind its fields, read from the published document, and those that the tenant defined
//! itself. There is no second list of fields here.

mod document;
pub mod routes;

use entity::custom_field::Choice;
use entity::kind::{CustomType, Kind};
use entity::scalar::Timestamp;
use entity::shape::Names;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::auth::Actor;
use crate::custom_field::{PREFIX, customizable, defined};
use crate::problem::Error;
use crate::state::State;
pub use routes::SchemaApi;

/// What records are made of.
#[derive(Clone, Debug, Object)]
pub struct RecordSchema {
    /// In the order in which records refer to each other.
    pub kinds: Vec<KindSchema>,
}

/// The fields of one kind of record.
#[derive(Clone, Debug, Object)]
pub struct KindSchema {
    pub kind: Kind,
    /// Those that every record of the kind has, then those that the company defined itself.
    pub fields: Vec<SchemaField>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SchemaType {
    Text,
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// A number of JSON.
    Number,
    /// An exact decimal, as text.
    Decimal,
    /// A day: `2026-03-02`.
    Date,
    /// A moment (RFC 3339).
    Time,
    /// A UUID.
    Id,
    /// One of `choices`.
    Choice,
    /// It has parts.
    Object,
    List,
}

/// When a client may give a field a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum Writable {
    Always,
    /// When the record is made.
    AtCreation,
    /// The server does, or an operation of its own.
    Never,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SchemaField {
    /// As in records; a part of a field stands after a dot (`address.city`), and so does the key of a field that the company
    /// defined itself (`custom.shelfMetres`). Mapping files and exports call them so too.
    pub name: String,
    /// A field that the company defined itself always has texts for values, whatever its type.
    pub value_type: SchemaType,
    pub writable: Writable,
    /// Whether a creation must give it.
    pub is_required: bool,
    /// Whether it can be emptied.
    pub is_clearable: bool,
    /// Characters.
    pub min_length: Option<i32>,
    /// Characters.
    pub max_length: Option<i32>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    /// A regular expression that texts match.
    pub pattern: Option<String>,
    /// What may be chosen.
    pub choices: Option<Vec<SchemaChoice>>,
    pub description: Option<String>,
    /// Of a field that the company defined itself: what people call it.
    pub names: Option<Names>,
    /// Of a field that the company defined itself.
    pub custom_field_id: Option<Uuid>,
    /// Since when its values can be read, but no longer changed.
    pub archived_at: Option<Timestamp>,
}

/// One value that may be chosen.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SchemaChoice {
    pub value: String,
    pub names: Option<Names>,
}

/// All of it, or one kind.
pub async fn schema(state: &State, actor: &Actor, kind: Option<Kind>) -> Result<RecordSchema, Error> {
    let mut kinds: Vec<KindSchema> =
        document::kinds().iter().filter(|known| kind.is_none_or(|kind| kind == known.kind)).cloned().collect();
    for field in defined(&state.db, actor.tenant_id, None).await? {
        let of = kinds.iter_mut().find(|known| customizable(known.kind) == Some(field.record_kind));
        of.into_iter().for_each(|kind| kind.fields.push(own(&field)));
    }
    Ok(RecordSchema { kinds })
}

fn own(field: &entity::custom_field::Model) -> SchemaField {
    let (value_type, max_length) = match field.value_type {
        CustomType::Text => (SchemaType::Text, i32::try_from(entity::custom::LONGEST).ok()),
        CustomType::Number => (SchemaType::Decimal, None),
        CustomType::Date => (SchemaType::Date, None),
        CustomType::Flag => (SchemaType::Flag, None),
        CustomType::Choice => (SchemaType::Choice, None),
    };
    let choice = |choice: &Choice| SchemaChoice { value: choice.value.0.clone(), names: Some(choice.names.clone()) };
    let is_open = field.archived_at.is_none();
    SchemaField {
        name: format!("{PREFIX}{}", field.key),
        value_type,
        writable: if is_open { Writable::Always } else { Writable::Never },
        is_required: false,
        is_clearable: is_open,
        min_length: max_length.map(|_| 1),
        max_length,
        minimum: None,
        maximum: None,
        pattern: None,
        choices: (value_type == SchemaType::Choice).then(|| field.choices.0.iter().map(choice).collect()),
        description: None,
        names: Some(field.names.clone()),
        custom_field_id: Some(field.id),
        archived_at: field.archived_at,
    }
}
