//! Changes of what is known about a lead: by who fills the pool, and by the rep who picked it.

use entity::kind::{LeadStatus, Role};
use entity::lead;

use super::LeadFields;
use crate::change::{self, Change, Context, Outcome, current};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &LeadFields,
) -> Result<Outcome, Refusal> {
    change::update(work, context, change, fields, |work, before, after| {
        open(before)?;
        owns(work, before)?;
        if let Some(found) = context.leads().likenesses.get(&before.id) {
            after.likenesses = found.clone();
        } else if (&before.name, &before.phone, &before.email, &before.credit_code)
            != (&after.name, &after.phone, &after.email, &after.credit_code)
        {
            after.likenesses = Default::default();
        }
        Ok(())
    })
}

/// Deletes a lead that nobody holds and that became nothing.
pub fn delete(work: &mut UnitOfWork, change: &Change) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    super::create::fills_the_pool(work)?;
    match lead.status {
        LeadStatus::Claimed => Err(Refusal::conflict(Code::Conflict, "Somebody holds this lead. Return it first.")),
        LeadStatus::Converted => Err(Refusal::conflict(
            Code::Conflict,
            "This lead became an account and tells where that came from. It stays.",
        )),
        _ => Ok(Outcome { revision: work.bury::<lead::Model>(lead.id), ..Outcome::default() }),
    }
}

/// A lead that is in the pool or with somebody.
pub fn open(lead: &lead::Model) -> Result<(), Refusal> {
    match lead.status {
        LeadStatus::Pooled | LeadStatus::Claimed => Ok(()),
        status => Err(Refusal::conflict(Code::Locked, format!("This lead is {status}; it is no longer worked."))),
    }
}

/// A rep changes what he picked; others whatever they see.
pub fn owns(work: &UnitOfWork, lead: &lead::Model) -> Result<(), Refusal> {
    if work.actor.role == Role::Rep && lead.owner_id != Some(work.actor.user_id) {
        return Err(Refusal::forbidden("Pick this lead first: only its owner, a manager or an admin does this."));
    }
    Ok(())
}
