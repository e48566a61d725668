//! What the verbs of leads may know beside the loaded rows: read once for a batch, after its locks are held, so that no
//! other transaction moves it meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::{Kind, LeadStatus, Role};
use entity::scalar::Date;
use entity::shape::Likenesses;
use entity::{calendar, lead};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{Act, draft, likeness};
use crate::calendar::Calendar;
use crate::change::{Body, Change, Intent, Settings};
use crate::ledger;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

#[derive(Default)]
pub struct LeadFacts {
    /// The tenant's day.
    pub today: Date,
    /// By lead: what it may be the same as.
    pub likenesses: BTreeMap<Uuid, Likenesses>,
    /// By user: the leads that he holds.
    held: BTreeMap<Uuid, BTreeSet<Uuid>>,
    /// By user: leads that he picked today.
    picked: BTreeMap<Uuid, i32>,
    /// By source and user: the newest entry's number.
    numbers: BTreeMap<(Uuid, Uuid), i32>,
    calendar: Option<Calendar>,
    /// Of the users who may get leads, those whom the caller leads, if he is a manager.
    led: BTreeSet<Uuid>,
}

/// `$1` tenant, `$2` manager, `$3` users → those in whose scope he is.
const LED: &str =
    "SELECT scope_id FROM scope_grant WHERE tenant_id = $1 AND user_id = $2 AND scope_id = ANY($3) AND revoked IS NULL";

/// `$1` tenant, `$2` users → lead, owner.
const HELD: &str = "SELECT id, owner_id FROM lead WHERE tenant_id = $1 AND owner_id = ANY($2) AND status = 'claimed' AND deleted_at IS NULL";

/// `$1` tenant, `$2` users, `$3` day → user, leads picked. What was given free of charge was granted beside its claim.
const PICKED: &str = "
    SELECT user_id, (-sum(leads))::integer FROM points_entry
    WHERE tenant_id = $1 AND user_id = ANY($2) AND day = $3 AND source_kind = 'lead' GROUP BY user_id";

/// `$1` tenant, `$2` sources, `$3` users → source, user, newest number.
const NUMBERS: &str = "
    SELECT source_id, user_id, max(number) FROM points_entry
    WHERE tenant_id = $1 AND source_id = ANY($2) AND user_id = ANY($3) GROUP BY source_id, user_id";

impl LeadFacts {
    /// For a batch of changes whose records are loaded.
    pub async fn read(work: &mut UnitOfWork, changes: &[&Change], settings: &Settings) -> Result<Self, DbErr> {
        let mut getters = BTreeSet::new();
        let mut sources = BTreeSet::new();
        for change in changes {
            let getter = match &change.intent {
                Intent::Lead(Act::Claim) | Intent::BuyRights(_) => Some(work.actor.user_id),
                Intent::Lead(Act::Assign(body)) => Some(body.user_id),
                Intent::Create(Body::Lead(fields)) => fields.owner_id,
                _ => None,
            };
            if let Some(user_id) = getter {
                getters.insert(user_id);
                sources.insert(change.id);
            }
        }
        if changes.iter().any(|change| matches!(change.intent, Intent::Lead(Act::Claim))) {
            draft::load(work).await?;
        }
        let mut facts = Self::of(work, getters, sources, settings).await?;
        facts.likenesses = likeness::find(work, changes).await?;
        Ok(facts)
    }

    /// For users who may get leads, and what is booked about them.
    pub async fn of(
        work: &mut UnitOfWork,
        users: BTreeSet<Uuid>,
        sources: BTreeSet<Uuid>,
        settings: &Settings,
    ) -> Result<Self, DbErr> {
        let today = Date(work.now.0.with_timezone(&settings.zone).date_naive());
        let calendar = work.fetch::<calendar::Model>("id = $1", []).await?.into_iter().next();
        let calendar = calendar.map(|set| Calendar::new(settings.zone, &set.week, &set.holidays, &set.working_days));
        let mut facts = LeadFacts { today, calendar, ..LeadFacts::default() };
        if users.is_empty() {
            return Ok(facts);
        }
        // Whoever gets a lead holds his balance: two of his requests do not both take the last place or the last right.
        ledger::load(work, users.iter().copied()).await?;
        let (users, sources): (Vec<Uuid>, Vec<Uuid>) = (users.into_iter().collect(), sources.into_iter().collect());
        let held = work.statement(HELD, [users.clone().into()]);
        for row in work.connection().query_all_raw(held).await? {
            facts.held.entry(row.try_get_by_index(1)?).or_default().insert(row.try_get_by_index(0)?);
        }
        let picked = work.statement(PICKED, [users.clone().into(), today.into()]);
        for row in work.connection().query_all_raw(picked).await? {
            facts.picked.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        if work.actor.role == Role::Manager {
            let led = work.statement(LED, [work.actor.user_id.into(), users.clone().into()]);
            for row in work.connection().query_all_raw(led).await? {
                facts.led.insert(row.try_get_by_index(0)?);
            }
        }
        let numbers = work.statement(NUMBERS, [sources.into(), users.into()]);
        for row in work.connection().query_all_raw(numbers).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            facts.numbers.insert(key, row.try_get_by_index(2)?);
        }
        Ok(facts)
    }

    /// Whether the caller may give this user a lead: a manager gives to those whom he leads.
    pub fn may_get(&self, work: &UnitOfWork, user_id: Uuid) -> bool {
        work.actor.role != Role::Manager || self.led.contains(&user_id)
    }

    /// How many leads a user holds, with what this unit of work gave and took.
    pub fn held(&self, work: &UnitOfWork, user_id: Uuid) -> i32 {
        let mut held = self.held.get(&user_id).cloned().unwrap_or_default();
        for slot in work.slots::<lead::Model>() {
            if slot.now.status == LeadStatus::Claimed && slot.now.owner_id == Some(user_id) {
                held.insert(slot.now.id);
            } else {
                held.remove(&slot.now.id);
            }
        }
        held.len() as i32
    }

    /// How many leads a user picked today, with those of this unit of work.
    pub fn picked(&self, work: &UnitOfWork, user_id: Uuid) -> i32 {
        let here: i32 = super::booking::staged(work)
            .filter(|entry| {
                entry.user_id == user_id
                    && entry.source_kind == entity::kind::EntrySource::Lead
                    && entry.day == self.today
            })
            .map(|entry| -entry.leads)
            .sum();
        self.picked.get(&user_id).copied().unwrap_or(0) + here
    }

    /// The number of a user's next entry about a source.
    pub fn next_number(&self, work: &UnitOfWork, source: Uuid, user_id: Uuid) -> i32 {
        let here = super::booking::staged(work)
            .filter(|entry| entry.source_id == source && entry.user_id == user_id)
            .map(|entry| entry.number);
        here.chain(self.numbers.get(&(source, user_id)).copied()).max().unwrap_or(0) + 1
    }

    /// So many working days after a day.
    pub fn working_days_after(&self, day: Date, days: i32) -> Result<Date, Refusal> {
        let calendar = self.calendar.as_ref().ok_or_else(Refusal::internal)?;
        Ok(calendar.add_working_days(day, days))
    }
}

/// The owners of leads that are to become customers, and of what they stand beside.
pub fn owners(work: &UnitOfWork, changes: &[&Change]) -> Vec<Uuid> {
    let converted = changes.iter().filter(|change| matches!(change.intent, Intent::Lead(Act::Convert(_))));
    converted.filter_map(|change| work.get::<lead::Model>(change.id)?.owner_id).collect()
}

/// Whether a batch needs these facts.
pub fn needed(changes: &[&Change]) -> bool {
    changes.iter().any(|change| change.kind == Kind::Lead || matches!(change.intent, Intent::BuyRights(_)))
}
