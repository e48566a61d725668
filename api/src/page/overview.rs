//! The first page: whether the pipeline converts, who converts it, and what needs somebody today.

use chrono::TimeDelta;
use entity::kind::StageKey;
use entity::scalar::Timestamp;
use entity::{activity, appeal, hold, lead, opportunity};
use maud::{Markup, html};
use uuid::Uuid;

use super::answer::Answer;
use super::html::{Place, card, nothing, page};
use super::pipeline::{self, Names, Scope, Stages, is_small, through};
use super::view::View;
use super::{appeals, charts, holds, leads, show};
use crate::activity::routes::SORTS as ACTIVITY_SORTS;
use crate::leaderboard::{Asked, Leaderboard, leaderboard};
use crate::opportunity::routes::SORTS as OPPORTUNITY_SORTS;
use crate::problem::{Code, Error};
use crate::read::{self, Listing};
use crate::report::{Cohort, CurrencyAmount, Snapshot, SplitBy};

const OPEN: [StageKey; 3] = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation];

pub async fn show(view: View) -> Result<Answer, Error> {
    // A rep's page tells his own figures, also where he sees more.
    let scope = Scope { user_id: view.is_rep().then_some(view.user.id), ..Scope::default() };
    let period = charts::of(scope);
    let (stages, cohort, standing, board, latest, forecast, velocity) = tokio::try_join!(
        Stages::read(&view),
        pipeline::cohort(&view, scope, SplitBy::Team),
        pipeline::standing(&view, scope),
        board(&view),
        latest(&view, None, 8),
        charts::forecast_of(&view, scope),
        charts::velocity_of(&view, scope),
    )?;
    let (stale, holds, appeals, returning) = tokio::try_join!(
        stale(&view, &stages, scope.user_id),
        holds::open(&view, WAITING_SHOWN),
        appeals::open(&view, WAITING_SHOWN),
        leads::returning(&view, WAITING_SHOWN),
    )?;
    let waiting = Waiting { stale, holds, appeals, returning };
    let stale = &waiting.stale;
    // In a single team the people are what can be compared.
    let people = cohort.groups.len() < 2;
    let groups =
        if people { pipeline::cohort(&view, scope, SplitBy::User).await?.groups } else { cohort.groups.clone() };
    let mut names = Names::default();
    let people_named = latest.iter().map(|a| a.owner_id).chain(stale.iter().map(|o| o.owner_id));
    names.users(&view, people_named.chain(waiting.people())).await?;
    names.accounts(&view, latest.iter().map(|a| a.account_id).chain(stale.iter().filter_map(|o| o.account_id))).await?;

    let title = if view.is_rep() { view.t("My figures", "我的数据") } else { view.t("Overview", "概览") };
    let head = html! {
        div {
            h1 { (title) }
            p.muted {
                (show::day(view.look, view.today()))
                @if !view.is_rep() { " · " a href="/digest" { (view.t("Monday summary", "每周汇总")) } }
            }
        }
        (pipeline::periods(&view))
    };
    let content = html! {
        (tiles(&view, &cohort, &standing, charts::stale(&velocity)))
        div.grid.overview {
            div.span2 {
                (card("funnel", view.t("Funnel", "转化漏斗"), pipeline::deeper(&view, ""), pipeline::funnel_table(&view, &stages, &cohort)))
            }
            // Beside the rest at a desk; on a phone what waits comes right after the funnel.
            div.column.beside {
                (card("needs", view.t("Needs action", "需要处理"), "", needs(&view, &stages, &names, &waiting)))
                (card("board", view.t("Leaderboard this month", "本月排行榜"), "", places(&view, board.as_ref())))
            }
            div.span2 {
                (card("forecast", view.t("Forecast", "预测"), "", charts::forecast_figure(&view, &period, &forecast)))
                (card("trend", view.t("Trend", "趋势"), "", charts::trend_figure(&view, &stages, &period, &velocity)))
                @if !view.is_rep() {
                    @let (title, below, head) = if people {
                        (view.t("People", "人员"), "people", view.t("Rep", "销售代表"))
                    } else {
                        (view.t("Teams", "团队"), "teams", view.t("Team", "团队"))
                    };
                    (card("groups", title, "", pipeline::groups(&view, &groups, below, head)))
                }
                (card("latest", view.t("Latest activities", "最新动态"), "", html! {
                    @if latest.is_empty() { (nothing(view.t("No activity yet.", "暂无动态。"))) }
                    (pipeline::activities(&view, &names, &latest))
                }))
            }
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Overview), title, head, content)))
}

fn tiles(view: &View, cohort: &Cohort, standing: &Snapshot, stale: i64) -> Markup {
    let open: Vec<_> = standing.stages.iter().filter(|stage| OPEN.contains(&stage.stage)).collect();
    let count: i64 = open.iter().map(|stage| stage.count).sum();
    let worth = added(open.iter().flat_map(|stage| &stage.amounts));
    let signed = cohort.stages.iter().find(|stage| stage.stage == StageKey::Signed);
    let won = through(&cohort.stages);
    let months = pipeline::months(view);
    let period = view.t(format!("in {months} mo"), format!("近 {months} 个月"));
    html! {
        dl.tiles #tiles data-live {
            div.tile {
                dt { (view.t("Open pipeline", "进行中商机")) }
                dd { strong { (show::amounts(view.look, &worth)) } small { (show::number(count)) (view.t(" opportunities", " 个")) } }
            }
            div.tile {
                dt { (view.t("Signed", "签约")) }
                dd {
                    strong { (show::number(signed.map_or(0, |stage| stage.entered))) }
                    small { @if let Some(signed) = signed { (show::amounts(view.look, &signed.amounts)) " · " } (period) }
                }
            }
            div.tile {
                dt { (view.t("Intent to signed", "意向到签约")) }
                dd { strong { (show::percent(won)) @if won.is_some() && cohort.stages.iter().any(is_small) { "*" } } small { (view.t("one step times the next, ", "各阶段转化率之积，")) (period) } }
            }
            div.tile.(if stale > 0 { "warn" } else { "fine" }) {
                dt { a href="/reports/velocity" { (view.t("Stale", "停滞")) } }
                dd { strong { (show::number(stale)) } small { (view.t("beyond their stage's limit", "超出阶段时限")) } }
            }
        }
    }
}

fn added<'a>(amounts: impl Iterator<Item = &'a CurrencyAmount>) -> Vec<CurrencyAmount> {
    let mut sums: Vec<CurrencyAmount> = Vec::new();
    for one in amounts {
        match sums.iter_mut().find(|sum| sum.currency == one.currency) {
            Some(sum) => sum.amount.0 += one.amount.0,
            None => sums.push(one.clone()),
        }
    }
    sums
}

/// How many stale ones of a stage are looked for.
const STALE_SHOWN: usize = 5;

/// Open opportunities, of everybody or of one, that stand in their stage beyond its limit, the longest first.
async fn stale(view: &View, stages: &Stages, owner: Option<Uuid>) -> Result<Vec<opportunity::Model>, Error> {
    let mut found = Vec::new();
    for stage in OPEN {
        let Some(days) = stages.stale_days(stage) else { continue };
        let since = Timestamp::from(view.now.0 - TimeDelta::days(days.into()));
        let listing = Listing::new(None, i32::try_from(STALE_SHOWN).ok(), Some("stageSince".to_owned()))
            .only("t.stage = ?", Some(stage.as_str()))
            .only("t.stage_since < ?", Some(since))
            .only("t.owner_id = ?", owner);
        found.extend(
            read::list::<opportunity::Model>(&view.state, &view.actor, listing, OPPORTUNITY_SORTS).await?.items,
        );
    }
    found.sort_by_key(|one| one.stage_since);
    found.truncate(STALE_SHOWN);
    Ok(found)
}

/// How many of each kind that waits are shown.
const WAITING_SHOWN: i32 = 4;

/// What needs somebody.
struct Waiting {
    stale: Vec<opportunity::Model>,
    holds: Vec<hold::Model>,
    appeals: Vec<appeal::Model>,
    returning: Vec<lead::Model>,
}

impl Waiting {
    fn people(&self) -> impl Iterator<Item = Uuid> {
        let holds = self.holds.iter().map(|hold| hold.user_id);
        let appeals = self.appeals.iter().map(|appeal| appeal.user_id);
        holds.chain(appeals).chain(self.returning.iter().filter_map(|lead| lead.owner_id))
    }

    fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.holds.is_empty() && self.appeals.is_empty() && self.returning.is_empty()
    }
}

fn needs(view: &View, stages: &Stages, names: &Names, waiting: &Waiting) -> Markup {
    html! {
        @if waiting.is_empty() { (nothing(view.t("Nothing waits for you.", "没有待处理的事项。"))) }
        @if !waiting.holds.is_empty() {
            h3 { a href="/holds" { (view.t("Awards to review", "待复核的积分")) } }
            ul.rows { @for hold in &waiting.holds { li data-key=(hold.id) { a.row href="/holds" {
                span.main { (names.of(hold.user_id)) small { (view.t("released on ", "自动发放：")) (show::day(view.look, hold.release_on)) } }
                span.end { b { (show::decimal(hold.points.0)) (view.t(" points", " 分")) } }
            } } } }
        }
        @if !waiting.appeals.is_empty() {
            h3 { a href="/appeals" { (view.t("Appeals to decide", "待裁定的申诉")) } }
            ul.rows { @for appeal in &waiting.appeals { li data-key=(appeal.id) { a.row href="/appeals" {
                span.main { (names.of(appeal.user_id)) small { (appeal.reason) } }
            } } } }
        }
        @if !waiting.returning.is_empty() {
            h3 { a href="/leads" { (view.t("Leads about to return", "即将退回的线索")) } }
            ul.rows { @for lead in &waiting.returning { li data-key=(lead.id) { a.row href="/leads" {
                span.main { (lead.name) @if let Some(owner) = lead.owner_id { small { (names.of(owner)) } } }
                span.end { (leads::due(view, lead)) }
            } } } }
        }
        @if !waiting.stale.is_empty() {
            h3 { a href="/reports/velocity" { (view.t("Stale opportunities", "停滞的商机")) } }
            (pipeline::opportunities(view, stages, names, &waiting.stale))
        }
    }
}

/// The newest activities that the viewer sees, of everybody or of one.
pub async fn latest(view: &View, owner: Option<Uuid>, limit: i32) -> Result<Vec<activity::Model>, Error> {
    let listing = Listing::new(None, Some(limit), Some("-occurred".to_owned())).only("t.owner_id = ?", owner);
    Ok(read::list::<activity::Model>(&view.state, &view.actor, listing, ACTIVITY_SORTS).await?.items)
}

/// Of the viewer's team; nothing for who has none to compare.
async fn board(view: &View) -> Result<Option<Leaderboard>, Error> {
    match leaderboard(&view.state, &view.actor, Asked::default()).await {
        Ok(board) => Ok(Some(board)),
        Err(Error::Refusal(refusal)) if matches!(refusal.code, Code::Validation | Code::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

fn places(view: &View, board: Option<&Leaderboard>) -> Markup {
    let places = board.map_or(&[][..], |board| &board.places);
    html! {
        @if places.is_empty() { (nothing(view.t("Nobody to compare yet.", "暂无排名。"))) } @else {
            table.board {
                thead { tr {
                    th.num scope="col" { "#" }
                    th scope="col" { (view.t("Rep", "销售代表")) }
                    th.num scope="col" { (view.t("Points", "积分")) }
                    th.num scope="col" { (view.t("Streak", "连续")) }
                } }
                tbody {
                    @for place in places.iter().take(10) {
                        tr {
                            td.num { (place.rank) }
                            th scope="row" { @if view.is_rep() && place.user_id != view.user.id { (place.name) } @else { a href=(format!("/people/{}", place.user_id)) { (place.name) } } }
                            td.num.strong { (show::decimal(place.points.0)) }
                            td.num { (place.streak) (view.t(" d", " 天")) }
                        }
                    }
                }
            }
        }
    }
}
