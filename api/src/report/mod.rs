//! Reports for managers: the route and what goes over the wire. The figures come from one statement (`funnel`) whose
//! rows `cohort` and `snapshot` lay out. Nothing here writes.

pub mod burden;
mod cohort;
mod funnel;
mod snapshot;
pub mod uplift;

pub use funnel::funnel;

use entity::kind::{AccountKind, StageKey};
use entity::scalar::{Date, Line, Money};
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::{Uuid, uuid};

use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E422};
use crate::state::State;
use crate::tag::Tag;

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
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct FunnelQuery {
    pub view: FunnelView,
    /// First day of the cohort's period; absent: twelve months up to `to`.
    pub from: Option<Date>,
    /// Last day of the cohort's period; absent: today.
    pub to: Option<Date>,
    /// The day of the snapshot; absent: today.
    pub as_of: Option<Date>,
    /// Owners in this team or below it.
    pub team_id: Option<Uuid>,
    /// The owner.
    pub user_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    pub source: Option<Line>,
    pub split_by: SplitBy,
}

/// The pipeline as a funnel. `view` tells which of the other members is there.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
pub struct Funnel {
    pub view: FunnelView,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    pub cohort: Option<Cohort>,
    pub snapshot: Option<Snapshot>,
}

/// Opportunities by the stages that they first came to within a period, followed until now.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct Cohort {
    /// First day of the period.
    pub from: Date,
    /// Last day of the period; it counts too.
    pub to: Date,
    /// All of them: the four stages of the way, in order.
    pub stages: Vec<CohortStage>,
    /// The same for each group, by name, the one without a name last; empty without `splitBy`.
    pub groups: Vec<CohortGroup>,
}

/// One group of a cohort. All three of `id`, `accountKind` and `name` are absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CohortGroup {
    /// The team, user or product.
    pub id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    /// Name of the team, user or product.
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
    /// What those that entered are worth now, by currency.
    pub amounts: Vec<CurrencyAmount>,
}

/// Where opportunities stood at the end of a day.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct Snapshot {
    pub as_of: Date,
    /// All of them: the four stages of the way in order, and `lost`.
    pub stages: Vec<SnapshotStage>,
    /// The same for each group, by name, the one without a name last; empty without `splitBy`.
    pub groups: Vec<SnapshotGroup>,
}

/// One group of a snapshot. All three of `id`, `accountKind` and `name` are absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SnapshotGroup {
    /// The team, user or product.
    pub id: Option<Uuid>,
    pub account_kind: Option<AccountKind>,
    /// Name of the team, user or product.
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
#[derive(Clone, Debug, PartialEq, Object)]
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
            name: Some("East".into()),
            stages: stages.clone(),
        };
        let day = |text| Date::parse(text).unwrap_or_default();
        let cohort = Cohort { from: day("2026-01-01"), to: day("2026-03-31"), stages, groups: vec![group] };
        Funnel { view: FunnelView::Cohort, time_zone: "Asia/Shanghai".into(), cohort: Some(cohort), snapshot: None }
    }
}

pub struct ReportApi;

#[OpenApi]
impl ReportApi {
    /// Read the funnel
    ///
    /// How many opportunities came to each stage, how many went on, how long that took and what they are worth: as a
    /// cohort (`from`, `to`) or as a snapshot of a day (`asOf`). Counted are the opportunities that the caller sees;
    /// a filter that names something else finds none.
    #[oai(path = "/v1/reports/funnel", method = "get", operation_id = "getFunnel", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn funnel(
        &self,
        state: Data<&State>,
        actor: Actor,
        /// `cohort` if absent.
        view: Query<Option<FunnelView>>,
        /// First day of the cohort's period, in the tenant's time zone; twelve months up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the cohort's period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// The day whose end the snapshot shows, in the tenant's time zone; today if absent.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// Only of owners who are in this team or in one below it now.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        #[oai(name = "productId")] product_id: Query<Option<Uuid>>,
        #[oai(name = "accountKind")] account_kind: Query<Option<AccountKind>>,
        /// Only those that came from there, such as `fair`.
        source: Query<Option<Line>>,
        /// Gives the figures for each group too; `none` if absent.
        #[oai(name = "splitBy")]
        split_by: Query<Option<SplitBy>>,
    ) -> ApiResult<Funnel, { E400 | E401 | E403 | E422 }> {
        let query = FunnelQuery {
            view: view.0.unwrap_or_default(),
            from: from.0,
            to: to.0,
            as_of: as_of.0,
            team_id: team_id.0,
            user_id: user_id.0,
            product_id: product_id.0,
            account_kind: account_kind.0,
            source: source.0,
            split_by: split_by.0.unwrap_or_default(),
        };
        Ok(Json(funnel(&state, &actor, &query).await?))
    }
}
