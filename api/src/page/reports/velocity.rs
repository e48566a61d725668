//! How long opportunities stay in a stage, which stand too long, what came and went, and where moves lead.

use maud::{Markup, html};

use super::super::charts::{days_figure, figure, trend_figure};
use super::super::html::{card, nothing};
use super::super::pipeline::Stages;
use super::super::show;
use super::super::view::View;
use super::{days, restated};
use crate::problem::Error;
use crate::report::figures::Scope as Period;
use crate::report::velocity::{
    DAYS, MoveCount, StageDays, StaleOpportunity, Velocity, VelocityKnownThen, WeekFlow, velocity,
};
use crate::words;

/// Stale ones that are shown at once.
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
                    (restated(view, told.as_of, told.known_then.as_ref().map(|then| differing(view, &stages, &told, then))))
                }))
                (card("weeks", view.t("Net flow by week", "每周净流量"), "", trend_figure(view, &stages, &period, &told)))
                (card("moves", view.t("Where opportunities go", "商机流向"), "", html! {
                    @if told.moves.is_empty() { (nothing(view.t("Nothing moved.", "没有阶段流转。"))) } @else {
                        (figure(view, "moves", view.t("Moves between stages, backward ones and losses among them", "阶段流转，含后退与丢单"), &period, moves(view, &stages, &told.moves)))
                    }
                }))
            }
            (card("stale", view.t("Beyond their stage's limit", "超出阶段时限"), show::number(all_stale(&told)), stale(view, &stages, &told)))
        }
    })
}

/// What was known then, as far as it differs.
fn differing(view: &View, stages: &Stages, now: &Velocity, then: &VelocityKnownThen) -> Markup {
    let weeks: Vec<&WeekFlow> = then.weeks.iter().filter(|row| !now.weeks.contains(row)).collect();
    let stale = &then.stale[..then.stale.len().min(SHOWN)];
    html! {
        @if then.stages != now.stages { (then_stages(view, stages, &then.stages)) }
        @if !weeks.is_empty() { (then_weeks(view, stages, &weeks)) }
        @if then.moves != now.moves { (moves(view, stages, &then.moves)) }
        @if then.stale != now.stale {
            h3 { (view.t("Beyond their stage's limit", "超出阶段时限")) }
            @if stale.is_empty() { (nothing(view.t("None.", "没有。"))) } @else { (beyond(view, stages, stale)) }
        }
    }
}

fn then_weeks(view: &View, stages: &Stages, weeks: &[&WeekFlow]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Week of", "周")) }
            th scope="col" { (view.t("Stage", "阶段")) }
            th.num scope="col" { (view.t("Entered", "进入")) }
            th.num scope="col" { (view.t("Left", "离开")) }
            th.num scope="col" { (view.t("Net", "净流量")) }
        } }
        tbody { @for row in weeks { tr {
            th scope="row" { (show::day(view.look, row.week)) }
            td { (stages.name(row.stage, view)) }
            td.num { (show::number(row.entered)) }
            td.num { (show::number(row.left)) }
            td.num { (show::number(row.net)) }
        } } }
    } }
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

fn all_stale(told: &Velocity) -> i64 {
    told.stages.iter().map(|stage| stage.stale).sum()
}

fn stale(view: &View, stages: &Stages, told: &Velocity) -> Markup {
    let all = all_stale(told);
    // The report names the worst ones alone.
    let named = told.stale.len();
    let unnamed = i64::try_from(named).is_ok_and(|named| named < all);
    html! {
        @if named == 0 { (nothing(view.t("None.", "没有。"))) } @else {
            p.note { (view.t("Those that are most days beyond the limit come first.", "按超出时限的天数排序，最多者在前。")) }
        }
        (beyond(view, stages, &told.stale[..named.min(SHOWN)]))
        @if named > SHOWN {
            details #more-stale {
                summary { (view.t("More", "更多")) }
                (beyond(view, stages, &told.stale[SHOWN..]))
                @if unnamed { p.note { (view.t(format!("The worst {named} of {all} are named."), format!("共 {all} 个，仅列出前 {named} 个。"))) } }
            }
        }
    }
}

fn beyond(view: &View, stages: &Stages, list: &[StaleOpportunity]) -> Markup {
    html! {
        ul.rows { @for one in list { li data-key=(one.opportunity_id) {
            a.row href=(format!("/opportunities/{}", one.opportunity_id)) {
                span.main {
                    (one.name)
                    small { (one.owner) " · " (stages.name(one.stage, view)) }
                    small {
                        (view.t("stands ", "已停留 ")) (show::days(view.look, Some(one.days)))
                        (view.t(", limit ", "，时限 ")) (one.stale_days) (view.t(" d", " 天"))
                    }
                }
                span.end {
                    @if let Some(amount) = one.amount { (show::amount(view.look, amount.0, one.currency.as_deref())) }
                    span.chip.warn { "+" (show::days(view.look, Some(one.days - f64::from(one.stale_days)))) }
                }
            }
        } } }
    }
}
