//! Tells the years to the database, four weeks at a time: each rep writes as himself, at the times of his own year.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Days, NaiveDate, TimeDelta};
use entity::kind::{Kind, MemberRole, Role};
use entity::scalar::{Currency, Date, Money, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::calendar::Calendar;
use super::dice::Dice;
use super::incentives::{FORMER, Market};
use super::names::PRODUCTS;
use super::staff::{Rep, Staff};
use super::year::{Product, Step};
use super::{Summary, line};
use crate::account::member;
use crate::auth::Actor;
use crate::change::{Body, Change, Intent, apply, prepare};
use crate::database::gather_statistics;
use crate::plan::missed;
use crate::problem::Error;
use crate::product::ProductFields;
use crate::state::State;
use crate::work::UnitOfWork;

/// Days between two commits of a rep: some eighty changes, so that neither commits nor locks weigh much.
const PERIOD: u64 = 28;
/// Reps that write at the same time, so that neither we nor the database wait idly for the other.
const AT_ONCE: usize = 3;
/// Every so many accounts, one is shared with a colleague.
const SHARED: usize = 9;

/// A unit of work whose commit does not wait for the disk: nothing counts before the tenant gets its name, and that
/// commit does wait, for all before it too.
pub async fn begin(past: &State, actor: &Actor) -> Result<UnitOfWork, DbErr> {
    let work = UnitOfWork::begin(past, actor).await?;
    work.connection().execute_unprepared("SET LOCAL synchronous_commit = off").await?;
    Ok(work)
}

/// What the company sells.
pub async fn products(past: &State, tenant_id: Uuid, dice: &mut Dice) -> Result<Vec<Product>, Error> {
    let now = past.clock.now();
    let mut products = Vec::new();
    let mut changes = Vec::new();
    for (series, name, price) in PRODUCTS {
        let product = Product { id: dice.id(now), price: Money(Decimal::new(price * 100, 2)) };
        let fields = ProductFields {
            name: Some(line(name)),
            series: Some(line(series)),
            list_price: Some(product.price),
            currency: Some(Currency("CNY".to_owned())),
            external_id: None,
        };
        changes.push(creation(Kind::Product, product.id, Body::Product(fields)));
        products.push(product);
    }
    let mut work = begin(past, &Actor::system(tenant_id)).await?;
    let context = prepare(&mut work, &changes).await?;
    for change in &changes {
        apply(&mut work, &context, change)?;
        work.keep();
    }
    work.commit().await?;
    Ok(products)
}

pub fn creation(kind: Kind, id: Uuid, body: Body) -> Change {
    Change {
        kind,
        id,
        fresh: false,
        intent: Intent::Create(body),
        base: None,
        expected: None,
        clear: Vec::new(),
        reason: None,
    }
}

/// Tells `years`, one a rep of the staff.
pub async fn replay(
    mut market: Market<'_>,
    years: Vec<Vec<Step>>,
    progress: impl Fn(u64, u64),
) -> Result<Summary, Error> {
    let Market { past, tenant_id, staff, calendar, .. } = market;
    let total = years.iter().map(|year| year.len() as u64).sum();
    let done = Arc::new(AtomicU64::new(0));
    let mut summary = Summary::default();
    for change in years.iter().flatten().map(|step| &step.change) {
        let creates = matches!(change.intent, Intent::Create(_));
        *if creates { &mut summary.created } else { &mut summary.changed }.entry(change.kind).or_default() += 1;
    }
    let mut years: Vec<_> = years.into_iter().map(|year| year.into_iter().peekable()).collect();
    let (mut first, mut chapter) = (calendar.first, 0);
    while first < calendar.today {
        if chapter == FORMER {
            market.rule(first).await?;
        }
        let next = (first + Days::new(PERIOD)).min(calendar.today);
        let until = calendar.at(next, 0);
        let chapters: Vec<(Rep, Vec<Step>)> = staff
            .reps
            .iter()
            .zip(&mut years)
            .map(|(rep, year)| (*rep, std::iter::from_fn(|| year.next_if(|step| step.received < until)).collect()))
            .collect();
        let accounts = if first == calendar.first { accounts(&chapters) } else { Vec::new() };
        stream::iter(chapters)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |(rep, steps)| {
                let (past, count, done) = (past.clone(), steps.len() as u64, done.clone());
                let progress = &progress;
                async move {
                    let inner = past.clone();
                    past.run(async move { tell(&inner, tenant_id, rep, steps).await }).await?;
                    progress(done.fetch_add(count, Ordering::Relaxed) + count, total);
                    Ok::<(), Error>(())
                }
            })
            .await?;
        share(past, tenant_id, staff, &accounts, until).await?;
        miss(past, tenant_id, calendar, first, next).await?;
        if first == calendar.first {
            gather_statistics(&past.db).await?;
        }
        if chapter >= FORMER {
            market.turn(until, &mut summary).await?;
        }
        (first, chapter) = (next, chapter + 1);
    }
    market.appeal((calendar.end().0 - TimeDelta::minutes(10)).into()).await?;
    market.goals((calendar.end().0 - TimeDelta::minutes(5)).into()).await?;
    market.close().await?;
    gather_statistics(&past.db).await?;
    Ok(summary)
}

/// One rep's part, in one commit.
async fn tell(past: &State, tenant_id: Uuid, rep: Rep, steps: Vec<Step>) -> Result<(), Error> {
    let actor = Actor { tenant_id, user_id: rep.user_id, role: Role::Rep, may_write: true };
    let mut work = begin(past, &actor).await?;
    let (moments, changes): (Vec<_>, Vec<_>) =
        steps.into_iter().map(|step| ((step.captured, step.received), step.change)).unzip();
    // What is in force, and what was earned, on the days of this chapter.
    if let (Some((first, _)), Some((_, last))) = (moments.first(), moments.last()) {
        (work.earliest, work.now) = (first.at, *last);
    }
    let context = prepare(&mut work, &changes).await?;
    for (change, (captured, received)) in changes.iter().zip(moments) {
        (work.captured, work.now) = (captured, received);
        apply(&mut work, &context, change)?;
        work.keep();
    }
    work.commit().await
}

/// The accounts that these chapters make, with the place of their owner among the reps.
fn accounts(chapters: &[(Rep, Vec<Step>)]) -> Vec<(usize, Uuid)> {
    let made = |step: &&Step| matches!(step.change.intent, Intent::Create(Body::Account(_)));
    let of = |(place, (_, steps)): (usize, &(Rep, Vec<Step>))| {
        steps.iter().filter(made).map(|step| (place, step.change.id)).collect::<Vec<_>>()
    };
    chapters.iter().enumerate().flat_map(of).collect()
}

/// Managers let a colleague of the same team work some of the accounts.
async fn share(
    past: &State,
    tenant_id: Uuid,
    staff: &Staff,
    accounts: &[(usize, Uuid)],
    at: Timestamp,
) -> Result<(), Error> {
    for (team, manager) in staff.managers.iter().enumerate() {
        let actor = Actor { tenant_id, user_id: *manager, role: Role::Manager, may_write: true };
        let mut work = begin(past, &actor).await?;
        (work.now, work.captured.at) = (at, at);
        for &(owner, account_id) in accounts.iter().step_by(SHARED) {
            let owner = &staff.reps[owner];
            let colleague = staff.reps.iter().find(|rep| rep.team == team && rep.user_id != owner.user_id);
            let Some(colleague) = colleague.filter(|_| owner.team == team) else { continue };
            member::load(&mut work, account_id, colleague.user_id).await?;
            member::set(&mut work, account_id, colleague.user_id, MemberRole::Member)?;
            work.keep();
        }
        work.commit().await?;
    }
    Ok(())
}

/// Marks what was missed on each of these days, as the hourly job would have.
async fn miss(
    past: &State,
    tenant_id: Uuid,
    calendar: &Calendar,
    first: NaiveDate,
    until: NaiveDate,
) -> Result<(), Error> {
    let mut work = begin(past, &Actor::system(tenant_id)).await?;
    for day in first.iter_days().skip(1).take((until - first).num_days() as usize) {
        work.now = (calendar.at(day, 0).0 + TimeDelta::minutes(20)).into();
        work.captured.at = work.now;
        missed::stage(&mut work, Date(day)).await?;
    }
    work.commit().await
}
