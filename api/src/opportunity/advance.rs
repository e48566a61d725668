//! Moves an opportunity to another stage and writes its history. The rule stands in `stage`.

use std::collections::BTreeSet;

use entity::kind::StageKey;
use entity::opportunity;

use super::AdvanceOpportunity;
use super::create::required;
use super::field::filled;
use super::moves::{Move, not_in_the_future, record, refusal, signed_by_today};
use super::stage::{Facts, TransitionKind, decide};
use crate::change::{Change, Context, Outcome, current};
use crate::points;
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
    signed_by_today(work, context.settings(), advance.signed_on)?;

    let touched = context.touched(change);
    let (mut after, losing) = with_values(&before, advance, &touched);
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
            lost_note: after.lost_note.clone(),
        },
    );
    points::moves::forward(work, context.settings(), &after)?;
    if transition.to == StageKey::Signed {
        points::signing::signed(work, context, &after, occurred)?;
    } else if transition.from == Some(StageKey::Signed) {
        points::source::take_back(work, after.id)?;
    }
    Ok(Outcome { revision, stale: !touched.is_empty(), lost: losing })
}

/// The opportunity with the values that come with the move, and the names of those that lose: somebody else wrote
/// something else there since the author saw it.
fn with_values(
    before: &opportunity::Model,
    advance: &AdvanceOpportunity,
    touched: &BTreeSet<&str>,
) -> (opportunity::Model, Vec<String>) {
    let (mut after, mut lost) = (before.clone(), Vec::new());
    macro_rules! set {
        ($($name:literal: $field:ident = $value:expr),*) => {
            $(match $value {
                Some(value) if touched.contains($name) && after.$field.as_ref() != Some(&value) => {
                    lost.push($name.to_owned());
                }
                Some(value) => after.$field = Some(value),
                None => {}
            })*
        };
    }
    set!(
        "amount": amount = advance.amount,
        "currency": currency = advance.currency.clone().map(String::from),
        "expectedOn": expected_on = advance.expected_on,
        "signedOn": signed_on = advance.signed_on
    );
    (after, lost)
}
