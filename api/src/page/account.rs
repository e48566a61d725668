//! An account with everything around it: its card, its people, what is open and what was, what happened, and what is worth
//! a look.

use entity::{account, contact, opportunity, plan};
use maud::{Markup, html};
use uuid::Uuid;

use super::answer::Answer;
use super::html::{card, nothing, page};
use super::opportunity::{acted, moved};
use super::pipeline::{self, Names, Stages};
use super::show;
use super::view::View;
use crate::account::overview::{AccountOverview, AttentionKind, AttentionPoint, TimelineEntry, overview};
use crate::problem::Error;
use crate::words;

/// Entries of the timeline that are shown at once.
const SHOWN: usize = 20;

pub async fn show(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("account")?;
    let (stages, told) = tokio::try_join!(Stages::read(&view), overview(&view.state, &view.actor, id))?;
    let account = &told.account;
    let mut names = Names::default();
    let opportunities = told.open_opportunities.iter().chain(&told.past_opportunities).map(|one| one.owner_id);
    let doers = told.timeline.iter().filter_map(|entry| entry.activity.as_ref()).map(|done| done.owner_id);
    let movers = told.timeline.iter().filter_map(|entry| entry.stage_move.as_ref()).map(|step| step.actor_id);
    let planners = told.plans.iter().map(|plan| plan.owner_id);
    names.users(&view, opportunities.chain(doers).chain(movers).chain(planners).chain([account.owner_id])).await?;
    names.accounts(&view, [id]).await?;

    let head = html! { div {
        nav.path aria-label=(view.t("Path", "路径")) {
            a href="/" { (view.t("Overview", "概览")) } " › " a href=(format!("/people/{}", account.owner_id)) { (names.of(account.owner_id)) }
        }
        h1 { (account.name) }
        p.muted { (words::account(account.kind, view.look)) " · " (words::tier(account.tier, view.look)) }
    } };
    let content = html! {
        div.grid {
            div.column {
                @if !told.attention.is_empty() {
                    (card("attention", view.t("Worth a look", "需要关注"), "", attention(&view, &told)))
                }
                (card("facts", view.t("Facts", "概要"), "", facts(&view, &names, account)))
                (card("people", view.t("People", "联系人"), "", people(&view, &told.contacts)))
                (card("plans", view.t("Planned visits", "拜访计划"), "", plans(&view, &names, &told.plans)))
            }
            div.span2 {
                (card("open", view.t("Open opportunities", "进行中商机"), show::number(told.open_opportunities.len() as i64), list(&view, &stages, &names, &told.open_opportunities)))
                (card("past", view.t("Closed", "已结束"), show::number(told.past_opportunities.len() as i64), list(&view, &stages, &names, &told.past_opportunities)))
                (card("timeline", view.t("Timeline", "时间线"), "", timeline(&view, &stages, &names, &told)))
            }
        }
    };
    Ok(Answer::Page(page(&view, None, &account.name, head, content)))
}

fn list(view: &View, stages: &Stages, names: &Names, of: &[opportunity::Model]) -> Markup {
    html! {
        @if of.is_empty() { (nothing(view.t("None.", "没有。"))) }
        (pipeline::opportunities(view, stages, names, of))
    }
}

fn attention(view: &View, told: &AccountOverview) -> Markup {
    html! { ul.rows { @for point in &told.attention { li { div.row {
        span.main { (what(view, point.kind)) (about(told, point)) }
        span.end { @if let Some(since) = point.since { small { (view.t("since ", "自 ")) (show::day(view.look, since)) } } }
    } } } } }
}

fn what(view: &View, kind: AttentionKind) -> &'static str {
    match kind {
        AttentionKind::OverduePlan => view.t("A planned visit is overdue", "拜访计划已逾期"),
        AttentionKind::OverdueStep => view.t("The next step is overdue", "下一步行动已逾期"),
        AttentionKind::OverdueSignature => view.t("The day of signature has passed", "预计签约日已过"),
        AttentionKind::StaleStage => view.t("Stands too long in its stage", "阶段停留过久"),
        AttentionKind::NoAmount => view.t("Has no amount yet", "尚无金额"),
        AttentionKind::NoContact => view.t("Nobody spoke to them lately", "近期无人联系"),
    }
}

/// The opportunity that a point is about.
fn about(told: &AccountOverview, point: &AttentionPoint) -> Markup {
    let of = |id: Uuid| told.open_opportunities.iter().find(|one| one.id == id);
    html! {
        @if let Some(one) = point.record_id.and_then(of) { small { a href=(format!("/opportunities/{}", one.id)) { (one.name) } } }
    }
}

fn facts(view: &View, names: &Names, account: &account::Model) -> Markup {
    let address = account.address.as_ref().map(|address| {
        let parts = [&address.street, &address.city, &address.region, &address.country];
        parts.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    });
    let texts = [
        (view.t("Phone", "电话"), account.phone.clone()),
        (view.t("E-mail", "邮箱"), account.email.clone()),
        (view.t("Website", "网站"), account.website.clone()),
        (view.t("Industry", "行业"), account.industry.clone()),
        (view.t("People", "员工数"), account.employees.map(|people| show::number(people.into()))),
        (view.t("Address", "地址"), address.filter(|address| !address.is_empty())),
        (view.t("Registration number", "统一社会信用代码"), account.credit_code.clone()),
    ];
    html! { dl.facts {
        dt { (view.t("Answers for it", "负责人")) } dd { a href=(format!("/people/{}", account.owner_id)) { (names.of(account.owner_id)) } }
        @for (name, value) in texts { @if let Some(value) = value { dt { (name) } dd { (value) } } }
        @if let Some(note) = &account.note { dt { (view.t("Note", "备注")) } dd.text { (note) } }
    } }
}

fn people(view: &View, contacts: &[contact::Model]) -> Markup {
    html! {
        @if contacts.is_empty() { (nothing(view.t("Nobody is known there.", "暂无联系人。"))) }
        ul.rows { @for one in contacts { li data-key=(one.id) { div.row { span.main {
            b { (one.name) }
            @if let Some(title) = &one.title { span { (title) } }
            small { (one.phone.as_deref().unwrap_or_default()) @if one.phone.is_some() && one.email.is_some() { " · " } (one.email.as_deref().unwrap_or_default()) }
        } } } } }
    }
}

fn plans(view: &View, names: &Names, plans: &[plan::Model]) -> Markup {
    html! {
        @if plans.is_empty() { (nothing(view.t("No visit is planned.", "没有拜访计划。"))) }
        ul.rows { @for one in plans { li data-key=(one.id) { div.row {
            span.main { (show::day(view.look, one.planned_on)) @if let Some(purpose) = &one.purpose { span.text { (purpose) } } small { (names.of(one.owner_id)) } }
            span.end { @if one.planned_on < view.today() { span.chip.warn { (view.t("overdue", "已逾期")) } } }
        } } } }
    }
}

fn timeline(view: &View, stages: &Stages, names: &Names, told: &AccountOverview) -> Markup {
    html! {
        @if told.timeline.is_empty() { (nothing(view.t("Nothing happened yet.", "暂无动态。"))) }
        (entries(view, stages, names, &told.timeline[..told.timeline.len().min(SHOWN)]))
        @if told.timeline.len() > SHOWN {
            details #earlier { summary { (view.t("Earlier", "更早")) } (entries(view, stages, names, &told.timeline[SHOWN..])) }
        }
    }
}

fn entries(view: &View, stages: &Stages, names: &Names, entries: &[TimelineEntry]) -> Markup {
    html! { ol.timeline { @for entry in entries {
        @if let Some(done) = &entry.activity { (acted(view, names, done)) }
        @if let Some(step) = &entry.stage_move { (moved(view, stages, names, step)) }
    } } }
}
