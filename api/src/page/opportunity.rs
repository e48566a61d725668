//! An opportunity and its timeline: stage moves and what was done, the newest first.

use entity::scalar::Timestamp;
use entity::{activity, opportunity, stage_move};
use maud::{Markup, html};

use super::answer::Answer;
use super::html::{card, page};
use super::pipeline::{Names, Stages};
use super::show;
use super::view::View;
use crate::activity::routes::SORTS as ACTIVITY_SORTS;
use crate::opportunity::routes::MOVE_SORTS;
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::words;

/// Entries of the timeline, of each kind.
const SHOWN: i32 = 200;

pub async fn show(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("opportunity")?;
    let one: opportunity::Model = read::get(&view.state, &view.actor, id).await?;
    let listing =
        |sort: &str| Listing::new(None, Some(SHOWN), Some(sort.to_owned())).only("t.opportunity_id = ?", Some(id));
    let moves =
        async { read::list::<stage_move::Model>(&view.state, &view.actor, listing("-number"), MOVE_SORTS).await };
    let done =
        async { read::list::<activity::Model>(&view.state, &view.actor, listing("-occurred"), ACTIVITY_SORTS).await };
    let (stages, moves, done) = tokio::try_join!(Stages::read(&view), moves, done)?;
    let (moves, done) = (moves.items, done.items);
    let mut names = Names::default();
    let people = moves.iter().map(|step| step.actor_id).chain(done.iter().map(|act| act.owner_id));
    names.users(&view, people.chain([one.owner_id])).await?;
    names.accounts(&view, one.account_id).await?;

    let head = html! {
        div {
            nav.path aria-label=(view.t("Path", "路径")) {
                a href="/" { (view.t("Overview", "概览")) } " › " a href=(format!("/people/{}", one.owner_id)) { (names.of(one.owner_id)) }
            }
            h1 { (one.name) }
            p.muted { @if let Some(account) = one.account_id { a href=(format!("/accounts/{account}")) { (names.of(account)) } " · " } span.chip.(one.stage.as_str()) { (stages.name(one.stage, &view)) } }
        }
    };
    let content = html! {
        div.grid {
            (card("facts", view.t("Facts", "概要"), "", facts(&view, &stages, &one)))
            div.span2 { (card("timeline", view.t("Timeline", "时间线"), "", timeline(&view, &stages, &names, &moves, &done))) }
        }
    };
    Ok(Answer::Page(page(&view, None, &one.name, head, content)))
}

fn facts(view: &View, stages: &Stages, one: &opportunity::Model) -> Markup {
    let stands = (view.now.0 - one.stage_since.0).as_seconds_f64() / 86_400.0;
    html! {
        dl.facts {
            dt { (view.t("Amount", "金额")) }
            dd { @if let Some(amount) = one.amount { (show::amount(view.look, amount.0, one.currency.as_deref())) } @else { "–" } }
            dt { (view.t("In this stage for", "当前阶段已停留")) }
            dd {
                (show::days(view.look, Some(stands)))
                @if stages.stale_days(one.stage).is_some_and(|limit| stands > limit.into()) { " " span.chip.warn { (view.t("stale", "停滞")) } }
            }
            @if let Some(day) = one.expected_on { dt { (view.t("Signature expected", "预计签约")) } dd { (show::day(view.look, day)) } }
            @if let Some(day) = one.signed_on { dt { (view.t("Signed on", "签约日期")) } dd { (show::day(view.look, day)) } }
            @if let Some(source) = &one.source { dt { (view.t("Source", "来源")) } dd { (words::source(source, view.look)) } }
            @if let Some(reason) = one.lost_reason { dt { (view.t("Lost because of", "丢单原因")) } dd { (words::lost(reason, view.look)) @if let Some(note) = &one.lost_note { ": " (note) } } }
            @if let Some(note) = &one.note { dt { (view.t("Note", "备注")) } dd.text { (note) } }
        }
    }
}

fn timeline(
    view: &View,
    stages: &Stages,
    names: &Names,
    moves: &[stage_move::Model],
    done: &[activity::Model],
) -> Markup {
    let mut entries: Vec<(Timestamp, Markup)> = moves
        .iter()
        .map(|step| (step.occurred, moved(view, stages, names, step)))
        .chain(done.iter().map(|act| (act.occurred, acted(view, names, act))))
        .collect();
    entries.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! { ol.timeline { @for (_, entry) in entries { (entry) } } }
}

pub fn moved(view: &View, stages: &Stages, names: &Names, step: &stage_move::Model) -> Markup {
    html! {
        li.move data-key=(step.id) {
            p.what {
                @if let Some(from) = step.from_stage { span.chip.(from.as_str()) { (stages.name(from, view)) } " → " }
                span.chip.(step.to_stage.as_str()) { (stages.name(step.to_stage, view)) }
                @if let Some(amount) = step.amount { " " (show::amount(view.look, amount.0, step.currency.as_deref())) }
            }
            @if let Some(reason) = &step.reason { p.text { (reason) } }
            @if let Some(reason) = step.lost_reason { p.text { (words::lost(reason, view.look)) @if let Some(note) = &step.lost_note { ": " (note) } } }
            p.muted { (names.of(step.actor_id)) " · " (show::moment(view.look, step.occurred, view.zone)) }
        }
    }
}

pub fn acted(view: &View, names: &Names, act: &activity::Model) -> Markup {
    html! {
        li data-key=(act.id) {
            p.what { span.chip.kind { (words::activity(act.kind, view.look)) } @if let Some(verdict) = act.verdict { " " small { (words::verdict(verdict, view.look)) } } }
            @if let Some(summary) = &act.summary { p.text { (summary) } }
            @if let Some(outcome) = &act.outcome { p.text { b { (view.t("Outcome: ", "结果：")) } (outcome) } }
            @if let Some(next) = &act.next_step {
                p.text { b { (view.t("Next: ", "下一步：")) } (next) @if let Some(day) = act.next_step_on { " (" (show::day(view.look, day)) ")" } }
            }
            p.muted { (names.of(act.owner_id)) " · " (show::moment(view.look, act.occurred, view.zone)) }
        }
    }
}
