//! The funnel: what became of those that came in, where all of them stand, and both told for groups and beside another
//! period or team.

pub mod compare;
mod earlier;
mod groups;

use entity::kind::StageKey;
use maud::{Markup, html};

use super::super::charts::figure;
use super::super::html::{card, nothing};
use super::super::pipeline::{Stages, few, is_small, share, through};
use super::super::show;
use super::super::view::View;
use super::{days, restated};
use crate::problem::Error;
use crate::report::chart::Picture;
use crate::report::figures::Scope as Period;
use crate::report::{Cohort, CohortStage, FunnelQuery, FunnelView, Report, Snapshot, SnapshotStage, Words, funnel};

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let snapshot = standing(&period);
    let (stages, told, stood, other) = tokio::try_join!(
        Stages::read(view),
        groups::told(view, &period),
        funnel(&view.state, &view.actor, &snapshot),
        compare::other(view, &period),
    )?;
    let cohort = told.cohort.as_ref().ok_or_else(missing)?;
    let snapshot = stood.snapshot.as_ref().ok_or_else(missing)?;
    let compared = match &other {
        Some(other) => Some(compare::side_by_side(view, &stages, &period, &told, other).await?),
        None => None,
    };
    let aside = days(view, cohort.from, cohort.to, cohort.as_of);
    Ok(html! { div.grid { div.span3 {
        (card("funnel", view.t("Came to each stage", "进入各阶段的商机"), aside, came(view, &stages, &period, cohort)))
        @if let Some(compared) = compared { (compared) }
        (groups::side_by_side(view, &stages, &period, cohort))
        (card("standing", view.t("Where they stand", "所处阶段"), show::day(view.look, snapshot.as_of), stand(view, &stages, &period, snapshot)))
    } } })
}

/// The pictures of this page.
pub async fn picture(view: &View, name: &str, period: &Period, words: &Words) -> Result<Picture, Error> {
    let told = match name {
        "standing" => funnel(&view.state, &view.actor, &standing(period)).await?,
        "groups" => groups::told(view, period).await?,
        "compared" => compare::both(view, period).await?,
        _ => funnel(&view.state, &view.actor, &query(period)).await?,
    };
    Ok(told.picture(words))
}

/// What came to each stage in the period.
fn query(period: &Period) -> FunnelQuery {
    FunnelQuery {
        from: period.from,
        to: period.to,
        as_of: period.as_of,
        team_id: period.team_id,
        user_id: period.user_id,
        ..FunnelQuery::default()
    }
}

/// What stands in each stage at the end of the day, whenever it came.
fn standing(period: &Period) -> FunnelQuery {
    FunnelQuery { view: FunnelView::Snapshot, from: None, to: None, ..query(period) }
}

fn missing() -> Error {
    Error::Internal("a funnel was asked for and none came".into())
}

fn came(view: &View, stages: &Stages, period: &Period, cohort: &Cohort) -> Markup {
    let told = view.t("Opportunities by the stages that they came to", "各阶段进入的商机");
    let is_empty = cohort.stages.iter().all(|stage| stage.entered == 0) && cohort.known_then.is_none();
    html! {
        @if is_empty { (nothing(view.t("Nothing came into the pipeline in this period.", "该时段没有新的商机。"))) } @else {
            (figure(view, "funnel", told, period, table(view, stages, &cohort.stages)))
            @if let Some(share) = through(&cohort.stages) {
                p.note {
                    (view.t("From intent to signed, one step times the next: ", "意向到签约（各阶段转化率之积）："))
                    b { (show::percent(Some(share))) @if cohort.stages.iter().any(is_small) { "*" } }
                }
            }
            @if cohort.stages.iter().any(is_small) { (few(view)) }
        }
        (restated(view, cohort.as_of, cohort.known_then.as_ref().map(|then| table(view, stages, then))))
    }
}

/// All figures of each stage.
fn table(view: &View, stages: &Stages, told: &[CohortStage]) -> Markup {
    html! { table {
        thead { tr { th scope="col" { (view.t("Stage", "阶段")) } (heads(view)) } }
        tbody { @for stage in told { tr {
            th scope="row" { (stages.name(stage.stage, view)) }
            (cells(view, stage))
        } } }
    } }
}

fn heads(view: &View) -> Markup {
    html! {
        th.num scope="col" { (view.t("Entered", "进入")) }
        th.num scope="col" { (view.t("Advanced", "进入下一阶段")) }
        th.num scope="col" { (view.t("Lost", "丢单")) }
        th.num scope="col" { (view.t("Still there", "仍在")) }
        th.num scope="col" { (view.t("Went on", "转化率")) }
        th.num scope="col" { (view.t("Median time", "中位时长")) }
        th.num scope="col" { (view.t("90th percentile", "第90百分位")) }
        th.num scope="col" { (view.t("Value", "金额")) }
    }
}

fn cells(view: &View, stage: &CohortStage) -> Markup {
    html! {
        td.num.strong { (show::number(stage.entered)) }
        @for count in [stage.advanced, stage.lost, stage.open] { td.num { (count.map_or_else(|| "–".to_owned(), show::number)) } }
        td.num { (share(stage)) }
        td.num { (show::days(view.look, stage.median_days)) }
        td.num { (show::days(view.look, stage.p90_days)) }
        td.num { (show::amounts(view.look, &stage.amounts)) }
    }
}

fn stand(view: &View, stages: &Stages, period: &Period, snapshot: &Snapshot) -> Markup {
    let told = view.t("Opportunities by the stage in which they stand", "各阶段现有商机");
    let is_empty = snapshot.stages.iter().all(|stage| stage.count == 0) && snapshot.known_then.is_none();
    html! {
        @if is_empty { (nothing(view.t("There are no opportunities.", "没有商机。"))) } @else {
            (figure(view, "standing", told, period, standing_table(view, stages, &snapshot.stages)))
            p.note { (view.t("All that there are at the end of this day, whenever they came in.", "截至当日的全部商机，不限进入时间。")) }
        }
        (restated(view, period.as_of, snapshot.known_then.as_ref().map(|then| standing_table(view, stages, then))))
    }
}

fn standing_table(view: &View, stages: &Stages, told: &[SnapshotStage]) -> Markup {
    let lost_from = |stage: StageKey| {
        let name = stages.name(stage, view);
        view.t(format!("of these, lost from {name}"), format!("其中丢于{name}"))
    };
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Stage", "阶段")) }
            th.num scope="col" { (view.t("Opportunities", "商机")) }
            th.num scope="col" { (view.t("Value", "金额")) }
        } }
        tbody { @for stage in told {
            tr {
                th scope="row" { (stages.name(stage.stage, view)) }
                td.num.strong { (show::number(stage.count)) }
                td.num { (show::amounts(view.look, &stage.amounts)) }
            }
            @for from in stage.lost_from.iter().flatten().filter(|from| from.count > 0) { tr {
                th scope="row" { small { (lost_from(from.stage)) } }
                td.num { (show::number(from.count)) }
                td.num { (show::amounts(view.look, &from.amounts)) }
            } }
        } }
    } }
}
