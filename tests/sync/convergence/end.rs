//! The end of a history: everybody comes back and sends what is left, and what they hold is judged.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use uuid::Uuid;
use waypost::ledger::verify;

use super::{History, TEXT};
use crate::sync::phone::Phone;

/// Kind and id of all that a user may see: of the accounts that he, or somebody whom he leads, is a member of, with what
/// belongs to them; of opportunities without an account, points and the like by whose they are; of what the whole company
/// sees. `$1` tenant, `$2` user.
const MAY_SEE: &str = r#"
    WITH RECURSIVE me AS (
        SELECT id, role, team_id FROM "user" WHERE tenant_id = $1 AND id = $2
    ), below AS (
        SELECT team_id AS id FROM me WHERE role = 'manager'
        UNION
        SELECT t.id FROM below b JOIN team t ON t.parent_id = b.id WHERE t.tenant_id = $1
    ), people AS (
        SELECT id FROM me
        UNION
        SELECT u.id FROM "user" u WHERE u.tenant_id = $1 AND u.deleted_at IS NULL AND u.team_id IN (SELECT id FROM below)
    ), teams AS (
        SELECT team_id AS id FROM me
        UNION
        SELECT id FROM below
    ), accounts AS (
        SELECT m.account_id AS id FROM account_member m
        WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.user_id IN (SELECT id FROM people)
    ), live AS (
        SELECT 'account' AS kind, id, id AS account, NULL::uuid AS whose, deleted_at FROM account WHERE tenant_id = $1
        UNION ALL SELECT 'account_member', id, account_id, NULL, deleted_at FROM account_member WHERE tenant_id = $1
        UNION ALL SELECT 'contact', id, account_id, NULL, deleted_at FROM contact WHERE tenant_id = $1
        UNION ALL SELECT 'plan', id, account_id, NULL, deleted_at FROM plan WHERE tenant_id = $1
        UNION ALL SELECT 'activity', id, account_id, NULL, deleted_at FROM activity WHERE tenant_id = $1
        UNION ALL SELECT 'attachment', id, account_id, NULL, deleted_at FROM attachment WHERE tenant_id = $1
        UNION ALL SELECT 'opportunity', id, account_id, owner_id, deleted_at FROM opportunity WHERE tenant_id = $1
        UNION ALL SELECT 'stage_move', m.id, o.account_id, o.owner_id, m.deleted_at
                  FROM stage_move m JOIN opportunity o ON o.tenant_id = $1 AND o.id = m.opportunity_id WHERE m.tenant_id = $1
        UNION ALL SELECT 'points_entry', id, NULL, user_id, deleted_at FROM points_entry WHERE tenant_id = $1
        UNION ALL SELECT 'points_balance', id, NULL, id, deleted_at FROM points_balance WHERE tenant_id = $1
        UNION ALL SELECT 'hold', id, NULL, user_id, deleted_at FROM hold WHERE tenant_id = $1
        UNION ALL SELECT 'appeal', id, NULL, user_id, deleted_at FROM appeal WHERE tenant_id = $1
        UNION ALL SELECT 'rejected_write', id, NULL, user_id, deleted_at FROM rejected_write WHERE tenant_id = $1
        UNION ALL SELECT 'weekly_digest', id, NULL, user_id, deleted_at FROM weekly_digest WHERE tenant_id = $1
        UNION ALL SELECT 'lead', id, NULL, coalesce(owner_id, $1), deleted_at FROM lead WHERE tenant_id = $1
        UNION ALL SELECT 'statement', id, NULL, coalesce(user_id, team_id), deleted_at FROM statement WHERE tenant_id = $1
        UNION ALL SELECT 'team', id, NULL, $1, deleted_at FROM team WHERE tenant_id = $1
        UNION ALL SELECT 'user', id, NULL, $1, deleted_at FROM "user" WHERE tenant_id = $1
        UNION ALL SELECT 'product', id, NULL, $1, deleted_at FROM product WHERE tenant_id = $1
        UNION ALL SELECT 'stage', id, NULL, $1, deleted_at FROM stage WHERE tenant_id = $1
        UNION ALL SELECT 'custom_field', id, NULL, $1, deleted_at FROM custom_field WHERE tenant_id = $1
        UNION ALL SELECT 'calendar', id, NULL, $1, deleted_at FROM calendar WHERE tenant_id = $1
        UNION ALL SELECT 'lead_draft', id, NULL, $1, deleted_at FROM lead_draft WHERE tenant_id = $1
        UNION ALL SELECT 'rule_set', id, NULL, $1, deleted_at FROM rule_set WHERE tenant_id = $1 AND status <> 'draft'
    )
    SELECT kind, id FROM live
    WHERE deleted_at IS NULL
      AND ((SELECT role FROM me) = 'admin'
           OR CASE WHEN account IS NOT NULL THEN account IN (SELECT id FROM accounts)
                   ELSE whose = $1 OR whose IN (SELECT id FROM people) OR whose IN (SELECT id FROM teams) END)"#;

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
            self.holds_what_its_user_may_see(&desk.phone, &why).await;
        }
        self.nothing_typed_is_lost(&why).await;
        self.books_balance(&why).await;
    }

    /// REST and phones go by scopes and their grants; what a user may see is told here by teams and members alone.
    async fn holds_what_its_user_may_see(&self, phone: &Phone, why: &str) {
        let values = [self.world.tenant_id.into(), phone.person.id.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, MAY_SEE, values);
        let rows = self.world.state.db.query_all_raw(statement).await.expect("the statement runs");
        let expected: BTreeSet<(String, Uuid)> = rows
            .iter()
            .map(|row| (row.try_get_by_index(0).expect("a kind"), row.try_get_by_index(1).expect("an id")))
            .collect();
        assert!(expected.iter().any(|(kind, _)| kind == "user"), "{why}: nobody sees nothing");
        let held: BTreeSet<(String, Uuid)> = phone.replica.keys().cloned().collect();
        let user = phone.person.id;
        let missing: Vec<_> = expected.difference(&held).collect();
        assert!(missing.is_empty(), "{why}: {user} may see what is not on his phone: {missing:?}");
        let beyond: Vec<_> = held.difference(&expected).collect();
        assert!(beyond.is_empty(), "{why}: on the phone of {user} is what he may not see: {beyond:?}");
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
