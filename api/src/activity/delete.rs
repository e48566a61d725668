//! A deleted activity gives back what it earned or cost, and its plan is open again.

use entity::kind::PlanStatus;
use entity::{activity, plan};

use super::update::done_by;
use crate::attachment::bury_of;
use crate::change::{self, Change, Context, Outcome};
use crate::points;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn delete(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    let outcome = change::delete::<activity::Model>(work, change, |work, activity| done_by(work, activity))?;
    let Some(activity) = work.get::<activity::Model>(change.id).cloned() else { return Ok(outcome) };
    points::book::deleted(work, context, &activity)?;
    points::plans::follow(work, context, &activity)?;
    bury_of(work, activity.id);
    let plan =
        activity.plan_id.and_then(|id| work.get::<plan::Model>(id)).filter(|plan| plan.deleted_at.is_none()).cloned();
    if let Some(plan) = plan {
        // If its day is over, the job that looks for missed plans says so.
        work.put(plan::Model { status: PlanStatus::Planned, activity_id: None, ..plan });
    }
    Ok(outcome)
}
