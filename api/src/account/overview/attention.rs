//! Decides what about an account is worth a look; touches nothing.

use chrono::TimeDelta;
use entity::kind::ActivityKind;
use entity::scalar::{Date, Timestamp};
use entity::{activity, opportunity, plan, stage};

use super::{AttentionKind, AttentionPoint};

/// After how many days without a contact somebody should call.
const QUIET_DAYS: i64 = 30;

/// All that it may know beside the records.
pub struct Facts<'a> {
    pub today: Date,
    pub now: Timestamp,
    pub stages: &'a [stage::Model],
}

/// `activities` are the newest, the newest first.
pub fn attention(
    facts: &Facts<'_>,
    open: &[opportunity::Model],
    plans: &[plan::Model],
    activities: &[activity::Model],
) -> Vec<AttentionPoint> {
    let mut points = Vec::new();
    let mut tell = |kind, record_id, since| points.push(AttentionPoint { kind, record_id, since });
    for plan in plans.iter().filter(|plan| plan.planned_on < facts.today) {
        tell(AttentionKind::OverduePlan, Some(plan.id), Some(plan.planned_on));
    }
    // A later activity has taken over whatever an earlier one left to be done.
    if let Some(newest) = activities.first()
        && let Some(due) = newest.next_step_on.filter(|due| *due < facts.today)
    {
        tell(AttentionKind::OverdueStep, Some(newest.id), Some(due));
    }
    for opportunity in open {
        if let Some(expected) = opportunity.expected_on.filter(|expected| *expected < facts.today) {
            tell(AttentionKind::OverdueSignature, Some(opportunity.id), Some(expected));
        }
        let stage = facts.stages.iter().find(|stage| stage.stage == opportunity.stage);
        if let Some(limit) = stage.and_then(|stage| stage.stale_days)
            && facts.now.0 - opportunity.stage_since.0 > TimeDelta::days(i64::from(limit))
        {
            let since = opportunity.stage_since.0.date_naive();
            tell(AttentionKind::StaleStage, Some(opportunity.id), Some(Date(since)));
        }
        if opportunity.amount.is_none() {
            tell(AttentionKind::NoAmount, Some(opportunity.id), None);
        }
    }
    let last = activities.iter().find(|activity| activity.kind != ActivityKind::Note).map(|activity| activity.occurred);
    if last.is_none_or(|last| facts.now.0 - last.0 > TimeDelta::days(QUIET_DAYS)) {
        tell(AttentionKind::NoContact, None, last.map(|last| Date(last.0.date_naive())));
    }
    points.sort();
    points
}
