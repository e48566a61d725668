//! The rule sets, and what a draft would have paid: a past period replayed, before and after side by side.

use chrono::Months;
use entity::kind::{Role, RuleSetStatus};
use entity::rule_set;
use entity::rules::{Bracket, Rules};
use entity::scalar::Date;
use maud::{Markup, Render, html};
use rust_decimal::prelude::ToPrimitive;

use super::answer::Answer;
use super::charts::figure_of;
use super::html::{Place, card, nothing, page};
use super::show;
use super::view::{Look, View};
use crate::problem::{Code, Error, Refusal};
use crate::read::{self, Listing};
use crate::report::chart::{Picture, Plot, Series};
use crate::rule_set::routes::SORTS;
use crate::simulation::{SimulatedTotals, Simulation, SimulationStatus, StartSimulation, run};
use crate::words;

/// Of reps, a picture shows those whom the rules change most.
const SHOWN: usize = 15;

pub async fn list(view: View) -> Result<Answer, Error> {
    let listing = Listing::new(None, Some(50), Some("-version".to_owned()));
    let sets = read::list::<rule_set::Model>(&view.state, &view.actor, listing, SORTS).await?.items;
    let title = view.t("Rules", "规则");
    let head = html! { div { h1 { (title) } p.muted { (view.t("What timely and complete entry earns. Each version can be tried on the past before it pays.", "及时、完整的录入如何得分。新版本可先用历史数据试算，再生效。")) } } };
    let content = card(
        "rules",
        view.t("Versions", "版本"),
        "",
        html! {
            table {
                thead { tr { th scope="col" { (view.t("Version", "版本")) } th scope="col" { (view.t("Status", "状态")) } th scope="col" { (view.t("From", "开始")) } th scope="col" { (view.t("Until", "结束")) } } }
                tbody { @for set in &sets { tr data-key=(set.id) {
                    th scope="row" { a href=(format!("/rules/{}", set.id)) { (view.t("Version ", "版本 ")) (set.version) } }
                    td { (status(set.status, view.look)) }
                    td { @if let Some(day) = set.starts_on { (show::day(view.look, day)) } @else { "–" } }
                    td { @if let Some(day) = set.ended_on { (show::day(view.look, day)) } @else { "–" } }
                } } }
            }
        },
    );
    Ok(Answer::Page(page(&view, Some(Place::Rules), title, head, content)))
}

fn status(status: RuleSetStatus, look: Look) -> Markup {
    let (class, text) = match status {
        RuleSetStatus::Draft => ("plain", look.t("draft", "草稿")),
        RuleSetStatus::Shadow => ("warn", look.t("shadow", "试运行")),
        RuleSetStatus::Active => ("good", look.t("in force", "生效中")),
        RuleSetStatus::Retired => ("plain", look.t("retired", "已停用")),
    };
    html! { span.chip.(class) { (text) } }
}

pub async fn one(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("rule set")?;
    let set: rule_set::Model = read::get(&view.state, &view.actor, id).await?;
    let is_admin = view.actor.role == Role::Admin;
    let simulation = if is_admin { newest(&view, &set).await? } else { None };
    let title = view.t(format!("Rules, version {}", set.version), format!("规则 版本 {}", set.version));
    let head = html! { div {
        nav.path aria-label=(view.t("Path", "路径")) { a href="/rules" { (view.t("Rules", "规则")) } }
        h1 { (title) }
        p { (status(set.status, view.look)) }
    } };
    let content = html! {
        div.grid {
            (card("what", view.t("What it says", "内容"), "", said(&view, &set.rules)))
            div.span2 { (card("simulation", view.t("Simulation", "试算"), "", html! {
                @if is_admin { (simulate(&view, &set, simulation.as_ref())) (result(&view, &set, simulation.as_ref())) }
                @else { (nothing(view.t("An administrator tries rules on the past: the figures name everybody.", "仅管理员可试算：结果涉及所有人。"))) }
            })) }
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Rules), &title, head, content)))
}

async fn newest(view: &View, set: &rule_set::Model) -> Result<Option<Simulation>, Error> {
    match run::newest(&view.state, &view.actor, set.id).await {
        Ok(simulation) => Ok(Some(simulation)),
        Err(Error::Refusal(refusal)) if refusal.code == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn said(view: &View, rules: &Rules) -> Markup {
    html! {
        h3 { (view.t("Timeliness", "及时性")) }
        (brackets(view, &rules.brackets))
        h3 { (view.t("Work", "工作")) }
        table { tbody { @for work in &rules.work { tr { @let (en, zh) = crate::points::words::kind(work.on); th scope="row" { (view.t(en, zh)) } td.num { (show::decimal(work.base.0)) (view.t(" points", " 分")) } } } } }
        h3 { (view.t("Fines", "扣分")) }
        @if rules.penalties.is_empty() { (nothing(view.t("None.", "无。"))) }
        table { tbody { @for fine in &rules.penalties { tr {
            th scope="row" { (words::penalty(fine.kind, view.look)) }
            td.num { (show::decimal(fine.points.0)) @if let Some(money) = fine.money { " · " (show::amount(view.look, money.0, rules.currency.as_ref().map(|c| c.0.as_str()))) } }
        } } } }
    }
}

fn brackets(view: &View, brackets: &[Bracket]) -> Markup {
    html! { table { tbody { @for bracket in brackets { tr {
        th scope="row" { (view.t("within ", "")) (bracket.within_hours) (view.t(" h", " 小时内")) }
        td.num { (bracket.percent) "%" }
    } } } } }
}

/// The form, with the days of the simulation that stands below it.
fn simulate(view: &View, set: &rule_set::Model, simulation: Option<&Simulation>) -> Markup {
    let today = view.today();
    let usual = (Date(today.0.checked_sub_months(Months::new(3)).unwrap_or(today.0)), today);
    let (from, to) = simulation.map_or(usual, |simulation| (simulation.from, simulation.to));
    html! {
        form.filter method="post" action=(format!("/rules/{}/simulate", set.id)) {
            div { label for="from" { (view.t("First day", "开始日期")) } input #from type="date" name="from" value=(from) max=(today) required; }
            div { label for="to" { (view.t("Last day", "结束日期")) } input #to type="date" name="to" value=(to) max=(today) required; }
            button.primary type="submit" { (view.t("Simulate", "试算")) }
        }
    }
}

fn result(view: &View, set: &rule_set::Model, simulation: Option<&Simulation>) -> Markup {
    let Some(simulation) = simulation else { return nothing(view.t("Not tried yet.", "尚未试算。")) };
    html! {
        p.note { (show::day(view.look, simulation.from)) " – " (show::day(view.look, simulation.to)) }
        @match (simulation.status, &simulation.result) {
            (SimulationStatus::Running, _) => {
                p data-poll { (view.t("Running: ", "正在试算：")) (simulation.done) " / " (simulation.total) }
                progress max=(simulation.total.max(1)) value=(simulation.done) aria-label=(view.t("Progress", "进度")) {}
            }
            (SimulationStatus::Finished, Some(result)) => {
                table {
                    thead { tr { th scope="col" { (view.t(format!("All {} together", result.reps.len()), format!("全体 {} 人合计", result.reps.len()))) } th.num scope="col" { (view.t("Before", "原规则")) } th.num scope="col" { (view.t("After", "新规则")) } } }
                    tbody {
                        (total(view.t("Points", "积分"), &result.then, &result.now, |t| show::decimal(t.points.0)))
                        (total(view.t("of these, fines", "其中扣分"), &result.then, &result.now, |t| show::decimal(t.fines.0)))
                        (total(view.t("Fines in money", "罚款"), &result.then, &result.now, |t| show::amount(view.look, t.money.0, t.currency.as_deref())))
                        (total(view.t("Rights to pick leads", "领取线索额度"), &result.then, &result.now, |t| show::number(t.leads)))
                        (total(view.t("Inequality (Gini)", "不均衡度（基尼）"), &result.then, &result.now, |t| format!("{:.2}", t.gini)))
                    }
                }
                p.note { (view.t("Below zero now and not before: ", "新规则下转为负分的人数：")) b { (result.newly_losing) } }
                p.note { (view.t("Fewer points than before: ", "新规则下得分减少的人数：")) b { (result.earning_less) } }
                (people(view, set, simulation))
            }
            (SimulationStatus::Finished | SimulationStatus::Failed, _) => p.alert { (view.t("It failed. Start another.", "试算失败，请重新开始。")) }
        }
    }
}

fn total<R: Render>(
    name: &str,
    then: &SimulatedTotals,
    now: &SimulatedTotals,
    of: impl Fn(&SimulatedTotals) -> R,
) -> Markup {
    html! { tr { th scope="row" { (name) } td.num { (of(then)) } td.num.strong { (of(now)) } } }
}

/// The newest simulation of the rule set that `set` names, as a picture.
pub async fn picture(view: &View) -> Result<Picture, Error> {
    let unknown = || Refusal::not_found("simulation");
    let id = view.asked.query("set").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let set: rule_set::Model = read::get(&view.state, &view.actor, id).await?;
    if view.actor.role != Role::Admin {
        return Err(unknown().into());
    }
    let simulation = newest(view, &set).await?.ok_or_else(unknown)?;
    let mut reps: Vec<_> = simulation.result.iter().flat_map(|result| &result.reps).collect();
    let n = reps.len();
    reps.sort_by_key(|rep| std::cmp::Reverse(rep.difference.0.abs()));
    reps.truncate(SHOWN);
    let points = |points: entity::scalar::Points| points.0.to_f64().unwrap_or_default();
    let series = vec![
        Series::new(view.t("before", "原规则"), reps.iter().map(|rep| points(rep.then.points))),
        Series::new(view.t("after", "新规则"), reps.iter().map(|rep| points(rep.now.points))),
    ];
    let unit = view.t("points; those whom it changes most", "积分；变化最大者");
    Ok(Picture {
        title: view.t("Points before and after", "新旧规则积分对比").to_owned(),
        note: format!("{} – {} · {unit} · n={n}", simulation.from, simulation.to),
        plot: Plot::Rows { names: reps.iter().map(|rep| rep.name.clone()).collect(), series },
        empty: view.t("There is nobody to compare.", "暂无可比人员。").to_owned(),
    })
}

/// Every rep before and after, who loses most first.
fn people(view: &View, set: &rule_set::Model, simulation: &Simulation) -> Markup {
    let reps = simulation.result.iter().flat_map(|result| &result.reps);
    let table = html! {
        table.groups {
            caption.hidden { (view.t("Points of each rep before and after", "各销售代表新旧规则下的积分")) }
            thead { tr {
                th scope="col" { (view.t("Rep", "销售代表")) }
                th.num scope="col" { (view.t("Before", "原规则")) }
                th.num scope="col" { (view.t("After", "新规则")) }
                th.num scope="col" { (view.t("Difference", "差额")) }
            } }
            tbody { @for rep in reps { tr {
                th scope="row" { a href=(format!("/people/{}", rep.user_id)) { (rep.name) } @if rep.newly_loses { " " span.chip.bad { (view.t("loses", "转负")) } } }
                td.num { (show::decimal(rep.then.points.0)) }
                td.num.strong { (show::decimal(rep.now.points.0)) }
                td.num { (show::decimal(rep.difference.0)) }
            } } }
        }
    };
    let told = view.t("Points of those whom the rules change most, before and after", "积分变化最大者的新旧对比");
    figure_of(view, "simulation", told, [("set", Some(set.id.to_string()))], table)
}

pub async fn start(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("rule set")?;
    let day = |name: &str| {
        Date::parse(view.asked.field(name))
            .map_err(|_| Refusal::invalid(format!("/{name}"), "Must be a day such as 2026-03-02."))
    };
    let asked = StartSimulation { from: day("from")?, to: day("to")? };
    run::start(&view.state, &view.actor, id, &asked).await?;
    Ok(Answer::Go(format!("/rules/{id}"), Vec::new()))
}
