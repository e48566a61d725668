//! How long opportunities stood in their stages, kept for reports: a row of `stay` for each move, worked out of all moves of
//! its opportunity whenever there is a new one, with the owner and the account that the opportunity has now. Of many opportunities,
//! that is the dear part of a report.

use std::collections::BTreeSet;

use entity::{opportunity, stage_move};
use uuid::Uuid;

use super::{Slot, UnitOfWork};

/// `$1` tenant, `$2` opportunities.
///
/// - `entered`: when the move occurred; `told`: by when it had occurred and the server knew of it.
/// - `stood_until`, `told_until`: the same of the first later move, `infinity` without one. Later is what has a higher number:
///   so the opportunity stood at this stage at a moment from `entered` to `stood_until`, and as it was known then, from `told`
///   to `told_until`. One that was typed late may have occurred before the one that it follows: then it stood there at none.
/// - `came_…`: when it first came to a stage or past it, as far as this move and those before it tell.
pub const SQL: &str = "
    INSERT INTO stay (tenant_id, opportunity_id, number, from_stage, stage, lost_reason, probability, entered, told, stood_until,
                      told_until, is_newest, came_intent, came_pre_sale, came_negotiation, came_signed, owner_id, account_id, deleted_at)
    SELECT $1, m.*, o.owner_id, o.account_id, o.deleted_at
    FROM (
        SELECT opportunity_id, number, from_stage, to_stage, lost_reason, probability, occurred, greatest(occurred, received),
               coalesce(min(occurred) OVER later, 'infinity'), coalesce(min(greatest(occurred, received)) OVER later, 'infinity'),
               count(*) OVER later = 0,
               min(occurred) FILTER (WHERE to_stage <> 'lost') OVER so_far,
               min(occurred) FILTER (WHERE to_stage IN ('pre_sale', 'negotiation', 'signed')) OVER so_far,
               min(occurred) FILTER (WHERE to_stage IN ('negotiation', 'signed')) OVER so_far,
               min(occurred) FILTER (WHERE to_stage = 'signed') OVER so_far
        FROM stage_move
        WHERE tenant_id = $1 AND opportunity_id = ANY((SELECT $2::uuid[])::uuid[])
        WINDOW so_far AS (PARTITION BY opportunity_id ORDER BY number ROWS UNBOUNDED PRECEDING),
               later AS (PARTITION BY opportunity_id ORDER BY number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
    ) m
    JOIN opportunity o ON o.tenant_id = $1 AND o.id = m.opportunity_id
    ON CONFLICT (tenant_id, opportunity_id, number) DO UPDATE
    SET stood_until = excluded.stood_until, told_until = excluded.told_until, is_newest = excluded.is_newest,
        owner_id = excluded.owner_id, account_id = excluded.account_id, deleted_at = excluded.deleted_at
    WHERE (stay.stood_until, stay.told_until, stay.is_newest, stay.owner_id, stay.account_id, stay.deleted_at) IS DISTINCT FROM
          (excluded.stood_until, excluded.told_until, excluded.is_newest, excluded.owner_id, excluded.account_id, excluded.deleted_at)";

impl UnitOfWork {
    /// The opportunities that have a new move, were handed on, came to another account or were deleted.
    pub(super) fn moved(&self) -> Vec<Uuid> {
        let moves = self.slots::<stage_move::Model>().filter(|slot| slot.found.is_none());
        let moves = moves.map(|slot| slot.now.opportunity_id);
        let whose = |row: &opportunity::Model| (row.owner_id, row.account_id, row.deleted_at);
        let handed_on = self.slots::<opportunity::Model>().filter_map(|Slot { found, now, .. }| {
            found.as_ref().is_some_and(|found| whose(found) != whose(now)).then_some(now.id)
        });
        moves.chain(handed_on).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
