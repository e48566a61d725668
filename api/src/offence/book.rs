//! The job that books offences. It can be down for days, run twice or on two servers: what falls due is worked out from
//! what happened, a lock keeps two runs of one tenant apart, and the ledger takes each offence once.
//!
//! A phone that was offline may bring proof afterwards, such as the visit that was made in time. The fine is then taken
//! back by an entry of its own, unless somebody has decided on it already. What arrives late, or goes, may as well be the
//! offence: the days that were judged before are looked at again for whatever was written since.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;
use entity::kind::{EntryKind, EntrySource, LedgerAccount, PenaltyKind, Role, StageKey};
use entity::scalar::{Currency, Date, Money};
use entity::shape::Names;
use entity::{account, appeal, opportunity, plan, points_entry, rule_set, stage, user};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use super::judge::{Law, Offence};
use super::read::{Ids, Reader};
use super::tell;
use crate::auth::Actor;
use crate::calendar::Calendar;
use crate::ledger::{self, Posting};
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write::whole;

/// Entries of one commit at the most, so that nobody waits for long.
const BATCH: usize = 500;
/// Days for which fines are looked at again, and offences.
const LOOKED_AT: i64 = 45;

/// Rule sets that are or were in force. What was only tried out is retired too, but was never active.
const RULED: &str = r#"
    (status = 'active' OR status = 'retired' AND EXISTS (
        SELECT FROM record_history h WHERE h.tenant_id = $1 AND h.record_id = rule_set.id AND h.kind = 'rule_set'
          AND (h.op = 'create' AND h.changes LIKE '%"status":"active"%'
               OR h.op = 'update' AND h.changes LIKE '%"status":["%","active"]%')))
    ORDER BY version"#;

/// What was booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    pub fines: usize,
    pub taken_back: usize,
}

/// Books what has fallen due in every tenant, and takes back what turned out to be none.
pub async fn book(state: &State) -> Result<Booked, Error> {
    let tenants = Statement::from_string(DbBackend::Postgres, "SELECT id FROM tenant ORDER BY id");
    let mut booked = Booked::default();
    for row in state.db.query_all_raw(tenants).await? {
        let one = of_tenant(state, row.try_get_by_index(0)?).await?;
        booked = Booked { fines: booked.fines + one.fines, taken_back: booked.taken_back + one.taken_back };
    }
    Ok(booked)
}

/// The same for one tenant.
pub async fn of_tenant(state: &State, tenant_id: Uuid) -> Result<Booked, Error> {
    let actor = Actor::system(tenant_id);
    let mut booked = Booked::default();
    loop {
        let (fines, is_done) = whole(state, &actor, |work| Box::pin(fine(work))).await?;
        booked.fines += fines;
        if is_done {
            break;
        }
    }
    booked.taken_back = whole(state, &actor, |work| Box::pin(take_back(work))).await?;
    Ok(booked)
}

/// What a tenant sets.
struct House {
    calendar: Calendar,
    stale_days: BTreeMap<StageKey, i32>,
    /// What it calls its stages.
    stages: BTreeMap<StageKey, Names>,
    /// Those that are or were active, by version.
    rule_sets: Vec<rule_set::Model>,
    today: Date,
    /// The day on which the calendar or a stage was changed last. What was due before it was judged as they were then.
    settled_on: Date,
}

impl House {
    async fn read(work: &UnitOfWork) -> Result<Self, Error> {
        let sql = "SELECT time_zone FROM tenant WHERE id = $1";
        let broken = || Error::Internal(format!("tenant {} has no calendar", work.actor.tenant_id));
        let row = work.connection().query_one_raw(work.statement(sql, [])).await?.ok_or_else(broken)?;
        let zone: Tz = row.try_get_by_index::<String>(0)?.parse().map_err(|_| broken())?;
        let week = work.fetch::<entity::calendar::Model>("TRUE", []).await?.into_iter().next().ok_or_else(broken)?;
        let calendar = Calendar::new(zone, &week.week, &week.holidays, &week.working_days);
        let stages = work.fetch::<stage::Model>("TRUE", []).await?;
        let changed = stages.iter().map(|stage| stage.updated_at).chain([week.updated_at]).max().unwrap_or_default();
        Ok(House {
            settled_on: calendar.day(changed),
            stages: stages.iter().map(|stage| (stage.stage, stage.names.clone())).collect(),
            stale_days: stages.into_iter().filter_map(|stage| Some((stage.stage, stage.stale_days?))).collect(),
            rule_sets: work.fetch::<rule_set::Model>(RULED, []).await?,
            today: calendar.day(work.now),
            calendar,
        })
    }

    /// The first day of a rule set; one that was there from the beginning has no other.
    fn starts_on(&self, rule_set: &rule_set::Model) -> Date {
        rule_set.starts_on.unwrap_or(self.calendar.day(rule_set.created_at))
    }

    fn law<'a>(&'a self, rule_set: &'a rule_set::Model) -> Law<'a> {
        Law {
            rules: &rule_set.rules,
            starts_on: self.starts_on(rule_set),
            calendar: &self.calendar,
            stale_days: &self.stale_days,
        }
    }

    /// The rule sets that ruled days from `from` to `to`, each with those days: until its end, or until the next one began.
    fn ruled(&self, from: Date, to: Date) -> Vec<(&rule_set::Model, Date, Date)> {
        let place = |rule_set: &rule_set::Model| (self.starts_on(rule_set), rule_set.version);
        let of = |rule_set| {
            let rule_set: &rule_set::Model = rule_set;
            let next = self.rule_sets.iter().map(place).filter(|next| *next > place(rule_set)).min();
            let last =
                [rule_set.ended_on, next.map(|(day, _)| day_before(day))].into_iter().flatten().fold(to, Date::min);
            let first = self.starts_on(rule_set).max(from);
            (first <= last).then_some((rule_set, first, last))
        };
        self.rule_sets.iter().filter_map(of).collect()
    }
}

async fn lock(work: &UnitOfWork) -> Result<(), DbErr> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('offences ' || $1::text, 0))";
    work.connection().execute_raw(work.statement(sql, [])).await.map(drop)
}

fn day_before(day: Date) -> Date {
    Date(day.0 - TimeDelta::days(1))
}

/// Books a batch of what has fallen due; how many, and whether that is all.
async fn fine(work: &mut UnitOfWork) -> Result<(usize, bool), Error> {
    lock(work).await?;
    let house = House::read(work).await?;
    let yesterday = day_before(house.today);
    let judged = work.statement("SELECT judged_on FROM offence_day WHERE tenant_id = $1", []);
    let judged: Option<Date> =
        work.connection().query_one_raw(judged).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    let first = house.rule_sets.iter().map(|rule_set| house.starts_on(rule_set)).min();
    let Some(first) = first else { return Ok((0, true)) };
    let from = judged.map_or(first, |day| Date(day.0 + TimeDelta::days(1)));
    let mut due: Vec<(Offence, &rule_set::Model)> = Vec::new();
    let reader = Reader { connection: work.connection(), tenant_id: work.actor.tenant_id };
    for (rule_set, first, last) in house.ruled(from, yesterday) {
        let law = house.law(rule_set);
        let ids = reader.candidates(&law, first, last).await?;
        let lines = reader.timelines(&ids, house.calendar.zone).await?;
        due.extend(law.offences(&lines, first, last).into_iter().map(|offence| (offence, rule_set)));
    }
    // Judged before, and written since: what a job that had been down would have booked is booked now.
    if let Some(judged) = judged {
        let earliest = Date(house.today.0 - TimeDelta::days(LOOKED_AT)).max(house.settled_on);
        for (rule_set, first, last) in house.ruled(earliest, judged) {
            let law = house.law(rule_set);
            let ids = reader.touched(&law, house.calendar.begins(from)).await?;
            let lines = reader.timelines(&ids, house.calendar.zone).await?;
            due.extend(law.offences(&lines, first, last).into_iter().map(|offence| (offence, rule_set)));
        }
    }
    let known = booked_keys(work, due.iter().map(|(offence, _)| offence.key()).collect()).await?;
    let reps = reps(work).await?;
    due.retain(|(offence, _)| !known.contains(&offence.key()) && reps.contains(&offence.user_id));
    let is_done = due.len() <= BATCH;
    due.truncate(BATCH);
    hold(work, due.iter().map(|(offence, _)| (offence.source, offence.account_id, offence.user_id)).collect()).await?;
    for (offence, rule_set) in &due {
        post_fine(work, offence, rule_set, &house)?;
    }
    if is_done && from <= yesterday {
        let sql = "INSERT INTO offence_day (tenant_id, judged_on) VALUES ($1, $2)
                   ON CONFLICT (tenant_id) DO UPDATE SET judged_on = excluded.judged_on";
        work.connection().execute_raw(work.statement(sql, [yesterday.into()])).await?;
    }
    Ok((due.len(), is_done))
}

async fn booked_keys(work: &UnitOfWork, keys: Vec<String>) -> Result<BTreeSet<String>, DbErr> {
    let sql = "SELECT offence FROM points_entry WHERE tenant_id = $1 AND offence = ANY($2)";
    let rows = work.connection().query_all_raw(work.statement(sql, [keys.into()])).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Who can be fined: those who work in the field and may log in.
async fn reps(work: &UnitOfWork) -> Result<BTreeSet<Uuid>, DbErr> {
    let users = work.fetch::<user::Model>("disabled_at IS NULL", []).await?;
    let works = |user: &user::Model| matches!(user.role, Role::Rep | Role::Manager);
    Ok(users.into_iter().filter(works).map(|user| user.id).collect())
}

/// Holds the records, the balances and what was booked about them, in the order in which everybody does.
async fn hold(work: &mut UnitOfWork, about: Vec<((EntrySource, Uuid), Option<Uuid>, Uuid)>) -> Result<(), DbErr> {
    let of = |kind: EntrySource| {
        let ids = about.iter().filter(move |((source, _), ..)| *source == kind).map(|((_, id), ..)| *id);
        ids.collect::<Vec<_>>()
    };
    let accounts = about.iter().filter_map(|(_, account_id, _)| *account_id).chain(of(EntrySource::Account));
    work.load::<account::Model>(accounts.collect::<Vec<_>>()).await?;
    work.load::<opportunity::Model>(of(EntrySource::Opportunity)).await?;
    work.load::<plan::Model>(of(EntrySource::Plan)).await?;
    ledger::load(work, about.iter().map(|(.., user_id)| *user_id).collect::<Vec<_>>()).await?;
    ledger::load_about(work, about.iter().map(|((_, id), ..)| *id).collect::<Vec<_>>()).await
}

fn post_fine(work: &mut UnitOfWork, offence: &Offence, rule_set: &rule_set::Model, house: &House) -> Result<(), Error> {
    let rules = &rule_set.rules;
    let Some(penalty) = rules.penalties.iter().find(|penalty| penalty.kind == offence.kind) else { return Ok(()) };
    let money = penalty.money.filter(|money| !money.0.is_zero()).zip(rules.currency.clone());
    let account = offence.account_id.and_then(|id| work.get::<account::Model>(id));
    let stage = offence.stage.and_then(|(_, stage)| house.stages.get(&stage));
    let names = tell::Named { account: account.map(|account| account.name.as_str()), stage };
    let posting = Posting {
        user_id: offence.user_id,
        source: offence.source,
        number: ledger::next_number(work, offence.source.1, offence.user_id),
        kind: EntryKind::Fine,
        on: LedgerAccount::Rep,
        counterpart: LedgerAccount::Rewards,
        points: penalty.points,
        leads: 0,
        money,
        day: offence.due,
        account_id: offence.account_id,
        entry_id: None,
        offence: Some(offence.key()),
        explanation: tell::fine(offence, penalty, rules.currency.as_ref(), rule_set.version, &names),
    };
    ledger::post(work, posting)?;
    Ok(())
}

/// Fines of the last weeks that nobody has taken back or appealed against with success or without an answer yet.
const OPEN: &str = "
    kind = 'fine' AND offence IS NOT NULL AND day >= $2
    AND NOT EXISTS (SELECT FROM points_entry r WHERE r.tenant_id = $1 AND r.entry_id = points_entry.id AND r.kind = 'reversal')
    AND NOT EXISTS (SELECT FROM appeal a WHERE a.tenant_id = $1 AND a.entry_id = points_entry.id AND a.status <> 'rejected')
    ORDER BY id";

/// Takes back the fines of which it is known by now that there was no offence. How many.
async fn take_back(work: &mut UnitOfWork) -> Result<usize, Error> {
    lock(work).await?;
    let house = House::read(work).await?;
    let since = Date(house.today.0 - TimeDelta::days(LOOKED_AT));
    let fines = work.fetch::<points_entry::Model>(OPEN, [since.into()]).await?;
    let of = |source: EntrySource| {
        fines.iter().filter(|fine| fine.source_kind == source).map(|fine| fine.source_id).collect::<Vec<_>>()
    };
    let ids = Ids {
        plans: of(EntrySource::Plan),
        opportunities: of(EntrySource::Opportunity),
        accounts: of(EntrySource::Account),
    };
    let reader = Reader { connection: work.connection(), tenant_id: work.actor.tenant_id };
    let lines = reader.timelines(&ids, house.calendar.zone).await?;
    let stands = |fine: &points_entry::Model| {
        let version = fine.explanation.rule_set_version;
        let rule_set = house.rule_sets.iter().find(|rule_set| rule_set.version == version);
        rule_set.zip(fine.offence.as_ref()).is_none_or(|(rule_set, key)| {
            house.law(rule_set).stands(&lines, key, fine.explanation.due.unwrap_or(fine.day))
        })
    };
    let mut wrong: Vec<points_entry::Model> = fines.iter().filter(|fine| !stands(fine)).cloned().collect();
    wrong.truncate(BATCH);
    let about = wrong.iter().map(|fine| ((fine.source_kind, fine.source_id), fine.account_id, fine.user_id));
    hold(work, about.collect()).await?;
    for fine in &wrong {
        // Somebody may have appealed, or decided, before the balance was held.
        let appealed = work.fetch::<appeal::Model>("entry_id = $2 AND status <> 'rejected'", [fine.id.into()]).await?;
        if appealed.is_empty() {
            post_reversal(work, fine)?;
        }
    }
    Ok(wrong.len())
}

fn post_reversal(work: &mut UnitOfWork, fine: &points_entry::Model) -> Result<(), Error> {
    let money = fine.money.zip(fine.currency.clone()).map(|(money, currency)| (Money(-money.0), Currency(currency)));
    let posting = Posting {
        user_id: fine.user_id,
        source: (fine.source_kind, fine.source_id),
        number: ledger::next_number(work, fine.source_id, fine.user_id),
        kind: EntryKind::Reversal,
        on: LedgerAccount::Rep,
        counterpart: LedgerAccount::Rewards,
        points: entity::scalar::Points(Decimal::ZERO - fine.points.0),
        leads: 0,
        money,
        day: fine.day,
        account_id: fine.account_id,
        entry_id: Some(fine.id),
        offence: None,
        explanation: tell::taken_back(&fine.explanation, fine.points),
    };
    ledger::post(work, posting)?;
    Ok(())
}

/// Whether a booking is about an offence and not about work: what corrects an award must pass over it.
pub fn is_offence(entry: &points_entry::Model) -> bool {
    entry.explanation.offence.is_some_and(|kind| kind != PenaltyKind::LateEntry)
}
