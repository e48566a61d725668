//! Fetches what a simulation stands on: what the tenant sets, who works there, which activities to look at, and what was
//! booked. What happened to the records is `happened`'s.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use entity::kind::{Role, StageKey};
use entity::rules::Rules;
use entity::scalar::{Date, Money, Points, Timestamp};
use entity::{rule_set, stage, user};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, QueryResult, Statement, Value};
use uuid::Uuid;

use super::figures::{Rep, Worth};
use crate::calendar::Calendar;
use crate::problem::Error;

/// Activities that took place in the period, and those that were booked for a day of it.
const ACTIVITIES: &str = "
    SELECT id FROM activity WHERE tenant_id = $1 AND occurred >= $2 AND occurred < $3
    UNION SELECT source_id FROM points_entry
    WHERE tenant_id = $1 AND source_kind = 'activity' AND day BETWEEN $4 AND $5
    ORDER BY 1";

/// What the rules paid and fined on the days of the period. What people decided about holds and appeals is left out: it
/// is no rule. A fine that was taken back by what arrived late is one.
const BOOKED: &str = "
    SELECT e.user_id, e.points, e.money, e.kind = 'fine' OR f.offence IS NOT NULL AS is_fine
    FROM points_entry e
    LEFT JOIN points_entry f ON f.tenant_id = $1 AND f.id = e.entry_id
    WHERE e.tenant_id = $1 AND e.day BETWEEN $2 AND $3 AND e.counterpart = 'rewards'
      AND ((e.source_kind IN ('activity', 'stage_move', 'plan', 'account', 'contact', 'opportunity') AND e.entry_id IS NULL)
           OR (e.kind = 'reversal' AND e.ledger_account = 'rep' AND f.offence IS NOT NULL))";

/// Rights to pick leads that were given for the days of the period: quotas, and what was bought. Who is assigned a lead gets
/// the right to it with it, and uses it at once.
const GRANTED: &str = "
    SELECT user_id, sum(leads)::integer FROM points_entry
    WHERE tenant_id = $1 AND kind = 'grant' AND source_kind <> 'lead' AND day BETWEEN $2 AND $3 GROUP BY user_id";

/// What a simulation is read with.
pub struct Ground {
    pub calendar: Calendar,
    pub stale_days: BTreeMap<StageKey, i32>,
    /// The rules in force at the end of the period.
    pub then: Rules,
    pub reps: Vec<Rep>,
    /// Everybody who is or was a rep or a manager: whose work earns.
    pub earners: BTreeSet<Uuid>,
}

impl Ground {
    /// When the first of these days begins, and when the last ends.
    pub fn moments(&self, (from, to): (Date, Date)) -> (Timestamp, Timestamp) {
        (self.calendar.begins(from), self.calendar.begins(Date(to.0 + chrono::TimeDelta::days(1))))
    }
}

pub struct Reader<'a> {
    pub db: &'a DatabaseConnection,
    pub tenant_id: Uuid,
}

impl Reader<'_> {
    pub(super) fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let values = std::iter::once(self.tenant_id.into()).chain(values);
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, Error> {
        Ok(self.db.query_all_raw(self.statement(sql, values)).await?)
    }

    /// Zone and calendar, stages, reps, and the rules in force on a day.
    pub async fn ground(&self, on: Date) -> Result<Ground, Error> {
        let broken = |what: &str| Error::Internal(format!("tenant {} has {what}", self.tenant_id));
        let zone = self.rows("SELECT time_zone FROM tenant WHERE id = $1", []).await?;
        let zone: String = zone.first().ok_or_else(|| broken("no row"))?.try_get_by_index(0)?;
        let zone: Tz = zone.parse().map_err(|_| broken("a time zone that is not known"))?;
        let sql = "SELECT * FROM calendar WHERE tenant_id = $1 AND deleted_at IS NULL";
        let week = entity::calendar::Model::find_by_statement(self.statement(sql, [])).one(self.db).await?;
        let week = week.ok_or_else(|| broken("no calendar"))?;
        let sql = "SELECT * FROM stage WHERE tenant_id = $1 AND deleted_at IS NULL";
        let stages = stage::Model::find_by_statement(self.statement(sql, [])).all(self.db).await?;
        let sql =
            "SELECT * FROM rule_set WHERE tenant_id = $1 AND deleted_at IS NULL AND status IN ('active', 'retired')
                   AND coalesce(starts_on, created_at::date) <= $2 AND coalesce(ended_on >= $2, status = 'active')
                   ORDER BY coalesce(starts_on, created_at::date) DESC, version DESC";
        let in_force = rule_set::Model::find_by_statement(self.statement(sql, [on.into()])).one(self.db).await?;
        let in_force = match in_force {
            Some(rule_set) => rule_set,
            // Before the first one's day, the first one.
            None => {
                let sql = "SELECT * FROM rule_set WHERE tenant_id = $1 AND deleted_at IS NULL
                           AND status IN ('active', 'retired') ORDER BY version LIMIT 1";
                let first = rule_set::Model::find_by_statement(self.statement(sql, [])).one(self.db).await?;
                first.ok_or_else(|| broken("no rule set"))?
            }
        };
        let sql = "SELECT * FROM \"user\" WHERE tenant_id = $1";
        let users = user::Model::find_by_statement(self.statement(sql, [])).all(self.db).await?;
        let works = |user: &user::Model| matches!(user.role, Role::Rep | Role::Manager);
        Ok(Ground {
            calendar: Calendar::new(zone, &week.week, &week.holidays, &week.working_days),
            stale_days: stages.into_iter().filter_map(|stage| Some((stage.stage, stage.stale_days?))).collect(),
            then: in_force.rules,
            earners: users.iter().filter(|user| works(user)).map(|user| user.id).collect(),
            reps: users
                .into_iter()
                .filter(|user| works(user) && user.deleted_at.is_none() && user.disabled_at.is_none())
                .map(|user| Rep {
                    user_id: user.id,
                    name: user.name,
                    team_id: user.team_id,
                    has_quota: user.role == Role::Rep,
                })
                .collect(),
        })
    }

    pub async fn activities(&self, ground: &Ground, (from, to): (Date, Date)) -> Result<Vec<Uuid>, Error> {
        let (begin, end) = ground.moments((from, to));
        let values = [begin.into(), end.into(), from.into(), to.into()];
        let rows = self.rows(ACTIVITIES, values).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// The rights that were given, by user.
    pub async fn granted(&self, (from, to): (Date, Date)) -> Result<BTreeMap<Uuid, i32>, Error> {
        let rows = self.rows(GRANTED, [from.into(), to.into()]).await?;
        Ok(rows
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .collect::<Result<_, DbErr>>()?)
    }

    /// What was booked, by user.
    pub async fn booked(&self, (from, to): (Date, Date)) -> Result<Vec<Worth>, Error> {
        let rows = self.rows(BOOKED, [from.into(), to.into()]).await?;
        let worth = |row: &QueryResult| -> Result<Worth, Error> {
            let (points, money): (Points, Option<Money>) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            Ok(Worth { user_id: row.try_get_by_index(0)?, points, money, is_fine: row.try_get_by_index(3)? })
        };
        rows.iter().map(worth).collect()
    }
}
