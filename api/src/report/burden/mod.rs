//! `GET /v1/reports/entry-burden`: what entering data costs the reps, and which of it tells nothing. The figures come from
//! three statements, put together from the files beside this one; here they are asked for and laid out. Nothing writes.

pub mod routes;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::Kind;
use entity::scalar::{Date, Timestamp};
use sea_orm::{DbBackend, FromQueryResult, Statement, Value};
use serde_json::json;
use uuid::Uuid;

pub use self::routes::BurdenApi;
pub use self::wire::*;
use super::uplift::interval::{difference, share};
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::read;
use crate::state::State;

const ENTERED: &str = include_str!("entered.sql");
const COUNTED: &str = include_str!("counted.sql");
const WEIGHED: &str = include_str!("weighed.sql");
const REQUIRED: &str = include_str!("required.sql");
const COMPARED: &str = include_str!("compared.sql");

/// Fewer closed ones than this on either side tell nothing of a field.
const LEAST_CLOSED: i64 = 20;

/// `$1` tenant, `$2` now, `$3` from, `$4` to → zone, period as days and as moments, what the active rules weigh, and what
/// stages ask for.
const SETTINGS: &str = "
    SELECT d.time_zone, d.first_day, d.last_day, d.first_day::timestamp AT TIME ZONE d.time_zone AS starts,
           (d.last_day + 1)::timestamp AT TIME ZONE d.time_zone AS ends,
           (SELECT r.rules -> 'work' FROM rule_set r WHERE r.tenant_id = $1 AND r.status = 'active' AND r.deleted_at IS NULL
            ORDER BY r.version DESC LIMIT 1) AS work,
           ARRAY(SELECT DISTINCT unnest(s.required_fields) FROM stage s WHERE s.tenant_id = $1 AND s.deleted_at IS NULL) AS required
    FROM (SELECT time_zone, coalesce($3::date, (coalesce($4::date, today) - interval '3 months')::date + 1) AS first_day,
                 coalesce($4::date, today) AS last_day
          FROM (SELECT time_zone, ($2::timestamptz AT TIME ZONE time_zone)::date AS today FROM tenant WHERE id = $1) here) d";

#[derive(FromQueryResult)]
struct Settings {
    time_zone: String,
    first_day: Date,
    last_day: Date,
    starts: Timestamp,
    ends: Timestamp,
    work: Option<serde_json::Value>,
    required: Vec<String>,
}

#[derive(FromQueryResult)]
struct Counted {
    of_team: bool,
    of_month: bool,
    team_id: Option<Uuid>,
    team_name: Option<String>,
    month: Option<String>,
    activities: i64,
    timed: i64,
    median_seconds: Option<f64>,
    median_fields: Option<f64>,
    soon: i64,
    judged: i64,
    complete: i64,
}

/// A field among the won ones or among the lost ones.
#[derive(FromQueryResult)]
struct Told {
    name: String,
    won: bool,
    closed: i64,
    filled: i64,
    /// Those that hold what most hold, or more than the median.
    middling: Option<i64>,
    distinct_values: Option<i64>,
}

/// # Errors
/// 422 if `from` lies after `to`.
pub async fn burden(
    state: &State,
    actor: &Actor,
    from: Option<Date>,
    to: Option<Date>,
    team_id: Option<Uuid>,
) -> Result<EntryBurden, Error> {
    let values = [actor.tenant_id.into(), state.clock.now().into(), from.into(), to.into()];
    let settings = Settings::find_by_statement(statement(SETTINGS, values)).one(&state.db).await?;
    let settings = settings.ok_or_else(|| Error::Internal(format!("there is no tenant {}", actor.tenant_id)))?;
    if settings.first_day > settings.last_day {
        let detail = format!("Must not lie after {}, the last day of the period.", settings.last_day);
        return Err(Refusal::invalid("from", detail).into());
    }
    let weighed = weighed(settings.work.as_ref());
    let ask = |parts: [&str; 2], kind: Kind, last: Value| {
        let seen = if actor.sees_all() { String::new() } else { format!("      AND {}\n", read::visible(kind)) };
        let values = [
            actor.tenant_id.into(),
            actor.user_id.into(),
            settings.starts.into(),
            settings.ends.into(),
            team_id.into(),
            last,
        ];
        statement(&[parts[0], &seen, parts[1]].concat(), values)
    };
    let counted = ask([ENTERED, COUNTED], Kind::Activity, weighed.clone().into());
    let counted = Counted::find_by_statement(counted).all(&state.db).await?;
    let of_activities = ask([ENTERED, WEIGHED], Kind::Activity, weighed.into());
    let of_activities = Told::find_by_statement(of_activities).all(&state.db).await?;
    let of_opportunities = ask([REQUIRED, COMPARED], Kind::Opportunity, settings.required.clone().into());
    let of_opportunities = Told::find_by_statement(of_opportunities).all(&state.db).await?;

    let months = counted.iter().filter(|row| row.of_month);
    let (teams, whole): (Vec<&Counted>, Vec<&Counted>) = months.partition(|row| row.of_team);
    let fields = fields(BurdenRecord::Opportunity, &of_opportunities)
        .into_iter()
        .chain(fields(BurdenRecord::Activity, &of_activities));
    Ok(EntryBurden {
        from: settings.first_day,
        to: settings.last_day,
        time_zone: settings.time_zone,
        total: counted.iter().find(|row| !row.of_month).map_or_else(Burden::default, laid_out),
        months: whole.into_iter().map(of_month).collect(),
        teams: teams.into_iter().map(of_month).collect(),
        fields: fields.collect(),
    })
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// What the rules weigh, as the statements read it.
fn weighed(work: Option<&serde_json::Value>) -> String {
    let rules = work.and_then(serde_json::Value::as_array).into_iter().flatten();
    let rows = rules.flat_map(|rule| {
        let weights = rule["weights"].as_array().into_iter().flatten();
        weights.map(|weight| {
            json!({
                "kind": rule["on"], "field": weight["field"], "least": weight["minCharacters"].as_i64().unwrap_or(1),
                "beside": weight["with"],
            })
        })
    });
    serde_json::Value::Array(rows.collect()).to_string()
}

fn of_month(row: &Counted) -> MonthBurden {
    MonthBurden {
        month: row.month.clone().unwrap_or_default(),
        team_id: row.team_id,
        team_name: row.team_name.clone(),
        burden: laid_out(row),
    }
}

fn laid_out(row: &Counted) -> Burden {
    let part = |count: i64, of: i64| (of > 0).then(|| rounded(count as f64 / of as f64, 4));
    Burden {
        activities: row.activities,
        timed: row.timed,
        median_seconds: row.median_seconds.map(|seconds| rounded(seconds, 1)),
        median_fields: row.median_fields.map(|fields| rounded(fields, 1)),
        within_two_hours: part(row.soon, row.activities),
        complete: part(row.complete, row.judged),
    }
}

/// Each field, by name, with what won and lost ones say of it.
fn fields(record: BurdenRecord, told: &[Told]) -> Vec<FieldBurden> {
    let names: BTreeSet<&str> = told.iter().map(|row| row.name.as_str()).collect();
    let sides: BTreeMap<(&str, bool), &Told> = told.iter().map(|row| ((row.name.as_str(), row.won), row)).collect();
    let of = |name: &str| {
        let (won, lost) = (sides.get(&(name, true)).copied(), sides.get(&(name, false)).copied());
        let filled = |side: Option<&Told>| side.map(|side| rounded(side.filled as f64 / side.closed as f64, 4));
        FieldBurden {
            record,
            field: name.to_owned(),
            won: won.map_or(0, |side| side.closed),
            lost: lost.map_or(0, |side| side.closed),
            won_filled: filled(won),
            lost_filled: filled(lost),
            finding: finding(won, lost),
        }
    };
    names.into_iter().map(of).collect()
}

/// Whether the field tells won from lost, as far as chance alone is concerned.
fn finding(won: Option<&Told>, lost: Option<&Told>) -> FieldFinding {
    let (Some(won), Some(lost)) = (won, lost) else { return FieldFinding::TooFew };
    if won.closed.min(lost.closed) < LEAST_CLOSED {
        return FieldFinding::TooFew;
    }
    if won.distinct_values == Some(1) {
        return FieldFinding::AlwaysTheSame;
    }
    let differs = |count: fn(&Told) -> i64| {
        let side = |told: &Told| share(usize::try_from(count(told)).ok()?, usize::try_from(told.closed).ok()?);
        side(won).zip(side(lost)).is_some_and(|(won, lost)| !difference(won, lost).holds(0.0))
    };
    if differs(|told| told.filled) || differs(|told| told.middling.unwrap_or(0)) {
        FieldFinding::Differs
    } else {
        FieldFinding::NoDifference
    }
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10f64.powi(decimals);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(won: bool, closed: i64, filled: i64, middling: i64, distinct: i64) -> Told {
        let (middling, distinct_values) = (Some(middling), Some(distinct));
        Told { name: "amount".into(), won, closed, filled, middling, distinct_values }
    }

    #[test]
    fn a_field_that_never_differs_is_found() {
        let finding = |won, lost| finding(Some(&won), Some(&lost));
        assert_eq!(finding(told(true, 40, 40, 40, 1), told(false, 60, 60, 60, 1)), FieldFinding::AlwaysTheSame);
        assert_eq!(finding(told(true, 40, 40, 20, 9), told(false, 60, 60, 29, 9)), FieldFinding::NoDifference);
        assert_eq!(finding(told(true, 40, 40, 35, 9), told(false, 60, 60, 15, 9)), FieldFinding::Differs);
        assert_eq!(finding(told(true, 40, 40, 20, 9), told(false, 60, 12, 6, 9)), FieldFinding::Differs);
        assert_eq!(finding(told(true, 19, 19, 19, 1), told(false, 60, 60, 60, 1)), FieldFinding::TooFew);
        assert_eq!(super::finding(None, Some(&told(false, 60, 60, 60, 1))), FieldFinding::TooFew);
    }
}
