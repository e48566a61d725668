//! A tenant's own fields are defined by its admins. Key and type stay for ever: phones that are offline know them. A field
//! that is no longer wanted is archived, so that what was typed into it can still be read.

use std::collections::BTreeSet;

use entity::custom_field::{Choice, Choices, Model};
use entity::kind::{CustomKind, CustomType};
use entity::scalar::Line;
use entity::shape::Names;
use poem_openapi::Object;
use poem_openapi::types::Example;
use uuid::Uuid;

use super::is_key;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::work::UnitOfWork;
use crate::write::{at_revision, new_id};

/// Fields that a kind may have, those that were archived among them: every write of such a record may have to know all.
const MOST: usize = 100;
/// Choices that a field may have.
const MOST_CHOICES: usize = 200;

/// A field to be defined.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields, example)]
pub struct CreateCustomField {
    /// A UUIDv7 that the client makes; by default the server's.
    pub id: Option<Uuid>,
    /// The records that are to have it.
    pub record_kind: CustomKind,
    /// Its name in `custom`, for ever: a lower-case letter, then up to 39 letters and digits.
    #[oai(validator(pattern = "^[a-z][a-zA-Z0-9]{0,39}$"))]
    pub key: String,
    /// What it is to hold, for ever.
    pub value_type: CustomType,
    /// What people are to call it.
    pub names: Names,
    /// What may be chosen, in the order in which it is shown. Only for the type `choice`, which needs at least one.
    pub choices: Option<Vec<Choice>>,
}

impl Example for CreateCustomField {
    fn example() -> Self {
        let line = |text: &str| Line(text.to_owned());
        let names = |en, zh| Names { en: line(en), zh: line(zh) };
        let choice = |value, en, zh| Choice { value: line(value), names: names(en, zh) };
        CreateCustomField {
            id: None,
            record_kind: CustomKind::Account,
            key: "storeFormat".to_owned(),
            value_type: CustomType::Choice,
            names: names("Store format", "门店形式"),
            choices: Some(vec![choice("flagship", "Flagship", "旗舰店"), choice("corner", "Corner shop", "街角店")]),
        }
    }
}

/// What is to be different about a field.
#[derive(Clone, Debug, Default, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct UpdateCustomField {
    pub names: Option<Names>,
    /// The list replaces the one before. Records keep a value that is no longer among them until it is changed.
    pub choices: Option<Vec<Choice>>,
    /// True: its values can be read, but no longer changed. False takes that back.
    pub archived: Option<bool>,
}

/// Defines a field.
pub async fn create(work: &mut UnitOfWork, new: CreateCustomField) -> Result<Model, Error> {
    work.actor.must_be_admin()?;
    // One after another, so that the number holds.
    work.lock("custom fields").await?;
    work.load_where::<Model>("record_kind = $2", [new.record_kind.as_str().into()]).await?;
    if work.live::<Model>().count() >= MOST {
        let told = format!("There are {MOST} fields of this kind, archived ones included: no more can be defined.");
        return Err(Refusal::conflict(Code::Conflict, told).into());
    }
    let id = new_id(new.id);
    work.load::<Model>([id]).await?;
    if work.get::<Model>(id).is_some() {
        let taken = FieldError::new("/id", "This id is taken. Make a new UUIDv7.");
        return Err(Refusal::fields(Code::Duplicate, vec![taken]).into());
    }
    let mut faults = faults(new.value_type, new.choices.as_deref().unwrap_or_default());
    if !is_key(&new.key) {
        let told = "Must be a lower-case letter, then up to 39 letters and digits, such as shelfMetres.";
        faults.push(FieldError::new("/key", told));
    }
    if !faults.is_empty() {
        return Err(Refusal::fields(Code::Validation, faults).into());
    }
    work.put(Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        record_kind: new.record_kind,
        key: new.key,
        value_type: new.value_type,
        names: new.names,
        choices: Choices(new.choices.unwrap_or_default()),
        archived_at: None,
    });
    Ok(work.stored(id)?)
}

/// Sets what is present. `expected`: the revision that `If-Match` names.
pub async fn update(
    work: &mut UnitOfWork,
    id: Uuid,
    edit: UpdateCustomField,
    expected: Option<i32>,
) -> Result<Model, Error> {
    work.load::<Model>([id]).await?;
    work.look([id]).await?;
    let mut field = work.visible::<Model>(id)?;
    work.actor.must_be_admin()?;
    at_revision(&field, expected)?;
    if let Some(choices) = edit.choices {
        let faults = faults(field.value_type, &choices);
        if !faults.is_empty() {
            return Err(Refusal::fields(Code::Validation, faults).into());
        }
        field.choices = Choices(choices);
    }
    field.names = edit.names.unwrap_or(field.names);
    match edit.archived {
        Some(true) => field.archived_at = field.archived_at.or(Some(work.now)),
        Some(false) => field.archived_at = None,
        None => {}
    }
    work.put(field);
    Ok(work.stored(id)?)
}

fn faults(value_type: CustomType, choices: &[Choice]) -> Vec<FieldError> {
    let fault = |told: String| vec![FieldError::new("/choices", told)];
    match (value_type, choices.len()) {
        (CustomType::Choice, 0) => fault("A field to choose in needs at least one choice.".into()),
        (CustomType::Choice, count) if count > MOST_CHOICES => fault(format!("Has at most {MOST_CHOICES} choices.")),
        (CustomType::Choice, _) => {
            let mut seen = BTreeSet::new();
            let twice = choices.iter().enumerate().filter(|(_, choice)| !seen.insert(&choice.value.0));
            twice.map(|(at, _)| FieldError::new(format!("/choices/{at}/value"), "Stands here twice.")).collect()
        }
        (_, 0) => Vec::new(),
        _ => fault(format!("Only the type `choice` has choices; this is a {value_type}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_choice_has_choices_and_each_once() {
        let choices = |values: &[&str]| -> Vec<Choice> {
            let line = |text: &str| Line(text.to_owned());
            let choice = |value: &&str| Choice { value: line(value), names: Names { en: line("n"), zh: line("名") } };
            values.iter().map(choice).collect()
        };
        let told = |value_type, values: &[&str]| -> Vec<String> {
            faults(value_type, &choices(values)).into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(told(CustomType::Choice, &["a", "b"]), [""; 0]);
        assert_eq!(told(CustomType::Choice, &["a", "b", "a"]), ["/choices/2/value"]);
        assert_eq!(told(CustomType::Choice, &[]), ["/choices"]);
        assert_eq!(told(CustomType::Number, &["a"]), ["/choices"]);
        assert_eq!(told(CustomType::Number, &[]), [""; 0]);
    }

    #[test]
    fn a_key_is_an_identifier() {
        for (key, is) in
            [("a", true), ("shelfMetres2", true), ("Shelf", false), ("", false), ("a_b", false), ("面积", false)]
        {
            assert_eq!(is_key(key), is, "{key}");
        }
        assert!(is_key(&"a".repeat(40)) && !is_key(&"a".repeat(41)));
    }
}
