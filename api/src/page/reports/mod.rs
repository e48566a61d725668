//! The reports that go deeper than the overview, each with its pictures, tables and what was known on a past day: one tab a
//! report, one form for all of them.

mod activity;
mod coverage;
mod forecast;
mod form;
pub mod funnel;
mod goals;
pub mod lost;
mod split;
mod velocity;

use entity::scalar::Date;
use entity::{team, user};
use maud::{Markup, html};
use poem::http::StatusCode;

use super::answer::{self, Answer};
use super::charts;
use super::html::{Place, page};
use super::show;
use super::view::View;
use crate::problem::{Code, Error, Refusal};
use crate::read;
use crate::report::figures::{Scope as Period, owner};

const TABS: [(&str, &str, &str); 7] = [
    ("funnel", "Funnel", "转化漏斗"),
    ("activity", "Activity", "活动"),
    ("coverage", "Coverage", "客户覆盖"),
    ("velocity", "Velocity", "阶段速度"),
    ("forecast", "Forecast", "预测"),
    ("lost", "Won and lost", "赢单与丢单"),
    ("goals", "Goals", "目标"),
];

pub async fn first(_: View) -> Result<Answer, Error> {
    Ok(Answer::Go("/reports/funnel".to_owned(), Vec::new()))
}

pub async fn show(view: View) -> Result<Answer, Error> {
    let name = view.asked.name().to_owned();
    let Some((_, en, zh)) = TABS.into_iter().find(|(own, ..)| *own == name) else {
        return Err(Refusal::not_found("page").into());
    };
    let title = view.t(en, zh);
    let (status, whose, told) = match told(&view, &name).await {
        Ok((whose, told)) => (StatusCode::OK, whose, told),
        // Days that cannot be shown are put right in the form.
        Err(Error::Refusal(refusal)) if refusal.code == Code::Validation => {
            (answer::status(&refusal), html! {}, fault(&view, &refusal))
        }
        Err(error) => return Err(error),
    };
    let head = html! {
        div { h1 { (title) } (whose) }
        nav.tabs aria-label=(view.t("Reports", "报表")) {
            @for (own, en, zh) in TABS {
                a href=(format!("/reports/{own}{}", query(&view, ""))) aria-current=[(own == name).then_some("page")] { (view.t(en, zh)) }
            }
        }
    };
    let form = form::form(&view, &name).await?;
    let content = html! { (form) (told) };
    let page = page(&view, Some(Place::Reports), title, head, content);
    Ok(if status == StatusCode::OK { Answer::Page(page) } else { Answer::Refused(status, None, page) })
}

/// Whose report it is, and the report.
async fn told(view: &View, name: &str) -> Result<(Markup, Markup), Error> {
    let period = charts::period(view)?;
    let told = match name {
        "funnel" => funnel::content(view, period).await?,
        "activity" => activity::content(view, period).await?,
        "coverage" => coverage::content(view, period).await?,
        "velocity" => velocity::content(view, period).await?,
        "forecast" => forecast::content(view, period).await?,
        "lost" => lost::content(view, period).await?,
        "goals" => goals::content(view, period).await?,
        _ => return Err(Refusal::not_found("page").into()),
    };
    Ok((whose(view, name, &period).await?, told))
}

/// The person and the team that the report is of, if it is not of all, each with the way back to all.
async fn whose(view: &View, name: &str, period: &Period) -> Result<Markup, Error> {
    let (state, actor) = (&view.state, &view.actor);
    // A rep's goals are those of his teams as well.
    let user_id = if name == "goals" { period.user_id } else { owner(actor, period.user_id, period.team_id) };
    let people = read::some::<user::Model>(state, actor, user_id.into_iter().collect()).await?;
    let teams = read::some::<team::Model>(state, actor, period.team_id.into_iter().collect()).await?;
    let of_all = |without: &str| format!("/reports/{name}{}", query(view, without));
    // A rep's reports are of himself; there is nothing to take away.
    let own = view.is_rep() && user_id == Some(view.user.id);
    Ok(html! {
        @if let Some(id) = user_id {
            p.muted {
                a href=(format!("/people/{id}")) { (people.first().map_or("–", |user| user.name.as_str())) }
                @if !own {
                    " · " a href=(of_all("user")) { @if view.is_rep() { (view.t("Only mine", "只看自己的")) } @else { (view.t("Of everybody", "全部人员")) } }
                }
            }
        }
        @if let Some(id) = period.team_id {
            p.muted {
                a href=(format!("/teams/{id}")) { (teams.first().map_or("–", |team| team.name.as_str())) }
                " · " a href=(of_all("team")) { (view.t("All teams", "全部团队")) }
            }
        }
    })
}

/// What is wrong with what was asked for.
fn fault(view: &View, refusal: &Refusal) -> Markup {
    let field = refusal.errors.first().map_or("", |error| error.pointer.as_str());
    let is_day = view.asked.query(field).is_none_or(|text| Date::parse(text).is_ok());
    let told = match field {
        "compare" => view.t("There is no such period before these days.", "这些日期之前没有可对比的时段。"),
        _ if !is_day => view.t("A day must be such as 2026-03-02.", "日期格式应如 2026-03-02。"),
        "from" => view.t("The first day lies after the last.", "开始日期晚于结束日期。"),
        "asOf" => view.t("The day in “As of” lies in the future.", "“截至”日期不能晚于今天。"),
        _ => view.t("There is no report of these days.", "无法按这些日期生成报表。"),
    };
    html! { p.alert role="alert" { (told) } }
}

/// What was asked goes along to the other tabs, but for one thing.
fn query(view: &View, without: &str) -> String {
    let kept = ["team", "user", "from", "to", "asOf"].into_iter().filter(|name| *name != without);
    let pairs: Vec<(&str, &str)> = kept.filter_map(|name| Some((name, view.asked.query(name)?))).collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    }
}

/// The days that a report is of, and as of which day.
fn days(view: &View, from: Date, to: Date, as_of: Option<Date>) -> Markup {
    html! {
        (show::day(view.look, from)) " – " (show::day(view.look, to))
        @if let Some(day) = as_of { " · " (view.t("as of ", "截至 ")) (show::day(view.look, day)) }
    }
}

/// Late sync and deletion change the past: that it was known otherwise is said, and how.
fn restated(view: &View, as_of: Option<Date>, differs: Option<Markup>) -> Markup {
    html! {
        @match (as_of, differs) {
            (Some(day), Some(told)) => {
                div.restated {
                    p {
                        b { (view.t("Known otherwise on ", "")) (show::day(view.look, day)) (view.t(". ", "当时所知不同。")) }
                        (view.t("What came late, was corrected or deleted since changes this report. When that day ended it said:", "此后补录、更正或删除的数据改变了本报表。当日结束时的结果为："))
                    }
                    (told)
                }
            }
            (Some(_), None) => p.note { (view.t("On that day it was known as it is now.", "当日所知与现在一致。")) },
            (None, _) => {}
        }
    }
}
