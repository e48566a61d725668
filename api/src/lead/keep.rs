//! What an owner does with his lead short of making a customer of it: work it, ask for more time, give it back.

use entity::kind::LeadStatus;
use entity::lead;
use entity::scalar::{Date, Text};

use super::create::fills_the_pool;
use super::update::{open, owns};
use super::{DecideExcuse, ExcuseLead, LeadReason, WorkLead};
use crate::change::{Change, Context, Outcome, current};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// Notes what was done. A lead that was worked does not return by itself. Work that was done in time but synced after the
/// lead had returned brings it back, unless somebody has picked it meanwhile.
pub fn work_lead(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    body: &WorkLead,
) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    open(&lead)?;
    let done_on = Date(work.captured.at.0.with_timezone(&context.settings().zone).date_naive());
    let in_time = work.captured.proven && lead.due_on.is_some_and(|due| done_on <= due);
    let came_late = lead.status == LeadStatus::Pooled && lead.former_owner_id == Some(work.actor.user_id) && in_time;
    if !came_late {
        claimed(&lead)?;
        owns(work, &lead)?;
    }
    let entry = format!("{done_on} {}: {}", body.kind, body.summary);
    let note = lead.note.as_ref().map_or(entry.clone(), |note| format!("{note}\n{entry}"));
    let note = Text::parse(&note)
        .map_err(|_| Refusal::invalid("/summary", "The lead's note is full. Shorten it first with updateLead."))?;
    let worked_at = lead.worked_at.or(Some(work.captured.at));
    let mut next = lead::Model { note: Some(note.0), worked_at, ..lead };
    if came_late {
        next.status = LeadStatus::Claimed;
        next.owner_id = Some(work.actor.user_id);
        next.cool_down_until = None;
    }
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// The owner asks for more time. Until it is given the last day stands.
pub fn excuse(work: &mut UnitOfWork, change: &Change, body: &ExcuseLead) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    claimed(&lead)?;
    owns(work, &lead)?;
    if lead.worked_at.is_some() {
        return Err(Refusal::conflict(
            Code::Conflict,
            "This lead was worked: it does not return, and needs no excuse.",
        ));
    }
    Ok(Outcome {
        revision: work.put(lead::Model { excuse: Some(body.excuse.0.clone()), ..lead }),
        ..Outcome::default()
    })
}

/// Somebody who leads gives more time, or not. Nobody gives it to himself.
pub fn decide(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    body: &DecideExcuse,
) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    fills_the_pool(work)?;
    claimed(&lead)?;
    if lead.owner_id == Some(work.actor.user_id) {
        return Err(Refusal::forbidden("Nobody decides about his own excuse. Ask who leads you, or an admin."));
    }
    if lead.excuse.is_none() {
        return Err(Refusal::conflict(Code::Conflict, "There is no excuse to decide about."));
    }
    let facts = context.leads();
    let days = context.settings().rules.leads.work_within_days;
    let mut next = lead::Model { excuse: None, ..lead };
    match (body.accept, body.due_on) {
        (true, Some(day)) if day < facts.today => {
            return Err(Refusal::invalid("/dueOn", "Lies in the past. Name today or a later day."));
        }
        (true, given) => {
            let later = facts.working_days_after(facts.today, days)?;
            (next.due_on, next.warned_at) = (Some(given.unwrap_or(later)), None);
        }
        (false, Some(_)) => return Err(Refusal::invalid("/dueOn", "Goes with an excuse that is accepted.")),
        (false, None) => {}
    }
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// Back into the pool. The right that the lead took is spent.
pub fn give_back(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    body: &LeadReason,
) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    claimed(&lead)?;
    owns(work, &lead)?;
    work.reason = Some(body.reason.0.clone());
    let back = returned(lead, context.leads().today, context.settings().rules.leads.cool_down_days);
    // Given back by himself: work that comes later does not fetch it again.
    Ok(Outcome { revision: work.put(lead::Model { due_on: None, ..back }), ..Outcome::default() })
}

/// Out of the pool for good, and kept.
pub fn discard(work: &mut UnitOfWork, change: &Change, body: &LeadReason) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    fills_the_pool(work)?;
    open(&lead)?;
    work.reason = Some(body.reason.0.clone());
    let next = lead::Model { status: LeadStatus::Discarded, owner_id: None, ..lead };
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// The lead as it stands in the pool after its owner.
pub fn returned(lead: lead::Model, today: Date, cool_down_days: i32) -> lead::Model {
    let until = today.0 + chrono::Days::new(cool_down_days.max(0).unsigned_abs().into());
    lead::Model {
        status: LeadStatus::Pooled,
        former_owner_id: lead.owner_id,
        owner_id: None,
        cool_down_until: Some(Date(until)),
        warned_at: None,
        worked_at: None,
        excuse: None,
        ..lead
    }
}

/// A lead that somebody holds.
pub fn claimed(lead: &lead::Model) -> Result<(), Refusal> {
    open(lead)?;
    match lead.status {
        LeadStatus::Claimed => Ok(()),
        _ => Err(Refusal::conflict(Code::Conflict, "This lead is in the pool. Pick it first.")),
    }
}
