//! The lead pool, what is held of it, and who asks for more time.

use chrono::TimeDelta;
use entity::kind::{LeadStatus, Role};
use entity::scalar::Date;
use entity::{lead, user};
use maud::{Markup, html};
use poem_openapi::param::Header;
use uuid::Uuid;

use super::answer::Answer;
use super::html::{Place, card, nothing, page};
use super::pipeline::Names;
use super::review::done;
use super::show;
use super::view::{View, escaped};
use crate::change::Intent;
use crate::lead::routes::SORTS;
use crate::lead::{Act, AssignLead, DecideExcuse};
use crate::problem::{Error, Refusal};
use crate::read::{self, Listing};
use crate::rest;
use crate::words;

/// Leads of a page.
const SHOWN: i32 = 25;
/// Days ahead within which a lead is about to return.
const SOON: i64 = 3;

/// Held and not worked, and close to their last day; the first to return first.
pub async fn returning(view: &View, limit: i32) -> Result<Vec<lead::Model>, Error> {
    let soon = Date(view.today().0 + TimeDelta::days(SOON));
    let listing = Listing::new(None, Some(limit), Some("dueOn".to_owned()))
        .only("t.status = ?", Some(LeadStatus::Claimed.as_str()))
        .only("(t.worked_at IS NULL) = ?", Some(true))
        .only("t.due_on <= ?", Some(soon));
    Ok(read::list::<lead::Model>(&view.state, &view.actor, listing, SORTS).await?.items)
}

pub async fn show(view: View) -> Result<Answer, Error> {
    let search = view.asked.query("search").map(str::to_owned);
    let region = view.asked.query("region").map(str::to_owned);
    let cursor = view.asked.query("cursor").map(str::to_owned);
    let pooled = Listing::new(cursor, Some(SHOWN), None)
        .search(search.clone())
        .only("t.region = ?", region.clone())
        .only("t.status = ?", Some(LeadStatus::Pooled.as_str()));
    let held = Listing::new(None, Some(SHOWN), Some("dueOn".to_owned()))
        .search(search.clone())
        .only("t.region = ?", region.clone())
        .only("t.status = ?", Some(LeadStatus::Claimed.as_str()));
    let leads_others = matches!(view.actor.role, Role::Manager | Role::Admin);
    let pooled = read::list::<lead::Model>(&view.state, &view.actor, pooled, SORTS).await?;
    let held = read::list::<lead::Model>(&view.state, &view.actor, held, SORTS).await?.items;
    let reps = if leads_others { reps(&view).await? } else { Vec::new() };
    let mut names = Names::default();
    names.users(&view, held.iter().filter_map(|lead| lead.owner_id)).await?;

    let title = view.t("Leads", "线索");
    let head = html! {
        div { h1 { (title) } p.muted { (view.t("The pool, and who holds what of it.", "线索池及其领取情况。")) } }
        form.filter method="get" action="/leads" role="search" {
            div { label for="search" { (view.t("Name", "名称")) } input #search name="search" value=[search.as_deref()]; }
            div { label for="region" { (view.t("Region", "地区")) } input #region name="region" value=[region.as_deref()]; }
            button type="submit" { (view.t("Filter", "筛选")) }
        }
    };
    let next = pooled.cursor.as_ref().map(|cursor| {
        format!(
            "/leads?cursor={}&search={}&region={}",
            escaped(cursor),
            escaped(search.as_deref().unwrap_or_default()),
            escaped(region.as_deref().unwrap_or_default())
        )
    });
    let content = html! {
        (done(&view))
        div.grid {
            div.span2 { (card("pool", view.t("In the pool", "线索池"), "", html! {
                @if pooled.items.is_empty() { (nothing(view.t("No lead in the pool.", "线索池为空。"))) }
                ul.rows { @for lead in &pooled.items { (pooled_row(&view, lead, &reps)) } }
                @if let Some(next) = next { p { a.button href=(next) { (view.t("More", "更多")) } } }
            })) }
            (card("held", view.t("Held", "已领取"), show::number(held.len() as i64), html! {
                @if held.is_empty() { (nothing(view.t("Nobody holds a lead.", "暂无已领取的线索。"))) }
                ul.rows { @for lead in &held { (held_row(&view, &names, lead, leads_others)) } }
            }))
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Leads), title, head, content)))
}

/// Users in whose scope `?` is.
const LED: &str = "EXISTS (SELECT FROM scope_grant g WHERE g.tenant_id = t.tenant_id AND g.scope_id = t.id \
                   AND g.revoked IS NULL AND g.user_id = ?)";

/// Those whom a lead can be given to: whom the viewer leads.
async fn reps(view: &View) -> Result<Vec<user::Model>, Error> {
    let listing = Listing::new(None, Some(200), Some("name".to_owned()))
        .only("t.role = ?", Some(Role::Rep.as_str()))
        .only("(t.disabled_at IS NULL) = ?", Some(true))
        .only(LED, (view.actor.role == Role::Manager).then_some(view.actor.user_id));
    Ok(read::list::<user::Model>(&view.state, &view.actor, listing, crate::user::routes::SORTS).await?.items)
}

fn facts(view: &View, lead: &lead::Model) -> Markup {
    let parts = [lead.region.as_deref(), lead.industry.as_deref(), Some(words::source(&lead.source, view.look))];
    html! {
        small {
            (parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
            @if let Some(people) = lead.employees { " · " (show::number(people.into())) (view.t(" people", " 人")) }
            @if !lead.likenesses.records.is_empty() { " " span.chip.warn { (view.t("may be known", "可能已存在")) } }
        }
    }
}

fn pooled_row(view: &View, lead: &lead::Model, reps: &[user::Model]) -> Markup {
    html! {
        li data-key=(lead.id) {
            div.row {
                span.main { b { (lead.name) } @if let Some(name) = &lead.contact_name { span { (name) } } (facts(view, lead)) }
                span.end {
                    @if view.is_rep() {
                        form method="post" action=(format!("/leads/{}/claim", lead.id)) { button type="submit" { (view.t("Pick", "领取")) } }
                    } @else if !reps.is_empty() {
                        details id=(format!("give-{}", lead.id)) {
                            summary { (view.t("Give to …", "分配给…")) }
                            form.decide method="post" action=(format!("/leads/{}/assign", lead.id)) {
                                select name="user" required aria-label=(view.t("Rep", "销售代表")) {
                                    option value="" { "–" }
                                    @for rep in reps { option value=(rep.id) { (rep.name) } }
                                }
                                button type="submit" { (view.t("Give", "分配")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn held_row(view: &View, names: &Names, lead: &lead::Model, decides: bool) -> Markup {
    html! {
        li data-key=(lead.id) {
            div.row {
                span.main {
                    b { (lead.name) }
                    small { @if let Some(owner) = lead.owner_id { a href=(format!("/people/{owner}")) { (names.of(owner)) } } }
                    @if let Some(excuse) = &lead.excuse { span.text { span.chip.warn { (view.t("asks for time", "申请延期")) } " " (excuse) } }
                }
                span.end { (due(view, lead)) }
            }
            @if decides && lead.excuse.is_some() {
                form.decide method="post" action=(format!("/leads/{}/accept", lead.id)) {
                    div.buttons {
                        button.primary type="submit" { (view.t("More time", "同意延期")) }
                        button.danger type="submit" formaction=(format!("/leads/{}/refuse", lead.id)) { (view.t("No", "不同意")) }
                    }
                }
            }
        }
    }
}

/// When a lead returns to the pool.
pub fn due(view: &View, lead: &lead::Model) -> Markup {
    html! {
        @if lead.worked_at.is_some() { span.chip.good { (view.t("worked", "已跟进")) } }
        @else if let Some(day) = lead.due_on {
            @let near = (day.0 - view.today().0).num_days() <= SOON;
            span.chip.(if near { "warn" } else { "kind" }) { (view.t("returns ", "退回 ")) (show::day(view.look, day)) }
        }
    }
}

pub async fn claim(view: View) -> Result<Answer, Error> {
    act(&view, Act::Claim, "claim").await
}

pub async fn assign(view: View) -> Result<Answer, Error> {
    let user: Uuid =
        view.asked.field("user").parse().map_err(|_| Refusal::invalid("/userId", "Choose who gets the lead."))?;
    act(&view, Act::Assign(AssignLead { user_id: user }), "assign").await
}

pub async fn accept(view: View) -> Result<Answer, Error> {
    act(&view, Act::Decide(DecideExcuse { accept: true, due_on: None }), "accept").await
}

pub async fn refuse(view: View) -> Result<Answer, Error> {
    act(&view, Act::Decide(DecideExcuse { accept: false, due_on: None }), "refuse").await
}

async fn act(view: &View, act: Act, done: &str) -> Result<Answer, Error> {
    let id = view.asked.id("lead")?;
    rest::act::<lead::Model>(&view.state, &view.actor, id, Intent::Lead(act), Header(None), Header(None)).await?;
    Ok(Answer::Go(format!("/leads?done={done}"), Vec::new()))
}
