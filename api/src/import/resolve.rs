//! From the names in files to ids: one statement a kind for all that a chunk refers to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entity::kind::Kind;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::draft::Name;
use super::mapping::By;
use crate::work::UnitOfWork;

/// External ids, names and ids that are looked for.
type Wanted = (Vec<String>, Vec<String>, Vec<Uuid>);

/// The records that were found, and those that the chunk itself makes.
#[derive(Default)]
pub struct Names(HashMap<Name, BTreeSet<Uuid>>);

impl Names {
    /// Looks up all of them among the live records.
    pub async fn find(work: &UnitOfWork, wanted: &BTreeSet<Name>) -> Result<Self, DbErr> {
        let mut by_kind: BTreeMap<Kind, Wanted> = BTreeMap::new();
        for name in wanted {
            let (keys, names, ids) = by_kind.entry(name.kind).or_default();
            match name.by {
                By::ExternalId | By::Any => keys.push(name.text.clone()),
                By::Name => names.push(name.text.clone()),
                By::Id => ids.extend(name.text.parse::<Uuid>().ok()),
            }
        }
        let mut found = Names::default();
        for (kind, (keys, names, ids)) in by_kind {
            // An activity has no name.
            let by_name = if names.is_empty() {
                String::new()
            } else {
                format!(
                    " UNION ALL SELECT id, 'name', name FROM \"{kind}\"
                      WHERE tenant_id = $1 AND deleted_at IS NULL AND name = ANY($4)"
                )
            };
            let sql = format!(
                "SELECT id, 'key', external_id FROM \"{kind}\"
                 WHERE tenant_id = $1 AND deleted_at IS NULL AND external_id = ANY($2)
                 UNION ALL SELECT id, 'id', id::text FROM \"{kind}\"
                 WHERE tenant_id = $1 AND deleted_at IS NULL AND id = ANY($3){by_name}"
            );
            let mut values: Vec<sea_orm::Value> = vec![keys.into(), ids.into()];
            if !names.is_empty() {
                values.push(names.into());
            }
            for row in work.connection().query_all_raw(work.statement(&sql, values)).await? {
                let by = match row.try_get_by_index::<String>(1)?.as_str() {
                    "key" => By::ExternalId,
                    "id" => By::Id,
                    _ => By::Name,
                };
                found.add(Name { kind, by, text: row.try_get_by_index(2)? }, row.try_get_by_index(0)?);
            }
        }
        Ok(found)
    }

    /// From here on this name means this record too.
    pub fn add(&mut self, name: Name, id: Uuid) {
        self.0.entry(name).or_default().insert(id);
    }

    /// The one record of this name: `Ok(None)` if there is none, an error if there are several.
    pub fn get(&self, name: &Name) -> Result<Option<Uuid>, String> {
        let Some(ids) = self.0.get(name) else { return Ok(None) };
        let mut ids = ids.iter();
        match (ids.next(), ids.next()) {
            (id, None) => Ok(id.copied()),
            _ => Err(format!("several {}s are called `{}`: refer to it by externalId", name.kind, name.text)),
        }
    }
}

/// External ids, and with `ids` also ids, that deleted records of the kind had. Read once a pass: what was deleted is not
/// brought back.
pub async fn deleted(work: &UnitOfWork, kind: Kind, ids: bool) -> Result<HashSet<String>, DbErr> {
    let and_ids = if ids {
        format!(" UNION ALL SELECT id::text FROM \"{kind}\" WHERE tenant_id = $1 AND deleted_at IS NOT NULL")
    } else {
        String::new()
    };
    let sql = format!(
        "SELECT external_id FROM \"{kind}\"
         WHERE tenant_id = $1 AND deleted_at IS NOT NULL AND external_id IS NOT NULL{and_ids}"
    );
    let rows = work.connection().query_all_raw(work.statement(&sql, [])).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
