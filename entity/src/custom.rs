//! The values of fields that a tenant defined itself: a map from key to text, in the database as on the wire. A text a
//! value, because that is the one map that every generator types alike.

use std::borrow::Cow;
use std::collections::BTreeMap;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters that a value may have.
pub const LONGEST: usize = 1_000;

/// By key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Custom(pub BTreeMap<String, String>);

impl Type for Custom {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "custom values".into()
    }

    /// Inline: a name for a map is something that generators complain about.
    fn schema_ref() -> MetaSchemaRef {
        let value = MetaSchema { max_length: Some(LONGEST), ..MetaSchema::new("string") };
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(value)))),
            ..MetaSchema::new("object")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Custom {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let members = match value.unwrap_or_default() {
            Value::Object(members) => members,
            other => return Err(ParseError::expected_type(other)),
        };
        let mut values = BTreeMap::new();
        for (key, value) in members {
            match value {
                Value::String(text) => drop(values.insert(key, text)),
                Value::Null => {}
                _ => {
                    return Err(ParseError::custom(format!(
                        "{key}: a value is given as text, such as \"12.5\" or \"true\""
                    )));
                }
            }
        }
        Ok(Custom(values))
    }
}

impl ToJSON for Custom {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.iter().map(|(key, text)| (key.clone(), Value::String(text.clone()))).collect())
    }
}
