//! Pictures on the pages: the reports' own, drawn by the code that the API draws with, each with its table. They are files
//! of their own, so that a page is light and its policy needs no exception for what a drawing styles.

use entity::kind::StageKey;
use entity::scalar::Date;
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::Answer;
use super::html::nothing;
use super::pipeline::{Scope, Stages};
use super::view::{Theme, View, escaped};
use super::{reports, rules, show};
use crate::problem::{Error, Refusal};
use crate::report::activity::{self, Activity, ActivityChart, Per};
use crate::report::answer::sent;
use crate::report::chart::{NARROW, Picture, Theme as Drawn, WIDE};
use crate::report::figures::Scope as Period;
use crate::report::forecast::{self, Forecast, ForecastBucket, ForecastRow};
use crate::report::lost::{Lost, LostChart};
use crate::report::velocity::{self, Velocity, VelocityChart};
use crate::report::{self, Asked, Report, ReportFormat, Words, coverage, quota, route};
use crate::write::hex;

/// For phones.
const NARROWER: &str = "&width=narrow";

/// Months ahead that a table of the forecast shows.
const AHEAD: usize = 12;

/// What a page of reports, and each of its pictures, is asked: whose, which days, and as of which day.
pub fn period(view: &View) -> Result<Period, Refusal> {
    let id = |name: &str| view.asked.query(name).map(|text| text.parse::<Uuid>()).transpose();
    let day = |name: &str| match view.asked.query(name).map(Date::parse) {
        None => Ok(None),
        Some(Ok(day)) => Ok(Some(day)),
        Some(Err(_)) => Err(Refusal::invalid(name, "Must be a day such as 2026-03-02.")),
    };
    let unknown = |_| Refusal::not_found("page");
    Ok(Period {
        from: day("from")?,
        to: day("to")?,
        team_id: id("team").map_err(unknown)?,
        user_id: id("user").map_err(unknown)?,
        as_of: day("asOf")?,
        ..Period::default()
    })
}

/// The usual days of this team or person.
pub fn of(scope: Scope) -> Period {
    Period { team_id: scope.team_id, user_id: scope.user_id, days: velocity::DAYS, ..Period::default() }
}

pub async fn forecast_of(view: &View, scope: Scope) -> Result<Forecast, Error> {
    forecast::forecast(&view.state, &view.actor, &of(scope)).await
}

pub async fn velocity_of(view: &View, scope: Scope) -> Result<Velocity, Error> {
    velocity::velocity(&view.state, &view.actor, &of(scope)).await
}

/// How many stand beyond their stage's limit.
pub fn stale(velocity: &Velocity) -> i64 {
    velocity.stages.iter().map(|stage| stage.stale).sum()
}

/// `/charts/forecast?theme=dark&team=…`
pub async fn draw(view: View) -> Result<Answer, Error> {
    let theme = if view.asked.query("theme") == Some("dark") { Drawn::Dark } else { Drawn::Light };
    let width = if view.asked.query("width") == Some("narrow") { NARROW } else { WIDE };
    let asked = Asked { format: ReportFormat::Svg, locale: view.look.locale, theme, width };
    let picture = picture(&view).await?;
    Ok(Answer::Drawn(sent(asked.format, report::answer::draw(picture, asked).await?)))
}

/// The picture that the path names.
async fn picture(view: &View) -> Result<Picture, Error> {
    let period = period(view)?;
    let (state, actor) = (&view.state, &view.actor);
    let words = Words::load(state, actor, view.look.locale).await?;
    let days = |days| Period { days, ..period };
    Ok(match view.asked.name() {
        name @ ("funnel" | "standing" | "groups" | "compared") => {
            reports::funnel::picture(view, name, &period, &words).await?
        }
        "forecast" => forecast::forecast(state, actor, &period).await?.picture(&words),
        "accuracy" => forecast::accuracy(state, actor, &period, forecast::MONTHS).await?.picture(&words),
        "calibration" => forecast::calibration(state, actor, &days(forecast::DAYS)).await?.picture(&words),
        name @ ("days" | "weeks" | "moves") => {
            let chart = match name {
                "weeks" => VelocityChart::Weeks,
                "moves" => VelocityChart::Moves,
                _ => VelocityChart::Days,
            };
            let told = velocity::velocity(state, actor, &days(velocity::DAYS)).await?;
            Velocity { chart, ..told }.picture(&words)
        }
        name @ ("visits" | "reps" | "time") => {
            let chart = match name {
                "reps" => ActivityChart::Reps,
                "time" => ActivityChart::Time,
                _ => ActivityChart::Days,
            };
            let told = activity::activity(state, actor, &days(activity::DAYS), per(view)).await?;
            Activity { chart, ..told }.picture(&words)
        }
        "coverage" => coverage::coverage(state, actor, &days(coverage::DAYS)).await?.picture(&words),
        name @ ("lost" | "won") => {
            let chart = if name == "won" { LostChart::WinRate } else { LostChart::Reasons };
            let told = reports::lost::told(view, &period).await?;
            Lost { chart, ..told }.picture(&words)
        }
        "quota" => quota::quota(state, actor, &days(1)).await?.picture(&words),
        "route" => {
            let user_id = period.user_id.unwrap_or(actor.user_id);
            route::route(state, actor, user_id, period.from).await?.picture(&words)
        }
        "simulation" => rules::picture(view).await?,
        _ => return Err(Refusal::not_found("chart").into()),
    })
}

/// By what spans of time activities are told, if that was chosen.
pub fn per(view: &View) -> Option<Per> {
    view.asked.query("per").and_then(|name| Per::ALL.into_iter().find(|per| per.as_str() == name))
}

/// A picture with its table.
pub fn figure(view: &View, name: &str, told: &str, period: &Period, table: Markup) -> Markup {
    figure_of(view, name, told, about(view, period), table)
}

/// A picture whose table is looked at as much as itself, and is unfolded.
pub fn open_figure(view: &View, name: &str, told: &str, period: &Period, table: Markup) -> Markup {
    drawn(view, name, told, about(view, period), table, true)
}

/// What a picture of the reports is asked.
fn about(view: &View, period: &Period) -> [(&'static str, Option<String>); 8] {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string());
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    [
        ("team", id(period.team_id)),
        ("user", id(period.user_id)),
        ("from", day(period.from)),
        ("to", day(period.to)),
        ("asOf", day(period.as_of)),
        ("split", view.asked.query("split").map(str::to_owned)),
        ("compare", view.asked.query("compare").map(str::to_owned)),
        ("per", per(view).map(|per| per.as_str().to_owned())),
    ]
}

/// A picture that is asked something else, with its table.
pub fn figure_of<const N: usize>(
    view: &View,
    name: &str,
    told: &str,
    about: [(&str, Option<String>); N],
    table: Markup,
) -> Markup {
    drawn(view, name, told, about, table, false)
}

/// What the table says is in the address, so that the picture is drawn anew when it changes.
fn drawn<const N: usize>(
    view: &View,
    name: &str,
    told: &str,
    about: [(&str, Option<String>); N],
    table: Markup,
    is_open: bool,
) -> Markup {
    let version = &hex(&Sha256::digest(&table.0))[..12];
    let mut path = format!("/charts/{name}?v={version}&language={}", view.look.locale);
    for (name, value) in about {
        if let Some(value) = value {
            path += &format!("&{name}={}", escaped(&value));
        }
    }
    let light = format!("{path}&theme=light");
    let dark = format!("{path}&theme=dark");
    html! {
        figure.chart {
            div.scroll tabindex="0" role="group" aria-label=(told) {
                picture {
                    source media="print" srcset=(light);
                    @match view.look.theme {
                        Theme::Auto => {
                            source media="(max-width: 48rem) and (prefers-color-scheme: dark)" srcset=(format!("{dark}{NARROWER}"));
                            source media="(max-width: 48rem)" srcset=(format!("{light}{NARROWER}"));
                            source media="(prefers-color-scheme: dark)" srcset=(dark);
                        }
                        Theme::Light => source media="(max-width: 48rem)" srcset=(format!("{light}{NARROWER}"));,
                        Theme::Dark => source media="(max-width: 48rem)" srcset=(format!("{dark}{NARROWER}"));,
                    }
                    img src=(if view.look.theme == Theme::Dark { &dark } else { &light }) alt=(told) loading="lazy";
                }
            }
            details id=(format!("table-{name}")) open[is_open] {
                summary { (view.t("As a table", "查看表格")) }
                div.scroll tabindex="0" role="group" aria-label=(view.t("Table", "表格")) { (table) }
            }
        }
    }
}

pub fn forecast_figure(view: &View, period: &Period, forecast: &Forecast) -> Markup {
    if forecast.rows.iter().all(|row| row.open == 0) {
        return nothing(view.t("Nothing is open.", "没有进行中的商机。"));
    }
    let told = view.t("Forecast by the month in which a signature is expected", "按预计签约月份的预测");
    figure(view, "forecast", told, period, forecast_table(view, &forecast.rows))
}

pub fn forecast_table(view: &View, rows: &[ForecastRow]) -> Markup {
    // Those whose worth nobody has told add nothing to any column.
    let valued = rows.iter().filter(|row| row.currency.is_some());
    let (months, others): (Vec<&ForecastRow>, Vec<&ForecastRow>) =
        valued.partition(|row| row.bucket == ForecastBucket::Month);
    let unvalued: i64 = rows.iter().map(|row| row.unvalued).sum();
    html! {
        table {
            thead { tr {
                th scope="col" { (view.t("Month", "月份")) }
                th.num scope="col" { (view.t("Open", "进行中")) }
                th.num scope="col" { (view.t("Signed", "签约")) }
                th.num scope="col" { (view.t("Commit", "承诺")) }
                th.num scope="col" { (view.t("Best case", "最佳情况")) }
                th.num scope="col" { (view.t("Pipeline", "全部商机")) }
                th.num scope="col" { (view.t("Weighted", "加权")) }
                th.num scope="col" { (view.t("Weighted by history", "按历史加权")) }
            } }
            tbody { @for row in months.iter().take(AHEAD).chain(&others) { (forecast_row(view, row)) } }
        }
        @if unvalued > 0 { p.note { (show::number(unvalued)) (view.t(" open ones have no amount yet.", " 个进行中的商机尚无金额。")) } }
    }
}

fn forecast_row(view: &View, row: &ForecastRow) -> Markup {
    let amount = |amount: entity::scalar::Money| show::amount(view.look, amount.0, row.currency.as_deref());
    let name = match row.bucket {
        ForecastBucket::Month => row.month.as_deref().unwrap_or_default(),
        ForecastBucket::Overdue => view.t("overdue", "已逾期"),
        ForecastBucket::Undated => view.t("no day", "未定日期"),
    };
    html! { tr {
        th scope="row" { (name) }
        td.num { (show::number(row.open)) }
        td.num { (amount(row.signed)) }
        td.num { (amount(row.commit)) }
        td.num { (amount(row.best_case)) }
        td.num { (amount(row.pipeline)) }
        td.num { (amount(row.weighted)) }
        td.num { (amount(row.weighted_measured)) }
    } }
}

/// Net flow, week by week.
pub fn trend_figure(view: &View, stages: &Stages, period: &Period, velocity: &Velocity) -> Markup {
    if velocity.weeks.is_empty() {
        return nothing(view.t("Nothing moved.", "没有阶段流转。"));
    }
    let open = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation];
    let mut weeks: Vec<_> = velocity.weeks.iter().map(|row| row.week).collect();
    weeks.dedup();
    let cell = |week, stage| velocity.weeks.iter().find(|row| row.week == week && row.stage == stage);
    let table = html! {
        table {
            thead { tr {
                th scope="col" { (view.t("Week from", "周（起始）")) }
                @for stage in open { th.num scope="col" { (stages.name(stage, view)) (view.t(": in / out", "：进/出")) } }
            } }
            tbody { @for week in weeks { tr {
                th scope="row" { (show::day(view.look, week)) }
                @for stage in open { td.num { @if let Some(row) = cell(week, stage) { (row.entered) " / " (row.left) } @else { "–" } } }
            } } }
        }
    };
    figure(view, "weeks", view.t("Net flow of each stage by week", "各阶段每周净流量"), period, table)
}

/// Days per stage.
pub fn days_figure(view: &View, stages: &Stages, period: &Period, velocity: &Velocity) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { (view.t("Stage", "阶段")) }
                th.num scope="col" { (view.t("Ended", "已结束")) }
                th.num scope="col" { (view.t("Median", "中位数")) }
                th.num scope="col" { (view.t("90th percentile", "第90百分位")) }
                th.num scope="col" { (view.t("Standing", "停留中")) }
                th.num scope="col" { (view.t("Stale", "停滞")) }
            } }
            tbody { @for row in &velocity.stages { tr {
                th scope="row" { (stages.name(row.stage, view)) }
                td.num { (show::number(row.ended)) }
                td.num { (show::days(view.look, row.median_days)) }
                td.num { (show::days(view.look, row.p90_days)) }
                td.num { (show::number(row.standing)) }
                td.num { (show::number(row.stale)) }
            } } }
        }
    };
    figure(view, "days", view.t("Days in each stage", "各阶段停留天数"), period, table)
}
