//! `GET /v1/reports/lost`: why opportunities are lost and how many are won, with the interval in which the true share lies
//! as far as chance is concerned. An opportunity is decided by its newest move: one that was reopened is neither.

mod look;
pub mod routes;

use entity::kind::{LostReason, StageKey};
use entity::scalar::{Date, Money};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::Uuid;

use super::figures::{PERIOD, PICKED, Scope, both, figures};
use super::uplift::interval::share;
use super::{CurrencyAmount, SplitBy, rounded};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
pub use routes::LostApi;

const SQL: &str = include_str!("lost.sql");

/// Days of the period where `from` is absent: a year.
pub const DAYS: i32 = 365;

/// Of fewer decided ones, a share says little.
const SMALL: i64 = 20;

/// Which picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum LostChart {
    /// Losses by reason.
    #[default]
    Reasons,
    /// Win rates of the groups, with their intervals.
    WinRate,
}

/// What was won and what was lost.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    pub total: WinRate,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<WinRate>,
    /// The same for each group, by name; empty without `splitBy`.
    pub groups: Vec<WinRateGroup>,
    /// The groups as the server knew them at the end of `asOf`, where they differ from those of now.
    pub groups_known_then: Option<Vec<WinRateGroup>>,
    /// Losses by reason and the stage that they were lost from, the most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// The losses that the server had been told of by the end of `asOf`, where they differ from those known of that day now.
    pub reasons_known_then: Option<Vec<ReasonCount>>,
    #[oai(skip)]
    #[serde(skip)]
    pub chart: LostChart,
    /// What the groups are told apart by.
    #[oai(skip)]
    #[serde(skip)]
    pub split_by: SplitBy,
}

/// A share of won ones among the decided ones, with Wilson's interval at 95 per cent.
#[derive(Clone, Debug, Default, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct WinRate {
    pub won: i64,
    pub lost: i64,
    /// `won / (won + lost)`, 4 decimals; absent where nothing was decided.
    pub rate: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Fewer than 20 were decided: the rate says little.
    #[serde(default)]
    pub is_small: bool,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct WinRateGroup {
    /// The team, user or product.
    pub id: Option<Uuid>,
    /// Its name; the kind, tier, source, region or month of the decision. Absent for what belongs to none.
    pub name: Option<String>,
    #[serde(flatten)]
    #[oai(flatten)]
    pub win_rate: WinRate,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// Absent where none was told.
    pub reason: Option<LostReason>,
    pub lost_from: Option<StageKey>,
    pub count: i64,
    /// What they would have been worth, by currency.
    pub amounts: Vec<CurrencyAmount>,
}

impl WinRate {
    /// Of these counts.
    pub fn of(won: i64, lost: i64) -> Self {
        let counts = usize::try_from(won).ok().zip(usize::try_from(won + lost).ok());
        let estimate = counts.and_then(|(won, of)| share(won, of));
        WinRate {
            won,
            lost,
            rate: estimate.map(|estimate| rounded(estimate.value, 4)),
            low: estimate.map(|estimate| rounded(estimate.low, 4)),
            high: estimate.map(|estimate| rounded(estimate.high, 4)),
            is_small: won + lost < SMALL,
        }
    }
}

impl Example for Lost {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let amounts = vec![CurrencyAmount { currency: Some("CNY".into()), amount: Money(Decimal::from(310_000)) }];
        let reason =
            ReasonCount { reason: Some(LostReason::Price), lost_from: Some(StageKey::Negotiation), count: 9, amounts };
        Lost {
            from: day("2025-04-01"),
            to: day("2026-03-31"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            total: WinRate::of(40, 25),
            known_then: None,
            groups: vec![WinRateGroup { id: None, name: Some("fair".into()), win_rate: WinRate::of(9, 4) }],
            reasons: vec![reason],
            groups_known_then: None,
            reasons_known_then: None,
            chart: LostChart::Reasons,
            split_by: SplitBy::Source,
        }
    }
}

/// With a day in `as_of`, also what was known then.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn lost(state: &State, actor: &Actor, scope: &Scope, by: SplitBy) -> Result<Lost, Error> {
    let ask = |scope: Scope| async move {
        let mut lost: Lost = figures(state, actor, &[PERIOD, PICKED, SQL], &scope, [by.as_str().into()]).await?;
        lost.split_by = by;
        lost.total = WinRate::of(lost.total.won, lost.total.lost);
        for group in &mut lost.groups {
            group.win_rate = WinRate::of(group.win_rate.won, group.win_rate.lost);
        }
        Ok::<_, Error>(lost)
    };
    let (mut now, then) = both(&scope.of(actor), ask).await?;
    if let Some(then) = then {
        now.known_then = Some(then.total).filter(|then| *then != now.total);
        now.groups_known_then = Some(then.groups).filter(|then| *then != now.groups);
        now.reasons_known_then = Some(then.reasons).filter(|then| *then != now.reasons);
    }
    Ok(now)
}
