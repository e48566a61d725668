//! Closes the months that are over. Can be late by months, run twice or on two servers: a month of a tenant is closed in one
//! commit under a lock, and only if it is the next.

use std::collections::BTreeMap;

use entity::scalar::{Date, Money, Points, Timestamp};
use entity::shape::{MoneySum, OtherMoney};
use entity::{statement, team};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use super::words::tell;
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;

/// `$1` now → tenants whose next month was over an hour ago, so that no entry of it is still under way, with that month
/// and its end. The first is that of the first entry.
const DUE: &str = "
    SELECT tenant_id, month, (month + interval '1 month') AT TIME ZONE time_zone FROM (
        SELECT t.id AS tenant_id, t.time_zone, coalesce(
            (SELECT (max(s.month) + interval '1 month')::date FROM statement s WHERE s.tenant_id = t.id),
            (SELECT date_trunc('month', min(e.created_at) AT TIME ZONE t.time_zone)::date FROM points_entry e
             WHERE e.tenant_id = t.id)) AS month
        FROM tenant t) next
    WHERE (month + interval '1 month') AT TIME ZONE time_zone <= $1::timestamptz - interval '1 hour'
    ORDER BY tenant_id";

/// `$1` tenant, `$2` the month's end → one row a user who has entries before it: what the entries that no statement has
/// covered yet come to. A user's entries are taken up to the last one before the end, in the order of their numbers, so
/// that each is in one statement, whatever the clocks of the servers said.
const FIGURES: &str = "
    WITH last AS (
        SELECT DISTINCT ON (user_id) user_id, last_entry, closing, held, leads_closing FROM statement
        WHERE tenant_id = $1 AND user_id IS NOT NULL ORDER BY user_id, month DESC
    ), upto AS (
        SELECT user_id, max(ordinal) AS last_entry FROM points_entry
        WHERE tenant_id = $1 AND created_at < $2 GROUP BY user_id
    ), fresh AS (
        SELECT e.user_id, e.kind, e.ordinal, e.leads, e.money, e.currency,
               CASE 'rep' WHEN e.ledger_account THEN e.points WHEN e.counterpart THEN -e.points ELSE 0 END AS rep,
               CASE 'held' WHEN e.ledger_account THEN e.points WHEN e.counterpart THEN -e.points ELSE 0 END AS held
        FROM points_entry e JOIN upto ON upto.user_id = e.user_id LEFT JOIN last ON last.user_id = e.user_id
        WHERE e.tenant_id = $1 AND e.ordinal <= upto.last_entry AND e.ordinal > coalesce(last.last_entry, 0)
    ), sums AS (
        SELECT user_id, count(*)::integer AS entries, sum(rep) AS rep, sum(held) AS held, sum(leads)::integer AS leads,
               sum(rep) FILTER (WHERE kind IN ('award', 'release', 'share')) AS awarded,
               sum(rep) FILTER (WHERE kind = 'fine') AS fined,
               sum(rep) FILTER (WHERE kind IN ('grant', 'claim', 'expiry')) AS spent,
               sum(rep) FILTER (WHERE kind = 'payout') AS paid_out,
               -sum(leads) FILTER (WHERE kind = 'claim')::integer AS leads_claimed,
               -sum(leads) FILTER (WHERE kind = 'expiry')::integer AS leads_expired
        FROM fresh GROUP BY user_id
    ), fines AS (
        SELECT user_id, jsonb_agg(jsonb_build_object('money', money::text, 'currency', currency) ORDER BY newest DESC) AS fines
        FROM (SELECT user_id, currency, sum(money) AS money, max(ordinal) AS newest FROM fresh
              WHERE currency IS NOT NULL GROUP BY user_id, currency HAVING sum(money) <> 0) sums
        GROUP BY user_id
    )
    SELECT u.id AS user_id, u.team_id, coalesce(last.closing, 0) AS opening, coalesce(s.rep, 0) AS moved,
           coalesce(s.awarded, 0) AS awarded, coalesce(s.fined, 0) AS fined, coalesce(s.spent, 0) AS spent,
           coalesce(s.paid_out, 0) AS paid_out, coalesce(last.held, 0) + coalesce(s.held, 0) AS held,
           coalesce(last.leads_closing, 0) AS leads_opening, coalesce(s.leads, 0) AS leads,
           coalesce(s.leads_claimed, 0) AS leads_claimed, coalesce(s.leads_expired, 0) AS leads_expired,
           jsonb_build_object('sums', coalesce(f.fines, '[]'::jsonb)) AS fines, coalesce(s.entries, 0) AS entries,
           coalesce(last.last_entry, 0) AS before
    FROM upto JOIN \"user\" u ON u.tenant_id = $1 AND u.id = upto.user_id
    LEFT JOIN last ON last.user_id = u.id LEFT JOIN sums s ON s.user_id = u.id
    LEFT JOIN fines f ON f.user_id = u.id
    ORDER BY u.name, u.id";

/// One user's month.
#[derive(FromQueryResult)]
struct Figures {
    user_id: Uuid,
    team_id: Uuid,
    opening: Decimal,
    moved: Decimal,
    awarded: Decimal,
    fined: Decimal,
    spent: Decimal,
    paid_out: Decimal,
    held: Decimal,
    leads_opening: i32,
    leads: i32,
    leads_claimed: i32,
    leads_expired: i32,
    /// In money, those of the newest currency first.
    fines: OtherMoney,
    entries: i32,
    before: i32,
}

/// Closes every month that is over, in every tenant. Returns how many statements it made.
pub async fn close(state: &State) -> Result<usize, Error> {
    let mut made = 0;
    loop {
        let due = Statement::from_sql_and_values(DbBackend::Postgres, DUE, [state.clock.now().into()]);
        let rows = state.db.query_all_raw(due).await?;
        if rows.is_empty() {
            return Ok(made);
        }
        for row in rows {
            let (tenant_id, month): (Uuid, Date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let mut work = UnitOfWork::begin(state, &Actor::system(tenant_id)).await?;
            made += stage(&mut work, month, row.try_get_by_index(2)?).await?;
            work.commit().await?;
        }
    }
}

/// Stages the statements of a month that ends at `end`; none if somebody else has closed it meanwhile.
pub async fn stage(work: &mut UnitOfWork, month: Date, end: Timestamp) -> Result<usize, DbErr> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('statements ' || $1::text, 0))";
    work.connection().execute_raw(work.statement(lock, [])).await?;
    let newest =
        "SELECT coalesce(max(number), 0), coalesce(max(month) >= $2, false) FROM statement WHERE tenant_id = $1";
    let row = work.connection().query_one_raw(work.statement(newest, [month.into()])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("an aggregate has one row".into()))?;
    let (mut number, closed): (i32, bool) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if closed {
        return Ok(0);
    }
    let rows = work.connection().query_all_raw(work.statement(FIGURES, [end.into()])).await?;
    let mut teams: BTreeMap<Uuid, (statement::Model, usize)> = BTreeMap::new();
    let mut statements = Vec::new();
    for row in &rows {
        let statement = of_user(work, month, Figures::from_query_result(row, "")?);
        match teams.get_mut(&statement.team_id) {
            Some((sum, reps)) => {
                add(sum, &statement);
                *reps += 1;
            }
            None => {
                let sum = statement::Model { user_id: None, first_entry: None, last_entry: None, ..statement.clone() };
                teams.insert(statement.team_id, (sum, 1));
            }
        }
        statements.push((statement, None));
    }
    let names: BTreeMap<Uuid, String> =
        work.fetch::<team::Model>("TRUE", []).await?.into_iter().map(|team| (team.id, team.name)).collect();
    let mut teams: Vec<_> = teams.into_values().collect();
    teams.sort_by_key(|(sum, _)| (names.get(&sum.team_id).cloned(), sum.team_id));
    statements.extend(teams.into_iter().map(|(sum, reps)| (sum, Some(reps))));
    let made = statements.len();
    for (statement, reps) in statements {
        number += 1;
        let (en, zh) = tell(&statement, reps);
        work.put(statement::Model { id: Uuid::now_v7(), number, en: en.0, zh: zh.0, ..statement });
    }
    Ok(made)
}

fn of_user(work: &UnitOfWork, month: Date, figures: Figures) -> statement::Model {
    let Figures { opening, moved, awarded, fined, spent, paid_out, .. } = figures;
    let mut fines = figures.fines.sums.into_iter();
    let first = fines.next();
    let others: Vec<MoneySum> = fines.collect();
    statement::Model {
        tenant_id: work.actor.tenant_id,
        id: Uuid::nil(),
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        number: 0,
        user_id: Some(figures.user_id),
        team_id: figures.team_id,
        month,
        opening: Points(opening),
        closing: Points(opening + moved),
        awarded: Points(awarded),
        fined: Points(fined),
        corrected: Points(moved - awarded - fined - spent - paid_out),
        spent: Points(spent),
        paid_out: Points(paid_out),
        held: Points(figures.held),
        leads_opening: figures.leads_opening,
        leads_closing: figures.leads_opening + figures.leads,
        leads_granted: figures.leads + figures.leads_claimed + figures.leads_expired,
        leads_claimed: figures.leads_claimed,
        leads_expired: figures.leads_expired,
        money: first.as_ref().map(|first| first.money).unwrap_or_default(),
        currency: first.map(|first| first.currency),
        other_money: (!others.is_empty()).then_some(OtherMoney { sums: others }),
        entries: figures.entries,
        first_entry: (figures.entries > 0).then_some(figures.before + 1),
        last_entry: Some(figures.before + figures.entries),
        en: String::new(),
        zh: String::new(),
    }
}

/// A team's figures are the sums of those of its reps.
fn add(sum: &mut statement::Model, one: &statement::Model) {
    for (total, part) in [
        (&mut sum.opening, one.opening),
        (&mut sum.closing, one.closing),
        (&mut sum.awarded, one.awarded),
        (&mut sum.fined, one.fined),
        (&mut sum.corrected, one.corrected),
        (&mut sum.spent, one.spent),
        (&mut sum.paid_out, one.paid_out),
        (&mut sum.held, one.held),
    ] {
        total.0 += part.0;
    }
    for (total, part) in [
        (&mut sum.leads_opening, one.leads_opening),
        (&mut sum.leads_closing, one.leads_closing),
        (&mut sum.leads_granted, one.leads_granted),
        (&mut sum.leads_claimed, one.leads_claimed),
        (&mut sum.leads_expired, one.leads_expired),
        (&mut sum.entries, one.entries),
    ] {
        *total += part;
    }
    for (money, currency) in fines(one) {
        add_fine(sum, money, &currency);
    }
}

/// The fines in money that a statement tells, each with its currency.
pub fn fines(statement: &statement::Model) -> Vec<(Money, String)> {
    let first = statement.currency.clone().map(|currency| (statement.money, currency));
    let others = statement.other_money.iter().flat_map(|others| &others.sums);
    first.into_iter().chain(others.map(|sum| (sum.money, sum.currency.clone()))).collect()
}

fn add_fine(sum: &mut statement::Model, money: Money, currency: &str) {
    if sum.currency.as_deref().is_none_or(|known| known == currency) {
        sum.currency = Some(currency.to_owned());
        sum.money.0 += money.0;
        return;
    }
    let others = &mut sum.other_money.get_or_insert_default().sums;
    match others.iter_mut().find(|other| other.currency == currency) {
        Some(other) => other.money.0 += money.0,
        None => others.push(MoneySum { money, currency: currency.to_owned() }),
    }
}
