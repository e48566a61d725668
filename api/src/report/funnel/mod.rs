//! `GET /v1/reports/funnel`. Here the database is asked: one statement, put together from the files beside this one. What
//! the rows mean is told there; how they are laid out, in `cohort` and `snapshot`; how they look, in `look`.

mod cohort;
mod look;
pub mod routes;
mod snapshot;
mod wire;

use entity::kind::{AccountKind, AccountTier};
use entity::scalar::{Date, Money};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

pub use self::routes::ReportApi;
pub use self::wire::*;
use super::ask::ask;
use super::figures::owner;
use super::rounded;
use super::told::{Known, has_begun, told};
use crate::auth::Actor;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::state::State;

const PICKED: &str = include_str!("picked.sql");
const COHORT: &str = include_str!("cohort.sql");
const COUNTED: &str = include_str!("counted.sql");
const SNAPSHOT: &str = include_str!("snapshot.sql");
const ANSWER: &str = include_str!("answer.sql");

/// What says in words to which group a journey belongs. The month of entry comes with its stay, all else with the opportunity.
const SPLIT_TEXT: &str = "CASE WHEN $12 = 'month' THEN to_char(s.came_intent AT TIME ZONE (SELECT time_zone FROM period), 'YYYY-MM') ELSE p.split_text END";

/// The funnel over the opportunities that the actor sees and that are not deleted.
///
/// - Stages come from the history of moves alone. An opportunity comes to a stage when a move first takes it there or
///   past it: a stage that was skipped counts as entered and left at that moment, coming back does not count again.
/// - Where it stands is told by its newest move, which is the one with the highest number: each move was decided on what
///   the one before had left, whatever time it was said to have occurred. It is lost if that move goes to `lost`, and
///   lost where that move came from; one that was reopened is not lost.
/// - Amounts are those of now; as of a past day, those of the end of the day, by `record_history`; for a day before the
///   amount was first told, the amount that was told first.
/// - As of a past day it is told as it is known now; where the server had been told otherwise by the end of that day,
///   that stands beside it. A second statement asks for it, at the same time.
/// - Owner, product, source, team, and the kind, tier and region of the account are those of now; as of a past day, those
///   of that day. The tree of teams is that of now, and so are which account it is, and who may see what.
/// - A rep's funnel is of his own opportunities unless he asks for somebody's or a team's.
///
/// # Errors
/// 422 if `from` lies after `to` or `as_of` in the future, or if a parameter belongs to the other view.
pub async fn funnel(state: &State, actor: &Actor, query: &FunnelQuery) -> Result<Funnel, Error> {
    belongs_to_view(query)?;
    has_begun(query.as_of, state.clock.now())?;
    if query.as_of.is_none() || query.known == Known::Then {
        return one(state, actor, query).await;
    }
    let then = FunnelQuery { known: Known::Then, ..query.clone() };
    let (mut now, then) = tokio::try_join!(one(state, actor, query), one(state, actor, &then))?;
    if let Some((now, then)) = now.snapshot.as_mut().zip(then.snapshot) {
        now.known_then = Some(then.stages).filter(|then| *then != now.stages);
        now.groups_known_then = Some(then.groups).filter(|then| *then != now.groups);
    }
    if let Some((now, then)) = now.cohort.as_mut().zip(then.cohort) {
        now.known_then = Some(then.stages).filter(|then| *then != now.stages);
        now.groups_known_then = Some(then.groups).filter(|then| *then != now.groups);
    }
    Ok(now)
}

async fn one(state: &State, actor: &Actor, query: &FunnelQuery) -> Result<Funnel, Error> {
    let values: [Value; 12] = [
        actor.tenant_id.into(),
        actor.user_id.into(),
        state.clock.now().into(),
        query.from.into(),
        query.to.into(),
        query.as_of.into(),
        query.team_id.into(),
        owner(actor, query.user_id, query.team_id).into(),
        query.product_id.into(),
        query.account_kind.map(AccountKind::as_str).into(),
        query.source.as_ref().map(|source| source.0.as_str()).into(),
        query.split_by.as_str().into(),
    ];
    let rows = ask(state, &sql(query, actor), values).await?;
    let first = rows.first().ok_or_else(|| Error::Internal(format!("there is no tenant {}", actor.tenant_id)))?;
    let days = Days::from_query_result(first, "")?;
    if query.view == FunnelView::Cohort && days.first_day > days.last_day {
        let detail = format!("Must not lie after {}, the last day of the period.", days.last_day);
        return Err(Refusal::invalid("from", detail).into());
    }
    let mut funnel = Funnel {
        view: query.view,
        time_zone: days.time_zone,
        team: days.team,
        cohort: None,
        snapshot: None,
        compared: None,
    };
    match query.view {
        FunnelView::Cohort => {
            let cohort = cohort::lay_out(days.first_day, days.last_day, query.split_by, &rows)?;
            funnel.cohort = Some(Cohort { as_of: query.as_of, ..cohort });
        }
        FunnelView::Snapshot => funnel.snapshot = Some(snapshot::lay_out(days.as_of, query.split_by, &rows)?),
    }
    Ok(funnel)
}

/// Two funnels side by side, each by a statement of its own, both at once.
///
/// # Errors
/// As for one.
pub async fn compared(state: &State, actor: &Actor, query: &FunnelQuery, with: &Comparison) -> Result<Funnel, Error> {
    let other = FunnelQuery {
        from: with.from.or(query.from),
        to: with.to.or(query.to),
        as_of: with.as_of.or(query.as_of),
        team_id: with.team_id.or(query.team_id),
        ..query.clone()
    };
    let (one, other) = tokio::try_join!(funnel(state, actor, query), funnel(state, actor, &other))?;
    let other = ComparedFunnel { team: other.team, cohort: other.cohort, snapshot: other.snapshot };
    Ok(Funnel { compared: Some(other), ..one })
}

fn sql(query: &FunnelQuery, actor: &Actor) -> String {
    let counted = match (query.view, query.split_by) {
        (FunnelView::Cohort, SplitBy::None) => cohort_of_all(),
        (FunnelView::Cohort, _) => cohort_of_groups(),
        (FunnelView::Snapshot, _) => SNAPSHOT.to_owned(),
    };
    let counted = counted.replace("{split_text}", SPLIT_TEXT);
    told(&[PICKED, &counted, ANSWER].concat(), actor, query.as_of, query.known)
}

fn cohort_of_all() -> String {
    let split = "true AS is_total, NULL::uuid AS split_id, NULL::text AS split_text";
    cohort("MATERIALIZED", split, "()", "currency")
}

/// Of each group and of all, in one go.
fn cohort_of_groups() -> String {
    let split = "grouping(split_id) = 1 AS is_total, split_id, split_text";
    let sets = "GROUPING SETS ((split_id, split_text), ())";
    let currencies = "GROUPING SETS ((split_id, split_text, currency), (currency))";
    cohort("NOT MATERIALIZED", split, sets, currencies)
}

fn cohort(aside: &str, split: &str, sets: &str, currencies: &str) -> String {
    let words = [("{aside}", aside), ("{split}", split), ("{sets}", sets), ("{currencies}", currencies)];
    words.into_iter().fold([COHORT, COUNTED].concat(), |sql, (word, meaning)| sql.replace(word, meaning))
}

/// A period says nothing of a snapshot: better refused than passed over.
fn belongs_to_view(query: &FunnelQuery) -> Result<(), Refusal> {
    let given = match query.view {
        FunnelView::Cohort => Vec::new(),
        FunnelView::Snapshot => vec![("from", query.from.is_some()), ("to", query.to.is_some())],
    };
    let errors: Vec<FieldError> = given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| FieldError::new(name, "Goes with view=cohort only: leave it out, or ask for that view."))
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
    team: Option<String>,
}

/// What a group is of; all absent for what belongs to none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromQueryResult)]
struct Key {
    split_name: Option<String>,
    split_id: Option<Uuid>,
    /// What has no id: a kind, a tier, a source, a region, a month.
    split_text: Option<String>,
}

impl Key {
    /// Sorts keys by name, and what belongs to none to the end.
    fn order(&self) -> (bool, Key) {
        (self.split_id.is_none() && self.split_text.is_none(), self.clone())
    }

    fn told(self, by: SplitBy) -> Told {
        let text = self.split_text.as_deref();
        Told {
            id: self.split_id,
            account_kind: text.filter(|_| by == SplitBy::AccountKind).and_then(AccountKind::parse),
            tier: text.filter(|_| by == SplitBy::Tier).and_then(AccountTier::parse),
            name: match by {
                SplitBy::Source | SplitBy::Region | SplitBy::Month => self.split_text,
                _ => self.split_name,
            },
        }
    }
}

/// A group as it goes over the wire.
struct Told {
    id: Option<Uuid>,
    account_kind: Option<AccountKind>,
    tier: Option<AccountTier>,
    name: Option<String>,
}

fn amount(currency: Option<String>, amount: Money) -> CurrencyAmount {
    CurrencyAmount { currency, amount }
}
