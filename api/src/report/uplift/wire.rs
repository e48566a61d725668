//! What goes over the wire. The figures are `cohort`'s and `returns`'.

use entity::scalar::{Date, Money, Text};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::{Uuid, uuid};

/// What is compared with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum UpliftDesign {
    /// The same teams before and after.
    #[default]
    BeforeAfter,
    /// Teams that began against teams that did not, each before and after.
    ControlGroup,
    /// Teams that began on different days, each wave against those that had not begun yet.
    Staggered,
}

/// Whether there is an effect, as far as chance alone is concerned (95 per cent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum UpliftVerdict {
    Higher,
    Lower,
    /// The interval holds zero: there may be none.
    Unclear,
    /// Too few opportunities to tell anything: there is no figure.
    TooFew,
}

/// How often and how fast opportunities are signed since the rules began, compared with before.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
pub struct Uplift {
    pub design: UpliftDesign,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    /// Days during which a cohort was collected.
    pub days: i32,
    /// Days for which each opportunity was followed from its first move.
    pub follow_days: i32,
    /// The cohorts, one a day on which teams began.
    pub waves: Vec<UpliftWave>,
    pub signing_rate: RateUplift,
    pub cycle: CycleUplift,
    /// What it is worth; present where an average contract value is given or known.
    pub worth: Option<UpliftWorth>,
    /// The finding in words.
    pub summary: UpliftSummary,
}

/// The finding in words.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct UpliftSummary {
    /// English
    pub en: Text,
    /// Chinese (zh-CN)
    pub zh: Text,
}

/// Teams that began on one day, and those that had not.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UpliftWave {
    pub starts_on: Date,
    /// The teams that began; empty: everybody.
    pub team_ids: Vec<Uuid>,
    pub before: UpliftGroup,
    pub after: UpliftGroup,
    pub control: Option<UpliftControl>,
}

/// Those that had not begun, on the same days.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpliftControl {
    pub team_ids: Vec<Uuid>,
    pub before: UpliftGroup,
    pub after: UpliftGroup,
}

/// One cohort: what first came into the pipeline within a time, followed for the same number of days each.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UpliftGroup {
    /// First day of the cohort.
    pub from: Date,
    /// Last day of the cohort; it counts too.
    pub to: Date,
    pub entered: i32,
    /// Of these, signed within the days for which they were followed.
    pub signed: i32,
    /// `signed / entered` in per cent, with its Wilson interval.
    pub rate: Option<Interval>,
    /// Median of the days to the signature, of the signed ones; absent where they are fewer than six.
    pub median_days: Option<Interval>,
}

/// A figure and its 95 per cent confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Object)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The change of the signing rate, read both ways. All figures are absent where there are too few to tell.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct RateUplift {
    pub verdict: UpliftVerdict,
    /// In percentage points: from 40 % to 50 % is 10.
    pub points: Option<Interval>,
    /// In per cent of what it would have been: from 40 % to 50 % is 25.
    pub percent: Option<Interval>,
    /// What it would have been without, in per cent.
    pub expected: Option<f64>,
    /// Opportunities that each group needs to tell a change of ten points (with a probability of 80 %).
    pub needed: Option<i32>,
}

/// The change of the days from the first move to the signature.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CycleUplift {
    /// `lower` is faster.
    pub verdict: UpliftVerdict,
    pub days: Option<Interval>,
    /// In per cent of what it would have been.
    pub percent: Option<Interval>,
    /// What it would have been without, in days.
    pub expected: Option<f64>,
}

/// What a change of the signing rate is worth.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UpliftWorth {
    pub currency: String,
    /// Of one contract: as given, or the mean of the signed ones in the cohorts.
    pub average_contract: Money,
    /// As given, or what came into the cohort after the start in 30 days.
    pub opportunities_per_month: f64,
    pub months: i32,
    pub investment: Option<Money>,
    /// The measured change, and a claimed one read both ways.
    pub returns: Vec<UpliftReturn>,
}

/// How the change behind a return is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum UpliftReading {
    Measured,
    /// `claim` in percentage points.
    ClaimAsPoints,
    /// `claim` in per cent of the rate before.
    ClaimAsPercent,
}

/// What one reading comes to. The figures are absent where there are too few to tell.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UpliftReturn {
    pub reading: UpliftReading,
    /// The change of the signing rate in percentage points.
    pub points: Option<f64>,
    /// Contracts signed in addition, in one month.
    pub signed_per_month: Option<f64>,
    /// What those of all months are worth.
    pub revenue: Option<Money>,
    /// `margin × revenue − investment`
    pub profit: Option<Money>,
    /// `profit / investment` in per cent; with the interval's limits where it is measured.
    pub return_percent: Option<f64>,
    pub return_percent_low: Option<f64>,
    pub return_percent_high: Option<f64>,
    /// Whether a claim lies within what was measured.
    pub is_consistent: Option<bool>,
}

impl Example for Uplift {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let interval = |value, low, high| Some(Interval { value, low, high });
        let before = UpliftGroup {
            from: day("2025-09-01"),
            to: day("2026-02-28"),
            entered: 150,
            signed: 60,
            rate: interval(40.0, 32.5, 48.0),
            median_days: interval(41.0, 36.0, 47.5),
        };
        let after = UpliftGroup {
            from: day("2026-06-01"),
            to: day("2026-11-27"),
            entered: 150,
            signed: 81,
            rate: interval(54.0, 46.02, 61.78),
            median_days: interval(34.0, 29.0, 38.5),
        };
        let wave = UpliftWave {
            starts_on: day("2026-06-01"),
            team_ids: vec![uuid!("0198c0de-0000-7000-8000-000000000001")],
            before,
            after,
            control: None,
        };
        let measured = UpliftReturn {
            reading: UpliftReading::Measured,
            points: Some(14.0),
            signed_per_month: Some(3.5),
            revenue: Some(Money(21_000_000.into())),
            profit: Some(Money(20_000_000.into())),
            return_percent: Some(2_000.0),
            return_percent_low: Some(303.26),
            return_percent_high: Some(3_564.5),
            is_consistent: None,
        };
        Uplift {
            design: UpliftDesign::BeforeAfter,
            time_zone: "Asia/Shanghai".into(),
            days: 180,
            follow_days: 92,
            waves: vec![wave],
            signing_rate: RateUplift {
                verdict: UpliftVerdict::Higher,
                points: interval(14.0, 2.69, 24.76),
                percent: interval(35.0, 6.2, 73.17),
                expected: Some(40.0),
                needed: Some(388),
            },
            cycle: CycleUplift {
                verdict: UpliftVerdict::Lower,
                days: interval(-7.0, -15.2, -0.27),
                percent: interval(-17.07, -37.07, -0.66),
                expected: Some(41.0),
            },
            worth: Some(UpliftWorth {
                currency: "CNY".into(),
                average_contract: Money(500_000.into()),
                opportunities_per_month: 25.0,
                months: 12,
                investment: Some(Money(1_000_000.into())),
                returns: vec![measured],
            }),
            summary: UpliftSummary {
                en: Text("Before: 60 of 150 signed (40 %). After: 81 of 150 (54 %).".into()),
                zh: Text("之前：150 个商机签约 60 个（40 %）。之后：150 个签约 81 个（54 %）。".into()),
            },
        }
    }
}
