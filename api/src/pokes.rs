//! Tells those who wait that a tenant's feed moved. Says nothing of what moved: data always comes through a pull.

use std::collections::HashMap;
use std::sync::Mutex;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use tokio::sync::watch;
use uuid::Uuid;

/// The heads of the tenants that somebody listens to.
#[derive(Default)]
pub struct Pokes(Mutex<HashMap<Uuid, watch::Sender<i64>>>);

impl Pokes {
    /// The tenant's head as it moves; it starts at what the last listener saw, or 0.
    pub fn listen(&self, tenant_id: Uuid) -> watch::Receiver<i64> {
        self.heads().entry(tenant_id).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// A commit moved this tenant's clock. A head never moves back.
    pub fn moved(&self, tenant_id: Uuid, head: i64) {
        if let Some(sender) = self.heads().get(&tenant_id) {
            sender.send_if_modified(|known| {
                let newer = head > *known;
                *known = head.max(*known);
                newer
            });
        }
    }

    /// Reads the clocks of all tenants that have listeners, for commits that other servers made.
    pub async fn poll(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let listened: Vec<Uuid> = {
            let mut heads = self.heads();
            heads.retain(|_, sender| sender.receiver_count() > 0);
            heads.keys().copied().collect()
        };
        if listened.is_empty() {
            return Ok(());
        }
        let sql = "SELECT tenant_id, head FROM sync_clock WHERE tenant_id = ANY($1)";
        for row in db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [listened.into()])).await?
        {
            self.moved(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        Ok(())
    }

    fn heads(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, watch::Sender<i64>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
