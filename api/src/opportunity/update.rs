//! Changes of an opportunity's values. What a stage asked for stays filled; a signed one is locked.

use entity::kind::Role;
use entity::{opportunity, product};

use super::OpportunityFields;
use super::field::filled;
use super::moves::{follow, refusal, signed_by_today};
use super::stage::{keeps_terms, may_edit};
use crate::account::create::worker;
use crate::change::{self, Change, Context, Outcome};
use crate::contact::{account_of, belongs};
use crate::plan::is_member;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &OpportunityFields,
) -> Result<Outcome, Refusal> {
    let outcome = change::update(work, context, change, fields, |work, before, after| {
        let reason = change.reason.as_deref();
        may_edit(before.stage, work.actor.role, reason).map_err(|refused| refusal(&refused))?;
        if after.account_id != before.account_id && fields.contact_id.is_none() {
            after.contact_id = None;
        }
        if after.owner_id != before.owner_id && after.account_id.is_none() && work.actor.role == Role::Rep {
            return Err(Refusal::forbidden(
                "Only a manager or an admin gives an opportunity without account to somebody else.",
            ));
        }
        refers(work, fields, after)?;
        signed_by_today(work, context.settings(), fields.signed_on)?;
        keeps_terms(after.stage, &filled(after)).map_err(|refused| refusal(&refused))
    })?;
    if let Some(opportunity) = work.get::<opportunity::Model>(change.id).cloned() {
        follow(work, &opportunity);
    }
    Ok(outcome)
}

/// What the values refer to is there, is visible and belongs together.
pub fn refers(work: &UnitOfWork, fields: &OpportunityFields, opportunity: &opportunity::Model) -> Result<(), Refusal> {
    if let Some(account_id) = fields.account_id {
        account_of(work, account_id)?;
    }
    if fields.amount.is_some_and(|amount| amount.0.is_sign_negative() && !amount.0.is_zero()) {
        return Err(Refusal::invalid("/amount", "Must not be negative."));
    }
    belongs(work, fields.contact_id, opportunity.account_id)?;
    if let Some(product_id) = fields.product_id
        && work.get::<product::Model>(product_id).is_none_or(|product| product.deleted_at.is_some())
    {
        return Err(Refusal::invalid("/productId", "There is no such product."));
    }
    if fields.owner_id.is_some() || fields.account_id.is_some() {
        if let Some(owner_id) = fields.owner_id
            && owner_id != work.actor.user_id
        {
            worker(work, owner_id, "/ownerId")?;
        }
        if let Some(account_id) = opportunity.account_id
            && !(work.actor.sees_all() && fields.owner_id.is_none())
        {
            return owner_works(work, opportunity, account_id);
        }
    }
    Ok(())
}

/// The owner must work the account; a manager who leads those who do may own as well.
fn owner_works(work: &UnitOfWork, opportunity: &opportunity::Model, account_id: uuid::Uuid) -> Result<(), Refusal> {
    if work.actor.role == Role::Manager && opportunity.owner_id == work.actor.user_id {
        return Ok(());
    }
    is_member(work, opportunity.owner_id, account_id)
}
