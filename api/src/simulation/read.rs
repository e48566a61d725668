//! Fetches what happened in a period: a statement a chunk of activities, whatever their number.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono_tz::Tz;
use entity::kind::{Kind, Role, StageKey};
use entity::rules::{Explanation, Rules};
use entity::scalar::{Date, Money, Points, Timestamp};
use entity::{activity, rule_set, stage, user};
use poem_openapi::types::ParseFromJSON;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, FromQueryResult, QueryResult, Statement, Value};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::figures::{Rep, Worth};
use super::replay::{Event, Step};
use crate::calendar::Calendar;
use crate::problem::Error;

/// Activities that took place in the period, and those that were booked for a day of it.
const ACTIVITIES: &str = "
    SELECT id FROM activity WHERE tenant_id = $1 AND occurred >= $2 AND occurred < $3
    UNION SELECT source_id FROM points_entry
    WHERE tenant_id = $1 AND source_kind = 'activity' AND day BETWEEN $4 AND $5
    ORDER BY 1";

const HISTORY: &str = "
    SELECT record_id, op, changes, received, seq FROM record_history
    WHERE tenant_id = $1 AND record_id = ANY($2) AND kind = $3 ORDER BY record_id, revision";

/// The entries about these activities: in which order they were made, and how the delay of the first was reckoned.
const ENTRIES: &str = "
    SELECT source_id, created_at, ordinal, CASE WHEN number = 1 THEN explanation END FROM points_entry
    WHERE tenant_id = $1 AND source_id = ANY($2) AND source_kind = 'activity' ORDER BY source_id, number";

/// What the rules paid for activities and fined on the days of the period. What people decided about holds and appeals is
/// left out: it is no rule. A fine that was taken back by what arrived late is.
const BOOKED: &str = "
    SELECT e.user_id, e.points, e.money, e.kind = 'fine' OR f.offence IS NOT NULL AS is_fine
    FROM points_entry e
    LEFT JOIN points_entry f ON f.tenant_id = $1 AND f.id = e.entry_id
    WHERE e.tenant_id = $1 AND e.day BETWEEN $2 AND $3 AND e.counterpart = 'rewards'
      AND ((e.source_kind = 'activity' AND e.entry_id IS NULL) OR e.offence IS NOT NULL
           OR (e.kind = 'reversal' AND e.ledger_account = 'rep' AND f.offence IS NOT NULL))";

/// What a simulation is read with.
pub struct Ground {
    pub calendar: Calendar,
    pub stale_days: BTreeMap<StageKey, i32>,
    /// The rules in force at the end of the period.
    pub then: Rules,
    pub reps: Vec<Rep>,
}

/// A write, with what puts it in its place among all others and how the real ledger explained the first entry.
pub struct Written {
    pub event: Event,
    /// The number of its commit: in their order the ledger was written.
    pub seq: i64,
    pub ordinal: i64,
}

pub struct Reader<'a> {
    pub db: &'a DatabaseConnection,
    pub tenant_id: Uuid,
}

impl Reader<'_> {
    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let values = std::iter::once(self.tenant_id.into()).chain(values);
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }

    async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, Error> {
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
        let sql = "SELECT * FROM \"user\" WHERE tenant_id = $1 AND deleted_at IS NULL AND disabled_at IS NULL";
        let users = user::Model::find_by_statement(self.statement(sql, [])).all(self.db).await?;
        let works = |user: &user::Model| matches!(user.role, Role::Rep | Role::Manager);
        Ok(Ground {
            calendar: Calendar::new(zone, &week.week, &week.holidays, &week.working_days),
            stale_days: stages.into_iter().filter_map(|stage| Some((stage.stage, stage.stale_days?))).collect(),
            then: in_force.rules,
            reps: users
                .into_iter()
                .filter(works)
                .map(|user| Rep { user_id: user.id, name: user.name, team_id: user.team_id })
                .collect(),
        })
    }

    pub async fn activities(&self, calendar: &Calendar, (from, to): (Date, Date)) -> Result<Vec<Uuid>, Error> {
        let end = calendar.begins(Date(to.0 + chrono::TimeDelta::days(1)));
        let values = [calendar.begins(from).into(), end.into(), from.into(), to.into()];
        let rows = self.rows(ACTIVITIES, values).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// All writes of these activities, and the first entry's explanation of each.
    pub async fn written(&self, ids: &[Uuid]) -> Result<(Vec<Written>, HashMap<Uuid, Explanation>), Error> {
        let mut explained = HashMap::new();
        let mut made: HashMap<Uuid, VecDeque<(Timestamp, i64)>> = HashMap::new();
        for row in self.rows(ENTRIES, [ids.to_vec().into()]).await? {
            let (id, at): (Uuid, Timestamp) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            made.entry(id).or_default().push_back((at, row.try_get_by_index::<i32>(2)?.into()));
            if let Some(explanation) = row.try_get_by_index::<Option<Explanation>>(3)? {
                explained.insert(id, explanation);
            }
        }
        let (mut written, mut ordinal) = (Vec::new(), i64::MAX);
        let mut document = (Uuid::nil(), Map::new());
        for row in self.rows(HISTORY, [ids.to_vec().into(), Kind::Activity.as_str().into()]).await? {
            let (id, op): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let changes: String = row.try_get_by_index(2)?;
            let changes: Map<String, Json> = serde_json::from_str(&changes)
                .map_err(|error| Error::Internal(format!("the history of activity {id} is unreadable: {error}")))?;
            let step = match op.as_str() {
                "create" => {
                    document = (id, changes);
                    Step::Created
                }
                _ if document.0 != id => continue,
                op => {
                    for (field, change) in changes {
                        let to = change.get(1).cloned().unwrap_or_default();
                        document.1.insert(field, to);
                    }
                    if op == "delete" { Step::Deleted } else { Step::Changed }
                }
            };
            let activity = activity::Model::parse_from_json(Some(Json::Object(document.1.clone())));
            let activity = activity.map_err(|error| {
                Error::Internal(format!("the history of activity {id} is unreadable: {}", error.into_message()))
            })?;
            let received: Timestamp = row.try_get_by_index(3)?;
            // The entry that this write made, if it made one; else it stands beside the write before.
            let entries = made.entry(id).or_default();
            if entries.front().is_some_and(|(at, _)| *at == received) {
                ordinal = entries.pop_front().map_or(ordinal, |(_, ordinal)| ordinal);
            } else if step == Step::Created {
                ordinal = i64::MAX;
            }
            let seq = row.try_get_by_index(4)?;
            written.push(Written { event: Event { step, activity }, seq, ordinal });
        }
        Ok((written, explained))
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
