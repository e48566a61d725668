//! What is expected to be signed, what past expectations were worth, and how well each rep places his opportunities.

use maud::{Markup, html};

use super::super::charts::{figure, forecast_figure, forecast_table};
use super::super::html::{card, nothing};
use super::super::pipeline::Stages;
use super::super::show;
use super::super::view::View;
use super::restated;
use crate::problem::Error;
use crate::report::figures::Scope as Period;
use crate::report::forecast::{
    Calibration, CurrencyAccuracy, DAYS, ForecastAccuracy, MONTHS, MonthAccuracy, StageChance, accuracy, calibration,
    forecast,
};

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let period = Period { from: None, to: None, ..period };
    let year = Period { days: DAYS, ..period };
    let (state, actor) = (&view.state, &view.actor);
    let (stages, told, past, reps) = tokio::try_join!(
        Stages::read(view),
        forecast(state, actor, &period),
        accuracy(state, actor, &period, MONTHS),
        calibration(state, actor, &year),
    )?;
    let as_of = period.as_of;
    Ok(html! {
        div.grid {
            div.span3 {
                (card("forecast", view.t("Expected signatures", "预计签约"), show::day(view.look, told.as_of), html! {
                    (forecast_figure(view, &period, &told))
                    (restated(view, as_of, told.known_then.as_ref().map(|then| forecast_table(view, then))))
                }))
            }
            div.span3.pair {
                (card("accuracy", view.t("Past forecasts", "历史预测准确度"), show::day(view.look, told.as_of), past_forecasts(view, &period, &past)))
                (card("chances", view.t("Chances of the stages", "各阶段成交概率"), "", html! {
                    (chances(view, &stages, &told.stages))
                    (restated(view, as_of, told.stages_known_then.as_ref().map(|then| chances(view, &stages, then))))
                }))
            }
            div.span3 { (card("calibration", view.t("Said and signed", "预估与实际签约"), "", said(view, &period, &reps))) }
        }
    })
}

fn past_forecasts(view: &View, period: &Period, told: &ForecastAccuracy) -> Markup {
    if told.months.is_empty() && told.known_then.is_none() {
        return nothing(view.t("There is nothing to compare.", "没有可比较的数据。"));
    }
    let unvalued: i64 = told.months.iter().filter(|row| row.currency.is_none()).map(|row| row.opportunities).sum();
    html! {
        (figure(view, "accuracy", view.t("What was forecast on the first of each month, and what was signed in it", "每月一日的预测与当月实际签约"), period, months(view, &told.months)))
        (errors(view, &told.currencies))
        @if unvalued > 0 { p.note { (show::number(unvalued)) (view.t(" without a currency are left out.", " 个无币种的商机未列出。")) } }
        (restated(view, period.as_of, told.known_then.as_ref().map(|then| html! { (months(view, &then.months)) (errors(view, &then.currencies)) })))
    }
}

/// Those whose worth nobody has told add nothing to any column.
fn months(view: &View, told: &[MonthAccuracy]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Month", "月份")) }
            th.num scope="col" { (view.t("Forecast", "预测")) }
            th.num scope="col" { (view.t("Signed", "实际签约")) }
            th.num scope="col" { (view.t("Error", "误差")) }
        } }
        tbody { @for row in told.iter().filter(|row| row.currency.is_some()) { tr {
            th scope="row" { (row.month) }
            td.num { (show::amount(view.look, row.forecast.0, row.currency.as_deref())) }
            td.num { (show::amount(view.look, row.actual.0, row.currency.as_deref())) }
            td.num { (signed_percent(row.error_share)) }
        } } }
    } }
}

fn errors(view: &View, told: &[CurrencyAccuracy]) -> Markup {
    html! { @for row in told.iter().filter(|row| row.mean_absolute_error_share.is_some()) { p.note {
        (row.currency.as_deref().unwrap_or("?")) ": "
        (view.t("mean error ", "平均误差 ")) b { (show::percent(row.mean_absolute_error_share)) }
        (view.t(" of what was signed, bias ", "（占签约额），偏差 ")) b { (signed_percent(row.bias_share)) }
    } } }
}

/// With its sign: whether too much or too little.
fn signed_percent(share: Option<f64>) -> String {
    share
        .map_or("–".to_owned(), |share| format!("{}{:.0}%", if share < 0.0 { "−" } else { "+" }, share.abs() * 100.0))
}

fn chances(view: &View, stages: &Stages, told: &[StageChance]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Stage", "阶段")) }
            th.num scope="col" { (view.t("As set", "设定")) }
            th.num scope="col" { (view.t("Measured", "实测")) }
            th.num.desk scope="col" { (view.t("95% interval", "95%区间")) }
            th.num scope="col" { (view.t("Decided", "已有结果")) }
        } }
        tbody { @for row in told { tr {
            th scope="row" { (stages.name(row.stage, view)) }
            td.num { @if let Some(chance) = row.probability { (chance) "%" } @else { "–" } }
            @let measured = row.measured.as_ref();
            td.num.strong { (show::percent(measured.and_then(|rate| rate.rate))) }
            td.num.desk {
                @if let Some((low, high)) = measured.and_then(|rate| rate.low.zip(rate.high)) {
                    (show::percent(Some(low))) " – " (show::percent(Some(high)))
                } @else { "–" }
            }
            td.num { (show::number(row.decided)) }
        } } }
    } }
}

fn said(view: &View, period: &Period, told: &Calibration) -> Markup {
    if told.reps.is_empty() {
        return nothing(view.t("Nothing was decided.", "没有结果。"));
    }
    let table = html! { table {
        thead { tr {
            th scope="col" { (view.t("Rep", "销售代表")) }
            th.num scope="col" { (view.t("Opportunities", "商机")) }
            th.num scope="col" { (view.t("Said", "预估")) }
            th.num scope="col" { (view.t("Signed", "实际")) }
            th.num scope="col" { (view.t("Brier score", "Brier 分数")) }
        } }
        tbody { @for rep in &told.reps { tr {
            th scope="row" { a href=(format!("/people/{}", rep.user_id)) { (rep.name) } @if rep.is_small { " " span.chip.plain { (view.t("few", "样本少")) } } }
            td.num { (show::number(rep.opportunities)) }
            td.num { (show::percent(Some(rep.mean_probability))) }
            td.num { (show::percent(Some(rep.signed_share))) }
            td.num.strong { (format!("{:.3}", rep.brier)) }
        } } }
    } };
    html! {
        (figure(view, "calibration", view.t("How likely each rep said a signature was, and how often it came", "各销售代表的预估概率与实际签约率"), period, table))
        p.note { (view.t("Brier's score: 0 is perfect, 0.25 a coin's. A rep sees his own alone.", "Brier 分数：0 为完美，0.25 相当于抛硬币。销售代表只能看到自己的。")) }
    }
}
