//! The funnels of groups: one row a group to compare them by, and every figure of each.

use entity::kind::{AccountKind, AccountTier, StageKey};
use maud::{Markup, html};

use super::super::super::charts::figure;
use super::super::super::html::{card, nothing};
use super::super::super::pipeline::{Stages, few, through};
use super::super::super::show;
use super::super::super::view::View;
use super::super::{restated, split};
use super::{cells, heads, is_small, query, share};
use crate::opportunity::stage::WAY;
use crate::problem::Error;
use crate::report::figures::Scope as Period;
use crate::report::{Cohort, CohortGroup, CohortStage, Funnel, FunnelQuery, SplitBy, funnel};

/// The funnel with the groups that were asked for, each by the name that people call it by.
pub async fn told(view: &View, period: &Period) -> Result<Funnel, Error> {
    let by = split::asked(view).unwrap_or_default();
    let asked = FunnelQuery { split_by: by, ..query(period) };
    let mut told = funnel(&view.state, &view.actor, &asked).await?;
    let groups = told
        .cohort
        .iter_mut()
        .flat_map(|cohort| cohort.groups.iter_mut().chain(cohort.groups_known_then.iter_mut().flatten()));
    for group in groups {
        let kind = group.account_kind.map(AccountKind::as_str);
        let name = kind.or(group.tier.map(AccountTier::as_str)).or(group.name.as_deref());
        group.name = Some(split::name(view, by, name));
    }
    Ok(told)
}

/// Nothing where no groups were asked for.
pub fn side_by_side(view: &View, stages: &Stages, period: &Period, cohort: &Cohort) -> Markup {
    let by = split::asked(view).unwrap_or_default();
    if by == SplitBy::None {
        return html! {};
    }
    let title = view.t("Groups side by side", "分组对比");
    if cohort.groups.is_empty() && cohort.groups_known_then.is_none() {
        let none = view.t("Nothing came into the pipeline in this period.", "该时段没有新的商机。");
        return card("groups", title, "", nothing(none));
    }
    let told = view.t("Opportunities of each group by the stages that they came to", "各组在各阶段进入的商机");
    let whole = cohort.stages.iter();
    let has_small = whole.chain(cohort.groups.iter().flat_map(|group| &group.stages)).any(is_small);
    card(
        "groups",
        title,
        show::number(cohort.groups.len() as i64),
        html! {
            div.scroll tabindex="0" role="group" aria-label=(title) { (rates(view, stages, by, cohort)) }
            @if has_small { (few(view)) }
            (figure(view, "groups", told, period, all(view, stages, by, &cohort.groups)))
            @if let Some(then) = &cohort.groups_known_then { (restated(view, cohort.as_of, Some(all(view, stages, by, then)))) }
        },
    )
}

/// A group with the way to its own page. A rep sees no team's page and nobody's but his own.
fn name(view: &View, by: SplitBy, group: &CohortGroup) -> Markup {
    let name = group.name.as_deref().unwrap_or("–");
    let page = group.id.and_then(|id| match by {
        SplitBy::Team if !view.is_rep() => Some(format!("/teams/{id}")),
        SplitBy::User if !view.is_rep() || id == view.user.id => Some(format!("/people/{id}")),
        _ => None,
    });
    html! { @if let Some(page) = page { a href=(page) { (name) } } @else { (name) } }
}

/// One row a group: how many came to each stage, and what share of them went on.
fn rates(view: &View, stages: &Stages, by: SplitBy, cohort: &Cohort) -> Markup {
    html! { table.matrix {
        caption.hidden { (view.t("How many came to each stage, and what share went on", "各组进入各阶段的商机及转化率")) }
        thead {
            tr {
                th rowspan="2" scope="col" { (view.t("Group", "分组")) }
                @for stage in WAY { th.num colspan="2" scope="colgroup" { (stages.name(stage, view)) } }
                th.num rowspan="2" scope="col" { (view.t("Intent to signed", "意向到签约")) }
            }
            tr { @for stage in WAY {
                th.num scope="col" { (view.t("Entered", "进入")) }
                th.num scope="col" { @if stage == StageKey::Signed { (view.t("Value", "金额")) } @else { (view.t("Went on", "转化率")) } }
            } }
        }
        tbody {
            (rate(view, html! { (view.t("all", "全部")) }, &cohort.stages))
            @for group in &cohort.groups { (rate(view, name(view, by, group), &group.stages)) }
        }
    } }
}

fn rate(view: &View, name: Markup, told: &[CohortStage]) -> Markup {
    let whole = through(told);
    html! { tr {
        th scope="row" { (name) }
        @for stage in told {
            td.num.strong { (show::number(stage.entered)) }
            td.num { @if stage.stage == StageKey::Signed { (show::amounts(view.look, &stage.amounts)) } @else { (share(stage)) } }
        }
        td.num { (show::percent(whole)) @if whole.is_some() && told.iter().any(is_small) { "*" } }
    } }
}

/// Every figure: a part of the table for each group, with the stages that anything came to.
fn all(view: &View, stages: &Stages, by: SplitBy, groups: &[CohortGroup]) -> Markup {
    html! { table {
        thead { tr { th scope="col" { (view.t("Stage", "阶段")) } (heads(view)) } }
        @for group in groups { tbody {
            tr { th colspan="9" scope="rowgroup" { (name(view, by, group)) } }
            @for stage in group.stages.iter().filter(|stage| stage.entered > 0) { tr {
                th scope="row" { (stages.name(stage.stage, view)) }
                (cells(view, stage))
            } }
        } }
    } }
}
