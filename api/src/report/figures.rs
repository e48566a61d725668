//! Asks the database for a report: one statement that answers with one JSON value, which is the report. Each report's own
//! SQL stands between what all begin with (`period.sql`, `picked.sql`) and a SELECT of `report`.

use entity::kind::Role;
use entity::scalar::Date;
use sea_orm::Value;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::ask::ask;
use super::told::{Known, has_begun, told};
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;

pub const PERIOD: &str = include_str!("period.sql");
pub const PICKED: &str = include_str!("picked.sql");

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
    /// Of that day, whether what was told later counts.
    pub known: Known,
}

impl Scope {
    /// As this actor asks for it: see `owner`.
    pub fn of(self, actor: &Actor) -> Self {
        Scope { user_id: owner(actor, self.user_id, self.team_id), ..self }
    }
}

/// Whose records a report is of: a rep's are his own, unless he asks for somebody's or a team's, of whom he is told what he sees.
pub fn owner(actor: &Actor, user_id: Option<Uuid>, team_id: Option<Uuid>) -> Option<Uuid> {
    let own = (actor.role == Role::Rep && team_id.is_none()).then_some(actor.user_id);
    user_id.or(own)
}

/// `more` are the parameters from `$11` on. What stands in braces in the SQL, `told` explains.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn figures<T: DeserializeOwned>(
    state: &State,
    actor: &Actor,
    parts: &[&str],
    scope: &Scope,
    more: impl IntoIterator<Item = Value>,
) -> Result<T, Error> {
    has_begun(scope.as_of, state.clock.now())?;
    let sql = told(&parts.concat(), actor, scope.as_of, scope.known);
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

/// Of a past day both: what is known of it now and, beside it, what was known then.
///
/// # Errors
/// Those of `ask`.
pub async fn both<T, F>(scope: &Scope, ask: impl Fn(Scope) -> F) -> Result<(T, Option<T>), Error>
where
    F: Future<Output = Result<T, Error>>,
{
    if scope.as_of.is_none() || scope.known == Known::Then {
        return Ok((ask(*scope).await?, None));
    }
    let (now, then) = tokio::try_join!(ask(*scope), ask(Scope { known: Known::Then, ..*scope }))?;
    Ok((now, Some(then)))
}
