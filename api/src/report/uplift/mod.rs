//! `GET /v1/reports/uplift`: what the rules did to signing, with the doubt that the numbers leave. The route is in
//! `routes`, what goes over the wire in `wire`; `cohort` decides who is compared with whom, `interval` and `returns` reckon,
//! `tell` puts it into words. Here it is put together. Nothing here writes.

mod cohort;
pub(super) mod interval;
mod returns;
pub mod routes;
mod tell;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use entity::kind::Kind;
use entity::scalar::{Currency, Date, Money, Timestamp};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use self::cohort::{Comparison, Effect, Entered, Group, Span, Wave};
use self::interval::Estimate;
use self::returns::{Case, rounded};
pub use self::routes::UpliftApi;
pub use self::wire::*;
use crate::auth::Actor;
use crate::calendar::Calendar;
use crate::problem::{Error, Refusal};
use crate::read;
use crate::state::State;

const ENTERED: &str = include_str!("entered.sql");

/// The largest amount that goes over the wire.
const MOST_MONEY: Decimal = Decimal::from_parts(3_567_587_327, 232, 0, false, 0);

/// What is asked, checked (see `routes`).
#[derive(Clone, Debug)]
pub struct UpliftQuery {
    pub design: UpliftDesign,
    /// The day on which each team began, and with it the teams below that have no day of their own. For
    /// `before_after` only the days count; no team: everybody.
    pub starts: Vec<(Option<Uuid>, NaiveDate)>,
    /// For `control_group`: those to compare with; empty: all others.
    pub control_team_ids: Vec<Uuid>,
    pub days: u32,
    pub follow_days: u32,
    pub average_contract: Option<Money>,
    pub currency: Option<Currency>,
    pub opportunities_per_month: Option<i32>,
    pub months: i32,
    pub investment: Option<Money>,
    pub margin_percent: f64,
    pub claim: Option<f64>,
}

/// # Errors
/// 422 if what it is worth is asked for and the average contract is neither given nor known.
pub async fn uplift(state: &State, actor: &Actor, query: &UpliftQuery) -> Result<Uplift, Error> {
    let zone = zone(state, actor).await?;
    let span = Span { days: query.days, follow_days: query.follow_days, zone, now: state.clock.now() };
    let waves = waves(query, &span, &parents(state, actor).await?);
    let rows = match span.bounds(&waves) {
        Some(bounds) => entered(state, actor, zone, bounds).await?,
        None => Vec::new(),
    };
    let all: Vec<Entered> = rows.iter().map(Row::entered).collect();
    let comparisons: Vec<Comparison> = waves.into_iter().map(|wave| span.compare(wave, &all)).collect();
    let is_enough = cohort::are_enough(&comparisons);
    let rate = is_enough.then(|| cohort::signing_rate(&comparisons)).flatten();
    let cycle = is_enough.then(|| cohort::cycle_days(&comparisons)).flatten();
    let before = comparisons.iter().map(|c| (c.treated.before.days.len(), c.treated.before.entered));
    let (signed, of) = before.fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    let base = interval::share(signed, of).map(|share| share.value);
    let signing_rate = RateUplift {
        verdict: verdict(rate.as_ref()),
        points: rate.map(|effect| shown(effect.difference.times(100.0))),
        percent: rate.and_then(|effect| effect.relative).map(|relative| shown(relative.times(100.0))),
        expected: rate.map(|effect| rounded(effect.expected * 100.0)),
        needed: base.and_then(|base| interval::needed(base, 0.1)).and_then(|n| i32::try_from(n).ok()),
    };
    let cycle = CycleUplift {
        verdict: verdict(cycle.as_ref()),
        days: cycle.map(|effect| shown(effect.difference)),
        percent: cycle.and_then(|effect| effect.relative).map(|relative| shown(relative.times(100.0))),
        expected: cycle.map(|effect| rounded(effect.expected)),
    };
    let worth = worth(query, &span, &comparisons, &rows, rate.as_ref())?;
    let summary = tell::summary(&comparisons, &signing_rate, &cycle);
    Ok(Uplift {
        design: query.design,
        time_zone: zone.name().to_owned(),
        days: query.days.try_into().unwrap_or(i32::MAX),
        follow_days: query.follow_days.try_into().unwrap_or(i32::MAX),
        waves: comparisons.iter().map(laid_out).collect(),
        signing_rate,
        cycle,
        worth,
        summary,
    })
}

fn verdict(effect: Option<&Effect>) -> UpliftVerdict {
    match effect.map(|effect| effect.difference) {
        None => UpliftVerdict::TooFew,
        Some(difference) if difference.low > 0.0 => UpliftVerdict::Higher,
        Some(difference) if difference.high < 0.0 => UpliftVerdict::Lower,
        Some(_) => UpliftVerdict::Unclear,
    }
}

fn shown(estimate: Estimate) -> Interval {
    Interval { value: rounded(estimate.value), low: rounded(estimate.low), high: rounded(estimate.high) }
}

fn laid_out(comparison: &Comparison) -> UpliftWave {
    let group = |group: &Group| UpliftGroup {
        from: Date(group.first_day),
        to: Date(group.last_day),
        entered: group.entered.try_into().unwrap_or(i32::MAX),
        signed: group.days.len().try_into().unwrap_or(i32::MAX),
        rate: group.rate().map(|rate| shown(rate.times(100.0))),
        median_days: interval::median(&group.days).map(shown),
    };
    let ids = |ids: &Option<BTreeSet<Uuid>>| ids.iter().flatten().copied().collect();
    let wave = &comparison.wave;
    UpliftWave {
        starts_on: Date(wave.starts_on),
        team_ids: ids(&wave.treated),
        before: group(&comparison.treated.before),
        after: group(&comparison.treated.after),
        control: comparison.control.as_ref().map(|pair| UpliftControl {
            team_ids: ids(&wave.control),
            before: group(&pair.before),
            after: group(&pair.after),
        }),
    }
}

/// Who is compared with whom, from the tree of teams (each with the one above it).
fn waves(query: &UpliftQuery, span: &Span, parents: &BTreeMap<Uuid, Option<Uuid>>) -> Vec<Wave> {
    let named: BTreeMap<Uuid, NaiveDate> =
        query.starts.iter().filter_map(|(team, day)| Some(((*team)?, *day))).collect();
    // The nearest team at or above with a day of its own.
    let nearest = |team: Uuid, among: &dyn Fn(Uuid) -> bool| {
        std::iter::successors(Some(team), |team| parents.get(team).copied().flatten()).find(|team| among(*team))
    };
    let begun: BTreeMap<Uuid, NaiveDate> = parents
        .keys()
        .filter_map(|&team| Some((team, named[&nearest(team, &|team| named.contains_key(&team))?])))
        .collect();
    let days: BTreeSet<NaiveDate> = query.starts.iter().map(|(_, day)| *day).collect();
    let of = |starts_on: NaiveDate| {
        let treated: BTreeSet<Uuid> =
            begun.iter().filter(|(_, day)| **day == starts_on).map(|(team, _)| *team).collect();
        let others = || parents.keys().copied().filter(|team| !treated.contains(team));
        let control = match query.design {
            UpliftDesign::BeforeAfter => None,
            UpliftDesign::ControlGroup if query.control_team_ids.is_empty() => Some(others().collect()),
            UpliftDesign::ControlGroup => {
                let named = |team| query.control_team_ids.contains(&team);
                Some(others().filter(|team| nearest(*team, &named).is_some()).collect())
            }
            UpliftDesign::Staggered => {
                let later = |team: &Uuid| begun.get(team).is_none_or(|day| *day >= span.ends(starts_on));
                Some(others().filter(later).collect())
            }
        };
        Wave { starts_on, treated: (!named.is_empty()).then_some(treated), control }
    };
    days.into_iter().map(of).collect()
}

/// What it is worth; nothing where nobody asked and nothing is known.
fn worth(
    query: &UpliftQuery,
    span: &Span,
    comparisons: &[Comparison],
    rows: &[Row],
    rate: Option<&Effect>,
) -> Result<Option<UpliftWorth>, Refusal> {
    let known = average(comparisons, rows);
    let given = query.average_contract.map(|amount| (amount.0, query.currency.clone().map(|currency| currency.0)));
    let Some((average_contract, currency)) = given.or(known.clone().map(|(amount, currency)| (amount, Some(currency))))
    else {
        return if query.investment.is_some() || query.claim.is_some() {
            let detail = "Give it: the opportunities of these cohorts that were signed have no amount, or amounts in \
                          several currencies.";
            Err(Refusal::invalid("averageContract", detail))
        } else {
            Ok(None)
        };
    };
    let currency = currency
        .or(known.map(|(_, currency)| currency))
        .ok_or_else(|| Refusal::invalid("currency", "Give it beside averageContract: the cohorts do not tell one."))?;
    let monthly = |comparison: &Comparison| {
        let days = span.days_over(&comparison.treated.after);
        if days > 0 { comparison.treated.after.entered as f64 / days as f64 * 30.0 } else { 0.0 }
    };
    let observed = comparisons.iter().map(monthly).sum();
    let case = Case {
        average_contract,
        opportunities_per_month: query.opportunities_per_month.map_or(rounded(observed), f64::from),
        months: query.months,
        investment: query.investment.map(|amount| amount.0),
        margin_percent: query.margin_percent,
        claim: query.claim,
    };
    if case.revenue(1.0) > MOST_MONEY {
        let detail = "The contracts of all months would be worth more than 999999999999: give a shorter time, or amounts \
                      in thousands.";
        return Err(Refusal::invalid("averageContract", detail));
    }
    Ok(Some(UpliftWorth {
        currency,
        average_contract: Money(average_contract.round_dp(2)),
        opportunities_per_month: case.opportunities_per_month,
        months: query.months,
        investment: query.investment,
        returns: case.readings(rate),
    }))
}

/// The mean amount of what was signed, if all of it is in one currency.
fn average(comparisons: &[Comparison], rows: &[Row]) -> Option<(Decimal, String)> {
    let teams: Vec<&Option<BTreeSet<Uuid>>> = comparisons.iter().map(|comparison| &comparison.wave.treated).collect();
    let is_treated = |row: &&Row| teams.iter().any(|team| team.as_ref().is_none_or(|team| team.contains(&row.team_id)));
    let mut sums: BTreeMap<&str, (Decimal, i64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.seconds.is_some()).filter(is_treated) {
        if let (Some(amount), Some(currency)) = (row.amount, &row.currency) {
            let sum = sums.entry(currency).or_default();
            *sum = (sum.0 + amount.0, sum.1 + 1);
        }
    }
    match sums.into_iter().collect::<Vec<_>>().as_slice() {
        [(currency, (sum, count))] => Some((sum / Decimal::from(*count), (*currency).to_owned())),
        _ => None,
    }
}

/// An opportunity that came into the pipeline.
#[derive(FromQueryResult)]
struct Row {
    team_id: Uuid,
    entered: Timestamp,
    /// To the signature.
    seconds: Option<i64>,
    amount: Option<Money>,
    currency: Option<String>,
}

impl Row {
    fn entered(&self) -> Entered {
        let signed_after = self.seconds.map(chrono::TimeDelta::seconds);
        Entered { team_id: self.team_id, at: self.entered, signed_after }
    }
}

async fn entered(
    state: &State,
    actor: &Actor,
    zone: Tz,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<Row>, Error> {
    let mut sql = ENTERED.to_owned();
    if !actor.sees_all() {
        sql += &format!("      AND {}\n", read::visible(Kind::Opportunity));
    }
    let begins = |day: NaiveDate| -> Value { Calendar::always(zone).begins(Date(day)).into() };
    let values = [actor.tenant_id.into(), actor.user_id.into(), begins(first), begins(last + chrono::Days::new(1))];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Row::find_by_statement(statement).all(&state.db).await?)
}

async fn zone(state: &State, actor: &Actor) -> Result<Tz, Error> {
    let broken = || Error::Internal(format!("tenant {} has no time zone that is known", actor.tenant_id));
    let sql = "SELECT time_zone FROM tenant WHERE id = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [actor.tenant_id.into()]);
    let row = state.db.query_one_raw(statement).await?.ok_or_else(broken)?;
    row.try_get_by_index::<String>(0)?.parse().map_err(|_| broken())
}

/// Every team, with the one above it.
async fn parents(state: &State, actor: &Actor) -> Result<BTreeMap<Uuid, Option<Uuid>>, Error> {
    let sql = "SELECT id, parent_id FROM team WHERE tenant_id = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [actor.tenant_id.into()]);
    let rows = state.db.query_all_raw(statement).await?;
    let pair = |row: &sea_orm::QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    rows.iter().map(pair).collect()
}
