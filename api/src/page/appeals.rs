//! Objections to fines: what was fined, why it is said to be wrong, and the decision.

use std::collections::BTreeMap;

use entity::kind::{AppealStatus, Role};
use entity::{appeal, points_entry};
use maud::{Markup, html};
use poem_openapi::param::Header;
use uuid::Uuid;

use super::answer::Answer;
use super::html::{Place, card, nothing, page};
use super::pipeline::Names;
use super::review::{done, form, ruling};
use super::show;
use super::view::View;
use crate::change::Intent;
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::rest;

/// How many are shown at once.
const SHOWN: i32 = 30;

/// The open ones, the oldest first.
pub async fn open(view: &View, limit: i32) -> Result<Vec<appeal::Model>, Error> {
    let listing = Listing::new(None, Some(limit), Some("createdAt".to_owned()))
        .only("t.status = ?", Some(AppealStatus::Open.as_str()));
    Ok(read::list::<appeal::Model>(&view.state, &view.actor, listing, &[]).await?.items)
}

pub async fn show(view: View) -> Result<Answer, Error> {
    let appeals = open(&view, SHOWN).await?;
    let ids: Vec<Uuid> = appeals.iter().map(|appeal| appeal.entry_id).collect();
    let found = read::some::<points_entry::Model>(&view.state, &view.actor, ids).await?;
    let fines: BTreeMap<Uuid, points_entry::Model> = found.into_iter().map(|one| (one.id, one)).collect();
    let mut names = Names::default();
    names.users(&view, appeals.iter().map(|appeal| appeal.user_id)).await?;

    let title = view.t("Appeals", "申诉");
    let head = html! { div {
        h1 { (title) }
        p.muted { (view.t("Fines that their reps object to. Each is frozen until somebody decides.", "销售代表提出异议的扣分，裁定前暂缓执行。")) }
    } };
    let content = html! {
        (done(&view))
        div #appeals data-live {
            @if appeals.is_empty() { (card("none", view.t("Open", "待处理"), "", nothing(view.t("Nobody appeals.", "没有待裁定的申诉。")))) }
            div.cards { @for appeal in &appeals { (one(&view, &names, appeal, fines.get(&appeal.entry_id))) } }
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Appeals), title, head, content)))
}

fn one(view: &View, names: &Names, appeal: &appeal::Model, fine: Option<&points_entry::Model>) -> Markup {
    let decides = matches!(view.actor.role, Role::Manager | Role::Admin) && appeal.user_id != view.user.id;
    html! {
        article.card id=(format!("appeal-{}", appeal.id)) data-key=(appeal.id) aria-labelledby=(format!("appeal-{}-title", appeal.id)) {
            div.card-head {
                h2 id=(format!("appeal-{}-title", appeal.id)) {
                    a href=(format!("/people/{}", appeal.user_id)) { (names.of(appeal.user_id)) }
                    @if let Some(fine) = fine {
                        " · " (show::decimal(fine.points.0)) (view.t(" points", " 分"))
                        @if let Some(money) = fine.money { " · " (show::amount(view.look, money.0, fine.currency.as_deref())) }
                    }
                }
                span.aside { (show::moment(view.look, appeal.created_at, view.zone)) }
            }
            div.quote { p.text { (appeal.reason) } }
            @if let Some(fine) = fine {
                p.finding { span.chip.bad { (view.t("fine", "扣分")) } " " (view.t(&fine.explanation.en.0, &fine.explanation.zh.0)) }
            }
            @if decides {
                (form(view, &format!("/appeals/{}", appeal.id), appeal.revision,
                    ("grant", view.t("Grant: take the fine back", "成立：撤销扣分")), ("reject", view.t("Reject: the fine stands", "不成立：维持扣分"))))
            }
        }
    }
}

pub async fn grant(view: View) -> Result<Answer, Error> {
    decide(&view, true).await
}

pub async fn reject(view: View) -> Result<Answer, Error> {
    decide(&view, false).await
}

async fn decide(view: &View, grants: bool) -> Result<Answer, Error> {
    let id = view.asked.id("appeal")?;
    let (ruling, etag) = ruling(view)?;
    let intent = if grants { Intent::Pass(ruling) } else { Intent::Refuse(ruling) };
    rest::act::<appeal::Model>(&view.state, &view.actor, id, intent, Header(None), etag).await?;
    Ok(Answer::Go(format!("/appeals?done={}", if grants { "grant" } else { "reject" }), Vec::new()))
}
