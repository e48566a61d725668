//! The form of all reports: whose, which days, as of which day, and what one of them asks besides.

use entity::team;
use maud::{Markup, html};

use super::super::charts;
use super::super::view::View;
use super::funnel::compare;
use super::{activity, lost, split};
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::team::routes::SORTS as TEAM_SORTS;

/// Teams that can be chosen.
const TEAMS: i32 = 200;

pub async fn form(view: &View, name: &str) -> Result<Markup, Error> {
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
            @if name == "activity" { (spans(view)) }
            @if name == "lost" { (splits(view, view.t("Win rate by", "赢单率按"), None)) }
            @if name == "funnel" {
                (splits(view, view.t("Split by", "分组"), Some(view.t("nothing", "不分组"))))
                (comparisons(view, &teams, chosen))
            }
            button.primary type="submit" { (view.t("Show", "查看")) }
            @if let Some(days) = usual(view, name) { p.note { (days) } }
        }
    })
}

fn spans(view: &View) -> Markup {
    html! { div {
        label for="per" { (view.t("Told by", "统计单位")) }
        select #per name="per" {
            option value="" { (view.t("automatic", "自动")) }
            @for (per, en, zh) in activity::SPANS {
                option value=(per.as_str()) selected[charts::per(view) == Some(per)] { (view.t(en, zh)) }
            }
        }
    } }
}

/// `nothing` is what it is called not to tell anything apart, where that can be chosen.
fn splits(view: &View, label: &str, nothing: Option<&str>) -> Markup {
    let chosen = split::asked(view).or_else(|| nothing.is_none().then_some(lost::USUAL));
    html! { div {
        label for="split" { (label) }
        select #split name="split" {
            @if let Some(nothing) = nothing { option value="" { (nothing) } }
            @for (by, en, zh) in split::SPLITS {
                option value=(by) selected[chosen.is_some_and(|chosen| chosen.as_str() == by)] { (view.t(en, zh)) }
            }
        }
    } }
}

/// With an earlier period, or with a team that is not the chosen one.
fn comparisons(view: &View, teams: &[team::Model], chosen: &str) -> Markup {
    let asked = view.asked.query("compare").unwrap_or_default();
    let others: Vec<(String, &str)> =
        teams.iter().map(|team| (team.id.to_string(), team.name.as_str())).filter(|(id, _)| id != chosen).collect();
    html! { div {
        label for="compare" { (view.t("Compare with", "对比")) }
        select #compare name="compare" {
            option value="" { (view.t("nothing", "不对比")) }
            @for (with, en, zh) in compare::PERIODS {
                option value=(with) selected[with == asked] { (view.t(en, zh)) }
            }
            @if teams.len() > 1 && !others.is_empty() {
                optgroup label=(view.t("Another team", "其他团队")) {
                    @for (id, name) in &others { option value=(id) selected[id == asked] { (name) } }
                }
            }
        }
    } }
}

/// What a report is of where no days are chosen. The forecast has no first and last day.
fn usual(view: &View, name: &str) -> Option<String> {
    let days = match name {
        "funnel" => {
            return Some(view.t("No days chosen: the last twelve months.", "日期留空为最近十二个月。").to_owned());
        }
        "activity" => crate::report::activity::DAYS,
        "coverage" => crate::report::coverage::DAYS,
        "velocity" => crate::report::velocity::DAYS,
        "lost" => crate::report::lost::DAYS,
        "goals" => return Some(view.t("No days chosen: today.", "日期留空为今天。").to_owned()),
        _ => return None,
    };
    Some(view.t(format!("No days chosen: the last {days} days."), format!("日期留空为最近 {days} 天。")))
}

/// Those that the viewer leads.
async fn teams(view: &View) -> Result<Vec<team::Model>, Error> {
    let listing = Listing::new(None, Some(TEAMS), Some("name".to_owned()));
    let all = read::list::<team::Model>(&view.state, &view.actor, listing, TEAM_SORTS).await?.items;
    if view.actor.sees_all() {
        return Ok(all);
    }
    let led = read::held_scopes(&view.state, &view.actor, all.iter().map(|team| team.id).collect()).await?;
    Ok(all.into_iter().filter(|team| led.contains(&team.id)).collect())
}
