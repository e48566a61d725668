//! The condition "photo present": an activity has a photo whose file is there. The file may come days after the activity;
//! its points follow then, judged by the time at which the activity was typed.

use entity::attachment;
use entity::kind::{AttachmentKind, AttachmentState, WorkKind};
use entity::rules::Rules;
use uuid::Uuid;

use super::book::{corrected, rules_of, work_kind};
use crate::change::Context;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// Its name in a rule set; no field of an activity is called so.
pub const NAME: &str = "photo";

/// Whether these rules ask for a photo of such work.
pub fn is_weighed(rules: &Rules, kind: WorkKind) -> bool {
    let weights = rules.work.iter().filter(|rule| rule.on == kind).flat_map(|rule| &rule.weights);
    weights.into_iter().any(|weight| weight.field.0 == NAME || weight.with.as_ref().is_some_and(|with| with.0 == NAME))
}

/// Whether they ask for a photo of anything.
pub fn is_weighed_at_all(rules: &Rules) -> bool {
    rules.work.iter().any(|rule| is_weighed(rules, rule.on))
}

/// Whether a photo counts.
pub fn counts(attachment: &attachment::Model) -> bool {
    attachment.kind == AttachmentKind::Photo && attachment.state == AttachmentState::Ready
}

/// Whether the activity has one. Known only where the rules of the batch ask for it (`prepare`).
pub fn is_there(work: &UnitOfWork, activity_id: Uuid) -> bool {
    work.live::<attachment::Model>().any(|attachment| attachment.activity_id == Some(activity_id) && counts(attachment))
}

/// Scores the activity again if it has its first photo now or lost its last.
pub fn follow(work: &mut UnitOfWork, context: &Context, activity_id: Uuid, had: bool) -> Result<(), Refusal> {
    if is_there(work, activity_id) == had {
        return Ok(());
    }
    let Some(activity) = work.get::<entity::activity::Model>(activity_id).cloned() else { return Ok(()) };
    if activity.deleted_at.is_some()
        || !is_weighed(rules_of(work, context.settings(), &activity), work_kind(activity.kind))
    {
        return Ok(());
    }
    corrected(work, context, &activity)
}
