//! A stage is set by an admin: what it asks for must be something that an opportunity has.

use entity::kind::StageKey;
use entity::shape::Names;
use entity::stage;
use poem_openapi::Object;
use uuid::Uuid;

use crate::opportunity::field::FIELDS;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::work::UnitOfWork;
use crate::write::at_revision;

/// What may be set on a stage.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateStage {
    pub names: Option<Names>,
    /// Chance in per cent that an opportunity in this stage is signed. That of `signed` is 100, that of `lost` 0.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub probability: Option<i32>,
    /// Fields of an opportunity that must be filled to enter the stage; the list replaces the one before. `lost` asks
    /// for none.
    pub required_fields: Option<Vec<String>>,
    /// Days after which an opportunity that still stands here is stale.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    pub stale_days: Option<i32>,
    /// Fields to empty; only `staleDays` can be.
    pub clear: Option<Vec<String>>,
}

/// Sets what is present. `expected`: the revision that `If-Match` names.
pub async fn update(
    work: &mut UnitOfWork,
    id: Uuid,
    edit: &UpdateStage,
    expected: Option<i32>,
) -> Result<stage::Model, Error> {
    work.actor.must_be_admin()?;
    work.load::<stage::Model>([id]).await?;
    let mut stage = work.visible::<stage::Model>(id)?;
    at_revision(&stage, expected)?;
    let faults = faults(stage.stage, edit);
    if !faults.is_empty() {
        return Err(Refusal::fields(Code::Validation, faults).into());
    }
    if let Some(names) = &edit.names {
        stage.names = names.clone();
    }
    stage.probability = edit.probability.unwrap_or(stage.probability);
    stage.stale_days = edit.stale_days.or(stage.stale_days);
    if edit.clear.is_some() {
        stage.stale_days = None;
    }
    if let Some(fields) = &edit.required_fields {
        stage.required_fields = fields.clone();
        stage.required_fields.sort();
        stage.required_fields.dedup();
    }
    work.put(stage);
    Ok(work.stored(id)?)
}

fn faults(stage: StageKey, edit: &UpdateStage) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let fixed = match stage {
        StageKey::Signed => Some(100),
        StageKey::Lost => Some(0),
        StageKey::Intent | StageKey::PreSale | StageKey::Negotiation => None,
    };
    if let (Some(fixed), Some(given)) = (fixed, edit.probability)
        && fixed != given
    {
        faults.push(FieldError::new("/probability", format!("Is always {fixed} in stage {stage}.")));
    }
    for (index, field) in edit.required_fields.iter().flatten().enumerate() {
        let pointer = format!("/requiredFields/{index}");
        if stage == StageKey::Lost {
            faults.push(FieldError::new(pointer, "Whatever is known, an opportunity can be lost: leave this empty."));
        } else if !FIELDS.contains(&field.as_str()) {
            faults.push(FieldError::new(pointer, format!("Must be one of {}.", FIELDS.join(", "))));
        }
    }
    for (index, name) in edit.clear.iter().flatten().enumerate().filter(|(_, name)| *name != "staleDays") {
        faults.push(FieldError::new(format!("/clear/{index}"), format!("{name} is not a field that can be emptied.")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: UpdateStage =
        UpdateStage { names: None, probability: None, required_fields: None, stale_days: None, clear: None };

    #[test]
    fn a_stage_asks_only_for_what_an_opportunity_has() {
        let asks = |fields: &[&str]| UpdateStage {
            required_fields: Some(fields.iter().map(|&field| field.to_owned()).collect()),
            ..NOTHING
        };
        let told = |stage, edit: &UpdateStage| -> Vec<String> {
            faults(stage, edit).into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(told(StageKey::Negotiation, &asks(&["amount", "currency"])), [""; 0]);
        assert_eq!(told(StageKey::Negotiation, &asks(&["amount", "colour"])), ["/requiredFields/1"]);
        assert_eq!(told(StageKey::Lost, &asks(&["amount"])), ["/requiredFields/0"]);
        assert_eq!(told(StageKey::Lost, &asks(&[])), [""; 0]);
    }

    #[test]
    fn the_ends_of_the_pipeline_are_certain() {
        for (stage, probability, refused) in [
            (StageKey::Signed, 100, false),
            (StageKey::Signed, 99, true),
            (StageKey::Lost, 0, false),
            (StageKey::Lost, 1, true),
            (StageKey::Intent, 55, false),
        ] {
            let edit = UpdateStage { probability: Some(probability), ..NOTHING };
            assert_eq!(!faults(stage, &edit).is_empty(), refused, "{stage} {probability}");
        }
    }
}
