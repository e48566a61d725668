//! The funnel beside another: of an earlier period, followed for as long as this one, or of another team.

use entity::scalar::Date;
use entity::user;
use maud::{Markup, html};
use uuid::Uuid;

use super::super::super::charts::open_figure;
use super::super::super::html::card;
use super::super::super::pipeline::{Stages, few, through};
use super::super::super::show;
use super::super::super::view::View;
use super::super::days;
use super::{earlier, is_small, missing, query, share};
use crate::problem::{Error, Refusal};
use crate::read;
use crate::report::figures::{Scope as Period, owner};
use crate::report::{Cohort, CohortStage, ComparedFunnel, Funnel, FunnelQuery, funnel};

/// Earlier periods that can be chosen, in place of which there may be the id of a team.
pub const PERIODS: [(&str, &str, &str); 2] =
    [("before", "the period before", "上一时段"), ("year", "the same days a year before", "去年同期")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    /// As many days, right before the first.
    Before,
    YearBefore,
    Team(Uuid),
}

impl With {
    fn asked(view: &View) -> Option<Self> {
        match view.asked.query("compare")? {
            "before" => Some(With::Before),
            "year" => Some(With::YearBefore),
            team if view.asked.query("team") == Some(team) => None,
            team => team.parse().ok().map(With::Team),
        }
    }

    /// What the other funnel is asked. A person is compared with the whole of a team.
    fn query(self, period: &Period, today: Date) -> Result<FunnelQuery, Refusal> {
        let same = query(period);
        let days = earlier::Days::of(period, today);
        let other = match self {
            With::Team(id) => return Ok(FunnelQuery { team_id: Some(id), user_id: None, ..same }),
            With::Before => days.and_then(earlier::Days::before),
            With::YearBefore => days.and_then(earlier::Days::a_year_before),
        };
        let other = other.ok_or_else(|| Refusal::invalid("compare", "There is no such period before these days."))?;
        if other.from > other.to {
            return Err(Refusal::invalid("from", "Must not lie after the last day of the period."));
        }
        let day = |day| Some(Date(day));
        Ok(FunnelQuery { from: day(other.from), to: day(other.to), as_of: day(other.as_of), ..same })
    }
}

/// What the funnel is to be compared with, if anything was chosen.
pub async fn other(view: &View, period: &Period) -> Result<Option<Funnel>, Error> {
    let Some(with) = With::asked(view) else { return Ok(None) };
    let query = with.query(period, view.today())?;
    Ok(Some(funnel(&view.state, &view.actor, &query).await?))
}

/// Both in one, for the picture.
pub async fn both(view: &View, period: &Period) -> Result<Funnel, Error> {
    let asked = query(period);
    let (told, other) = tokio::try_join!(funnel(&view.state, &view.actor, &asked), other(view, period))?;
    let Some(other) = other else { return Err(Refusal::not_found("chart").into()) };
    let team = match With::asked(view) {
        Some(With::Team(_)) => Some(whose(view, period, &told).await?),
        _ => told.team.clone(),
    };
    let compared = ComparedFunnel { team: other.team, cohort: other.cohort, snapshot: other.snapshot };
    Ok(Funnel { team, compared: Some(compared), ..told })
}

/// What tells the funnel from that of another team.
async fn whose(view: &View, period: &Period, told: &Funnel) -> Result<String, Error> {
    let user_id = owner(&view.actor, period.user_id, period.team_id);
    let people = read::some::<user::Model>(&view.state, &view.actor, user_id.into_iter().collect()).await?;
    let person = people.into_iter().next().map(|user| user.name);
    Ok(person.or_else(|| told.team.clone()).unwrap_or_else(|| view.t("all", "全部").to_owned()))
}

pub async fn side_by_side(
    view: &View,
    stages: &Stages,
    period: &Period,
    told: &Funnel,
    other: &Funnel,
) -> Result<Markup, Error> {
    let (one, two) = told.cohort.as_ref().zip(other.cohort.as_ref()).ok_or_else(missing)?;
    let of_days = |cohort: &Cohort| days(view, cohort.from, cohort.to, cohort.as_of);
    let is_of_team = matches!(With::asked(view), Some(With::Team(_)));
    let (names, aside) = if is_of_team {
        let (own, team) = (whose(view, period, told).await?, other.team.as_deref().unwrap_or("–"));
        ([html! { (own) }, html! { (team) }], of_days(one))
    } else {
        ([of_days(one), of_days(two)], html! {})
    };
    let picture = view.t("Two funnels side by side", "两个漏斗的对比");
    let has_small = one.stages.iter().chain(&two.stages).any(is_small);
    let content = html! {
        (open_figure(view, "compared", picture, period, table(view, stages, &names, one, two)))
        @if has_small { (few(view)) }
        @if !is_of_team {
            p.note { (view.t(
                "Each period is followed for as many days after its end, so that the earlier one had no more time to convert.",
                "两个时段在结束后跟踪的天数相同，较早的时段不会因时间更长而转化更多。",
            )) }
        }
    };
    Ok(card("compared", view.t("Compared", "对比"), aside, content))
}

fn table(view: &View, stages: &Stages, names: &[Markup; 2], one: &Cohort, two: &Cohort) -> Markup {
    let whole = [through(&one.stages), through(&two.stages)];
    html! { table.matrix {
        caption.hidden { (view.t("Two funnels, and by how much the first differs from the second", "两个漏斗及其差异（前者减后者）")) }
        thead {
            tr {
                th rowspan="2" scope="col" { (view.t("Stage", "阶段")) }
                @for name in names { th.num colspan="3" scope="colgroup" { (name) } }
                th.num colspan="2" scope="colgroup" { (view.t("Difference", "差异")) }
            }
            tr {
                @for _ in names {
                    th.num scope="col" { (view.t("Entered", "进入")) }
                    th.num scope="col" { (view.t("Went on", "转化率")) }
                    th.num scope="col" { (view.t("Median time", "中位时长")) }
                }
                th.num scope="col" { (view.t("Entered", "进入")) }
                th.num scope="col" { (view.t("Went on, percentage points", "转化率（百分点）")) }
            }
        }
        tbody {
            @for (one, two) in one.stages.iter().zip(&two.stages) { tr {
                th scope="row" { (stages.name(one.stage, view)) }
                (figures(view, one))
                (figures(view, two))
                td.num { (show::change(one.entered - two.entered)) }
                td.num.strong { (show::points(one.conversion, two.conversion)) @if marked(one, two) { "*" } }
            } }
            tr {
                th scope="row" { (view.t("Intent to signed", "意向到签约")) }
                @for share in whole { td {} td.num { (show::percent(share)) } td {} }
                td {}
                td.num.strong { (show::points(whole[0], whole[1])) }
            }
        }
    } }
}

fn figures(view: &View, stage: &CohortStage) -> Markup {
    html! {
        td.num.strong { (show::number(stage.entered)) }
        td.num { (share(stage)) }
        td.num { (show::days(view.look, stage.median_days)) }
    }
}

/// A difference says as little as the lesser of what it lies between.
fn marked(one: &CohortStage, two: &CohortStage) -> bool {
    one.conversion.is_some() && two.conversion.is_some() && (is_small(one) || is_small(two))
}
