//! How far goals are reached, and how much of their time has gone.

use entity::scalar::Money;
use maud::{Markup, html};
use rust_decimal::prelude::ToPrimitive;

use super::super::charts::figure;
use super::super::html::{card, nothing};
use super::super::show;
use super::super::view::View;
use super::{days, restated};
use crate::goal::GoalMeasure;
use crate::problem::Error;
use crate::report::figures::Scope as Period;
use crate::report::quota::{Attainment, quota};

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let told = quota(&view.state, &view.actor, &Period { days: 1, ..period }).await?;
    let aside = days(view, told.from, told.to, told.as_of);
    let changed: Vec<&Attainment> = told.goals.iter().filter(|goal| goal.actual_known_then.is_some()).collect();
    let then = (!changed.is_empty()).then(|| table(view, &changed, |goal| goal.actual_known_then));
    let all: Vec<&Attainment> = told.goals.iter().collect();
    Ok(card(
        "goals",
        view.t("Goals that run in these days", "该时段的目标"),
        aside,
        html! {
            @if told.goals.is_empty() { (nothing(view.t("There are no goals. Managers set them by the API.", "没有目标。经理可通过接口设置。"))) } @else {
                (figure(view, "quota", view.t("Share of each goal that was reached, and of its time that has gone", "各目标的达成率与时间进度"), &period, table(view, &all, |goal| Some(goal.actual))))
            }
            (restated(view, told.as_of, then))
        },
    ))
}

fn table(view: &View, goals: &[&Attainment], reached: impl Fn(&Attainment) -> Option<Money>) -> Markup {
    let worth = |goal: &Attainment, amount: Money| match goal.measure {
        GoalMeasure::Amount => show::amount(view.look, amount.0, goal.currency.as_deref()),
        _ => html! { (show::decimal(amount.0)) },
    };
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Whose", "对象")) }
            th scope="col" { (view.t("Of what", "指标")) }
            th.desk scope="col" { (view.t("Days", "时段")) }
            th.num scope="col" { (view.t("Goal", "目标")) }
            th.num scope="col" { (view.t("Reached", "达成")) }
            th.num scope="col" { (view.t("Share", "达成率")) }
            th.num.desk scope="col" { (view.t("Time gone", "时间进度")) }
        } }
        tbody { @for goal in goals { tr {
            th scope="row" {
                @if let Some(id) = goal.user_id { a href=(format!("/people/{id}")) { (goal.name) } }
                @else if let Some(id) = goal.team_id { a href=(format!("/teams/{id}")) { (goal.name) } }
            }
            td { (measure(view, goal.measure)) }
            td.desk { (show::day(view.look, goal.from)) " – " (show::day(view.look, goal.to)) }
            td.num { (worth(goal, goal.target)) }
            @let actual = reached(goal);
            td.num.strong { @if let Some(actual) = actual { (worth(goal, actual)) } }
            td.num { (show::percent(actual.map(|actual| share(actual, goal.target)))) }
            td.num.desk { (show::percent(Some(goal.elapsed))) }
        } } }
    } }
}

fn share(actual: Money, target: Money) -> f64 {
    (actual.0 / target.0).to_f64().unwrap_or_default()
}

fn measure(view: &View, measure: GoalMeasure) -> &'static str {
    match measure {
        GoalMeasure::Amount => view.t("amount", "金额"),
        GoalMeasure::SignedCount => view.t("signed", "签约数"),
        GoalMeasure::Visits => view.t("visits", "拜访"),
        GoalMeasure::NewAccounts => view.t("new accounts", "新客户"),
    }
}
