//! A new attachment: a record that says which file is to come. That of a late visit is accepted as the visit is.

use entity::attachment;
use entity::kind::AttachmentState;
use entity::{account, activity};
use uuid::Uuid;

use super::AttachmentFields;
use crate::change::{Change, Outcome, creatable};
use crate::contact::{account_of, belongs};
use crate::plan::stands_under;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &AttachmentFields) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(account_id), Some(kind), Some(file_name)) = (fields.account_id, fields.kind, fields.file_name.clone())
    else {
        return Err(Refusal::invalid("", "accountId, kind and fileName are required."));
    };
    let late = is_late(work, account_id, fields.activity_id)?;
    let parents = [fields.contact_id, fields.opportunity_id, fields.activity_id];
    if parents.iter().flatten().count() > 1 {
        let detail = "Name one of activityId, contactId and opportunityId: an attachment belongs to one record.";
        return Err(Refusal::invalid("/activityId", detail));
    }
    belongs(work, fields.contact_id, Some(account_id))?;
    stands_under(work, fields.opportunity_id, account_id)?;
    done_at(work, fields.activity_id, account_id)?;
    let attachment = attachment::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id,
        contact_id: fields.contact_id,
        opportunity_id: fields.opportunity_id,
        activity_id: fields.activity_id,
        owner_id: work.actor.user_id,
        kind,
        file_name: file_name.into(),
        bytes: fields.bytes,
        sha256: fields.sha256.clone(),
        content_type: None,
        state: AttachmentState::Pending,
        ready_at: None,
        has_thumbnail: false,
        reason: None,
        detail: None,
    };
    let revision = work.put(attachment);
    if late {
        work.leaves::<attachment::Model>(change.id, work.actor.user_id);
    }
    Ok(Outcome { revision, ..Outcome::default() })
}

/// Whether the account has left the actor's view since he did the work that the file is of; refused if he sees neither.
fn is_late(work: &UnitOfWork, account_id: Uuid, activity_id: Option<Uuid>) -> Result<bool, Refusal> {
    let Err(hidden) = account_of(work, account_id) else { return Ok(false) };
    let is_alive = work.get::<account::Model>(account_id).is_some_and(|account| account.deleted_at.is_none());
    let is_own = activity_id.and_then(|id| work.get::<activity::Model>(id)).is_some_and(|activity| {
        activity.deleted_at.is_none() && activity.owner_id == work.actor.user_id && activity.account_id == account_id
    });
    if is_alive && is_own && work.left(account_id).is_some() { Ok(true) } else { Err(hidden) }
}

/// An activity that an attachment names must be of the same account.
fn done_at(work: &UnitOfWork, activity_id: Option<Uuid>, account_id: Uuid) -> Result<(), Refusal> {
    let Some(id) = activity_id else { return Ok(()) };
    match work.get::<activity::Model>(id) {
        Some(activity) if activity.deleted_at.is_none() && activity.account_id == account_id => Ok(()),
        _ => Err(Refusal::invalid("/activityId", "There is no such activity at this account.")),
    }
}
