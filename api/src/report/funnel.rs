//! Asks the database for a funnel: one statement, put together from the files beside this one. What the rows mean is
//! told there; how they are laid out, in `cohort` and `snapshot`.

use entity::kind::{AccountKind, Kind};
use entity::scalar::{Date, Money};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::{CurrencyAmount, Funnel, FunnelQuery, FunnelView, SplitBy, cohort, snapshot};
use crate::auth::Actor;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::read;
use crate::state::State;

const PICKED: &str = include_str!("picked.sql");
const COHORT: &str = include_str!("cohort.sql");
const SNAPSHOT: &str = include_str!("snapshot.sql");
const ANSWER: &str = include_str!("answer.sql");

/// The funnel over the opportunities that the actor sees and that are not deleted.
///
/// - Stages come from the history of moves alone. An opportunity comes to a stage when a move first takes it there or
///   past it: a stage that was skipped counts as entered and left at that moment, coming back does not count again.
/// - Where it stands is told by its newest move, which is the one with the highest number: each move was decided on what
///   the one before had left, whatever time it was said to have occurred. It is lost if that move goes to `lost`, and
///   lost where that move came from; one that was reopened is not lost.
/// - Cohort: amounts are those of now. Snapshot: those of the end of the day, by `record_history`; for a day before the
///   amount was first told, the amount that was told first.
/// - Owner and team filters and splits go by the present owner and the team that he is in now.
///
/// # Errors
/// 422 if `from` lies after `to`, or if a parameter belongs to the other view.
pub async fn funnel(state: &State, actor: &Actor, query: &FunnelQuery) -> Result<Funnel, Error> {
    belongs_to_view(query)?;
    let values: [Value; 12] = [
        actor.tenant_id.into(),
        actor.user_id.into(),
        state.clock.now().into(),
        query.from.into(),
        query.to.into(),
        query.as_of.into(),
        query.team_id.into(),
        query.user_id.into(),
        query.product_id.into(),
        query.account_kind.map(AccountKind::as_str).into(),
        query.source.as_ref().map(|source| source.0.as_str()).into(),
        split(query.split_by).into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql(query.view, actor), values);
    let rows = state.db.query_all_raw(statement).await?;
    let first = rows.first().ok_or_else(|| Error::Internal(format!("there is no tenant {}", actor.tenant_id)))?;
    let days = Days::from_query_result(first, "")?;
    if query.view == FunnelView::Cohort && days.first_day > days.last_day {
        let detail = format!("Must not lie after {}, the last day of the period.", days.last_day);
        return Err(Refusal::invalid("from", detail).into());
    }
    let mut funnel = Funnel { view: query.view, time_zone: days.time_zone, cohort: None, snapshot: None };
    match query.view {
        FunnelView::Cohort => funnel.cohort = Some(cohort::lay_out(days.first_day, days.last_day, &rows)?),
        FunnelView::Snapshot => {
            funnel.snapshot = Some(snapshot::lay_out(days.as_of, query.split_by != SplitBy::None, &rows)?);
        }
    }
    Ok(funnel)
}

fn sql(view: FunnelView, actor: &Actor) -> String {
    let seen =
        if actor.sees_all() { String::new() } else { format!("      AND {}\n", read::visible(Kind::Opportunity)) };
    let counted = match view {
        FunnelView::Cohort => COHORT,
        FunnelView::Snapshot => SNAPSHOT,
    };
    [PICKED, &seen, counted, ANSWER].concat()
}

fn split(by: SplitBy) -> &'static str {
    match by {
        SplitBy::None => "none",
        SplitBy::Team => "team",
        SplitBy::User => "user",
        SplitBy::Product => "product",
        SplitBy::AccountKind => "account_kind",
    }
}

/// A period says nothing of a snapshot, nor a day of a cohort: better refused than passed over.
fn belongs_to_view(query: &FunnelQuery) -> Result<(), Refusal> {
    let (view, given) = match query.view {
        FunnelView::Cohort => ("snapshot", vec![("asOf", query.as_of)]),
        FunnelView::Snapshot => ("cohort", vec![("from", query.from), ("to", query.to)]),
    };
    let errors: Vec<FieldError> = given
        .into_iter()
        .filter(|(_, day)| day.is_some())
        .map(|(name, _)| {
            FieldError::new(name, format!("Goes with view={view} only: leave it out, or ask for that view."))
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Validation, errors)) }
}

/// What every row begins with.
#[derive(FromQueryResult)]
struct Days {
    time_zone: String,
    first_day: Date,
    last_day: Date,
    as_of: Date,
}

/// What a group is of; all absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromQueryResult)]
pub(super) struct Key {
    pub split_name: Option<String>,
    pub split_id: Option<Uuid>,
    pub split_kind: Option<AccountKind>,
}

/// Sorts keys by name, and what belongs to none to the end.
pub(super) fn order(key: &Key) -> (bool, Key) {
    (key.split_id.is_none() && key.split_kind.is_none(), key.clone())
}

pub(super) fn amount(currency: Option<String>, amount: Money) -> CurrencyAmount {
    CurrencyAmount { currency, amount }
}
