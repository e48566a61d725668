//! Leaderboards: who earned how much in a period, and for how many working days in a row all was entered in time. `rank`
//! decides; the figures are read here; `routes` tells them.

pub mod rank;
pub mod routes;

use std::collections::BTreeMap;

use chrono::{Datelike, Days};
use entity::kind::{BoardPrivacy, Role};
use entity::scalar::{Date, Points};
use entity::{calendar, team};
use poem_openapi::Object;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use self::rank::{Days as DaysInTime, ranks, streaks};
use crate::auth::Actor;
use crate::calendar::Calendar;
use crate::change::Settings;
use crate::problem::{Error, Refusal};
use crate::read;
use crate::record::Record;
use crate::state::State;
use crate::work::UnitOfWork;
pub use routes::LeaderboardApi;

/// How far back, in days, a streak is followed.
const LONGEST_STREAK: u64 = 366;
/// The longest period, in days.
const LONGEST_PERIOD: i64 = 366;

/// Who earned how much in a period.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct Leaderboard {
    /// The team whose reps, and those of the teams below it, are compared.
    pub team_id: Uuid,
    /// First and last day, by the day of the work.
    pub from: Date,
    pub to: Date,
    /// What reps see of it; managers and administrators see all.
    pub privacy: BoardPrivacy,
    /// How many reps are compared.
    pub participants: i32,
    /// The best first; only the caller's own where the privacy says so.
    pub places: Vec<Place>,
}

/// One rep's place.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct Place {
    /// Equal points share a rank, and the next one counts all before it: 1, 2, 2, 4.
    pub rank: i32,
    pub user_id: Uuid,
    pub name: String,
    /// What was earned less what was fined; what was spent or paid out does not count, nor what waits for a review.
    pub points: Points,
    /// Working days in a row, up to the last of the period, on which something was entered and all of it in time. A day
    /// without an entry neither counts nor ends it.
    pub streak: i32,
    /// The longest of the period.
    pub best_streak: i32,
}

/// `$1` tenant, `$2` team, `$3` from, `$4` to → reps at and below the team with their points: those who can log in, and
/// others who have entries in the period.
const POINTS: &str = "
    WITH RECURSIVE below AS (
        SELECT id, tenant_id FROM team WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
        UNION
        SELECT t.id, t.tenant_id FROM below b JOIN team t ON t.tenant_id = b.tenant_id AND t.parent_id = b.id
        WHERE t.tenant_id = $1 AND t.deleted_at IS NULL
    )
    SELECT u.id, u.name, coalesce(sum(CASE 'rep' WHEN e.ledger_account THEN e.points WHEN e.counterpart THEN -e.points ELSE 0 END), 0)
    FROM \"user\" u JOIN below b ON b.id = u.team_id
    LEFT JOIN points_entry e ON e.tenant_id = $1 AND e.user_id = u.id AND e.day BETWEEN $3 AND $4
        AND e.kind NOT IN ('grant', 'claim', 'expiry', 'payout')
    WHERE u.tenant_id = $1 AND u.deleted_at IS NULL AND u.role = 'rep'
    GROUP BY u.id, u.name, u.disabled_at HAVING u.disabled_at IS NULL OR count(e.id) > 0";

/// `$1` tenant, `$2` users, `$3` from, `$4` to → for each day on which a user's work took place, whether all of it was
/// entered in time. What could not be proven to be late is left out, and what was deleted.
const IN_TIME: &str = "
    SELECT e.user_id, e.day, bool_and(e.explanation ->> 'withinHours' IS NOT NULL)
    FROM points_entry e JOIN activity a ON a.tenant_id = $1 AND a.id = e.source_id AND a.deleted_at IS NULL
    WHERE e.tenant_id = $1 AND e.user_id = ANY($2) AND e.day BETWEEN $3 AND $4 AND e.source_kind = 'activity' AND e.number = 1
      AND (e.explanation ->> 'withinHours' IS NOT NULL OR a.captured_proven)
    GROUP BY e.user_id, e.day";

/// What is asked; absent: the caller's team, and the month up to today.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub team_id: Option<Uuid>,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

pub async fn leaderboard(state: &State, actor: &Actor, asked: Asked) -> Result<Leaderboard, Error> {
    let work = UnitOfWork::begin(state, actor).await?;
    let settings = Settings::read(&work).await?;
    let team_id = team(state, actor, &work, asked.team_id).await?;
    let today = Date(work.now.0.with_timezone(&settings.zone).date_naive());
    let to = asked.to.unwrap_or(today);
    let from = asked.from.unwrap_or_else(|| Date(to.0.with_day(1).unwrap_or(to.0)));
    if from > to {
        return Err(Refusal::invalid("from", "Lies after `to`.").into());
    }
    if (to.0 - from.0).num_days() > LONGEST_PERIOD {
        return Err(Refusal::invalid("from", format!("A period has at most {LONGEST_PERIOD} days.")).into());
    }
    let rows =
        work.connection().query_all_raw(work.statement(POINTS, [team_id.into(), from.into(), to.into()])).await?;
    let mut scores: Vec<(Uuid, String, Points)> = rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?)))
        .collect::<Result<_, sea_orm::DbErr>>()?;
    scores.sort_by(|a, b| (b.2, &a.1, a.0).cmp(&(a.2, &b.1, b.0)));

    let privacy = settings.rules.leaderboard;
    let participants = i32::try_from(scores.len()).unwrap_or(i32::MAX);
    let ranked = ranks(&scores.iter().map(|score| score.2).collect::<Vec<_>>());
    let shown = |user_id: Uuid| privacy == BoardPrivacy::Open || actor.role != Role::Rep || user_id == actor.user_id;
    let shown: Vec<(i32, (Uuid, String, Points))> =
        ranked.into_iter().zip(scores).filter(|(_, score)| shown(score.0)).collect();

    let days = in_time(&work, shown.iter().map(|(_, score)| score.0).collect(), from, to).await?;
    let calendar = calendar(&work, &settings).await?;
    let nothing = DaysInTime::new();
    let places = shown
        .into_iter()
        .map(|(rank, (user_id, name, points))| {
            let (streak, best_streak) = streaks(days.get(&user_id).unwrap_or(&nothing), &calendar, from);
            Place { rank, user_id, name, points, streak, best_streak }
        })
        .collect();
    Ok(Leaderboard { team_id, from, to, privacy, participants, places })
}

/// The team that is asked for, if the actor may compare its reps: his own, or one that he leads.
async fn team(state: &State, actor: &Actor, work: &UnitOfWork, asked: Option<Uuid>) -> Result<Uuid, Error> {
    let own = work.fetch::<entity::user::Model>("id = $2", [actor.user_id.into()]).await?;
    let id = match asked.or(own.first().map(|user| user.team_id)) {
        Some(id) => id,
        None => return Err(Refusal::invalid("teamId", "Say which team: the caller is in none.").into()),
    };
    let team: team::Model = read::get(state, actor, id).await?;
    if !actor.sees_all() && !read::holds_scope(state, actor, team.id).await? {
        let detail = format!("You are neither in this {} nor lead it.", team::Model::KIND);
        return Err(Refusal::forbidden(detail).into());
    }
    Ok(team.id)
}

async fn in_time(
    work: &UnitOfWork,
    users: Vec<Uuid>,
    from: Date,
    to: Date,
) -> Result<BTreeMap<Uuid, DaysInTime>, Error> {
    let since = Date(from.0.checked_sub_days(Days::new(LONGEST_STREAK)).unwrap_or(from.0));
    let statement = work.statement(IN_TIME, [users.into(), since.into(), to.into()]);
    let mut days: BTreeMap<Uuid, DaysInTime> = BTreeMap::new();
    for row in work.connection().query_all_raw(statement).await? {
        let (user_id, day, all): (Uuid, Date, bool) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        days.entry(user_id).or_default().insert(day, all);
    }
    Ok(days)
}

async fn calendar(work: &UnitOfWork, settings: &Settings) -> Result<Calendar, Error> {
    let found = work.fetch::<calendar::Model>("TRUE", []).await?;
    Ok(match found.first() {
        Some(set) => Calendar::new(settings.zone, &set.week, &set.holidays, &set.working_days),
        None => Calendar::always(settings.zone),
    })
}
