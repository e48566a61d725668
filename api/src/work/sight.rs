//! Which of the loaded records the actor sees: the same rule that pulls and lists follow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use entity::kind::Kind;
use entity::scalar::Timestamp;
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use crate::change::{MARK, Mark};

/// `$1` tenant, `$2` user, `$3` record ids → kind, id, and for a tombstone in the user's own scope the time of it. A lead
/// that left the pool left the scope of the whole tenant. `OFFSET 0` keeps each record a look-up of its own: else a plan that was
/// made while a scope had few rows goes through all of them. The ids stand in a select of their own, so that the plan is kept.
/// One row without a kind is the mark of what the tenant sets, which saves who looks a question of its own.
pub static SQL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT f.kind, f.record_id, CASE WHEN f.is_buried THEN f.changed_at END, NULL::text, NULL::bigint
         FROM unnest((SELECT $3::uuid[])) AS asked(id)
         CROSS JOIN LATERAL (
             SELECT f.kind, f.record_id, f.scope_id, f.changed_at, f.document IS NULL AS is_buried
             FROM feed f WHERE f.tenant_id = $1 AND f.record_id = asked.id OFFSET 0
         ) f
         WHERE CASE WHEN f.is_buried THEN f.scope_id = $2 OR f.scope_id = $1 AND f.kind = 'lead'
                    ELSE EXISTS (
                        SELECT FROM scope_grant g
                        WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.scope_id = f.scope_id AND g.revoked IS NULL) END
         UNION ALL
         SELECT NULL, NULL, NULL, {MARK} FROM tenant t WHERE t.id = $1"
    )
});

#[derive(Default)]
pub struct Sight {
    asked: BTreeSet<Uuid>,
    shown: BTreeSet<(Kind, Uuid)>,
    left: BTreeMap<(Kind, Uuid), Timestamp>,
    /// Of what the tenant sets, as of the last look.
    pub mark: Option<Mark>,
}

impl Sight {
    pub fn wanted(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
        ids.into_iter().filter(|id| self.asked.insert(*id)).collect()
    }

    pub fn record(&mut self, rows: &[QueryResult]) -> Result<(), DbErr> {
        for row in rows {
            let Some(kind) = row.try_get_by_index::<Option<String>>(0)? else {
                self.mark = Some(Mark { zone: row.try_get_by_index(3)?, head: row.try_get_by_index(4)? });
                continue;
            };
            let kind =
                Kind::parse(&kind).ok_or_else(|| DbErr::Custom(format!("feed holds the unknown kind {kind}")))?;
            let id = row.try_get_by_index(1)?;
            match row.try_get_by_index::<Option<Timestamp>>(2)? {
                None => {
                    self.shown.insert((kind, id));
                }
                Some(at) => {
                    self.left.insert((kind, id), at);
                }
            }
        }
        Ok(())
    }

    pub fn reveal(&mut self, kind: Kind, id: Uuid) {
        self.shown.insert((kind, id));
    }

    pub fn shown(&self, kind: Kind, id: Uuid) -> bool {
        self.shown.contains(&(kind, id))
    }

    /// Once in the actor's own scope, and no longer.
    pub fn buried(&self, kind: Kind, id: Uuid) -> bool {
        self.left.contains_key(&(kind, id))
    }

    pub fn left(&self, account_id: Uuid) -> Option<Timestamp> {
        (!self.shown(Kind::Account, account_id)).then(|| self.left.get(&(Kind::Account, account_id)).copied())?
    }
}
