//! The parts that tell of the pipeline: the funnel, groups side by side, lists of opportunities and of what was done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Months;
use entity::kind::{Locale, StageKey};
use entity::scalar::Date;
use entity::{account, activity, opportunity, stage, user};
use maud::{Markup, html};
use uuid::Uuid;

use super::html::{bar, nothing};
use super::show;
use super::view::View;
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::report::{Cohort, CohortGroup, CohortStage, FunnelQuery, FunnelView, Snapshot, SplitBy, funnel};
use crate::stage::routes::SORTS as STAGE_SORTS;
use crate::words;

/// The stages as the tenant runs them.
pub struct Stages(Vec<stage::Model>);

impl Stages {
    pub async fn read(view: &View) -> Result<Self, Error> {
        let listing = Listing::new(None, None, Some("stage".to_owned()));
        Ok(Stages(read::list::<stage::Model>(&view.state, &view.actor, listing, STAGE_SORTS).await?.items))
    }

    /// What the tenant calls a stage.
    pub fn name(&self, key: StageKey, view: &View) -> String {
        self.0.iter().find(|stage| stage.stage == key).map_or_else(
            || words::stage(key, view.look).to_owned(),
            |stage| match view.look.locale {
                Locale::En => stage.names.en.0.clone(),
                Locale::Zh => stage.names.zh.0.clone(),
            },
        )
    }

    /// Days after which an opportunity in this stage is stale.
    pub fn stale_days(&self, key: StageKey) -> Option<i32> {
        self.0.iter().find(|stage| stage.stage == key).and_then(|stage| stage.stale_days)
    }
}

/// Names of what rows refer to, as far as the viewer sees them.
#[derive(Default)]
pub struct Names(BTreeMap<Uuid, String>);

impl Names {
    pub async fn users(&mut self, view: &View, ids: impl IntoIterator<Item = Uuid>) -> Result<(), Error> {
        let ids: BTreeSet<Uuid> = ids.into_iter().collect();
        let found = read::some::<user::Model>(&view.state, &view.actor, ids.into_iter().collect()).await?;
        self.0.extend(found.into_iter().map(|user| (user.id, user.name)));
        Ok(())
    }

    pub async fn accounts(&mut self, view: &View, ids: impl IntoIterator<Item = Uuid>) -> Result<(), Error> {
        let ids: BTreeSet<Uuid> = ids.into_iter().collect();
        let found = read::some::<account::Model>(&view.state, &view.actor, ids.into_iter().collect()).await?;
        self.0.extend(found.into_iter().map(|account| (account.id, account.name)));
        Ok(())
    }

    pub fn of(&self, id: Uuid) -> &str {
        self.0.get(&id).map_or("–", String::as_str)
    }
}

/// What the figures of a page are about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
}

/// How many months back the figures go.
pub fn months(view: &View) -> u32 {
    view.asked
        .query("months")
        .and_then(|text| text.parse().ok())
        .filter(|months| [1, 3, 6, 12].contains(months))
        .unwrap_or(6)
}

/// Links to other periods.
pub fn periods(view: &View) -> Markup {
    let path = view.asked.path.split('?').next().unwrap_or("/");
    html! {
        nav.tabs aria-label=(view.t("Period", "时间范围")) {
            @for months in [1, 3, 6, 12] {
                a href=(format!("{path}?months={months}")) aria-current=[(months == self::months(view)).then_some("true")] {
                    (months) (view.t(" mo", " 个月"))
                }
            }
        }
    }
}

/// Those that came in within the period, in groups.
pub async fn cohort(view: &View, scope: Scope, split_by: SplitBy) -> Result<Cohort, Error> {
    let to = view.today();
    let from = to.0.checked_sub_months(Months::new(months(view))).and_then(|day| day.succ_opt()).unwrap_or(to.0);
    let query = FunnelQuery {
        from: Some(Date(from)),
        to: Some(to),
        team_id: scope.team_id,
        user_id: scope.user_id,
        split_by,
        ..FunnelQuery::default()
    };
    let answer = funnel(&view.state, &view.actor, &query).await?;
    answer.cohort.ok_or_else(|| Error::Internal("a cohort was asked for and none came".into()))
}

/// What stands where now.
pub async fn standing(view: &View, scope: Scope) -> Result<Snapshot, Error> {
    let query = FunnelQuery {
        view: FunnelView::Snapshot,
        team_id: scope.team_id,
        user_id: scope.user_id,
        ..FunnelQuery::default()
    };
    let answer = funnel(&view.state, &view.actor, &query).await?;
    answer.snapshot.ok_or_else(|| Error::Internal("a snapshot was asked for and none came".into()))
}

/// The chance to get from the first stage to a signature: one step's conversion times the next. Who signed in a period
/// came in before it, so that signed by entered would compare different ones.
pub fn through(stages: &[CohortStage]) -> Option<f64> {
    let steps: Option<Vec<f64>> =
        stages.iter().filter(|stage| stage.stage != StageKey::Signed).map(|stage| stage.conversion).collect();
    steps.filter(|steps| !steps.is_empty()).map(|steps| steps.into_iter().product())
}

/// To the report that tells the funnel of groups, and beside others. `whose` is empty or a query.
pub fn deeper(view: &View, whose: &str) -> Markup {
    html! { a href=(format!("/reports/funnel{whose}")) { (view.t("Groups and comparisons", "分组与对比")) } }
}

/// The funnel: a table whose rows carry their bars.
pub fn funnel_table(view: &View, stages: &Stages, cohort: &Cohort) -> Markup {
    let most = cohort.stages.iter().map(|stage| stage.entered).max().unwrap_or(0).max(1);
    if cohort.stages.iter().all(|stage| stage.entered == 0) {
        return nothing(view.t("Nothing came into the pipeline in this period.", "该时段没有新的商机。"));
    }
    html! {
        table.funnel {
            caption.hidden { (view.t("Opportunities by the stages that they came to", "各阶段进入的商机")) }
            thead { tr {
                th scope="col" { (view.t("Stage", "阶段")) }
                th.num scope="col" { (view.t("Entered", "进入")) }
                th.wide scope="col" { span.hidden { (view.t("Bar", "图示")) } }
                th.num scope="col" { (view.t("Went on", "转化率")) }
                th.num scope="col" { (view.t("Lost", "丢单")) }
                th.num.desk scope="col" { (view.t("Still there", "仍在")) }
                th.num.desk scope="col" { (view.t("Median time", "中位时长")) }
                th.num.desk scope="col" { (view.t("Value", "金额")) }
            } }
            tbody {
                @for stage in &cohort.stages {
                    tr {
                        th scope="row" { (stages.name(stage.stage, view)) }
                        td.num.strong { (show::number(stage.entered)) }
                        td.wide { (bar(stage.entered as f64 / most as f64, stage.stage.as_str())) }
                        td.num { (share(stage)) }
                        td.num { (stage.lost.map_or_else(|| "–".to_owned(), show::number)) }
                        td.num.desk { (stage.open.map_or_else(|| "–".to_owned(), show::number)) }
                        td.num.desk { (show::days(view.look, stage.median_days)) }
                        td.num.desk { (show::amounts(view.look, &stage.amounts)) }
                    }
                    // A phone has no room for the last three columns.
                    tr.phone { td colspan="5" { small {
                        @if let Some(open) = stage.open { (view.t("Still there ", "仍在 ")) (show::number(open)) " · " }
                        @if stage.median_days.is_some() { (view.t("Median time ", "中位时长 ")) (show::days(view.look, stage.median_days)) " · " }
                        (view.t("Value ", "金额 ")) (show::amounts(view.look, &stage.amounts))
                    } } }
                }
            }
        }
        p.note {
            (view.t("Came to the stage between ", "进入阶段的时间：")) (show::day(view.look, cohort.from))
            (view.t(" and ", " 至 ")) (show::day(view.look, cohort.to))
            (view.t("; followed until now.", "，跟踪至今。"))
        }
        @if cohort.stages.iter().any(is_small) { (few(view)) }
    }
}

/// Below this, a share is marked as one of few.
pub const SMALL: i64 = 20;

/// What share went on, marked where it is one of few.
pub fn share(stage: &CohortStage) -> String {
    format!("{}{}", show::percent(stage.conversion), if is_small(stage) { "*" } else { "" })
}

/// Whether its share is one of few.
pub fn is_small(stage: &CohortStage) -> bool {
    stage.conversion.is_some() && stage.entered < SMALL
}

/// What the mark of such a share means.
pub fn few(view: &View) -> Markup {
    html! { p.note { "* " (view.t(format!("Fewer than {SMALL} came in: what became of them says little."), format!("进入的商机少于 {SMALL} 个，转化率仅供参考。"))) } }
}

/// Groups side by side, with links to what they are.
pub fn groups(view: &View, groups: &[CohortGroup], below: &str, head: &str) -> Markup {
    let at = |group: &CohortGroup, key| group.stages.iter().find(|stage| stage.stage == key).map_or(0, |s| s.entered);
    let most = groups.iter().map(|group| at(group, StageKey::Intent)).max().unwrap_or(0).max(1);
    let is_small = |group: &CohortGroup| at(group, StageKey::Intent) < SMALL;
    html! {
        @if groups.is_empty() { (nothing(view.t("Nothing to compare yet.", "暂无可比数据。"))) } @else {
            table.groups {
                thead { tr {
                    th scope="col" { (head) }
                    th.num scope="col" { (view.t("Entered", "进入")) }
                    th.wide.desk scope="col" { span.hidden { (view.t("Bar", "图示")) } }
                    th.num scope="col" { (view.t("Signed", "签约")) }
                    th.num scope="col" { (view.t("Intent to signed", "意向到签约")) }
                } }
                tbody {
                    @for group in groups {
                        tr {
                            th scope="row" {
                                @let name = group.name.as_deref().unwrap_or("–");
                                @if let Some(id) = group.id { a href=(format!("/{below}/{id}?months={}", months(view))) { (name) } } @else { (name) }
                            }
                            td.num { (show::number(at(group, StageKey::Intent))) }
                            td.wide.desk { (bar(at(group, StageKey::Intent) as f64 / most as f64, "plain")) }
                            td.num.strong { (show::number(at(group, StageKey::Signed))) }
                            @let through = through(&group.stages);
                            td.num { (show::percent(through)) @if through.is_some() && is_small(group) { "*" } }
                        }
                    }
                }
            }
            @if groups.iter().any(is_small) { (few(view)) }
        }
    }
}

/// Opportunities as a list to go on from.
pub fn opportunities(view: &View, stages: &Stages, names: &Names, list: &[opportunity::Model]) -> Markup {
    html! {
        ul.rows {
            @for one in list {
                li data-key=(one.id) {
                    a.row href=(format!("/opportunities/{}", one.id)) {
                        span.main { (one.name) small { (names.of(one.owner_id)) @if let Some(account) = one.account_id { " · " (names.of(account)) } } }
                        span.end {
                            @if let Some(amount) = one.amount { (show::amount(view.look, amount.0, one.currency.as_deref())) }
                            span.chip.(one.stage.as_str()) { (stages.name(one.stage, view)) }
                        }
                    }
                }
            }
        }
    }
}

/// What was done, the newest first.
pub fn activities(view: &View, names: &Names, list: &[activity::Model]) -> Markup {
    html! {
        ol.rows {
            @for one in list {
                li data-key=(one.id) {
                    div.row {
                        span.main {
                            span { span.chip.kind { (words::activity(one.kind, view.look)) } " " a href=(format!("/accounts/{}", one.account_id)) { (names.of(one.account_id)) } }
                            @if let Some(summary) = &one.summary { span.text { (summary) } }
                            small {
                                a href=(format!("/people/{}", one.owner_id)) { (names.of(one.owner_id)) } " · " (show::moment(view.look, one.occurred, view.zone))
                                @if let Some(verdict) = one.verdict { " · " (words::verdict(verdict, view.look)) }
                                @if let Some(id) = one.opportunity_id { " · " a href=(format!("/opportunities/{id}")) { (view.t("opportunity", "商机")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
