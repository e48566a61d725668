//! Asks the database for a report: one statement that answers with one JSON value, which is the report. Each report's own
//! SQL stands between what all begin with (`period.sql`, `picked.sql`) and a SELECT of `report`.

use entity::kind::Kind;
use entity::scalar::Date;
use poem_openapi::Enum;
use sea_orm::Value;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::ask::ask;
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::read;
use crate::state::State;

pub const PERIOD: &str = include_str!("period.sql");
pub const PICKED: &str = include_str!("picked.sql");

/// Late sync changes the past: of a past day, either what was known on it or what is known of it by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum Known {
    /// By when things occurred, whenever the server was told.
    #[default]
    Now,
    /// With what the server had been told by the end of that day.
    Then,
}

/// What nearly all reports are asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// Owners in this team or below it.
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    /// How long the period is where `from` is absent.
    pub days: i32,
    /// The day at whose end the report is told.
    pub as_of: Option<Date>,
    /// Only with what the server had received by then.
    pub is_known_then: bool,
}

/// `more` are the parameters from `$11` on. In the SQL, `{visible:kind}` stands for the condition under which `t` is seen,
/// and `{known}` for the condition under which a move `m` was known.
///
/// # Errors
/// 422 if `from` lies after `to`.
pub async fn figures<T: DeserializeOwned>(
    state: &State,
    actor: &Actor,
    parts: &[&str],
    scope: &Scope,
    more: impl IntoIterator<Item = Value>,
) -> Result<T, Error> {
    let mut sql = parts.concat();
    for kind in [Kind::Opportunity, Kind::Account, Kind::Activity] {
        let seen = if actor.sees_all() { "true".to_owned() } else { read::visible(kind) };
        sql = sql.replace(&format!("{{visible:{kind}}}"), &seen);
    }
    sql = sql.replace("{known}", if scope.is_known_then { "AND m.received < period.told_before" } else { "" });
    let values: [Value; 10] = [
        actor.tenant_id.into(),
        actor.user_id.into(),
        state.clock.now().into(),
        scope.from.into(),
        scope.to.into(),
        scope.team_id.into(),
        scope.user_id.into(),
        scope.days.into(),
        actor.sees_all().into(),
        scope.as_of.into(),
    ];
    let rows = ask(state, &sql, values.into_iter().chain(more)).await?;
    let row = rows.first().ok_or_else(|| Error::Internal(format!("there is no tenant {}", actor.tenant_id)))?;
    let report: serde_json::Value = row.try_get("", "report")?;
    // ISO days are in the order of their texts.
    if let (Some(from), Some(to)) = (report["from"].as_str(), report["to"].as_str())
        && from > to
    {
        let detail = format!("Must not lie after {to}, the last day of the period.");
        return Err(Refusal::invalid("from", detail).into());
    }
    serde_json::from_value(report).map_err(|error| Error::Internal(format!("a report cannot be read: {error}")))
}
