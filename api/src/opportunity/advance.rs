//! Moves an opportunity to another stage and writes its history. The rule stands in `stage`.

use entity::kind::StageKey;
use entity::opportunity;

use super::AdvanceOpportunity;
use super::create::required;
use super::field::filled;
use super::moves::{Move, not_in_the_future, record, refusal};
use super::stage::{Facts, TransitionKind, decide};
use crate::change::{Change, Context, Outcome, current};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn advance(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    advance: &AdvanceOpportunity,
) -> Result<Outcome, Refusal> {
    advance_at(work, context, change, advance, false)
}

/// Moves it; `occurred_assumed` marks a time that the source of an import does not tell.
pub fn advance_at(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    advance: &AdvanceOpportunity,
    occurred_assumed: bool,
) -> Result<Outcome, Refusal> {
    let before: opportunity::Model = current(work, change)?;
    let occurred = advance.occurred.unwrap_or(work.captured.at);
    not_in_the_future(work, occurred, "A move is entered when it has happened; `expectedOn` holds what is expected.")?;

    let mut after = before.clone();
    after.amount = advance.amount.or(after.amount);
    after.currency = advance.currency.clone().map(String::from).or(after.currency);
    after.expected_on = advance.expected_on.or(after.expected_on);
    after.signed_on = advance.signed_on.or(after.signed_on);
    let required = required(&context.settings().stages);
    let facts = Facts {
        current: Some(before.stage),
        lost_from: before.lost_from,
        required: &required,
        filled: &filled(&after),
        reason: advance.reason.as_ref().map(|reason| reason.0.as_str()),
        lost_reason: advance.lost_reason,
        lost_note: advance.lost_note.as_ref().map(|note| note.0.as_str()),
        role: work.actor.role,
    };
    let transition = decide(advance.stage, &facts).map_err(|refused| refusal(&refused))?;

    after.stage = transition.to;
    after.stage_since = occurred;
    let lost = transition.kind == TransitionKind::Lost;
    after.lost_from = if lost { transition.from } else { None };
    after.lost_reason = if lost { advance.lost_reason } else { None };
    after.lost_note = if lost { advance.lost_note.clone().map(String::from) } else { None };
    if transition.from == Some(StageKey::Signed) {
        after.signed_on = None;
    }
    let revision = work.put(after.clone());
    record(
        work,
        context.settings(),
        &after,
        Move {
            from: transition.from,
            occurred,
            occurred_assumed,
            reason: advance.reason.clone().map(String::from),
            lost_reason: advance.lost_reason.filter(|_| lost),
        },
    );
    let stale = change.base.is_some_and(|base| base < before.revision);
    Ok(Outcome { revision, stale, lost: Vec::new() })
}
