//! What the card of an account or a contact earns, field by field. Decides only; `cards` books it.
//!
//! A field earns when it comes to count: its share of the base, as timely as that moment is after the first visit. When
//! it no longer counts, what it earned is taken back from whoever earned it; filled again, it is his again, so that nobody
//! takes over a colleague's points by emptying and refilling. A field that counted before anybody had earned anything by
//! it (an import filled it, or no rule was there) never earns.

use std::collections::BTreeMap;

use entity::points_entry;
use entity::rules::{CustomerRule, WeighedField};
use entity::scalar::{Line, Points};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::field::Filled;
use super::score::{counts, rounded};
use crate::offence::book::is_offence;

/// Where one field of a card stands in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who earned it first; nobody where it counted before it could earn.
    pub user_id: Option<Uuid>,
    /// What it holds now, and whether it holds anything.
    pub held: Option<Decimal>,
}

/// By the fields' names on the wire.
pub type Card = BTreeMap<String, Standing>;

/// Where a card stands after these entries, which may come in any order.
pub fn standing<'a>(entries: impl Iterator<Item = &'a points_entry::Model>) -> Card {
    let mut entries: Vec<_> = entries.filter(|entry| !is_offence(entry)).collect();
    entries.sort_by_key(|entry| (entry.created_at, entry.id));
    let mut card = Card::new();
    for entry in entries {
        for field in &entry.explanation.weights {
            apply(&mut card, entry.user_id, field);
        }
    }
    card
}

/// What one weighed field of a booking changes.
pub fn apply(card: &mut Card, user_id: Uuid, field: &WeighedField) {
    let known = card.get(&field.field.0).copied();
    let next = match (field.filled, known) {
        (true, _) => Standing { user_id: Some(user_id), held: Some(field.points.unwrap_or_default().0) },
        (false, Some(before)) => Standing { held: None, ..before },
        (false, None) => Standing { user_id: None, held: None },
    };
    card.insert(field.field.0.clone(), next);
}

/// A booking for one user: fields that he earns by, or that are taken back from him.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub user_id: Uuid,
    pub earns: bool,
    /// Each with its points, zero or more either way.
    pub fields: Vec<WeighedField>,
}

impl Step {
    /// What is to be booked.
    pub fn points(&self) -> Points {
        let sum: Decimal = self.fields.iter().filter_map(|field| field.points).map(|points| points.0).sum();
        Points(if self.earns { sum } else { Decimal::ZERO - sum })
    }
}

/// What a change of the card brings. `author`: who made it, if he earns; `percent`: what its timeliness leaves of the
/// base; `room`: what caps leave each user.
pub fn steps(
    rule: Option<&CustomerRule>,
    card: &Card,
    (before, after): (&Filled, &Filled),
    author: Option<Uuid>,
    percent: i32,
    room: impl Fn(Uuid) -> Option<Decimal>,
) -> Vec<Step> {
    let weights = rule.map_or(&[][..], |rule| &rule.weights);
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |user_id: Uuid, earns: bool, field: WeighedField| match steps
        .iter_mut()
        .find(|step| (step.user_id, step.earns) == (user_id, earns))
    {
        Some(step) => step.fields.push(field),
        None => steps.push(Step { user_id, earns, fields: vec![field] }),
    };
    let weighed = |name: &str| weights.iter().find(|weight| weight.field.0 == name);
    // What was earned and counts no longer. A field that is weighed no longer is kept as long as it is filled.
    for (name, standing) in card {
        let stays = weighed(name).map_or(after.contains_key(name.as_str()), |weight| counts(weight, after));
        if let (false, Some(user_id), Some(held)) = (stays, standing.user_id, standing.held) {
            let weight = weighed(name).map_or(0, |weight| weight.weight);
            let points = Some(Points(held));
            add(
                user_id,
                false,
                WeighedField { field: Line(name.clone()), weight, filled: false, percent: None, points },
            );
        }
    }
    let total: i32 = weights.iter().map(|weight| weight.weight).sum();
    let mut left: BTreeMap<Uuid, Option<Decimal>> = BTreeMap::new();
    for weight in weights {
        let (name, standing) = (&weight.field, card.get(&weight.field.0));
        match (counts(weight, before), counts(weight, after)) {
            (true, false) if standing.is_none() => {
                let Some(author) = author else { continue };
                let points = Some(Points::default());
                let field =
                    WeighedField { field: name.clone(), weight: weight.weight, filled: false, percent: None, points };
                add(author, false, field);
            }
            (false, true) => {
                let earner = match standing {
                    None => author,
                    Some(Standing { user_id, held: None }) => *user_id,
                    Some(_) => None,
                };
                let (Some(earner), Some(rule)) = (earner, rule) else { continue };
                let share = rule.base.0 * Decimal::from(weight.weight) * Decimal::from(percent);
                let (mut points, _) = rounded(share / (Decimal::ONE_HUNDRED * Decimal::from(total)));
                let left = left.entry(earner).or_insert_with(|| room(earner));
                if let Some(left) = left {
                    points.0 = points.0.min(*left);
                    *left -= points.0;
                }
                let (percent, points) = (Some(percent), Some(points));
                add(
                    earner,
                    true,
                    WeighedField { field: name.clone(), weight: weight.weight, filled: true, percent, points },
                );
            }
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests;
