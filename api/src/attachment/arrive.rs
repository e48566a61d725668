//! What the record says of its file: that it is there, why it was refused, or that its upload was given up. A photo that
//! has come may complete its activity, whose points follow.

use entity::attachment;
use entity::kind::{AttachmentReason, AttachmentState};

use crate::change::{Change, Context, Outcome};
use crate::points::photo;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Ready {
        content_type: &'static str,
        bytes: i64,
        sha256: String,
        has_thumbnail: bool,
    },
    Refused {
        reason: AttachmentReason,
        detail: String,
    },
    /// The upload was given up; another is welcome.
    Expired {
        detail: String,
    },
}

/// Whoever calls has found out whether the actor may bring this file.
pub fn arrive(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    arrival: &Arrival,
) -> Result<Outcome, Refusal> {
    let Some(before) = work.get::<attachment::Model>(change.id).cloned() else {
        return Err(Refusal::not_found("attachment"));
    };
    if before.deleted_at.is_some() {
        return Err(Refusal::deleted("attachment"));
    }
    if before.state == AttachmentState::Ready {
        return Err(is_ready());
    }
    let had = before.activity_id.is_some_and(|id| photo::is_there(work, id));
    let activity_id = before.activity_id;
    let next = match arrival.clone() {
        Arrival::Ready { content_type, bytes, sha256, has_thumbnail } => attachment::Model {
            state: AttachmentState::Ready,
            content_type: Some(content_type.to_owned()),
            bytes: Some(bytes),
            sha256: Some(sha256),
            ready_at: Some(work.now),
            has_thumbnail,
            reason: None,
            detail: None,
            ..before
        },
        Arrival::Refused { reason, detail } => {
            attachment::Model { state: AttachmentState::Refused, reason: Some(reason), detail: Some(detail), ..before }
        }
        Arrival::Expired { detail } => {
            attachment::Model { reason: Some(AttachmentReason::Expired), detail: Some(detail), ..before }
        }
    };
    let revision = work.put(next);
    if let Some(id) = activity_id {
        photo::follow(work, context, id, had)?;
    }
    Ok(Outcome { revision, ..Outcome::default() })
}

/// A file stays as it came.
pub fn is_ready() -> Refusal {
    Refusal::conflict(Code::Locked, "The file of this attachment is there. Make another attachment for another file.")
}
