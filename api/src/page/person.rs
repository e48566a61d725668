//! A rep: funnel, points, opportunities and what he did.

use entity::kind::StageKey;
use entity::{opportunity, points_balance, team};
use maud::html;

use super::answer::Answer;
use super::html::{card, nothing, page};
use super::overview::latest;
use super::pipeline::{self, Names, Scope, Stages};
use super::view::View;
use super::{charts, show};
use crate::opportunity::routes::SORTS;
use crate::points::routes::{nothing_yet, whose};
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::report::SplitBy;
use crate::words;

/// Open opportunities that are shown, those first that have stood longest.
const OPEN_SHOWN: i32 = 200;
/// Closed opportunities that are shown, those first that were closed last, and how many of them before one asks for more.
const CLOSED_SHOWN: i32 = 50;
const CLOSED_AT_ONCE: usize = 8;

pub async fn show(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("user")?;
    let person = whose(&view.state, &view.actor, Some(id)).await?;
    let scope = Scope { team_id: None, user_id: Some(id) };
    let period = charts::of(scope);
    let team = async { read::find::<team::Model>(&view.state, &view.actor, person.team_id).await };
    let balance = async { read::find::<points_balance::Model>(&view.state, &view.actor, id).await };
    let owned = async |is_closed: bool, limit: i32, sort: &str| {
        let listing = Listing::new(None, Some(limit), Some(sort.to_owned()))
            .only("t.owner_id = ?", Some(id))
            .only("(t.stage IN ('signed', 'lost')) = ?", Some(is_closed));
        Ok::<_, Error>(read::list::<opportunity::Model>(&view.state, &view.actor, listing, SORTS).await?.items)
    };
    let (stages, cohort, standing, latest, team, balance, open, closed, velocity, forecast) = tokio::try_join!(
        Stages::read(&view),
        pipeline::cohort(&view, scope, SplitBy::None),
        pipeline::standing(&view, scope),
        latest(&view, Some(id), 12),
        team,
        balance,
        owned(false, OPEN_SHOWN, "stageSince"),
        owned(true, CLOSED_SHOWN, "-stageSince"),
        charts::velocity_of(&view, scope),
        charts::forecast_of(&view, scope),
    )?;
    let balance = balance.unwrap_or_else(|| nothing_yet(&person));
    let count = |is_closed: bool| {
        let those =
            standing.stages.iter().filter(|one| matches!(one.stage, StageKey::Signed | StageKey::Lost) == is_closed);
        show::number(those.map(|one| one.count).sum())
    };
    let mut names = Names::default();
    names.users(&view, [id]).await?;
    let accounts = open.iter().chain(&closed).filter_map(|one| one.account_id);
    names.accounts(&view, accounts.chain(latest.iter().map(|one| one.account_id))).await?;

    let head = html! {
        div {
            nav.path aria-label=(view.t("Path", "路径")) {
                a href="/" { (view.t("Overview", "概览")) }
                @if let Some(team) = team.as_ref().filter(|_| !view.is_rep()) { " › " a href=(format!("/teams/{}", team.id)) { (team.name) } }
            }
            h1 { (person.name) }
            p.muted {
                (words::role(person.role, view.look)) @if let Some(team) = &team { " · " (team.name) }
                " · " a href=(format!("/people/{id}/route")) { (view.t("Route of the day", "当日路线")) }
                " · " a href=(format!("/reports/activity?user={id}")) { (view.t("Reports", "报表")) }
            }
        }
        (pipeline::periods(&view))
    };
    let content = html! {
        dl.tiles #tiles data-live {
            div.tile { dt { (view.t("Points", "积分")) } dd { strong { (show::decimal(balance.points.0)) } small { (balance.entries) (view.t(" entries", " 条记录")) } } }
            div.tile { dt { (view.t("On hold", "暂扣")) } dd { strong { (show::decimal(balance.held.0)) } small { (view.t("wait for a decision", "等待裁定")) } } }
            div.tile { dt { (view.t("Rights to pick leads", "领取线索额度")) } dd { strong { (balance.leads) } } }
            div.tile.(if charts::stale(&velocity) == 0 { "fine" } else { "warn" }) { dt { (view.t("Stale", "停滞")) } dd { strong { (show::number(charts::stale(&velocity))) } small { (view.t("beyond their stage's limit", "超出阶段时限")) } } }
        }
        div.grid {
            div.span3 { (card("funnel", view.t("Funnel", "转化漏斗"), pipeline::deeper(&view, &format!("?user={id}")), pipeline::funnel_table(&view, &stages, &cohort))) }
            div.span3.pair {
                (card("forecast", view.t("Forecast", "预测"), "", charts::forecast_figure(&view, &period, &forecast)))
                (card("days", view.t("Stage velocity", "阶段速度"), "", charts::days_figure(&view, &stages, &period, &velocity)))
            }
            div.span2 {
                (card("open", view.t("Open opportunities", "进行中商机"), count(false), html! {
                    @if open.is_empty() { (nothing(view.t("No open opportunity.", "没有进行中的商机。"))) }
                    (pipeline::opportunities(&view, &stages, &names, &open))
                }))
                (card("closed", view.t("Closed", "已结束"), count(true), html! {
                    @if closed.is_empty() { (nothing(view.t("Nothing was closed yet.", "暂无已结束的商机。"))) }
                    (pipeline::opportunities(&view, &stages, &names, &closed[..closed.len().min(CLOSED_AT_ONCE)]))
                    @if closed.len() > CLOSED_AT_ONCE {
                        details #more-closed {
                            summary { (view.t("More", "更多")) }
                            (pipeline::opportunities(&view, &stages, &names, &closed[CLOSED_AT_ONCE..]))
                        }
                    }
                }))
            }
            (card("latest", view.t("Latest activities", "最新动态"), "", html! {
                @if latest.is_empty() { (nothing(view.t("No activity yet.", "暂无动态。"))) }
                (pipeline::activities(&view, &names, &latest))
            }))
        }
    };
    Ok(Answer::Page(page(&view, None, &person.name, head, content)))
}
