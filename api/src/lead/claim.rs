//! Picking a lead: takes it out of the pool and charges one right, in one transaction or not at all. Whoever comes second
//! waits for the row, finds it taken and is told so; he is not charged.

use entity::kind::{EntryKind, EntrySource, LeadStatus, Role};
use entity::lead;
use entity::scalar::Points;

use super::assign::take;
use super::booking::{Rights, book};
use super::pick::{Facts, Refused, may_pick};
use super::update::open;
use crate::change::{Change, Context, Outcome};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;
use crate::write::at_revision;

pub fn claim(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    let lead = pooled(work, change)?;
    let user_id = work.actor.user_id;
    if !matches!(work.actor.role, Role::Rep | Role::Manager) {
        return Err(Refusal::forbidden("Reps and managers pick leads. Give it to one of them with assignLead."));
    }
    let (facts, settings) = (context.leads(), context.settings());
    let rules = &settings.rules.leads;
    may_pick(&Facts {
        today: facts.today,
        cool_down_until: lead.cool_down_until.filter(|_| lead.former_owner_id == Some(user_id)),
        held: facts.held(work, user_id),
        capacity: rules.capacity,
        picked: facts.picked(work, user_id),
        daily_picks: rules.daily_picks,
    })
    .map_err(told)?;
    let rights = Rights {
        user_id,
        source: (EntrySource::Lead, lead.id),
        kind: EntryKind::Claim,
        leads: -1,
        points: Points::default(),
        version: settings.rule_set_version,
        arithmetic: "-1".to_owned(),
        en: &format!("You picked the lead {}; it took one right to pick.", lead.name),
        zh: &format!("你领取了线索“{}”，用掉一个领取名额。", lead.name),
    };
    book(work, facts, rights)?;
    Ok(Outcome { revision: take(work, facts, settings, lead, user_id)?, ..Outcome::default() })
}

/// The lead, if it is in the pool. It was there for everybody to see: that a colleague took it is no secret.
fn pooled(work: &UnitOfWork, change: &Change) -> Result<lead::Model, Refusal> {
    let taken =
        || Refusal::conflict(Code::Conflict, "A colleague has taken this lead. Nothing was charged; pick another.");
    let lead = match work.visible::<lead::Model>(change.id) {
        Err(hidden) if hidden.code == Code::NotFound && work.was_shown::<lead::Model>(change.id) => return Err(taken()),
        found => found?,
    };
    match lead.status {
        LeadStatus::Claimed if lead.owner_id == Some(work.actor.user_id) => {
            Err(Refusal::conflict(Code::Conflict, "You have this lead already."))
        }
        LeadStatus::Claimed => Err(taken()),
        _ => {
            open(&lead)?;
            at_revision(&lead, change.expected)?;
            Ok(lead)
        }
    }
}

fn told(refused: Refused) -> Refusal {
    match refused {
        Refused::CoolDown(until) => Refusal::conflict(
            Code::Locked,
            format!("You had this lead before; it is for others until {until}. Pick another, or come back then."),
        ),
        Refused::Capacity(most) => Refusal::conflict(
            Code::Conflict,
            format!("You hold as many leads as one may hold ({most}). Convert or return one first."),
        ),
        Refused::DailyPicks(most) => Refusal::conflict(
            Code::Conflict,
            format!("You picked as many leads today as one may in a day ({most}). Go on tomorrow."),
        ),
    }
}
