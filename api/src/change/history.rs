//! What others did to the records of a batch since its author saw them: what a merge by field looks back on.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::Kind;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Change;
use crate::custom_field::merge::names;
use crate::work::UnitOfWork;

/// One write of a record.
struct Write {
    revision: i32,
    /// By the same user on the same phone: he knows what he did.
    own: bool,
    fields: BTreeSet<String>,
}

#[derive(Default)]
pub struct History(BTreeMap<(Kind, Uuid), Vec<Write>>);

/// `$1` tenant, `$2` records, `$3` revisions that their authors saw, `$4` the author, `$5` his phone.
const SQL: &str = "
    SELECT h.kind, h.record_id, h.revision, coalesce(h.actor_id = $4 AND h.device_id = $5, false), h.changes
    FROM unnest($2::uuid[], $3::integer[]) AS b(record_id, base)
    JOIN record_history h ON h.tenant_id = $1 AND h.record_id = b.record_id AND h.revision > b.base";

impl History {
    /// Reads the writes after each change's base, in one statement.
    pub async fn read(work: &UnitOfWork, changes: &[&Change]) -> Result<Self, DbErr> {
        let mut history = History::default();
        if work.device.is_none() {
            return Ok(history);
        }
        let mut bases: BTreeMap<Uuid, i32> = BTreeMap::new();
        let sets = |change: &&&Change| matches!(change.intent, super::Intent::Update(_) | super::Intent::Advance(_));
        for change in changes.iter().filter(sets) {
            let base = change.base.unwrap_or(0);
            bases.entry(change.id).and_modify(|known| *known = base.min(*known)).or_insert(base);
        }
        if bases.is_empty() {
            return Ok(history);
        }
        let (ids, revisions): (Vec<Uuid>, Vec<i32>) = bases.into_iter().unzip();
        let statement =
            work.statement(SQL, [ids.into(), revisions.into(), work.actor.user_id.into(), work.device.into()]);
        for row in work.connection().query_all_raw(statement).await? {
            let (kind, id): (String, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let changes: String = row.try_get_by_index(4)?;
            let fields: Map<String, Value> =
                serde_json::from_str(&changes).map_err(|error| DbErr::Custom(error.to_string()))?;
            let Some(kind) = Kind::parse(&kind) else { continue };
            history.0.entry((kind, id)).or_default().push(Write {
                revision: row.try_get_by_index(2)?,
                own: row.try_get_by_index(3)?,
                fields: names(fields).collect(),
            });
        }
        Ok(history)
    }

    /// The fields of the change's record that somebody else, or somebody elsewhere, wrote after its base.
    pub fn touched(&self, change: &Change) -> BTreeSet<&str> {
        let base = change.base.unwrap_or(0);
        self.0
            .get(&(change.kind, change.id))
            .into_iter()
            .flatten()
            .filter(|write| write.revision > base && !write.own)
            .flat_map(|write| write.fields.iter().map(String::as_str))
            .collect()
    }
}
