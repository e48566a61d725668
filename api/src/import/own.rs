//! The fields that the tenant defined itself, as far as a mapping fills them: each must be there before anything is written,
//! and its type says how a cell is read.

use std::collections::BTreeMap;

use entity::kind::CustomType;
use serde_json::{Value, json};

use super::calendar::Calendar;
use super::mapping::{Mapping, MappingError};
use crate::auth::Actor;
use crate::custom_field::{PREFIX, customizable, defined, named};
use crate::problem::Error;
use crate::state::State;

/// Types by key.
pub type Own = BTreeMap<String, CustomType>;

/// Those of each pass, or which of them the tenant does not have.
pub async fn own(state: &State, actor: &Actor, mapping: &Mapping) -> Result<Result<Vec<Own>, MappingError>, Error> {
    let fills = mapping.passes.iter().any(|pass| pass.custom().next().is_some());
    let defined = if fills { defined(&state.db, actor.tenant_id, None).await? } else { Vec::new() };
    let mut passes = Vec::with_capacity(mapping.passes.len());
    for (number, pass) in mapping.passes.iter().enumerate() {
        let mut own = Own::new();
        for (key, _) in pass.custom() {
            let Some(kind) = customizable(pass.kind) else { continue };
            match named(&defined, kind, key) {
                Ok(field) => own.insert(key.to_owned(), field.value_type),
                Err(told) => return Ok(Err(mapping.error(number, &format!("fields.{PREFIX}{key}"), told))),
            };
        }
        passes.push(own);
    }
    Ok(Ok(passes))
}

/// The value of a cell that is not empty: a day may be spelled as the mapping says. Whether it is one that the field takes,
/// is decided where the API decides it.
pub fn read(value_type: CustomType, text: &str, calendar: &Calendar<'_>) -> Result<Value, String> {
    match value_type {
        CustomType::Date => calendar.day(text).map(|day| json!(day)),
        CustomType::Text | CustomType::Number | CustomType::Flag | CustomType::Choice => Ok(json!(text)),
    }
}
