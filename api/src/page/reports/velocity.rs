//! How long opportunities stay in a stage, which stand too long, what came and went, and where moves lead.

use maud::{Markup, html};

use super::super::charts::{days_figure, figure, trend_figure};
use super::super::html::{card, nothing};
use super::super::pipeline::Stages;
use super::super::show;
use super::super::view::View;
use super::super::words;
use super::{days, restated};
use crate::problem::Error;
use crate::report::figures::Scope as Period;
use crate::report::velocity::{DAYS, MoveCount, StageDays, Velocity, velocity};

/// Stale ones that are shown.
const SHOWN: usize = 15;

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let asked = Period { days: DAYS, ..period };
    let (stages, told) = tokio::try_join!(Stages::read(view), velocity(&view.state, &view.actor, &asked))?;
    let aside = days(view, told.from, told.to, told.as_of);
    Ok(html! {
        div.grid {
            div.span2 {
                (card("days", view.t("Days in each stage", "各阶段停留天数"), aside, html! {
                    (days_figure(view, &stages, &period, &told))
                    (restated(view, told.as_of, told.known_then.as_ref().map(|then| then_stages(view, &stages, &then.stages))))
                }))
                (card("weeks", view.t("Net flow by week", "每周净流量"), "", trend_figure(view, &stages, &period, &told)))
                (card("moves", view.t("Where opportunities go", "商机流向"), "", html! {
                    @if told.moves.is_empty() { (nothing(view.t("Nothing moved.", "没有阶段流转。"))) } @else {
                        (figure(view, "moves", view.t("Moves between stages, backward ones and losses among them", "阶段流转，含后退与丢单"), &period, moves(view, &stages, &told.moves)))
                    }
                }))
            }
            (card("stale", view.t("Beyond their stage's limit", "超出阶段时限"), show::number(told.stages.iter().map(|stage| stage.stale).sum()), stale(view, &stages, &told)))
        }
    })
}

fn then_stages(view: &View, stages: &Stages, then: &[StageDays]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Stage", "阶段")) }
            th.num scope="col" { (view.t("Ended", "已结束")) }
            th.num scope="col" { (view.t("Median", "中位数")) }
            th.num scope="col" { (view.t("Standing", "停留中")) }
            th.num scope="col" { (view.t("Stale", "停滞")) }
        } }
        tbody { @for row in then { tr {
            th scope="row" { (stages.name(row.stage, view)) }
            td.num { (show::number(row.ended)) }
            td.num { (show::days(view.look, row.median_days)) }
            td.num { (show::number(row.standing)) }
            td.num { (show::number(row.stale)) }
        } } }
    } }
}

fn moves(view: &View, stages: &Stages, moves: &[MoveCount]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("From", "从")) }
            th scope="col" { (view.t("To", "到")) }
            th scope="col" { (view.t("Reason", "原因")) }
            th.num scope="col" { (view.t("Moves", "次数")) }
        } }
        tbody { @for row in moves { tr {
            th scope="row" { @if let Some(from) = row.from { (stages.name(from, view)) } @else { (view.t("new", "新建")) } }
            td { (stages.name(row.to, view)) }
            td { @if let Some(reason) = row.reason { (words::lost(reason, view.look)) } }
            td.num { (show::number(row.count)) }
        } } }
    } }
}

fn stale(view: &View, stages: &Stages, told: &Velocity) -> Markup {
    html! {
        @if told.stale.is_empty() { (nothing(view.t("None.", "没有。"))) }
        ul.rows { @for one in told.stale.iter().take(SHOWN) { li data-key=(one.opportunity_id) {
            a.row href=(format!("/opportunities/{}", one.opportunity_id)) {
                span.main { (one.name) small { (one.owner) " · " (stages.name(one.stage, view)) } }
                span.end {
                    @if let Some(amount) = one.amount { (show::amount(view.look, amount.0, one.currency.as_deref())) }
                    span.chip.warn { (show::days(view.look, Some(one.days))) }
                }
            }
        } } }
    }
}
