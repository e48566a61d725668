//! Where an activity stands in the books, and what brings it to its worth: what waits for a review goes on waiting, what
//! a review refused is not paid by another way, and a fine that was taken back on appeal stays taken back. Decides only.

use entity::kind::{EntryKind, LedgerAccount};
use entity::points_entry;
use rust_decimal::Decimal;

use crate::ledger::change_of;

/// The sums of an activity's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// What its author has of it.
    pub rep: Decimal,
    /// What waits for a review; a fine on appeal makes it negative.
    pub held: Decimal,
    /// What reviews refused; zero or more.
    pub denied: Decimal,
    /// Whether a fine was taken back on appeal.
    pub waived: bool,
    /// Fines in money, in the currency of the last of them.
    pub money: Decimal,
    /// What of them came back with what waits now; zero or less.
    pub lent: Decimal,
}

impl Position {
    /// In the order in which they were made.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a points_entry::Model>) -> Self {
        entries.into_iter().fold(Position::default(), |sums, entry| Position {
            rep: sums.rep + change_of(entry, LedgerAccount::Rep),
            held: sums.held + change_of(entry, LedgerAccount::Held),
            denied: sums.denied - if entry.kind == EntryKind::Denial { entry.points.0 } else { Decimal::ZERO },
            waived: sums.waived || waives(entry),
            money: sums.money + entry.money.map_or(Decimal::ZERO, |money| money.0),
            lent: match (entry.kind, entry.ledger_account, entry.counterpart) {
                (EntryKind::Release | EntryKind::Denial, ..) => Decimal::ZERO,
                (_, LedgerAccount::Held, LedgerAccount::Rewards) => {
                    sums.lent + entry.money.map_or(Decimal::ZERO, |money| money.0)
                }
                _ => sums.lent,
            },
        })
    }

    /// What is left of it as a fine, which may wait for an appeal; zero or less. What waits for a review is no excuse yet.
    pub fn fine(&self) -> Decimal {
        (self.rep + self.held.min(Decimal::ZERO)).min(Decimal::ZERO)
    }

    /// The points by which the books must move for an activity that is worth so much now.
    pub fn lacks(&self, worth: Decimal) -> Decimal {
        let due = if worth >= Decimal::ZERO {
            // A fine stands as well, if what would have undone it was refused.
            (worth - self.denied).max(if self.denied.is_zero() { Decimal::ZERO } else { self.rep.min(Decimal::ZERO) })
        } else if self.waived {
            Decimal::ZERO
        } else {
            worth
        };
        due - self.rep - self.held
    }

    /// The same as steps on the two sides. What is gained waits if `waits`; what is lost goes from what waits first.
    pub fn steps(&self, lacks: Decimal, waits: bool) -> Vec<(LedgerAccount, Decimal)> {
        let held = if lacks > Decimal::ZERO {
            if waits { lacks } else { Decimal::ZERO }
        } else {
            lacks.max(-self.held.max(Decimal::ZERO))
        };
        [(LedgerAccount::Held, held), (LedgerAccount::Rep, lacks - held)]
            .into_iter()
            .filter(|(_, points)| !points.is_zero())
            .collect()
    }
}

/// Whether the entry takes a fine back for good: the fine waited on appeal, and the appeal was granted.
fn waives(entry: &points_entry::Model) -> bool {
    entry.kind == EntryKind::Reversal && entry.ledger_account == LedgerAccount::Held && entry.entry_id.is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(number: i64) -> Decimal {
        Decimal::from(number)
    }

    #[test]
    fn what_waits_goes_first_and_what_was_refused_is_not_paid() {
        let held = Position { held: d(10), ..Position::default() };
        assert_eq!(held.steps(held.lacks(d(6)), false), [(LedgerAccount::Held, d(-4))]);
        assert_eq!(held.steps(held.lacks(d(12)), true), [(LedgerAccount::Held, d(2))]);
        assert_eq!(held.steps(held.lacks(d(0)), true), [(LedgerAccount::Held, d(-10))]);
        assert_eq!(held.steps(held.lacks(d(-5)), false), [(LedgerAccount::Held, d(-10)), (LedgerAccount::Rep, d(-5))]);

        let denied = Position { denied: d(10), ..Position::default() };
        assert_eq!(denied.lacks(d(10)), d(0));
        assert_eq!(denied.lacks(d(12)), d(2));
        assert_eq!(denied.lacks(d(3)), d(0));
        assert_eq!(denied.lacks(d(-5)), d(-5));

        // A fine that somebody tried to get rid of: the review refused it.
        let fined = Position { rep: d(-5), denied: d(15), ..Position::default() };
        assert_eq!(fined.lacks(d(10)), d(0));
        assert_eq!(fined.lacks(d(4)), d(0));
        assert_eq!(fined.lacks(d(0)), d(0));
        assert_eq!(fined.lacks(d(17)), d(7));
        assert_eq!(fined.lacks(d(-5)), d(0));
        assert_eq!((fined.fine(), Position { rep: d(-5), held: d(15), ..Position::default() }.fine()), (d(-5), d(-5)));
        assert_eq!((held.fine(), Position { held: d(-5), ..Position::default() }.fine()), (d(0), d(-5)));

        let waived = Position { waived: true, ..Position::default() };
        assert_eq!(waived.lacks(d(-5)), d(0));
        assert_eq!(waived.lacks(d(5)), d(5));
    }

    proptest! {
        /// However it got there, after its steps an activity lacks nothing, and nothing waits below zero.
        #[test]
        fn the_steps_bring_it_there(
            rep in -20i64..20, held in 0i64..20, denied in 0i64..20, waived: bool, worth in -20i64..20, waits: bool,
        ) {
            let mut position = Position { rep: d(rep), held: d(held), denied: d(denied), waived, money: d(0), lent: d(0) };
            for (side, points) in position.steps(position.lacks(d(worth)), waits) {
                match side {
                    LedgerAccount::Held => position.held += points,
                    _ => position.rep += points,
                }
            }
            prop_assert_eq!(position.lacks(d(worth)), d(0));
            prop_assert!(position.held >= d(0));
        }
    }
}
