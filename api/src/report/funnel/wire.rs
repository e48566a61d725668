//! What goes over the wire.

use entity::kind::{AccountKind, AccountTier, StageKey};
use entity::scalar::{Date, Line, Money};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Deserialize;
use uuid::{Uuid, uuid};

use crate::report::told::Known;

/// How the pipeline is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum FunnelView {
    /// Those that came to a stage within a period, followed until now.
    #[default]
    Cohort,
    /// What stood where at the end of a day.
    Snapshot,
}

/// What the figures are given for besides the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SplitBy {
    #[default]
    None,
    /// The team that the owner is in now.
    Team,
    /// The owner.
    User,
    Product,
    AccountKind,
    /// How much time the account is to get.
    Tier,
    Source,
    /// The region of the account's address.
    Region,
    /// The month in which it first came to any stage, such as `2026-03`.
    Month,
}

impl SplitBy {
    pub const ALL: [SplitBy; 9] = [
        SplitBy::None,
        SplitBy::Team,
        SplitBy::User,
        SplitBy::Product,
        SplitBy::AccountKind,
        SplitBy::Tier,
        SplitBy::Source,
        SplitBy::Region,
        SplitBy::Month,
    ];

    /// As the statements spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SplitBy::None => "none",
            SplitBy::Team => "team",
            SplitBy::User => "user",
            SplitBy::Product => "product",
            SplitBy::AccountKind => "account_kind",
            SplitBy::Tier => "tier",
            SplitBy::Source => "source",
            SplitBy::Region => "region",
            SplitBy::Month => "month",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct FunnelQuery {
    pub view: FunnelView,
    /// First day of the cohort's period; absent: twelve months up to `to`.
    pub from: Option<Date>,
    /// Last day of the cohort's period; absent: today.
    pub to: Option<Date>,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// Owners in this team or below it.
    pub team_id: Option<Uuid>,
    /// The owner.
    pub user_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    pub source: Option<Line>,
    pub split_by: SplitBy,
    /// Of a past day: whether what was typed or synced later counts.
    pub known: Known,
}

/// With what a funnel is compared: another period, another team, or both. What is absent is as in the funnel itself.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub as_of: Option<Date>,
    pub team_id: Option<Uuid>,
}

/// The pipeline as a funnel. `view` tells which of the other members is there.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
pub struct Funnel {
    pub view: FunnelView,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    /// Name of the team that `teamId` named.
    pub team: Option<String>,
    pub cohort: Option<Cohort>,
    pub snapshot: Option<Snapshot>,
    /// The same for the other period or team, where one was named.
    pub compared: Option<ComparedFunnel>,
}

/// What a funnel is compared with.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ComparedFunnel {
    /// Name of its team, where it has one.
    pub team: Option<String>,
    pub cohort: Option<Cohort>,
    pub snapshot: Option<Snapshot>,
}

/// Opportunities by the stages that they first came to within a period, followed until now or until the end of a past day.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Cohort {
    /// First day of the period.
    pub from: Date,
    /// Last day of the period; it counts too.
    pub to: Date,
    /// The day until whose end they are followed; absent: until now.
    pub as_of: Option<Date>,
    /// All of them: the four stages of the way, in order.
    pub stages: Vec<CohortStage>,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<Vec<CohortStage>>,
    /// The same for each group, by name, the one without a name last; empty without `splitBy`.
    pub groups: Vec<CohortGroup>,
    /// The groups as the server knew them at the end of that day, where they differ from those of now.
    pub groups_known_then: Option<Vec<CohortGroup>>,
}

/// One group of a cohort. All of `id`, `accountKind`, `tier` and `name` are absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CohortGroup {
    /// The team, user or product.
    pub id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    pub tier: Option<AccountTier>,
    /// Name of the team, user or product; the source, the region or the month.
    pub name: Option<String>,
    pub stages: Vec<CohortStage>,
}

/// What became of those that came to a stage within the period. Members that tell of going on are absent for `signed`.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CohortStage {
    pub stage: StageKey,
    /// Opportunities that came to this stage, or past it, for the first time within the period.
    pub entered: i64,
    /// Of these, those that ever came to the next stage or past it.
    pub advanced: Option<i64>,
    /// Of these, those that are lost now and were lost from this stage.
    pub lost: Option<i64>,
    /// Of these, those that have not come to the next stage and are not lost.
    pub open: Option<i64>,
    /// `advanced / entered`, from 0 to 1 with 4 decimals; absent where nothing entered.
    pub conversion: Option<f64>,
    /// Median of the days from this stage to the next, of the advanced ones, with 2 decimals.
    pub median_days: Option<f64>,
    /// 90th percentile of the same days.
    pub p90_days: Option<f64>,
    /// What those that entered are worth now, or were at the end of the day, by currency.
    pub amounts: Vec<CurrencyAmount>,
}

/// Where opportunities stood at the end of a day.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Snapshot {
    pub as_of: Date,
    /// All of them: the four stages of the way in order, and `lost`.
    pub stages: Vec<SnapshotStage>,
    /// What the server had been told by the end of that day, where it differs from what is known of that day now.
    pub known_then: Option<Vec<SnapshotStage>>,
    /// The same as `stages` for each group, by name, the one without a name last; empty without `splitBy`.
    pub groups: Vec<SnapshotGroup>,
    /// The groups as the server knew them at the end of that day, where they differ from those of now.
    pub groups_known_then: Option<Vec<SnapshotGroup>>,
}

/// One group of a snapshot. All of `id`, `accountKind`, `tier` and `name` are absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SnapshotGroup {
    /// The team, user or product.
    pub id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    pub tier: Option<AccountTier>,
    /// Name of the team, user or product; the source, the region or the month.
    pub name: Option<String>,
    pub stages: Vec<SnapshotStage>,
}

/// What stood in one stage at the end of the day.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SnapshotStage {
    pub stage: StageKey,
    pub count: i64,
    /// What they were worth on that day, by currency.
    pub amounts: Vec<CurrencyAmount>,
    /// For `lost`, the same by the stage that they were lost from.
    pub lost_from: Option<Vec<LostFrom>>,
}

/// What had been lost from one stage.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct LostFrom {
    pub stage: StageKey,
    pub count: i64,
    pub amounts: Vec<CurrencyAmount>,
}

/// The sum of all amounts in one currency.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CurrencyAmount {
    /// ISO 4217 code; absent for amounts whose currency nobody has told.
    pub currency: Option<String>,
    pub amount: Money,
}

impl Example for Funnel {
    fn example() -> Self {
        let stage = |stage, entered, rest: Option<[i64; 3]>, amount: i64| CohortStage {
            stage,
            entered,
            advanced: rest.map(|[advanced, ..]| advanced),
            lost: rest.map(|[_, lost, _]| lost),
            open: rest.map(|[.., open]| open),
            conversion: rest.map(|[advanced, ..]| advanced as f64 / entered as f64),
            median_days: rest.map(|_| 12.5),
            p90_days: rest.map(|_| 41.0),
            amounts: vec![CurrencyAmount { currency: Some("CNY".into()), amount: Money(amount.into()) }],
        };
        let stages = vec![
            stage(StageKey::Intent, 40, Some([30, 4, 6]), 600_000),
            stage(StageKey::PreSale, 32, Some([20, 7, 5]), 480_000),
            stage(StageKey::Negotiation, 20, Some([15, 3, 2]), 310_000),
            stage(StageKey::Signed, 16, None, 250_000),
        ];
        let group = CohortGroup {
            id: Some(uuid!("0198c0de-0000-7000-8000-000000000001")),
            account_kind: None,
            tier: None,
            name: Some("East".into()),
            stages: stages.clone(),
        };
        let day = |text| Date::parse(text).unwrap_or_default();
        let cohort = Cohort {
            from: day("2026-01-01"),
            to: day("2026-03-31"),
            as_of: None,
            stages,
            known_then: None,
            groups: vec![group],
            groups_known_then: None,
        };
        Funnel {
            view: FunnelView::Cohort,
            time_zone: "Asia/Shanghai".into(),
            team: None,
            cohort: Some(cohort),
            snapshot: None,
            compared: None,
        }
    }
}
