//! The reports that go deeper than the overview, each with its pictures, tables and what was known on a past day: one tab a
//! report, one form for all of them.

mod activity;
mod coverage;
mod forecast;
mod goals;
mod lost;
mod velocity;

use entity::scalar::Date;
use entity::team;
use maud::{Markup, html};

use super::answer::Answer;
use super::charts;
use super::html::{Place, page};
use super::show;
use super::view::View;
use crate::problem::{Error, Refusal};
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
    let period = charts::period(&view)?;
    let content = match view.asked.name() {
        "activity" => activity::content(&view, period).await?,
        "coverage" => coverage::content(&view, period).await?,
        "velocity" => velocity::content(&view, period).await?,
        "forecast" => forecast::content(&view, period).await?,
        "lost" => lost::content(&view, period).await?,
        "goals" => goals::content(&view, period).await?,
        _ => return Err(Refusal::not_found("page").into()),
    };
    let name = view.asked.name().to_owned();
    let title = TABS.iter().find(|(own, ..)| *own == name).map_or("", |(_, en, zh)| view.t(en, zh));
    let head = html! {
        div { h1 { (title) } }
        nav.tabs aria-label=(view.t("Reports", "报表")) {
            @for (own, en, zh) in TABS {
                a href=(format!("/reports/{own}{}", query(&view))) aria-current=[(own == name).then_some("page")] { (view.t(en, zh)) }
            }
        }
    };
    let form = form(&view, &period, &name).await?;
    let content = html! { (form) (content) };
    Ok(Answer::Page(page(&view, Some(Place::Reports), title, head, content)))
}

/// What was asked goes along to the other tabs.
fn query(view: &View) -> String {
    let kept = ["team", "user", "from", "to", "asOf"];
    let pairs: Vec<(&str, &str)> = kept.iter().filter_map(|name| Some((*name, view.asked.query(name)?))).collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    }
}

async fn form(view: &View, period: &Period, name: &str) -> Result<Markup, Error> {
    let teams = if view.is_rep() { Vec::new() } else { teams(view).await? };
    let today = view.today();
    let day = |id: &'static str, en: &'static str, zh: &'static str, value: Option<Date>| {
        html! { div { label for=(id) { (view.t(en, zh)) } input id=(id) type="date" name=(id) value=[value] max=(today); } }
    };
    Ok(html! {
        form.filter.ask method="get" action=(format!("/reports/{name}")) {
            @if teams.len() > 1 {
                div {
                    label for="team" { (view.t("Team", "团队")) }
                    select #team name="team" {
                        option value="" { (view.t("all", "全部")) }
                        @for team in &teams { option value=(team.id) selected[period.team_id == Some(team.id)] { (team.name) } }
                    }
                }
            }
            @if let Some(user) = period.user_id { input type="hidden" name="user" value=(user); }
            // The forecast looks ahead from a day.
            @if name != "forecast" {
                (day("from", "First day", "开始日期", period.from))
                (day("to", "Last day", "结束日期", period.to))
            }
            (day("asOf", "As of", "截至", period.as_of))
            @if name == "activity" {
                div {
                    label for="per" { (view.t("Told by", "统计单位")) }
                    select #per name="per" {
                        option value="" { (view.t("length of the period", "按时段长度")) }
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
