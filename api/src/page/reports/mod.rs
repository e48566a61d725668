//! The reports that go deeper than the overview, each with its pictures, tables and what was known on a past day: one tab a
//! report, one form for all of them.

mod activity;
mod coverage;
mod forecast;
mod goals;
mod lost;
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
use crate::read::{self, Listing};
use crate::report::figures::Scope as Period;
use crate::team::routes::SORTS as TEAM_SORTS;

/// Teams of the form.
const TEAMS: i32 = 200;

const TABS: [(&str, &str, &str); 6] = [
    ("activity", "Activity", "活动"),
    ("coverage", "Coverage", "客户覆盖"),
    ("velocity", "Velocity", "阶段速度"),
    ("forecast", "Forecast", "预测"),
    ("lost", "Won and lost", "赢单与丢单"),
    ("goals", "Goals", "目标"),
];

pub async fn first(_: View) -> Result<Answer, Error> {
    Ok(Answer::Go("/reports/activity".to_owned(), Vec::new()))
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
    let form = form(&view, &name).await?;
    let content = html! { (form) (told) };
    let page = page(&view, Some(Place::Reports), title, head, content);
    Ok(if status == StatusCode::OK { Answer::Page(page) } else { Answer::Refused(status, None, page) })
}

/// Whose report it is, and the report.
async fn told(view: &View, name: &str) -> Result<(Markup, Markup), Error> {
    let period = charts::period(view)?;
    let told = match name {
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
    let people = read::some::<user::Model>(state, actor, period.user_id.into_iter().collect()).await?;
    let teams = read::some::<team::Model>(state, actor, period.team_id.into_iter().collect()).await?;
    let of_all = |without: &str| format!("/reports/{name}{}", query(view, without));
    // A rep's reports are of himself; there is nothing to take away.
    let own = view.is_rep() && period.user_id == Some(view.user.id);
    Ok(html! {
        @if let Some(id) = period.user_id {
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

/// What is wrong with the days that were asked for.
fn fault(view: &View, refusal: &Refusal) -> Markup {
    let field = refusal.errors.first().map_or("", |error| error.pointer.as_str());
    let is_day = view.asked.query(field).is_none_or(|text| Date::parse(text).is_ok());
    let told = match field {
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

/// What a report is of where no days are chosen. The forecast has no first and last day.
fn usual(view: &View, name: &str) -> Option<String> {
    let days = match name {
        "activity" => crate::report::activity::DAYS,
        "coverage" => crate::report::coverage::DAYS,
        "velocity" => crate::report::velocity::DAYS,
        "lost" => crate::report::lost::DAYS,
        "goals" => return Some(view.t("No days chosen: today.", "日期留空为今天。").to_owned()),
        _ => return None,
    };
    Some(view.t(format!("No days chosen: the last {days} days."), format!("日期留空为最近 {days} 天。")))
}

async fn form(view: &View, name: &str) -> Result<Markup, Error> {
    let teams = if view.is_rep() { Vec::new() } else { teams(view).await? };
    let today = view.today();
    let day = |id: &'static str, en: &'static str, zh: &'static str| {
        html! { div { label for=(id) { (view.t(en, zh)) } input id=(id) type="date" name=(id) value=[view.asked.query(id)] max=(today); } }
    };
    let chosen = view.asked.query("team").unwrap_or_default();
    Ok(html! {
        form.filter.ask method="get" action=(format!("/reports/{name}")) {
            @if teams.len() > 1 {
                div {
                    label for="team" { (view.t("Team", "团队")) }
                    select #team name="team" {
                        option value="" { (view.t("all", "全部")) }
                        @for team in &teams { option value=(team.id) selected[team.id.to_string() == chosen] { (team.name) } }
                    }
                }
            }
            @if let Some(user) = view.asked.query("user") { input type="hidden" name="user" value=(user); }
            // The forecast looks ahead from a day.
            @if name != "forecast" {
                (day("from", "First day", "开始日期"))
                (day("to", "Last day", "结束日期"))
            }
            (day("asOf", "As of", "截至"))
            @if name == "activity" {
                div {
                    label for="per" { (view.t("Told by", "统计单位")) }
                    select #per name="per" {
                        option value="" { (view.t("automatic", "自动")) }
                        @for (per, en, zh) in activity::SPANS {
                            option value=(per.as_str()) selected[charts::per(view) == Some(per)] { (view.t(en, zh)) }
                        }
                    }
                }
            }
            @if name == "lost" {
                div {
                    label for="split" { (view.t("Win rate by", "赢单率按")) }
                    select #split name="split" {
                        @for (by, en, zh) in lost::SPLITS {
                            option value=(by) selected[charts::split(view).as_str() == by] { (view.t(en, zh)) }
                        }
                    }
                }
            }
            button.primary type="submit" { (view.t("Show", "查看")) }
            @if let Some(days) = usual(view, name) { p.note { (days) } }
        }
    })
}

/// Those that the viewer leads.
async fn teams(view: &View) -> Result<Vec<team::Model>, Error> {
    let listing = Listing::new(None, Some(TEAMS), Some("name".to_owned()));
    let all = read::list::<team::Model>(&view.state, &view.actor, listing, TEAM_SORTS).await?.items;
    if view.actor.sees_all() {
        return Ok(all);
    }
    let mut led = Vec::new();
    for team in all {
        if read::holds_scope(&view.state, &view.actor, team.id).await? {
            led.push(team);
        }
    }
    Ok(led)
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
