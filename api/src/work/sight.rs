//! Which of the loaded records the actor sees: the same rule that pulls and lists follow.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::Kind;
use entity::scalar::Timestamp;
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

/// `$1` tenant, `$2` user, `$3` record ids → kind, id, and for a tombstone in the user's own scope the time of it. A lead
/// that left the pool left the scope of the whole tenant. The ids stand in a select of their own, so that the plan is kept.
pub const SQL: &str = "
    SELECT f.kind, f.record_id, NULL::timestamptz AS left_at
    FROM feed f JOIN scope_grant g ON g.tenant_id = f.tenant_id AND g.scope_id = f.scope_id
    WHERE f.tenant_id = $1 AND g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL
      AND f.record_id = ANY((SELECT $3::uuid[])::uuid[]) AND f.document IS NOT NULL
    UNION
    SELECT f.kind, f.record_id, f.changed_at FROM feed f
    WHERE f.tenant_id = $1 AND (f.scope_id = $2 OR f.scope_id = $1 AND f.kind = 'lead')
      AND f.record_id = ANY((SELECT $3::uuid[])::uuid[]) AND f.document IS NULL";

#[derive(Default)]
pub struct Sight {
    asked: BTreeSet<Uuid>,
    shown: BTreeSet<(Kind, Uuid)>,
    left: BTreeMap<(Kind, Uuid), Timestamp>,
}

impl Sight {
    pub fn wanted(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
        ids.into_iter().filter(|id| self.asked.insert(*id)).collect()
    }

    pub fn record(&mut self, rows: &[QueryResult]) -> Result<(), DbErr> {
        for row in rows {
            let kind: String = row.try_get_by_index(0)?;
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
