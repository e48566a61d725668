//! Lists by the values of the tenant's fields: `custom=size:large&custom=region:north`.

use entity::kind::CustomKind;
use serde_json::{Map, Value};

use super::{defined, named, value};
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;

/// Values that one list may be filtered by.
const MOST: usize = 10;

/// What records must contain, as the index has it; `None` where nothing is asked.
pub async fn contains(
    state: &State,
    actor: &Actor,
    kind: CustomKind,
    asked: Option<Vec<String>>,
) -> Result<Option<Value>, Error> {
    let asked = asked.unwrap_or_default();
    if asked.is_empty() {
        return Ok(None);
    }
    let refused = |told: String| Refusal::invalid("custom", told);
    if asked.len() > MOST {
        return Err(refused(format!("A list is filtered by at most {MOST} values.")).into());
    }
    let defined = defined(&state.db, actor.tenant_id, Some(kind)).await?;
    let mut values = Map::new();
    for pair in &asked {
        let (key, text) = pair.split_once(':').ok_or_else(|| refused("Must be `key:value`.".to_owned()))?;
        let field = named(&defined, kind, key).map_err(refused)?;
        let spelled = value::spelled(field, text).map_err(|told| refused(format!("{key}: {told}")))?;
        if let Some(Value::String(other)) = values.insert(key.to_owned(), spelled.clone().into())
            && other != spelled
        {
            return Err(refused(format!("{key}: no record has two values in one field.")).into());
        }
    }
    Ok(Some(Value::Object(values)))
}
