//! The end of a history: everybody comes back and sends what is left, and what they hold is judged.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;
use waypost::ledger::verify;

use super::{History, TEXT};

impl History {
    /// Everybody comes back, sends what is left and pulls.
    pub(super) async fn settle(&mut self) {
        for user in std::mem::take(&mut self.disabled) {
            self.admin.patch(&format!("/v1/users/{user}"), json!({ "disabled": false })).await.expect(200);
        }
        for at in 0..self.desks.len() {
            self.desks[at].phone.person.log_out().await;
            while !self.desks[at].queue.is_empty() {
                self.push(at).await;
            }
        }
        for at in 0..self.desks.len() {
            // The first may only end a pull that had been begun.
            self.pull(at, usize::MAX).await;
            self.pull(at, usize::MAX).await;
        }
    }

    pub(super) async fn judge(&self) {
        let why = format!("history {}", self.seed);
        for desk in &self.desks {
            desk.phone.agrees(&self.world, &why).await;
        }
        self.nothing_typed_is_lost(&why).await;
        self.books_balance(&why).await;
    }

    pub(super) async fn nothing_typed_is_lost(&self, why: &str) {
        let mut kept: BTreeSet<(Option<Uuid>, String)> = BTreeSet::new();
        let sql = "SELECT NULL::uuid, changes FROM record_history WHERE tenant_id = $1
                   UNION ALL SELECT NULL, concat_ws(' ', reason, amount) FROM stage_move WHERE tenant_id = $1
                   UNION ALL SELECT user_id, fields FROM rejected_write WHERE tenant_id = $1";
        for row in self.sql(sql).await {
            let author: Option<Uuid> = row.try_get_by_index(0).expect("an id");
            let text: String = row.try_get_by_index(1).expect("a text");
            kept.extend(TEXT.find_iter(&text).map(|found| (author, found.as_str().to_owned())));
        }
        for (author, text, mutation) in &self.typed {
            let found = kept.contains(&(None, text.clone())) || kept.contains(&(Some(*author), text.clone()));
            let result = mutation["mutationId"].as_str().and_then(|id| self.results.get(id));
            assert!(found, "{why}: {text}, typed by {author}, is nowhere: {mutation:#} {result:#?}");
        }
    }

    /// Each activity was scored once, the books are right, each account has the one owner it names, and what reports are
    /// told from is as it would be if it were made anew.
    pub(super) async fn books_balance(&self, why: &str) {
        let (_, faults) = verify::books(&self.world.state.db, Some(self.world.tenant_id)).await.expect("an audit");
        assert!(faults.is_empty(), "{why}: {faults:#?}");
        for (what, sql) in [
            (
                "an activity without its one first entry",
                "SELECT a.id FROM activity a WHERE a.tenant_id = $1 AND 1 <> (SELECT count(*) FROM points_entry p
                 WHERE p.tenant_id = $1 AND p.source_id = a.id AND p.number = 1)",
            ),
            (
                "an account whose owner is not its one owning member",
                "SELECT a.id FROM account a WHERE a.tenant_id = $1 AND a.deleted_at IS NULL AND ARRAY[a.owner_id] <> ARRAY(
                 SELECT m.user_id FROM account_member m WHERE m.tenant_id = $1 AND m.account_id = a.id
                 AND m.deleted_at IS NULL AND m.role = 'owner')",
            ),
            (
                "an opportunity whose stays are not its moves, or another's",
                "SELECT o.id FROM opportunity o LEFT JOIN stay s ON s.tenant_id = $1 AND s.opportunity_id = o.id
                 WHERE o.tenant_id = $1 AND ((s.owner_id, s.account_id, s.deleted_at) IS DISTINCT FROM (o.owner_id, o.account_id, o.deleted_at)
                 OR NOT EXISTS (SELECT FROM stage_move m WHERE m.tenant_id = $1 AND m.opportunity_id = o.id AND m.number = s.number
                     AND m.to_stage = s.stage AND m.occurred = s.entered))",
            ),
        ] {
            let found = self.sql(sql).await;
            let ids: Vec<Uuid> = found.iter().map(|row| row.try_get_by_index(0).expect("an id")).collect();
            assert!(ids.is_empty(), "{why}: {what}: {ids:?}");
        }
    }
}
