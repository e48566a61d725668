//! Points for a signature: its owner's, less the share of whoever documented the account before it was reassigned.

use entity::kind::{EntryKind, EntrySource};
use entity::opportunity;
use entity::rules::{Explanation, LeadRules};
use entity::scalar::{Points, Text, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::score::{Booking, rounded};
use super::source::{Source, settle};
use super::words;
use crate::captured::Captured;
use crate::change::Context;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// How the points of a signature are shared: user and points. The parts always add up to the whole.
pub fn shares(points: Points, percent: i32, owner: Uuid, contributor: Option<Uuid>) -> Vec<(Uuid, Points)> {
    let Some(contributor) = contributor.filter(|contributor| *contributor != owner) else {
        return vec![(owner, points)];
    };
    let (part, _) = rounded(points.0 * Decimal::from(percent) / Decimal::ONE_HUNDRED);
    vec![(owner, Points(points.0 - part.0)), (contributor, part)]
}

/// A signature, and all that its points depend on beside the rules.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    pub opportunity: &'a opportunity::Model,
    pub occurred: Timestamp,
    pub captured: Captured,
    pub received: Timestamp,
    /// Who documented the account before it was reassigned.
    pub contributor: Option<Uuid>,
}

/// What a signature brings whom.
pub fn bookings(rules: &LeadRules, version: i32, signature: &Signature<'_>) -> Vec<(Uuid, Booking)> {
    let Signature { opportunity, occurred, captured, received, contributor } = *signature;
    let parts = shares(rules.signing_points, rules.contributor_percent, opportunity.owner_id, contributor);
    let is_shared = parts.len() > 1;
    let of = |(user_id, points): (Uuid, Points)| {
        let is_owner = user_id == opportunity.owner_id;
        let percent = match (is_owner, is_shared) {
            (true, false) => 100,
            (true, true) => 100 - rules.contributor_percent,
            (false, _) => rules.contributor_percent,
        };
        let (base, told) = (words::plain(rules.signing_points.0), words::points(points));
        let arithmetic = format!("{base} × {percent} % = {told}");
        let name = &opportunity.name;
        let (en, zh) = if is_owner {
            (
                format!(
                    "The opportunity {name} was signed, which brings its owner {percent} % of {base} points: {told}."
                ),
                format!("商机“{name}”已签约，负责人得 {base} 分的 {percent}%：{told} 分。"),
            )
        } else {
            (
                format!(
                    "The opportunity {name} was signed at an account that you documented before it was reassigned: \
                     {percent} % of {base} points are yours: {told}."
                ),
                format!("商机“{name}”已签约，该客户转交前的资料主要由您录入：您得 {base} 分的 {percent}%：{told} 分。"),
            )
        };
        let explanation = Explanation {
            occurred: Some(occurred),
            captured: Some(captured.at),
            captured_proven: Some(captured.proven),
            received: Some(received),
            base: Some(rules.signing_points),
            percent: Some(percent),
            arithmetic: Text(arithmetic),
            en: Text(en),
            zh: Text(zh),
            ..Explanation::bare(version)
        };
        (user_id, Booking { points, money: None, kind: EntryKind::Share, explanation })
    };
    parts.into_iter().filter(|(_, points)| !points.0.is_zero()).map(of).collect()
}

/// Books the shares of an opportunity that was signed at `occurred`. What an import tells of the past pays nothing.
pub fn signed(
    work: &mut UnitOfWork,
    context: &Context,
    opportunity: &opportunity::Model,
    occurred: Timestamp,
) -> Result<(), Refusal> {
    let settings = context.settings();
    if work.actor.user_id.is_nil() {
        return Ok(());
    }
    let contributor = context.contributors.get(&opportunity.id).copied();
    let signature = Signature { opportunity, occurred, captured: work.captured, received: work.now, contributor };
    for (user_id, booking) in bookings(&settings.rules.leads, settings.rule_set_version, &signature) {
        let source = Source {
            kind: EntrySource::Opportunity,
            id: opportunity.id,
            user_id,
            account_id: opportunity.account_id,
            day: settings.day(occurred),
        };
        settle(work, &source, Some(booking))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_shares_are_the_whole(points in 0i64..1_000_000, percent in 0..=100i32, same: bool, known: bool) {
            let (owner, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let contributor = known.then_some(if same { owner } else { other });
            let parts = shares(Points(Decimal::new(points, 2)), percent, owner, contributor);
            let sum: Decimal = parts.iter().map(|(_, points)| points.0).sum();
            prop_assert_eq!(sum, Decimal::new(points, 2));
            prop_assert!(parts.iter().all(|(_, points)| points.0 >= Decimal::ZERO));
            prop_assert_eq!(parts.len(), if known && !same { 2 } else { 1 });
        }
    }
}
