//! Attachments: records of photos, voice notes and documents. They go through push, REST and the feed like any other
//! record; their files come and go beside them (`take`, `content`, `upload`), so that no file ever holds up a sync.

mod arrive;
pub mod content;
pub mod create;
pub mod routes;
mod take;

use entity::attachment;
use entity::kind::{AttachmentKind, Role};
use entity::scalar::Line;
use uuid::Uuid;

use crate::change::{self, Change, Context, Outcome};
use crate::fields;
use crate::points::photo;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
pub use arrive::{Arrival, arrive};
pub use routes::AttachmentApi;
pub use take::{Spooled, give_up, open, take};

fields! {
    /// What can be set on an attachment. To create one, `accountId`, `kind` and `fileName` are required.
    AttachmentFields of attachment::Model;
    required {
        /// As the user knows it, with its ending.
        file_name: Line,
    }
    optional {}
    fixed {
        account_id: Uuid,
        contact_id: Uuid,
        opportunity_id: Uuid,
        activity_id: Uuid,
        kind: AttachmentKind,
        /// How many bytes the file has: what arrives must have as many.
        #[oai(validator(minimum(value = "1")))]
        bytes: i64,
        /// SHA-256 of the file, in lower-case hexadecimal digits: what arrives must have the same.
        #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
        sha256: String,
    }
    needs ["accountId", "kind", "fileName"]
    refers { account_id => Account, contact_id => Contact, opportunity_id => Opportunity, activity_id => Activity, }
    example {
        "accountId": "0198c0de-0000-7000-8000-000000000001",
        "activityId": "0198c0de-0000-7000-8000-000000000006",
        "kind": "photo",
        "fileName": "shelf.jpg",
        "bytes": 2481152
    }
}

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &AttachmentFields,
) -> Result<Outcome, Refusal> {
    change::update(work, context, change, fields, |work, before, _| owns(work, before))
}

/// The file goes once the tombstone has gone; what a photo earned goes at once.
pub fn delete(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    let activity_id = work.get::<attachment::Model>(change.id).and_then(|attachment| attachment.activity_id);
    let had = activity_id.is_some_and(|id| photo::is_there(work, id));
    let outcome = change::delete::<attachment::Model>(work, change, |work, attachment| owns(work, attachment))?;
    if let Some(id) = activity_id {
        photo::follow(work, context, id, had)?;
    }
    Ok(outcome)
}

/// What is attached to a record goes with it.
pub fn bury_of(work: &mut UnitOfWork, record_id: Uuid) {
    let is_of = |attachment: &&attachment::Model| {
        [attachment.activity_id, attachment.contact_id, attachment.opportunity_id].contains(&Some(record_id))
    };
    let ids: Vec<Uuid> = work.live::<attachment::Model>().filter(is_of).map(|attachment| attachment.id).collect();
    for id in ids {
        work.bury::<attachment::Model>(id);
    }
}

/// Who made it changes it; a manager or admin may.
fn owns(work: &UnitOfWork, attachment: &attachment::Model) -> Result<(), Refusal> {
    if work.actor.role == Role::Rep && attachment.owner_id != work.actor.user_id {
        return Err(Refusal::forbidden("This is a colleague's attachment; only he, a manager or an admin changes it."));
    }
    Ok(())
}
