//! A new opportunity starts its history with a first move; imports may start it further on.

use std::collections::BTreeMap;

use entity::kind::StageKey;
use entity::opportunity;
use entity::scalar::Timestamp;

use super::OpportunityFields;
use super::field::filled;
use super::moves::{Move, record, refusal, signed_by_today};
use super::stage::{Facts, decide};
use super::update::refers;
use crate::account::create::owner;
use crate::change::{Change, Context, Fields, Outcome, creatable};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn create(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &OpportunityFields,
) -> Result<Outcome, Refusal> {
    let at = work.captured.at;
    create_in(work, context, change, fields, StageKey::Intent, at, false)
}

/// Creates it in a stage that it reached at `occurred`; for imports, which know more than today.
pub fn create_in(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &OpportunityFields,
    stage: StageKey,
    occurred: Timestamp,
    occurred_assumed: bool,
) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let mut opportunity = opportunity::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id: None,
        contact_id: None,
        product_id: None,
        owner_id: work.actor.user_id,
        name: String::new(),
        stage,
        stage_since: occurred,
        amount: None,
        currency: None,
        expected_on: None,
        signed_on: None,
        source: None,
        lost_from: None,
        lost_reason: None,
        lost_note: None,
        note: None,
        external_id: None,
        custom: None,
    };
    fields.apply(&mut opportunity);
    // Whoever works the account may name a colleague who works it too; without an account only those who lead may.
    if fields.account_id.is_none() || fields.owner_id.is_none() {
        opportunity.owner_id = owner(work, fields.owner_id)?;
    }
    refers(work, fields, &opportunity)?;
    signed_by_today(work, context.settings(), fields.signed_on)?;
    let required = required(&context.settings().stages);
    let facts = Facts {
        current: None,
        lost_from: None,
        required: &required,
        filled: &filled(&opportunity),
        reason: None,
        lost_reason: None,
        lost_note: None,
        role: work.actor.role,
    };
    decide(stage, &facts).map_err(|refused| refusal(&refused))?;
    let revision = work.put(opportunity.clone());
    opportunity.tenant_id = work.actor.tenant_id;
    let first = Move { from: None, occurred, occurred_assumed, reason: None, lost_reason: None, lost_note: None };
    record(work, context.settings(), &opportunity, first);
    Ok(Outcome { revision, ..Outcome::default() })
}

/// The fields that each stage asks for.
pub fn required(stages: &BTreeMap<StageKey, entity::stage::Model>) -> BTreeMap<StageKey, Vec<String>> {
    stages.iter().map(|(key, stage)| (*key, stage.required_fields.clone())).collect()
}
