//! Why opportunities are lost, and how many are won, with the interval in which the true share lies.

use maud::{Markup, html};

use super::super::charts::figure;
use super::super::html::{card, nothing};
use super::super::pipeline::Stages;
use super::super::show;
use super::super::view::View;
use super::{days, restated, split};
use crate::problem::Error;
use crate::report::SplitBy;
use crate::report::figures::Scope as Period;
use crate::report::lost::{DAYS, Lost, ReasonCount, WinRate, WinRateGroup, lost};
use crate::words;

/// What win rates are told apart by where nothing else is chosen.
pub const USUAL: SplitBy = SplitBy::User;

/// The report with its groups, each by the name that people call it by.
pub async fn told(view: &View, period: &Period) -> Result<Lost, Error> {
    let by = split::asked(view).unwrap_or(USUAL);
    let mut told = lost(&view.state, &view.actor, &Period { days: DAYS, ..*period }, by).await?;
    for group in told.groups.iter_mut().chain(told.groups_known_then.iter_mut().flatten()) {
        group.name = Some(split::name(view, by, group.name.as_deref()));
    }
    Ok(told)
}

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let (stages, told) = tokio::try_join!(Stages::read(view), told(view, &period))?;
    let aside = days(view, told.from, told.to, told.as_of);
    if told.total.won + told.total.lost == 0 && told.known_then.is_none() {
        return Ok(card(
            "lost",
            view.t("Won and lost", "赢单与丢单"),
            aside,
            html! {
                (nothing(view.t("Nothing was decided.", "没有结果。")))
                (restated(view, told.as_of, None))
            },
        ));
    }
    let then = told.known_then.as_ref().unwrap_or(&told.total);
    let groups_then = told.groups_known_then.iter().flatten().filter(|group| !told.groups.contains(group));
    // Of the losses, those that were known otherwise.
    let reasons_then: Vec<ReasonCount> =
        told.reasons_known_then.iter().flatten().filter(|row| !told.reasons.contains(row)).cloned().collect();
    let differs = told.known_then.is_some() || told.groups_known_then.is_some() || told.reasons_known_then.is_some();
    let differs = differs.then(|| {
        html! {
            (rates(view, &all(view, then, groups_then)))
            @if !reasons_then.is_empty() { (reasons(view, &stages, &reasons_then)) }
        }
    });
    Ok(html! {
        div.grid {
            div.span3 {
                (card("won", view.t("Win rate", "赢单率"), aside, html! {
                    (figure(view, "won", view.t("Share of decided opportunities that were won, with its interval", "已有结果商机的赢单率及区间"), &period, rates(view, &all(view, &told.total, told.groups.iter()))))
                    p.note { (view.t("Wilson's interval at 95 per cent. Of fewer than 20, a share says little: such are marked.", "95% Wilson 区间。少于20个时参考意义有限，已标记。")) }
                    (restated(view, told.as_of, differs))
                }))
                (card("lost", view.t("Why they were lost", "丢单原因"), show::number(told.total.lost), html! {
                    @if told.reasons.is_empty() { (nothing(view.t("Nothing was lost.", "没有丢单。"))) } @else {
                        (figure(view, "lost", view.t("Lost opportunities by reason", "各原因的丢单数"), &period, reasons(view, &stages, &told.reasons)))
                    }
                }))
            }
        }
    })
}

fn all<'a>(
    view: &View,
    total: &'a WinRate,
    groups: impl Iterator<Item = &'a WinRateGroup>,
) -> Vec<(String, &'a WinRate)> {
    let groups = groups.map(|group| (group.name.clone().unwrap_or_default(), &group.win_rate));
    [(view.t("all", "全部").to_owned(), total)].into_iter().chain(groups).collect()
}

fn rates(view: &View, rates: &[(String, &WinRate)]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Of", "范围")) }
            th.num scope="col" { (view.t("Won", "赢单")) }
            th.num scope="col" { (view.t("Lost", "丢单")) }
            th.num scope="col" { (view.t("Win rate", "赢单率")) }
            th.num scope="col" { (view.t("95% interval", "95%区间")) }
        } }
        tbody { @for (name, rate) in rates { tr {
            th scope="row" { (name) @if rate.is_small { " " span.chip.plain { (view.t("few", "样本少")) } } }
            td.num { (show::number(rate.won)) }
            td.num { (show::number(rate.lost)) }
            td.num.strong { (show::percent(rate.rate)) }
            td.num { (show::percent(rate.low)) " – " (show::percent(rate.high)) }
        } } }
    } }
}

fn reasons(view: &View, stages: &Stages, reasons: &[ReasonCount]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Reason", "原因")) }
            th scope="col" { (view.t("Lost from", "丢单阶段")) }
            th.num scope="col" { (view.t("Opportunities", "商机")) }
            th.num scope="col" { (view.t("Worth", "金额")) }
        } }
        tbody { @for row in reasons { tr {
            th scope="row" { @if let Some(reason) = row.reason { (words::lost(reason, view.look)) } @else { (view.t("no reason told", "未说明")) } }
            td { @if let Some(stage) = row.lost_from { (stages.name(stage, view)) } }
            td.num.strong { (show::number(row.count)) }
            td.num { (show::amounts(view.look, &row.amounts)) }
        } } }
    } }
}
