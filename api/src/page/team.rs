//! A team: its funnel, and its teams or people side by side.

use entity::team;
use maud::html;

use super::answer::Answer;
use super::html::{card, page};
use super::pipeline::{self, Scope, Stages};
use super::view::View;
use super::{charts, show};
use crate::problem::{Error, Refusal};
use crate::read;
use crate::report::SplitBy;

pub async fn show(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("team")?;
    let team: team::Model = read::get(&view.state, &view.actor, id).await?;
    // The directory names all teams; figures are for who leads this one.
    let leads = view.actor.sees_all() || !view.is_rep() && read::holds_scope(&view.state, &view.actor, id).await?;
    if !leads {
        return Err(Refusal::not_found("team").into());
    }
    let scope = Scope { team_id: Some(id), user_id: None };
    let period = charts::of(scope);
    let (stages, teams, people, velocity, forecast) = tokio::try_join!(
        Stages::read(&view),
        pipeline::cohort(&view, scope, SplitBy::Team),
        pipeline::cohort(&view, scope, SplitBy::User),
        charts::velocity_of(&view, scope),
        charts::forecast_of(&view, scope),
    )?;
    let aside = html! { (show::day(view.look, view.today())) " · " (pipeline::deeper(&view, &format!("?team={id}"))) };
    let head = html! {
        div {
            nav.path aria-label=(view.t("Path", "路径")) { a href="/" { (view.t("Overview", "概览")) } }
            h1 { (team.name) }
        }
        (pipeline::periods(&view))
    };
    let content = html! {
        div.grid {
            div.span3 { (card("funnel", view.t("Funnel", "转化漏斗"), aside, pipeline::funnel_table(&view, &stages, &people))) }
            @if teams.groups.len() > 1 {
                div.span3 { (card("teams", view.t("Teams", "团队"), "", pipeline::groups(&view, &teams.groups, "teams", view.t("Team", "团队")))) }
            }
            div.span3 { (card("people", view.t("People", "人员"), "", pipeline::groups(&view, &people.groups, "people", view.t("Rep", "销售代表")))) }
            div.span3.pair {
                (card("forecast", view.t("Forecast", "预测"), "", charts::forecast_figure(&view, &period, &forecast)))
                (card("days", view.t("Stage velocity", "阶段速度"), "", charts::days_figure(&view, &stages, &period, &velocity)))
            }
        }
    };
    Ok(Answer::Page(page(&view, None, &team.name, head, content)))
}
