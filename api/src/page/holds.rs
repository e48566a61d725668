//! Awards that wait for a review: what was found, what was entered, and the decision.

use std::collections::BTreeMap;

use entity::kind::{HoldReason, HoldStatus, Role};
use entity::{activity, hold};
use maud::{Markup, html};
use poem_openapi::param::Header;
use uuid::Uuid;

use super::answer::Answer;
use super::html::{Place, card, nothing, page};
use super::pipeline::Names;
use super::review::{done, form, ruling};
use super::show;
use super::view::{Look, View};
use crate::change::Intent;
use crate::hold::routes::SORTS;
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::rest;
use crate::words;

/// How many are shown at once.
const SHOWN: i32 = 30;

/// The open ones that are decided first.
pub async fn open(view: &View, limit: i32) -> Result<Vec<hold::Model>, Error> {
    let listing = Listing::new(None, Some(limit), Some("releaseOn".to_owned()))
        .only("t.status = ?", Some(HoldStatus::Open.as_str()));
    Ok(read::list::<hold::Model>(&view.state, &view.actor, listing, SORTS).await?.items)
}

pub async fn show(view: View) -> Result<Answer, Error> {
    let holds = open(&view, SHOWN).await?;
    let ids: Vec<Uuid> = holds.iter().map(|hold| hold.activity_id).collect();
    let found = read::some::<activity::Model>(&view.state, &view.actor, ids).await?;
    let activities: BTreeMap<Uuid, activity::Model> = found.into_iter().map(|one| (one.id, one)).collect();
    let mut names = Names::default();
    names.users(&view, holds.iter().map(|hold| hold.user_id)).await?;
    names.accounts(&view, activities.values().map(|one| one.account_id)).await?;

    let title = view.t("Reviews", "复核");
    let head = html! { div {
        h1 { (title) }
        p.muted { (view.t("Awards that wait because something about their entry stood out. What nobody decides is released on its day.", "录入中有异常、等待复核的积分。到期无人处理则自动发放。")) }
    } };
    let content = html! {
        (done(&view))
        div #holds data-live {
            @if holds.is_empty() { (card("none", view.t("Open", "待处理"), "", nothing(view.t("Nothing waits for a review.", "没有待复核的内容。")))) }
            div.cards {
                @for hold in &holds { (one(&view, &names, hold, activities.get(&hold.activity_id))) }
            }
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Holds), title, head, content)))
}

fn one(view: &View, names: &Names, hold: &hold::Model, activity: Option<&activity::Model>) -> Markup {
    let decides = matches!(view.actor.role, Role::Manager | Role::Admin) && hold.user_id != view.user.id;
    html! {
        article.card id=(format!("hold-{}", hold.id)) data-key=(hold.id) aria-labelledby=(format!("hold-{}-title", hold.id)) {
            div.card-head {
                h2 id=(format!("hold-{}-title", hold.id)) {
                    a href=(format!("/people/{}", hold.user_id)) { (names.of(hold.user_id)) }
                    " · " (show::decimal(hold.points.0)) (view.t(" points", " 分"))
                }
                span.aside { (view.t("released on ", "自动发放日：")) (show::day(view.look, hold.release_on)) }
            }
            @for finding in &hold.evidence.findings {
                p.finding { span.chip.warn { (reason(finding.reason, view.look)) } " " (view.t(&finding.en.0, &finding.zh.0)) }
            }
            @if let Some(activity) = activity {
                div.quote {
                    p { span.chip.kind { (words::activity(activity.kind, view.look)) } " " a.strong href=(format!("/accounts/{}", activity.account_id)) { (names.of(activity.account_id)) } }
                    @if let Some(summary) = &activity.summary { p.text { (summary) } }
                    p.muted {
                        (view.t("took place ", "发生于 ")) (show::moment(view.look, activity.occurred, view.zone))
                        (view.t(", typed ", "，录入于 ")) (show::moment(view.look, activity.captured, view.zone))
                        @if let Some(verdict) = activity.verdict { " · " (words::verdict(verdict, view.look)) }
                        @if let Some(id) = activity.opportunity_id { " · " a href=(format!("/opportunities/{id}")) { (view.t("opportunity", "商机")) } }
                    }
                }
            }
            @if decides {
                (form(view, &format!("/holds/{}", hold.id), hold.revision,
                    ("release", view.t("Release", "发放")), ("deny", view.t("Deny", "不发放"))))
            }
        }
    }
}

fn reason(reason: HoldReason, look: Look) -> &'static str {
    match reason {
        HoldReason::Burst => look.t("many at once", "集中录入"),
        HoldReason::NearIdentical => look.t("much alike", "内容雷同"),
        HoldReason::ImpossibleTravel => look.t("too far to travel", "行程异常"),
        HoldReason::PoorAccuracy => look.t("place unclear", "定位不准"),
        HoldReason::Future => look.t("in the future", "时间在未来"),
        HoldReason::Redated => look.t("moved to a later time", "时间后移"),
    }
}

pub async fn release(view: View) -> Result<Answer, Error> {
    decide(&view, true).await
}

pub async fn deny(view: View) -> Result<Answer, Error> {
    decide(&view, false).await
}

async fn decide(view: &View, passes: bool) -> Result<Answer, Error> {
    let id = view.asked.id("hold")?;
    let (ruling, etag) = ruling(view)?;
    let intent = if passes { Intent::Pass(ruling) } else { Intent::Refuse(ruling) };
    rest::act::<hold::Model>(&view.state, &view.actor, id, intent, Header(None), etag).await?;
    Ok(Answer::Go(format!("/holds?done={}", if passes { "release" } else { "deny" }), Vec::new()))
}
