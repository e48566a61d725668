//! A new account: its creator answers for it, unless somebody who leads says otherwise.

use entity::kind::{MemberRole, Role};
use entity::{account, account_member, user};
use uuid::Uuid;

use super::{AccountFields, parent_is_visible};
use crate::change::{Change, Fields, Outcome, creatable};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &AccountFields) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(kind), Some(name)) = (fields.kind, fields.name.clone()) else {
        return Err(Refusal::invalid("", "kind and name are required."));
    };
    let owner_id = owner(work, fields.owner_id)?;
    let mut account = account::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        kind,
        name: name.into(),
        owner_id,
        parent_id: None,
        phone: None,
        email: None,
        website: None,
        industry: None,
        employees: None,
        annual_revenue: None,
        founded_year: None,
        address: None,
        position: None,
        credit_code: None,
        tier: None,
        note: None,
        external_id: None,
        custom: None,
    };
    fields.apply(&mut account);
    parent_is_visible(work, fields, &account)?;
    let revision = work.put(account);
    work.put(member(work, change.id, owner_id, MemberRole::Owner));
    Ok(Outcome { revision, ..Outcome::default() })
}

/// A membership that is still to be put.
pub fn member(work: &UnitOfWork, account_id: Uuid, user_id: Uuid, role: MemberRole) -> account_member::Model {
    account_member::Model {
        tenant_id: work.actor.tenant_id,
        id: Uuid::now_v7(),
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id,
        user_id,
        role,
    }
}

/// The user who is to own a new record: the caller, or whom somebody who leads names.
pub fn owner(work: &UnitOfWork, named: Option<Uuid>) -> Result<Uuid, Refusal> {
    let works = |role| matches!(role, Role::Rep | Role::Manager);
    match named {
        Some(id) if id != work.actor.user_id => {
            if work.actor.role == Role::Rep {
                return Err(Refusal::forbidden(
                    "Only a manager or an admin creates records for somebody else. Leave ownerId out.",
                ));
            }
            worker(work, id, "/ownerId")
        }
        _ if works(work.actor.role) => Ok(work.actor.user_id),
        _ => Err(Refusal::invalid("/ownerId", "Name the rep or manager who is to own this record.")),
    }
}

/// A user whom the actor may give work to: a rep or manager who is visible and not disabled.
pub fn worker(work: &UnitOfWork, id: Uuid, pointer: &str) -> Result<Uuid, Refusal> {
    let user = work
        .visible::<user::Model>(id)
        .map_err(|_| Refusal::invalid(pointer, "There is no such user, or it is not visible to you."))?;
    if user.disabled_at.is_some() || !matches!(user.role, Role::Rep | Role::Manager) {
        return Err(Refusal::invalid(pointer, "Only a rep or manager who is not disabled can take this."));
    }
    Ok(id)
}
