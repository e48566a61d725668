//! Computes a summary by the reports' own functions, as the manager himself would read them: what he may not see is not
//! in it.

use chrono::{Days, NaiveDate};
use entity::kind::{AccountTier, Kind, Role};
use entity::scalar::Date;
use entity::weekly_digest::{
    DigestActivity, DigestExceptions, DigestFigures, DigestForecast, DigestLeader, DigestStage, DigestStale,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::leaderboard::{Asked, leaderboard};
use crate::problem::{Code, Error};
use crate::read;
use crate::report::activity::{Per, activity};
use crate::report::coverage::{self, coverage};
use crate::report::figures::Scope;
use crate::report::forecast::{ForecastBucket, forecast};
use crate::report::velocity::velocity;
use crate::report::{FunnelQuery, funnel};
use crate::state::State;

/// Days of the funnel: twelve weeks.
const FUNNEL_DAYS: u64 = 84;
/// Months of the forecast.
const MONTHS: usize = 3;
/// Of lists, a summary shows so many.
const SHOWN: usize = 5;

/// Somebody whose summary is made for him.
pub fn manager(tenant_id: Uuid, user_id: Uuid) -> Actor {
    Actor { tenant_id, user_id, role: Role::Manager, may_write: false }
}

/// What the actor is told on this Monday. One report after the other, so that summaries leave connections to others.
///
/// # Errors
/// What the database refuses.
pub async fn gather(state: &State, actor: &Actor, monday: Date) -> Result<DigestFigures, Error> {
    let before = |days: u64| Date(monday.0.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN));
    let (from, to, funnel_from) = (before(7), before(1), before(FUNNEL_DAYS));
    let query = FunnelQuery { from: Some(funnel_from), to: Some(to), ..FunnelQuery::default() };
    let stages = funnel(state, actor, &query).await?.cohort.map_or_else(Vec::new, |cohort| cohort.stages);
    let week = |from, to| Scope { from: Some(from), to: Some(to), ..Scope::default() };
    let done = activity(state, actor, &week(from, to), Some(Per::Week)).await?.total;
    let visits_before = activity(state, actor, &week(before(14), before(8)), Some(Per::Week)).await?.total.visits;
    let leaders = leaders(state, actor, from, to).await?;
    Ok(DigestFigures {
        from,
        to,
        funnel_from,
        funnel: stages
            .into_iter()
            .map(|stage| DigestStage {
                stage: stage.stage,
                entered: stage.entered,
                advanced: stage.advanced,
                lost: stage.lost,
                conversion: stage.conversion,
                median_days: stage.median_days,
            })
            .collect(),
        forecast: expected(state, actor).await?,
        activity: DigestActivity {
            activities: done.activities,
            visits: done.visits,
            visits_before,
            verified: done.verified,
            planned: done.planned,
            done: done.done,
            missed: done.missed,
            within_day_share: done.within_day_share,
        },
        exceptions: exceptions(state, actor).await?,
        leaders,
    })
}

/// The next months, and what is overdue.
async fn expected(state: &State, actor: &Actor) -> Result<Vec<DigestForecast>, Error> {
    let rows = forecast(state, actor, &Scope::default()).await?.rows;
    let mut months: Vec<String> = rows.iter().filter_map(|row| row.month.clone()).collect();
    months.dedup();
    months.truncate(MONTHS);
    let told = rows.into_iter().filter(|row| match (&row.bucket, &row.month) {
        (ForecastBucket::Month, Some(month)) => months.contains(month),
        (bucket, _) => *bucket == ForecastBucket::Overdue,
    });
    let mut told: Vec<DigestForecast> = told
        .map(|row| DigestForecast {
            month: row.month,
            currency: row.currency,
            open: row.open,
            commit: row.commit,
            best_case: row.best_case,
            pipeline: row.pipeline,
            weighted: row.weighted,
        })
        .collect();
    // Months first, what is overdue last.
    told.sort_by(|a, b| (a.month.is_none(), &a.month, &a.currency).cmp(&(b.month.is_none(), &b.month, &b.currency)));
    Ok(told)
}

async fn exceptions(state: &State, actor: &Actor) -> Result<DigestExceptions, Error> {
    let velocity = velocity(state, actor, &Scope { days: 1, ..Scope::default() }).await?;
    let coverage = coverage(state, actor, &Scope { days: coverage::DAYS, ..Scope::default() }).await?;
    let key = coverage.tiers.iter().filter(|tier| tier.tier == Some(AccountTier::Key));
    let (holds, appeals) = waiting(state, actor).await?;
    let worst = velocity.stale.iter().take(SHOWN).map(|one| DigestStale {
        opportunity_id: one.opportunity_id,
        name: one.name.clone(),
        owner: one.owner.clone(),
        stage: one.stage,
        days: one.days as i64,
    });
    Ok(DigestExceptions {
        stale: velocity.stages.iter().map(|stage| stage.stale).sum(),
        holds,
        appeals,
        neglected: key.map(|tier| tier.accounts - tier.covered).sum(),
        worst: worst.collect(),
    })
}

/// Open holds and open appeals that the actor sees.
async fn waiting(state: &State, actor: &Actor) -> Result<(i64, i64), Error> {
    let seen = |kind| if actor.sees_all() { "$2::uuid IS NOT NULL".to_owned() } else { read::visible(kind) };
    let sql = format!(
        "SELECT (SELECT count(*) FROM hold t WHERE t.tenant_id = $1 AND t.deleted_at IS NULL AND t.status = 'open' AND {}),
                (SELECT count(*) FROM appeal t WHERE t.tenant_id = $1 AND t.deleted_at IS NULL AND t.status = 'open' AND {})",
        seen(Kind::Hold),
        seen(Kind::Appeal)
    );
    let values = [actor.tenant_id.into(), actor.user_id.into()];
    let row = state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let row = row.ok_or_else(|| Error::Internal("an aggregate has one row".into()))?;
    Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
}

/// The top of the week's leaderboard; empty for who has no team to compare.
async fn leaders(state: &State, actor: &Actor, from: Date, to: Date) -> Result<Vec<DigestLeader>, Error> {
    let asked = Asked { team_id: None, from: Some(from), to: Some(to) };
    let board = match leaderboard(state, actor, asked).await {
        Ok(board) => board,
        Err(Error::Refusal(refusal)) if matches!(refusal.code, Code::Validation | Code::Forbidden) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let places = board.places.into_iter().take(SHOWN);
    Ok(places
        .map(|place| DigestLeader { rank: place.rank, user_id: place.user_id, name: place.name, points: place.points })
        .collect())
}
