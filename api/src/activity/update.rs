//! A correction of an activity: its verdict and its points follow.

use entity::activity;
use entity::kind::Role;

use super::ActivityFields;
use super::create::check;
use crate::change::{self, Change, Context, Outcome};
use crate::points;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &ActivityFields,
) -> Result<Outcome, Refusal> {
    let outcome = change::update(work, context, change, fields, |work, before, after| {
        done_by(work, before)?;
        check(work, fields, after)
    })?;
    if let Some(activity) = work.get::<activity::Model>(change.id).cloned() {
        points::book::corrected(work, context, &activity)?;
        points::plans::follow(work, context, &activity)?;
    }
    Ok(outcome)
}

/// Who did it corrects it; a manager or admin may.
pub fn done_by(work: &UnitOfWork, activity: &activity::Model) -> Result<(), Refusal> {
    if work.actor.role == Role::Rep && activity.owner_id != work.actor.user_id {
        return Err(Refusal::forbidden("This is a colleague's activity; only he, a manager or an admin changes it."));
    }
    Ok(())
}
