//! The route of a rep's day on a map, with the table behind it. For himself and for those who lead him.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use entity::activity;
use entity::kind::{ActivityKind, Verdict};
use entity::scalar::{Date, Timestamp};
use maud::{Markup, html};
use uuid::Uuid;

use super::answer::Answer;
use super::charts::figure_of;
use super::html::{card, nothing, page};
use super::show;
use super::view::View;
use crate::activity::routes::SORTS;
use crate::points::routes::whose;
use crate::problem::{Error, Refusal};
use crate::read::{self, Listing};
use crate::report::Words;
use crate::report::route::look::meaning;
use crate::report::route::{Route, Stop, route};
use crate::words;

pub async fn show(view: View) -> Result<Answer, Error> {
    let id = view.asked.id("user")?;
    let person = whose(&view.state, &view.actor, Some(id)).await?;
    let day = match view.asked.query("day").map(Date::parse) {
        None => view.today(),
        Some(Ok(day)) => day,
        Some(Err(_)) => return Err(Refusal::invalid("day", "Must be a day such as 2026-03-02.").into()),
    };
    let told = route(&view.state, &view.actor, id, Some(day)).await?;
    let words = Words::load(&view.state, &view.actor, view.look.locale).await?;
    let title = view.t("Route of the day", "当日路线");
    let head = html! {
        div {
            nav.path aria-label=(view.t("Path", "路径")) {
                a href="/" { (view.t("Overview", "概览")) } " › " a href=(format!("/people/{id}")) { (person.name) }
            }
            h1 { (title) }
            p.muted { (show::day(view.look, day)) }
        }
        (days(&view, id, day))
    };
    let nearest = if told.stops.is_empty() { nearest(&view, id, day).await? } else { Nearest::default() };
    let content = html! {
        (tiles(&view, &told))
        (card("route", view.t("Where the visits were", "拜访地点"), "", html! {
            @if told.stops.is_empty() { (no_visits(&view, id, nearest)) } @else {
                @let about = [("user", Some(id.to_string())), ("from", Some(day.to_string()))];
                @let alt = view.t("Map of the day's visits in their order", "当日拜访顺序地图");
                (figure_of(&view, "route", alt, about, table(&view, &words, &told)))
                p.note { (view.t("North is up. Distances are as the crow flies. Only those who lead a rep and he himself see this.", "上方为北，距离为直线距离。仅本人及其上级可见。")) }
            }
        }))
    };
    Ok(Answer::Page(page(&view, None, title, head, content)))
}

fn path(id: Uuid, day: Date) -> String {
    format!("/people/{id}/route?day={day}")
}

/// The days with visits before and after one that has none.
#[derive(Clone, Copy, Default)]
struct Nearest {
    before: Option<Date>,
    after: Option<Date>,
}

/// Among the visits that the viewer sees.
async fn nearest(view: &View, id: Uuid, day: Date) -> Result<Nearest, Error> {
    let begins = |day: NaiveDate| -> Timestamp {
        let midnight = day.and_time(NaiveTime::MIN);
        view.zone.from_local_datetime(&midnight).earliest().map_or(midnight.and_utc(), |at| at.to_utc()).into()
    };
    let next_day = day.0.succ_opt().unwrap_or(day.0);
    let one = async |sort: &str, condition: &'static str, at: Timestamp| {
        let listing = Listing::new(None, Some(1), Some(sort.to_owned()))
            .only("t.owner_id = ?", Some(id))
            .only("t.kind = ?", Some(ActivityKind::Visit.as_str()))
            .only(condition, Some(at));
        let found = read::list::<activity::Model>(&view.state, &view.actor, listing, SORTS).await?.items;
        Ok::<_, Error>(found.first().map(|visit| Date(visit.occurred.0.with_timezone(&view.zone).date_naive())))
    };
    let (before, after) = tokio::try_join!(
        one("-occurred", "t.occurred < ?", begins(day.0)),
        one("occurred", "t.occurred >= ?", begins(next_day)),
    )?;
    Ok(Nearest { before, after })
}

fn no_visits(view: &View, id: Uuid, nearest: Nearest) -> Markup {
    html! {
        (nothing(view.t("No visits on this day.", "当日没有拜访。")))
        @if nearest.before.is_some() || nearest.after.is_some() {
            div.buttons {
                @if let Some(day) = nearest.before { a.button href=(path(id, day)) { (view.t("Last visits before: ", "之前最近的拜访：")) (show::day(view.look, day)) } }
                @if let Some(day) = nearest.after { a.button href=(path(id, day)) { (view.t("First visits after: ", "之后最近的拜访：")) (show::day(view.look, day)) } }
            }
        }
    }
}

/// To the days before and after, and to any.
fn days(view: &View, id: Uuid, day: Date) -> Markup {
    let beside = |days: i64| day.0.checked_add_signed(TimeDelta::days(days)).map(Date);
    html! {
        form.filter method="get" action=(format!("/people/{id}/route")) {
            @if let Some(before) = beside(-1) { a.button href=(path(id, before)) { (view.t("Day before", "前一天")) } }
            div { label.hidden for="day" { (view.t("Day", "日期")) } input #day type="date" name="day" value=(day) max=(view.today()) required; }
            button.primary type="submit" { (view.t("Show", "查看")) }
            @if let Some(after) = beside(1).filter(|after| *after <= view.today()) { a.button href=(path(id, after)) { (view.t("Day after", "后一天")) } }
        }
    }
}

fn tiles(view: &View, told: &Route) -> Markup {
    let of = |verdict| told.stops.iter().filter(|stop| stop.verdict == Some(verdict)).count();
    let minutes: i64 = told.stops.iter().filter_map(|stop| stop.minutes).map(i64::from).sum();
    html! {
        dl.tiles #tiles data-live {
            div.tile { dt { (view.t("Visits", "拜访")) } dd { strong { (told.stops.len()) } } }
            div.tile { dt { (view.t("On site", "已到场")) } dd { strong { (of(Verdict::Verified)) } small { (of(Verdict::Outside)) (view.t(" elsewhere", " 次不在现场")) } } }
            div.tile { dt { (view.t("Way", "路程")) } dd { strong { (told.kilometres.to_string()) (view.t(" km", " 公里")) } small { (view.t("as the crow flies", "直线距离")) } } }
            div.tile { dt { (view.t("With customers", "拜访时长")) } dd { strong { (minutes) (view.t(" min", " 分钟")) } } }
        }
    }
}

fn table(view: &View, words: &Words, told: &Route) -> Markup {
    html! { table {
        thead { tr {
            th.num scope="col" { "#" }
            th scope="col" { (view.t("Time", "时间")) }
            th scope="col" { (view.t("Account", "客户")) }
            th scope="col" { (view.t("Place", "地点")) }
            th.num scope="col" { (view.t("Minutes", "分钟")) }
            th.num scope="col" { (view.t("From the last", "距上一站")) }
        } }
        tbody { @for (place, stop) in told.stops.iter().enumerate() { tr {
            td.num { (place + 1) }
            td { (told.clock(stop)) }
            th scope="row" { a href=(format!("/accounts/{}", stop.account_id)) { (stop.account) } }
            td { (known(view, words, stop)) }
            td.num { @if let Some(minutes) = stop.minutes { (minutes) } @else { "–" } }
            td.num { @if let Some(kilometres) = stop.kilometres { (kilometres.to_string()) (view.t(" km", " 公里")) } @else { "–" } }
        } } }
    } }
}

fn known(view: &View, words: &Words, stop: &Stop) -> Markup {
    html! {
        @if stop.latitude.is_none() { (words::verdict(Verdict::Unknown, view.look)) }
        @else { (meaning(stop.mark(), words)) }
    }
}
