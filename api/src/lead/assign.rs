//! Leads that somebody gets without picking: from a manager, in his turn of a draft, or by region and load. They cost no
//! right: the ledger grants one beside each claim, so that every lead that a rep gets has its receipt.

use entity::kind::{EntryKind, EntrySource, LeadStatus};
use entity::lead;
use entity::scalar::{Points, Timestamp};
use uuid::Uuid;

use super::AssignLead;
use super::booking::{Rights, book};
use super::create::fills_the_pool;
use super::facts::LeadFacts;
use super::update::open;
use crate::account::create::worker;
use crate::change::{Change, Context, Outcome, Settings, current};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// Why somebody gets a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// Somebody who leads gave it to him.
    Assigned,
    /// It was his turn of a draft, with this rank.
    Turn(i32),
    /// He works the region and held the fewest leads.
    Region { region: &'a str, held: i32 },
}

/// A manager, an admin or an integration gives a lead to somebody. From another owner it goes as from the pool.
pub fn assign(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    body: &AssignLead,
) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    fills_the_pool(work)?;
    open(&lead)?;
    let user_id = getter(work, context.leads(), body.user_id, "/userId")?;
    if lead.owner_id == Some(user_id) {
        return Err(Refusal::conflict(Code::Conflict, "He has this lead already."));
    }
    Ok(Outcome {
        revision: give(work, context.leads(), context.settings(), lead, user_id, Why::Assigned)?,
        ..Outcome::default()
    })
}

/// A user to whom the actor may give a lead.
pub fn getter(work: &UnitOfWork, facts: &LeadFacts, user_id: Uuid, pointer: &str) -> Result<Uuid, Refusal> {
    let user_id = worker(work, user_id, pointer)?;
    if !facts.may_get(work, user_id) {
        let detail = "A manager gives leads to people of his own teams. Choose one of them, or ask an administrator.";
        return Err(Refusal::invalid(pointer, detail));
    }
    Ok(user_id)
}

/// Gives a lead free of charge. The capacity holds for whoever gives; the limit a day and the cool-down are for picking.
pub fn give(
    work: &mut UnitOfWork,
    facts: &LeadFacts,
    settings: &Settings,
    lead: lead::Model,
    user_id: Uuid,
    why: Why<'_>,
) -> Result<i32, Refusal> {
    let most = settings.rules.leads.capacity;
    if facts.held(work, user_id) >= most {
        let detail = format!("This user holds as many leads as one may hold ({most}). Choose another.");
        return Err(Refusal::conflict(Code::Conflict, detail));
    }
    let (en, zh) = why.words(&lead.name);
    let mut rights = |kind, leads, arithmetic: &str| {
        let rights = Rights {
            user_id,
            source: (EntrySource::Lead, lead.id),
            kind,
            leads,
            points: Points::default(),
            version: settings.rule_set_version,
            arithmetic: arithmetic.to_owned(),
            en: &en,
            zh: &zh,
        };
        book(work, facts, rights)
    };
    rights(EntryKind::Grant, 1, "+1")?;
    rights(EntryKind::Claim, -1, "-1")?;
    take(work, facts, settings, lead, user_id)
}

/// Takes a lead out of the pool for a user. What it costs is booked by the caller.
pub fn take(
    work: &mut UnitOfWork,
    facts: &LeadFacts,
    settings: &Settings,
    lead: lead::Model,
    user_id: Uuid,
) -> Result<i32, Refusal> {
    let days = settings.rules.leads.work_within_days;
    let due_on = Some(facts.working_days_after(facts.today, days)?);
    let claimed_at: Option<Timestamp> = Some(work.now);
    Ok(work.put(lead::Model {
        status: LeadStatus::Claimed,
        owner_id: Some(user_id),
        former_owner_id: lead.owner_id.or(lead.former_owner_id),
        claimed_at,
        due_on,
        warned_at: None,
        worked_at: None,
        excuse: None,
        ..lead
    }))
}

impl Why<'_> {
    fn words(self, name: &str) -> (String, String) {
        match self {
            Why::Assigned => (
                format!("The lead {name} was given to you; it took none of your rights to pick."),
                format!("主管把线索“{name}”分配给你，不占用你的领取名额。"),
            ),
            Why::Turn(rank) => (
                format!(
                    "You picked the lead {name} in your turn as number {rank}; it took none of your rights to pick."
                ),
                format!("你以第 {rank} 名的顺位选走线索“{name}”，不占用你的领取名额。"),
            ),
            Why::Region { region, held } => (
                format!(
                    "The lead {name} is from your region {region}, and with {held} leads you held the fewest; it took none of your rights to pick."
                ),
                format!(
                    "线索“{name}”属于你负责的地区“{region}”，你手上的线索最少（{held} 条），系统自动分配给你，不占用你的领取名额。"
                ),
            ),
        }
    }
}
