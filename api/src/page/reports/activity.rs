//! What people did: visits a day and a rep, plans, punctuality, and the time by customer tier beside the policy.

use maud::{Markup, html};

use super::super::charts::{figure, per};
use super::super::html::{card, nothing};
use super::super::show;
use super::super::view::View;
use super::{days, restated};
use crate::problem::Error;
use crate::report::activity::{
    Activity, ActivityFigures, ActivityKnownThen, DAYS, Per, RepActivity, SpanActivity, TierTime, activity,
};
use crate::report::figures::Scope as Period;
use crate::words;

pub const SPANS: [(Per, &str, &str); 3] =
    [(Per::Day, "day", "日"), (Per::Week, "week", "周"), (Per::Month, "month", "月")];

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let told = activity(&view.state, &view.actor, &Period { days: DAYS, ..period }, per(view)).await?;
    let aside = days(view, told.from, told.to, told.as_of);
    Ok(html! {
        (tiles(view, &told.total))
        div.grid {
            div.span3 {
                (card("visits", view.t("Visits", "拜访"), aside, html! {
                    @if told.spans.is_empty() { (nothing(view.t("Nothing was done.", "没有活动。"))) } @else {
                        (figure(view, "visits", view.t("Visits over time, verified ones and others", "拜访随时间变化，已核实与其他"), &period, by_span(view, told.per, &told.spans)))
                    }
                    (restated(view, told.as_of, told.known_then.as_ref().map(|then| differing(view, &told, then))))
                }))
                (card("reps", view.t("Reps", "销售代表"), "", html! {
                    @if told.reps.is_empty() { (nothing(view.t("Nothing was done.", "没有活动。"))) } @else {
                        (figure(view, "reps", view.t("Visits and plans of each rep", "各销售代表的拜访与计划"), &period, reps(view, &told, &told.reps)))
                    }
                }))
                (card("time", view.t("Time by customer tier", "客户层级时间分配"), "", html! {
                    (figure(view, "time", view.t("Share of time by customer tier, beside the policy", "各层级时间占比与时间策略"), &period, time(view, &told.time)))
                    @if told.untimed > 0 {
                        p.note { (show::number(told.untimed)) (view.t(" activities do not tell how long they took.", " 条活动未记录时长。")) }
                    }
                }))
            }
        }
    })
}

fn tiles(view: &View, total: &ActivityFigures) -> Markup {
    html! {
        dl.tiles #tiles data-live {
            div.tile { dt { (view.t("Visits", "拜访")) } dd { strong { (show::number(total.visits)) } small { (show::number(total.activities)) (view.t(" activities in all", " 条活动")) } } }
            div.tile { dt { (view.t("Verified on site", "已核实到场")) } dd { strong { (show::percent(total.verified_share)) } small { (show::number(total.outside)) (view.t(" elsewhere", " 次不在现场")) } } }
            div.tile { dt { (view.t("Plans done", "计划完成")) } dd { strong { (show::number(total.done)) " / " (show::number(total.planned)) } small { (show::number(total.missed)) (view.t(" missed", " 个未执行")) } } }
            div.tile {
                dt { (view.t("Typed within a day", "24小时内录入")) }
                dd { strong { (show::percent(total.within_day_share)) } small { (view.t("median ", "中位数 ")) @if let Some(hours) = total.median_delay_hours { (hours.to_string()) (view.t(" h", " 小时")) } @else { "–" } } }
            }
        }
    }
}

/// The reps of whom something else was known then; if there is none, the spans of time.
fn differing(view: &View, told: &Activity, then: &ActivityKnownThen) -> Markup {
    let of: Vec<RepActivity> = then.reps.iter().filter(|rep| !told.reps.contains(rep)).cloned().collect();
    let on: Vec<SpanActivity> = then.spans.iter().filter(|span| !told.spans.contains(span)).cloned().collect();
    if of.is_empty() { by_span(view, told.per, &on) } else { reps(view, told, &of) }
}

/// A day leads to its route.
fn by_span(view: &View, per: Per, spans: &[SpanActivity]) -> Markup {
    let name = match per {
        Per::Day => view.t("Day", "日期"),
        Per::Week => view.t("Week from", "周（起始日）"),
        Per::Month => view.t("Month from", "月（起始日）"),
    };
    html! { table {
        thead { tr {
            th scope="col" { (name) }
            th scope="col" { (view.t("Rep", "销售代表")) }
            th.num scope="col" { (view.t("Activities", "活动")) }
            th.num scope="col" { (view.t("Visits", "拜访")) }
            th.num scope="col" { (view.t("Verified", "已核实")) }
            th.num scope="col" { (view.t("Minutes", "分钟")) }
        } }
        tbody { @for row in spans { tr {
            th scope="row" {
                @if per == Per::Day {
                    a href=(format!("/people/{}/route?day={}", row.user_id, row.from)) { (show::day(view.look, row.from)) }
                } @else { (show::day(view.look, row.from)) }
            }
            td { (row.name) }
            td.num { (show::number(row.activities)) }
            td.num { (show::number(row.visits)) }
            td.num { (show::number(row.verified)) }
            td.num { (show::number(row.minutes)) }
        } } }
    } }
}

fn reps(view: &View, told: &Activity, reps: &[RepActivity]) -> Markup {
    let to = told.as_of.map_or(told.to, |day| day.min(told.to));
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Rep", "销售代表")) }
            th.num scope="col" { (view.t("Visits", "拜访")) }
            th.num scope="col" { (view.t("Verified", "已核实")) }
            th.num scope="col" { (view.t("Planned", "计划")) }
            th.num scope="col" { (view.t("Done", "完成")) }
            th.num scope="col" { (view.t("Missed", "未执行")) }
            th.num.desk scope="col" { (view.t("Within a day", "24小时内")) }
            th.num.desk scope="col" { span.hidden { (view.t("Route", "路线")) } }
        } }
        tbody { @for rep in reps { tr {
            th scope="row" { a href=(format!("/people/{}", rep.user_id)) { (rep.name) } }
            td.num.strong { (show::number(rep.figures.visits)) }
            td.num { (show::percent(rep.figures.verified_share)) }
            td.num { (show::number(rep.figures.planned)) }
            td.num { (show::number(rep.figures.done)) }
            td.num { (show::number(rep.figures.missed)) }
            td.num.desk { (show::percent(rep.figures.within_day_share)) }
            td.num.desk { a href=(format!("/people/{}/route?day={to}", rep.user_id)) { (view.t("Route", "路线")) } }
        } } }
    } }
}

fn time(view: &View, tiers: &[TierTime]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Tier", "层级")) }
            th.num scope="col" { (view.t("Minutes", "分钟")) }
            th.num scope="col" { (view.t("Share", "占比")) }
            th.num scope="col" { (view.t("Policy", "策略")) }
        } }
        tbody { @for row in tiers { tr {
            th scope="row" { (words::tier(row.tier, view.look)) }
            td.num { (show::number(row.minutes)) }
            td.num.strong { (show::percent(row.share)) }
            td.num { (show::percent(row.policy_share)) }
        } } }
    } }
}
