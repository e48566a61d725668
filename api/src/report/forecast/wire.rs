//! What goes over the wire.

use entity::kind::StageKey;
use entity::scalar::{Date, Money};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use crate::report::lost::WinRate;

/// Open opportunities by the month in which they are expected to be signed.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The day at whose end it is told; today if none was named.
    pub as_of: Date,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    /// One a month and currency, in the order of months; then what is overdue or has no day.
    pub rows: Vec<ForecastRow>,
    /// What a stage's chances are said to be, and what they were.
    pub stages: Vec<StageChance>,
    /// For a past day: what the server had been told by its end, where that differs from what is known of that day now.
    pub known_then: Option<Vec<ForecastRow>>,
    /// The chances as history measured them by what the server had been told by then, where they differ.
    pub stages_known_then: Option<Vec<StageChance>>,
}

/// To which part of the calendar opportunities are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ForecastBucket {
    /// In `month`.
    Month,
    /// On a day that has passed.
    Overdue,
    /// On no day that anybody told.
    Undated,
}

/// Sums of amounts in one currency. Those without an amount are counted and add nothing.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct ForecastRow {
    pub bucket: ForecastBucket,
    /// Such as `2026-04`; absent for `overdue` and `undated`.
    pub month: Option<String>,
    /// ISO 4217 code; absent for amounts whose currency nobody has told.
    pub currency: Option<String>,
    /// Open opportunities.
    pub open: i64,
    /// Of these, those without an amount.
    pub unvalued: i64,
    /// What was signed in this month so far.
    pub signed: Money,
    /// What stands in `negotiation`.
    pub commit: Money,
    /// `commit`, and what stands in `pre_sale`.
    pub best_case: Money,
    /// Everything open.
    pub pipeline: Money,
    /// Everything open, each times the chance that the tenant gives its stage; for a past day, that it gave then.
    pub weighted: Money,
    /// Everything open, each times the share of those that came to its stage before and were signed.
    pub weighted_measured: Money,
}

/// The chance of a stage.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct StageChance {
    pub stage: StageKey,
    /// What the tenant says, in per cent.
    pub probability: Option<i32>,
    /// Opportunities that came to this stage or past it and are decided.
    pub decided: i64,
    /// Of these, the signed ones.
    pub signed: i64,
    /// `signed / decided` with its interval; where nothing was decided, the tenant's chance is taken for it.
    #[serde(skip)]
    pub measured: Option<WinRate>,
}

/// How good past forecasts were.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct ForecastAccuracy {
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which months begin.
    pub time_zone: String,
    /// Past months, one a currency.
    pub months: Vec<MonthAccuracy>,
    /// All of these months together.
    pub currencies: Vec<CurrencyAccuracy>,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<AccuracyThen>,
}

/// What was known then of how good past forecasts were.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct AccuracyThen {
    pub months: Vec<MonthAccuracy>,
    pub currencies: Vec<CurrencyAccuracy>,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct MonthAccuracy {
    pub month: String,
    pub currency: Option<String>,
    /// How many the forecast was made of.
    pub opportunities: i64,
    /// What the open ones expected in this month were worth when it began, each times its stage's chance, as was known then.
    pub forecast: Money,
    /// What was signed within it.
    pub actual: Money,
    /// `forecast - actual`
    pub error: Money,
    /// `error / actual`, 4 decimals; absent where nothing was signed.
    pub error_share: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct CurrencyAccuracy {
    pub currency: Option<String>,
    pub months: i64,
    /// Sum of the errors' sizes, over what was signed.
    pub mean_absolute_error_share: Option<f64>,
    /// Sum of the errors, over what was signed: above 0, too much was forecast.
    pub bias_share: Option<f64>,
}

/// How well reps place their opportunities.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    pub time_zone: String,
    /// The caller, and those whom he leads, by name.
    pub reps: Vec<RepCalibration>,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<Vec<RepCalibration>>,
}

/// Each time that a rep put an opportunity into a stage he said how likely a signature is: by the chance that the tenant gave
/// the stage. Counted are those of opportunities that were decided within the period.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RepCalibration {
    pub user_id: Uuid,
    pub name: String,
    pub team: String,
    /// How often he said so.
    pub forecasts: i64,
    /// Of how many opportunities.
    pub opportunities: i64,
    /// Brier's score: the mean of `(chance - outcome)²`, where the outcome is 1 or 0. 0 is perfect; 0.25 is a coin's.
    pub brier: f64,
    /// Mean of the chances.
    pub mean_probability: f64,
    /// Share of outcomes that were a signature.
    pub signed_share: f64,
    /// `meanProbability - signedShare`: above 0, he hopes too much.
    pub bias: f64,
    /// Fewer than 20 opportunities: the score says little.
    pub is_small: bool,
}

fn money(amount: i64) -> Money {
    Money(Decimal::from(amount))
}

impl Example for Forecast {
    fn example() -> Self {
        let row = ForecastRow {
            bucket: ForecastBucket::Month,
            month: Some("2026-04".into()),
            currency: Some("CNY".into()),
            open: 14,
            unvalued: 2,
            signed: money(0),
            commit: money(310_000),
            best_case: money(520_000),
            pipeline: money(900_000),
            weighted: money(287_000),
            weighted_measured: money(254_000),
        };
        let stage = StageChance {
            stage: StageKey::Negotiation,
            probability: Some(60),
            decided: 40,
            signed: 22,
            measured: Some(WinRate::of(22, 18)),
        };
        let as_of = Date::parse("2026-03-31").unwrap_or_default();
        Forecast {
            as_of,
            time_zone: "Asia/Shanghai".into(),
            rows: vec![row],
            stages: vec![stage],
            known_then: None,
            stages_known_then: None,
        }
    }
}

impl Example for ForecastAccuracy {
    fn example() -> Self {
        let month = MonthAccuracy {
            month: "2026-02".into(),
            currency: Some("CNY".into()),
            opportunities: 12,
            forecast: money(240_000),
            actual: money(200_000),
            error: money(40_000),
            error_share: Some(0.2),
        };
        let currency = CurrencyAccuracy {
            currency: Some("CNY".into()),
            months: 6,
            mean_absolute_error_share: Some(0.31),
            bias_share: Some(0.08),
        };
        ForecastAccuracy {
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            months: vec![month],
            currencies: vec![currency],
            known_then: None,
        }
    }
}

impl Example for Calibration {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let rep = RepCalibration {
            user_id: uuid!("0198c0de-0000-7000-8000-000000000001"),
            name: "Wang Fang".into(),
            team: "East".into(),
            forecasts: 61,
            opportunities: 27,
            brier: 0.1834,
            mean_probability: 0.31,
            signed_share: 0.38,
            bias: -0.07,
            is_small: false,
        };
        Calibration {
            from: day("2025-04-01"),
            to: day("2026-03-31"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            reps: vec![rep],
            known_then: None,
        }
    }
}
