//! Plans as work: a visit that was made on the day for which it was planned earns for its plan, too, if the plan was
//! there before it. A plan that is written or moved afterwards is none.

use entity::kind::{EntrySource, PlanStatus, WorkKind};
use entity::scalar::{Date, Timestamp};
use entity::{account, activity, plan};
use uuid::Uuid;

use super::book::began;
use super::field::filled_plan;
use super::score::{Booking, Facts, Scorer};
use super::source::{Source, earnings, settle};
use super::totals::Place;
use crate::captured::Captured;
use crate::change::{Context, Settings};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// Brings the books to what the plan of this activity is worth, now that the activity is as it is.
pub fn follow(work: &mut UnitOfWork, context: &Context, activity: &activity::Model) -> Result<(), Refusal> {
    let settings = context.settings();
    let plan = activity.plan_id.and_then(|id| work.get::<plan::Model>(id)).cloned();
    let Some(plan) = plan else { return Ok(()) };
    let source = Source {
        kind: EntrySource::Plan,
        id: plan.id,
        user_id: activity.owner_id,
        account_id: Some(activity.account_id),
        day: settings.day(activity.occurred),
    };
    let in_time = is_kept(&plan, activity, source.day, planned(work, context, plan.id));
    let worth = if in_time { worth(work, settings, &plan, activity, &source) } else { None };
    settle(work, &source, worth)
}

/// Whether the activity did what was planned, on its day, which the plan had before. `planned`: when it was last set to it.
pub fn is_kept(plan: &plan::Model, activity: &activity::Model, day: Date, planned: Option<Timestamp>) -> bool {
    activity.deleted_at.is_none()
        && plan.deleted_at.is_none()
        && (plan.status, plan.activity_id) == (PlanStatus::Fulfilled, Some(activity.id))
        && plan.planned_on == day
        && planned <= Some(activity.occurred)
}

fn worth(
    work: &UnitOfWork,
    settings: &Settings,
    plan: &plan::Model,
    activity: &activity::Model,
    source: &Source,
) -> Option<Booking> {
    let entries = earnings(work, source.id, source.user_id);
    let latest = entries.last().map(|entry| &entry.explanation);
    let scorer = settings.scorer(latest.map(|latest| latest.rule_set_version));
    let place = Place {
        user_id: source.user_id,
        kind: source.kind,
        source_id: source.id,
        account_id: source.account_id,
        day: source.day,
    };
    let hours = scorer.rules.hours;
    scorer.score(&Facts {
        kind: WorkKind::Plan,
        about: work.get::<account::Model>(activity.account_id).map(|account| account.name.as_str()),
        occurred: began(activity),
        captured: Captured { at: activity.captured, proven: activity.captured_proven },
        received: activity.received,
        filled: &filled_plan(plan),
        judged: latest.and_then(|latest| Scorer::judged(latest, began(activity), activity.captured, hours)),
        room: settings.room(work, &scorer, place),
    })
}

/// When the plan was last set to its day, as it was typed; of this batch, or as the database knows it.
fn planned(work: &UnitOfWork, context: &Context, id: Uuid) -> Option<Timestamp> {
    let staged = work.slots::<plan::Model>().filter(|slot| slot.now.id == id);
    staged.filter_map(|slot| slot.set_at("plannedOn")).chain(context.planned.get(&id).copied()).max()
}
