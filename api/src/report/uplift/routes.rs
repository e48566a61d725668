//! The route of the uplift, and the checks of its parameters.

use chrono::NaiveDate;
use entity::kind::RuleSetStatus;
use entity::rule_set;
use entity::scalar::{Currency, Date, Money};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Uplift, UpliftDesign, UpliftQuery, uplift};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E404, E422, Error, Refusal};
use crate::read::{self, Listing};
use crate::state::State;
use crate::tag::Tag;

pub struct UpliftApi;

#[OpenApi]
impl UpliftApi {
    /// Read the uplift
    ///
    /// Whether more opportunities are signed, and faster, since a rule set began: cohorts before and after with 95 per cent
    /// confidence intervals, in percentage points and relative, and what that is worth. Counted are the opportunities
    /// that the caller sees. Where there are too few to tell, there is no figure.
    #[oai(path = "/v1/reports/uplift", method = "get", operation_id = "getUplift", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn uplift(
        &self,
        state: Data<&State>,
        actor: Actor,
        /// `before_after` if absent.
        design: Query<Option<UpliftDesign>>,
        /// The rule set whose start divides before from after; the active one if absent.
        #[oai(name = "ruleSetId")]
        rule_set_id: Query<Option<Uuid>>,
        /// The first day of after, instead of a rule set's.
        #[oai(name = "startsOn")]
        starts_on: Query<Option<Date>>,
        /// The teams that began, with all below them; everybody if absent. Needed for `control_group`.
        #[oai(name = "teamId", validator(max_items = "100"))]
        team_ids: Query<Option<Vec<Uuid>>>,
        /// For `control_group`: the teams to compare with; all others if absent.
        #[oai(name = "controlTeamId", validator(max_items = "100"))]
        control_team_ids: Query<Option<Vec<Uuid>>>,
        /// For `staggered`: a team and the day on which it began, such as
        /// `0198c0de-0000-7000-8000-000000000001:2026-06-01`; one a team.
        #[oai(validator(max_items = "100"))]
        rollout: Query<Option<Vec<String>>>,
        /// Days during which each cohort is collected; 180 if absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1100")))]
        days: Query<Option<i32>>,
        /// Days for which each opportunity is followed; 90 if absent.
        #[oai(name = "followDays", validator(minimum(value = "1"), maximum(value = "1100")))]
        follow_days: Query<Option<i32>>,
        /// Of one contract; the mean of the signed ones in the cohorts if absent.
        #[oai(name = "averageContract")]
        average_contract: Query<Option<Money>>,
        /// Of `averageContract` and `investment`; that of the cohorts if absent.
        currency: Query<Option<Currency>>,
        /// What comes in; what came in after the start if absent.
        #[oai(name = "opportunitiesPerMonth", validator(minimum(value = "1"), maximum(value = "1000000")))]
        opportunities_per_month: Query<Option<i32>>,
        /// Months over which the worth is counted; 12 if absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "120")))]
        months: Query<Option<i32>>,
        /// What the rules cost in these months.
        investment: Query<Option<Money>>,
        /// What is left of a contract's value, in per cent; 100 if absent.
        #[oai(name = "marginPercent", validator(minimum(value = "0"), maximum(value = "100")))]
        margin_percent: Query<Option<f64>>,
        /// An uplift that somebody claims, such as `10`; it is read both ways.
        #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
        claim: Query<Option<f64>>,
    ) -> ApiResult<Uplift, { E400 | E401 | E403 | E404 | E422 }> {
        let design = design.0.unwrap_or_default();
        let team_ids = team_ids.0.unwrap_or_default();
        let control_team_ids = control_team_ids.0.unwrap_or_default();
        let rollout = rollout.0.unwrap_or_default();
        belongs_to_design(
            design,
            &team_ids,
            &control_team_ids,
            &rollout,
            rule_set_id.0.is_some() || starts_on.0.is_some(),
        )?;
        for (name, amount) in [("averageContract", average_contract.0), ("investment", investment.0)] {
            if amount.is_some_and(|amount| amount.0 <= Decimal::ZERO) {
                return Err(Refusal::invalid(name, "Must be more than zero.").into());
            }
        }
        let starts = if design == UpliftDesign::Staggered {
            rollout.iter().map(|text| began(text)).collect::<Result<Vec<_>, _>>()?
        } else {
            let day = first_day(&state, &actor, rule_set_id.0, starts_on.0).await?;
            let teams = if team_ids.is_empty() { vec![None] } else { team_ids.into_iter().map(Some).collect() };
            teams.into_iter().map(|team| (team, day)).collect()
        };
        let count = |given: Option<i32>, else_: u32| given.and_then(|n| u32::try_from(n).ok()).unwrap_or(else_);
        let query = UpliftQuery {
            design,
            starts,
            control_team_ids,
            days: count(days.0, 180),
            follow_days: count(follow_days.0, 90),
            average_contract: average_contract.0,
            currency: currency.0,
            opportunities_per_month: opportunities_per_month.0,
            months: months.0.unwrap_or(12),
            investment: investment.0,
            margin_percent: margin_percent.0.unwrap_or(100.0),
            claim: claim.0,
        };
        Ok(Json(uplift(&state, &actor, &query).await?))
    }
}

/// The day that divides before from after.
async fn first_day(
    state: &State,
    actor: &Actor,
    rule_set_id: Option<Uuid>,
    starts_on: Option<Date>,
) -> Result<NaiveDate, Error> {
    match (rule_set_id, starts_on) {
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("startsOn", "Leave it out, or ruleSetId: one of them tells the day.").into())
        }
        (None, Some(day)) => Ok(day.0),
        (Some(id), None) => {
            let rule_set: rule_set::Model = read::get(state, actor, id).await?;
            let never =
                || Refusal::invalid("ruleSetId", "This rule set has not begun. Choose another, or give startsOn.");
            Ok(rule_set.starts_on.ok_or_else(never)?.0)
        }
        (None, None) => {
            let listing = Listing::new(None, Some(1), Some("-createdAt".to_owned()))
                .only("t.status = ?", Some(RuleSetStatus::Active.as_str()));
            let active = read::list::<rule_set::Model>(state, actor, listing, &[]).await?.items;
            let day = active.first().and_then(|rule_set| rule_set.starts_on);
            Ok(day
                .ok_or_else(|| Refusal::invalid("startsOn", "No rule set has begun: give the day."))
                .map(|day| day.0)?)
        }
    }
}

/// What says nothing in a design is better refused than passed over.
fn belongs_to_design(
    design: UpliftDesign,
    team_ids: &[Uuid],
    control_team_ids: &[Uuid],
    rollout: &[String],
    has_day: bool,
) -> Result<(), Refusal> {
    let refused = |name: &str, detail: &str| Err(Refusal::invalid(name, detail));
    match design {
        UpliftDesign::Staggered if rollout.is_empty() => {
            refused("rollout", "Give each team with the day on which it began, such as <team>:2026-06-01.")
        }
        UpliftDesign::Staggered if !team_ids.is_empty() => {
            refused("teamId", "Goes with the other designs: name the teams in rollout, each with its day.")
        }
        UpliftDesign::Staggered if has_day => {
            refused("startsOn", "Goes with the other designs: each team has its own day in rollout.")
        }
        UpliftDesign::BeforeAfter | UpliftDesign::ControlGroup if !rollout.is_empty() => {
            refused("rollout", "Goes with design=staggered only: leave it out, or ask for that design.")
        }
        UpliftDesign::ControlGroup if team_ids.is_empty() => {
            refused("teamId", "Name the teams that began; the others are the control group.")
        }
        UpliftDesign::BeforeAfter | UpliftDesign::Staggered if !control_team_ids.is_empty() => {
            refused("controlTeamId", "Goes with design=control_group only: leave it out, or ask for that design.")
        }
        _ => match control_team_ids.iter().find(|team| team_ids.contains(team)) {
            Some(team) => refused("controlTeamId", &format!("{team} is one of those that began.")),
            None => Ok(()),
        },
    }
}

/// `<team>:2026-06-01`
fn began(text: &str) -> Result<(Option<Uuid>, NaiveDate), Refusal> {
    let parsed = text.split_once(':').and_then(|(team, day)| Some((team.parse().ok()?, Date::parse(day).ok()?)));
    let (team, day): (Uuid, Date) = parsed.ok_or_else(|| {
        let detail =
            format!("{text:?} is no team with a day, such as 0198c0de-0000-7000-8000-000000000001:2026-06-01.");
        Refusal::invalid("rollout", detail)
    })?;
    Ok((Some(team), day.0))
}
