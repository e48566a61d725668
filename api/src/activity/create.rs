//! A new activity: it fulfils its plan, gets its verdict and is scored, in one commit. A visit made while the account was
//! still the rep's is accepted when it syncs late: the work was done.

use chrono::TimeDelta;
use entity::kind::{ActivityKind, Kind, PlanStatus};
use entity::{account, activity, plan};
use uuid::Uuid;

use super::ActivityFields;
use super::verdict::verdict;
use crate::account::create::owner;
use crate::change::{Change, Context, Fields, Outcome, creatable};
use crate::contact::belongs;
use crate::opportunity::moves::not_in_the_future;
use crate::plan::{open, stands_under};
use crate::points;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// An activity further back than this, in days, has a year that was mistyped: it would be fined for nothing else.
const OLDEST_DAYS: i64 = 20 * 366;

pub fn create(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &ActivityFields,
) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(account_id), Some(kind), Some(occurred)) = (fields.account_id, fields.kind, fields.occurred) else {
        return Err(Refusal::invalid("", "accountId, kind and occurred are required."));
    };
    let late = reachable(work, account_id, occurred)?;
    let mut activity = activity::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id,
        contact_id: None,
        opportunity_id: None,
        plan_id: fields.plan_id,
        owner_id: owner(work, fields.owner_id)?,
        kind,
        occurred,
        captured: work.captured.at,
        captured_proven: work.captured.proven,
        received: work.now,
        duration_minutes: None,
        summary: None,
        outcome: None,
        next_step: None,
        next_step_on: None,
        check_in: None,
        check_out: None,
        verdict: None,
        distance: None,
        external_id: None,
        entry_seconds: None,
        custom: None,
    };
    fields.apply(&mut activity);
    check(work, fields, &mut activity)?;
    if let Some(plan_id) = fields.plan_id {
        fulfil(work, plan_id, &activity, late)?;
    }
    let revision = work.put(activity.clone());
    if late {
        work.leaves::<activity::Model>(activity.id, work.actor.user_id);
    }
    activity.tenant_id = work.actor.tenant_id;
    points::book::entered(work, context, &activity)?;
    points::plans::follow(work, context, &activity)?;
    Ok(Outcome { revision, ..Outcome::default() })
}

/// Whether work may be entered for this account; `true` if it has left the actor's scope since.
fn reachable(work: &UnitOfWork, account_id: Uuid, occurred: entity::scalar::Timestamp) -> Result<bool, Refusal> {
    let Err(hidden) = work.visible::<account::Model>(account_id) else { return Ok(false) };
    let alive = work.get::<account::Model>(account_id).is_some_and(|account| account.deleted_at.is_none());
    match work.left(account_id) {
        Some(left) if alive && occurred.0 <= left.0 => Ok(true),
        Some(left) if alive => Err(Refusal::invalid(
            "/accountId",
            format!("This account left your scope at {left}; only work done before that can still be entered."),
        )),
        _ if hidden.code == crate::problem::Code::RecordDeleted => Err(hidden),
        _ => Err(Refusal::invalid("/accountId", "There is no such account, or it is not visible to you.")),
    }
}

/// What holds for every activity as it is to be stored; also writes the verdict.
pub fn check(work: &UnitOfWork, fields: &ActivityFields, activity: &mut activity::Model) -> Result<(), Refusal> {
    if fields.occurred.is_some() {
        not_in_the_future(work, activity.occurred, "Work still to be done is a plan.")?;
        if activity.occurred.0 < work.captured.at.0 - TimeDelta::days(OLDEST_DAYS) {
            return Err(Refusal::invalid("/occurred", "Lies more than 20 years back. Check the year."));
        }
    }
    belongs(work, fields.contact_id, Some(activity.account_id))?;
    stands_under(work, fields.opportunity_id, activity.account_id)?;
    if activity.kind != ActivityKind::Visit {
        if activity.check_in.is_some() || activity.check_out.is_some() {
            return Err(Refusal::invalid("/checkIn", "Only a visit has check-in and check-out."));
        }
        (activity.verdict, activity.distance) = (None, None);
        return Ok(());
    }
    if let (Some(check_in), Some(check_out)) = (&activity.check_in, &activity.check_out)
        && check_out.at < check_in.at
    {
        return Err(Refusal::invalid("/checkOut", "Lies before the check-in."));
    }
    let position = work.get::<account::Model>(activity.account_id).and_then(|account| account.position);
    let (verdict, distance) = verdict(position, activity.check_in.as_ref(), activity.occurred);
    (activity.verdict, activity.distance) = (Some(verdict), distance);
    Ok(())
}

/// The activity does what was planned. With the account, its plans went to somebody else: whoever comes `late` did it
/// while the plan was still his, and the visit that was done need not be done again.
fn fulfil(work: &mut UnitOfWork, plan_id: Uuid, activity: &activity::Model, late: bool) -> Result<(), Refusal> {
    let plan = work
        .get::<plan::Model>(plan_id)
        .filter(|plan| plan.deleted_at.is_none() && plan.account_id == activity.account_id)
        .cloned()
        .ok_or_else(|| Refusal::invalid("/planId", format!("There is no such {} at this account.", Kind::Plan)))?;
    open(&plan)?;
    if plan.owner_id != activity.owner_id && !late {
        return Err(Refusal::invalid("/planId", "This is somebody else's plan."));
    }
    work.put(plan::Model { status: PlanStatus::Fulfilled, activity_id: Some(activity.id), ..plan });
    Ok(())
}
