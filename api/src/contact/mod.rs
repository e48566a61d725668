//! Contacts: the people at an account.

pub mod routes;

use entity::custom::Custom;
use entity::scalar::{Email, Line, Text};
use entity::{account, contact};
use uuid::Uuid;

use crate::change::{Change, Fields, Outcome, creatable};
use crate::fields;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
pub use routes::ContactApi;

fields! {
    /// What can be set on a contact. To create one, `accountId` and `name` are required.
    ContactFields of contact::Model;
    required {
        name: Line,
    }
    optional {
        /// Position in the company, such as head of purchasing.
        title: Line,
        phone: Line,
        email: Email,
        note: Text,
        /// The id that another system knows this contact by; unique within the tenant.
        external_id: Line,
    }
    fixed {
        account_id: Uuid,
    }
    custom {
        /// Values of the fields that the company defined itself, by key, each as text whatever the field's type: `12.5`,
        /// `2026-03-02`, `true`. A key that is absent or null stays as it is; an empty text empties it.
        custom: Custom,
    }
    needs ["accountId", "name"]
    refers { account_id => Account, }
    example {
        "accountId": "0198c0de-0000-7000-8000-000000000001",
        "name": "王芳",
        "title": "Head of purchasing",
        "phone": "+86 21 5555 0101",
        "email": "wang.fang@hopton.example"
    }
}

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &ContactFields) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(account_id), Some(name)) = (fields.account_id, fields.name.clone()) else {
        return Err(Refusal::invalid("", "accountId and name are required."));
    };
    account_of(work, account_id)?;
    let mut contact = contact::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id,
        name: name.into(),
        title: None,
        phone: None,
        email: None,
        note: None,
        external_id: None,
        custom: None,
    };
    fields.apply(&mut contact);
    Ok(Outcome { revision: work.put(contact), ..Outcome::default() })
}

/// The account that a new record names, if the actor sees it.
pub fn account_of(work: &UnitOfWork, account_id: Uuid) -> Result<account::Model, Refusal> {
    work.visible::<account::Model>(account_id)
        .map_err(|_| Refusal::invalid("/accountId", "There is no such account, or it is not visible to you."))
}

/// A contact that a record of `account_id` names must be of the same account.
pub fn belongs(work: &UnitOfWork, contact_id: Option<Uuid>, account_id: Option<Uuid>) -> Result<(), Refusal> {
    let Some(contact_id) = contact_id else { return Ok(()) };
    match work.get::<contact::Model>(contact_id) {
        Some(contact) if contact.deleted_at.is_none() && Some(contact.account_id) == account_id => Ok(()),
        _ => Err(Refusal::invalid("/contactId", "There is no such contact at this account.")),
    }
}
