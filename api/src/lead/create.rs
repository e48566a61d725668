//! A new lead goes into the pool, or at once to whom somebody who leads names. What it is like is kept with it: nothing
//! is dropped because it looks like something else.

use entity::kind::{Kind, LeadStatus, Role};
use entity::lead;
use entity::scalar::Line;
use entity::shape::{Likeness, Likenesses};

use super::LeadFields;
use super::assign::{Why, getter, give};
use super::likeness::{folded, same_number};
use crate::change::{Change, Context, Fields, Outcome, creatable};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn create(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &LeadFields,
) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    fills_the_pool(work)?;
    let (Some(name), Some(source)) = (fields.name.clone(), fields.source.clone()) else {
        return Err(Refusal::invalid("", "name and source are required."));
    };
    let mut lead = blank(work, change.id, name.into(), source.into());
    fields.apply(&mut lead);
    lead.likenesses = context.leads().likenesses.get(&lead.id).cloned().unwrap_or_default();
    add_staged(work, &mut lead);
    let mut revision = work.put(lead.clone());
    if let Some(owner_id) = fields.owner_id {
        let owner_id = getter(work, context.leads(), owner_id, "/ownerId")?;
        revision = give(work, context.leads(), context.settings(), lead, owner_id, Why::Assigned)?;
    }
    Ok(Outcome { revision, ..Outcome::default() })
}

/// Reps pick; others fill the pool.
pub fn fills_the_pool(work: &UnitOfWork) -> Result<(), Refusal> {
    match work.actor.role {
        Role::Rep => Err(Refusal::forbidden("Only a manager, an admin or an integration does this. Ask your manager.")),
        _ => Ok(()),
    }
}

/// A lead in the pool that is still to be filled and put.
pub fn blank(work: &UnitOfWork, id: uuid::Uuid, name: String, source: String) -> lead::Model {
    let contributor = matches!(work.actor.role, Role::Manager).then_some(work.actor.user_id);
    lead::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        name,
        contact_name: None,
        title: None,
        phone: None,
        email: None,
        website: None,
        credit_code: None,
        source,
        region: None,
        industry: None,
        employees: None,
        note: None,
        status: LeadStatus::Pooled,
        owner_id: None,
        claimed_at: None,
        due_on: None,
        warned_at: None,
        worked_at: None,
        excuse: None,
        former_owner_id: None,
        cool_down_until: None,
        contributor_id: contributor,
        likenesses: Likenesses::default(),
        merged_into_id: None,
        account_id: None,
        contact_id: None,
        opportunity_id: None,
        external_id: None,
    }
}

/// New leads of the same batch are not in the database yet: those with the same phone, e-mail or code.
fn add_staged(work: &UnitOfWork, lead: &mut lead::Model) {
    let same = |a: Option<String>, b: Option<String>| a.is_some() && a == b;
    for slot in work.slots::<lead::Model>().filter(|slot| slot.found.is_none() && slot.now.deleted_at.is_none()) {
        let other = &slot.now;
        let fields: Vec<Line> = [
            ("phone", same_number(lead.phone.as_deref(), other.phone.as_deref())),
            ("email", same(folded(lead.email.as_deref()), folded(other.email.as_deref()))),
            ("creditCode", same(folded(lead.credit_code.as_deref()), folded(other.credit_code.as_deref()))),
        ]
        .into_iter()
        .filter(|(_, same)| *same)
        .map(|(field, _)| Line(field.to_owned()))
        .collect();
        if !fields.is_empty() {
            lead.likenesses.records.push(Likeness {
                kind: Kind::Lead,
                id: Some(other.id),
                owner_id: None,
                fields,
                similarity: 100,
            });
        }
    }
    lead.likenesses.records.truncate(super::likeness::MOST);
}
