//! Answers to writes, to be given again when a write is repeated: they are stored with the write.

use sea_orm::Value;
use uuid::Uuid;

use entity::scalar::Timestamp;

/// `$1` tenant, `$2` user, `$3` now, `$4` keys, `$5` hashes, `$6` results.
pub const INSERT: &str = "
    INSERT INTO receipt (tenant_id, user_id, key, hash, result, created_at)
    SELECT c.tenant_id, $2, r.key, r.hash, r.result, $3 FROM sync_clock c
    CROSS JOIN unnest($4::text[], $5::text[], $6::text[]) AS r(key, hash, result) WHERE c.tenant_id = $1";

/// Keys, hashes and results.
#[derive(Default)]
pub struct Receipts([Vec<String>; 3]);

impl Receipts {
    pub fn add(&mut self, key: &str, hash: &str, result: &str) {
        self.0.iter_mut().zip([key, hash, result]).for_each(|(column, value)| column.push(value.to_owned()));
    }

    /// `$2` to `$6`, if there are any.
    pub fn parameters(self, user_id: Uuid, now: Timestamp) -> Option<[Value; 5]> {
        let [keys, hashes, results] = self.0;
        (!keys.is_empty()).then(|| [user_id.into(), now.into(), keys.into(), hashes.into(), results.into()])
    }
}
