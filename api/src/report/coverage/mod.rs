//! `GET /v1/reports/coverage`: which accounts were spoken to within a period, by tier, and which have waited longest. A
//! visit, call, meeting or e-mail counts, whoever of us it was; a note does not. Parts of the own house are left out.

mod look;
pub mod routes;

use entity::kind::AccountTier;
use entity::scalar::Date;
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, Scope, both, figures};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
pub use routes::CoverageApi;

const SQL: &str = include_str!("coverage.sql");

/// Days of the period where `from` is absent.
pub const DAYS: i32 = 30;

/// How well accounts are looked after.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    pub total: TierCoverage,
    /// By tier, those without one last.
    pub tiers: Vec<TierCoverage>,
    /// Accounts that nobody spoke to within the period: up to 100, those that have waited longest first.
    pub neglected: Vec<NeglectedAccount>,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<CoverageKnownThen>,
}

/// Another telling of the same days.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
pub struct CoverageKnownThen {
    pub total: TierCoverage,
    pub tiers: Vec<TierCoverage>,
    pub neglected: Vec<NeglectedAccount>,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct TierCoverage {
    /// Absent for the whole and for accounts without a tier.
    pub tier: Option<AccountTier>,
    pub accounts: i64,
    /// Those that somebody spoke to within the period.
    pub covered: i64,
    /// `covered / accounts`, 4 decimals; absent without accounts.
    pub covered_share: Option<f64>,
    /// Those that nobody ever spoke to.
    pub never: i64,
    /// Median of the days from the last contact to the end of the period, of those that had one.
    pub median_days: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct NeglectedAccount {
    pub account_id: Uuid,
    pub name: String,
    pub tier: Option<AccountTier>,
    pub owner_id: Uuid,
    pub owner: String,
    /// Day of the last contact; absent where there was none.
    pub last_on: Option<Date>,
    /// From then to the end of the period.
    pub days: Option<i32>,
}

impl Example for Coverage {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let tier = |tier| TierCoverage {
            tier,
            accounts: 40,
            covered: 31,
            covered_share: Some(0.775),
            never: 2,
            median_days: Some(12.0),
        };
        let neglected = NeglectedAccount {
            account_id: uuid!("0198c0de-0000-7000-8000-000000000003"),
            name: "霍普光通信".into(),
            tier: Some(AccountTier::Key),
            owner_id: uuid!("0198c0de-0000-7000-8000-000000000001"),
            owner: "Wang Fang".into(),
            last_on: Some(day("2026-01-12")),
            days: Some(78),
        };
        Coverage {
            from: day("2026-03-02"),
            to: day("2026-03-31"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            total: tier(None),
            tiers: vec![tier(Some(AccountTier::Key))],
            neglected: vec![neglected],
            known_then: None,
        }
    }
}

/// With a day in `as_of`, also what was known then.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn coverage(state: &State, actor: &Actor, scope: &Scope) -> Result<Coverage, Error> {
    let ask = |scope: Scope| async move { figures::<Coverage>(state, actor, &[PERIOD, SQL], &scope, []).await };
    let (mut now, then) = both(&scope.of(actor), ask).await?;
    if let Some(Coverage { total, tiers, neglected, .. }) = then
        && (&total, &tiers, &neglected) != (&now.total, &now.tiers, &now.neglected)
    {
        now.known_then = Some(CoverageKnownThen { total, tiers, neglected });
    }
    Ok(now)
}
