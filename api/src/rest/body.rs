//! Bodies of POST and PATCH, made from what can be set on a kind: `New` adds the id and tells what is required, `Edit`
//! adds what is to be emptied and why. In the document they are `CreateAccount`, `UpdateAccount` and so on.

use std::borrow::Cow;

use entity::scalar::Line;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, Type};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::change::{Fields, camel};
use crate::record::Record;

/// A record to be made.
#[derive(Clone, Debug)]
pub struct New<F> {
    /// A client that works offline makes the id itself, as a UUIDv7.
    pub id: Option<Uuid>,
    pub fields: F,
}

/// A change of a record: what is present is set.
#[derive(Clone, Debug)]
pub struct Edit<F> {
    pub fields: F,
    /// Fields to be emptied, by their names on the wire.
    pub clear: Vec<String>,
    pub reason: Option<Line>,
}

/// `rule_set` → `RuleSet`
fn noun<F: Fields>() -> String {
    F::Record::KIND.as_str().split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The schema of the fields as they are, to be completed.
fn schema<F: Fields>(registry: &mut Registry, first: Option<(&'static str, MetaSchemaRef)>) -> MetaSchema {
    let fields = registry.create_fake_schema::<F>();
    MetaSchema { properties: first.into_iter().chain(fields.properties).collect(), ..MetaSchema::new("object") }
}

fn described(schema: MetaSchemaRef, description: &'static str) -> MetaSchemaRef {
    schema.merge(MetaSchema { description: Some(description), ..MetaSchema::ANY })
}

fn members<T: Type>(value: Option<Value>) -> Result<Map<String, Value>, ParseError<T>> {
    match value.unwrap_or_default() {
        Value::Object(members) => Ok(members),
        other => Err(ParseError::expected_type(other)),
    }
}

fn take<T: ParseFromJSON, B: Type>(members: &mut Map<String, Value>, name: &str) -> Result<Option<T>, ParseError<B>> {
    Option::<T>::parse_from_json(members.remove(name)).map_err(ParseError::propagate)
}

/// What every body type answers the framework in the same way.
macro_rules! body_type {
    ($name:ident, $prefix:literal, $schema:expr) => {
        impl<F: Fields> Type for $name<F> {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                format!(concat!($prefix, "{}"), noun::<F>()).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Reference(Self::name().into_owned())
            }

            fn register(registry: &mut Registry) {
                let schema: fn(&mut Registry) -> MetaSchema = $schema;
                registry.create_schema::<Self, _>(Self::name().into_owned(), schema);
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

body_type!(New, "Create", |registry| MetaSchema {
    required: F::REQUIRED.to_vec(),
    example: Some(F::example()),
    ..schema::<F>(
        registry,
        Some((
            "id",
            described(
                Uuid::schema_ref(),
                "A UUIDv7 that the client makes, so that it can create records while offline; by default the server's.",
            ),
        )),
    )
});

body_type!(Edit, "Update", |registry| {
    let mut schema = schema::<F>(registry, None);
    let names = F::OPTIONAL.iter().map(|name| json!(camel(name))).collect::<Vec<_>>();
    if !names.is_empty() {
        let name = MetaSchema { enum_items: names, ..MetaSchema::new("string") };
        schema.properties.push((
            "clear",
            MetaSchemaRef::Inline(Box::new(MetaSchema {
                description: Some("Fields to empty. A field that is null or absent stays as it is."),
                items: Some(Box::new(MetaSchemaRef::Inline(Box::new(name)))),
                ..MetaSchema::new("array")
            })),
        ));
    }
    schema.example = Some(example_of_edit::<F>());
    schema.properties.push(("reason", described(Line::schema_ref(), "Why; it is kept in the history.")));
    schema
});

/// What a creation sets and a change may set.
fn example_of_edit<F: Fields>() -> Value {
    let mut example = F::example();
    if let Some(members) = example.as_object_mut() {
        members.retain(|name, _| F::FIXED.iter().all(|fixed| camel(fixed) != *name));
    }
    example
}

impl<F: Fields> ParseFromJSON for New<F> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let mut members = members::<Self>(value)?;
        let id = take(&mut members, "id")?;
        let fields = F::parse_from_json(Some(Value::Object(members))).map_err(ParseError::propagate)?;
        Ok(New { id, fields })
    }
}

impl<F: Fields> ParseFromJSON for Edit<F> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let mut members = members::<Self>(value)?;
        let clear = take::<Vec<String>, _>(&mut members, "clear")?.unwrap_or_default();
        let reason = take(&mut members, "reason")?;
        let fields = F::parse_from_json(Some(Value::Object(members))).map_err(ParseError::propagate)?;
        Ok(Edit { fields, clear, reason })
    }
}
