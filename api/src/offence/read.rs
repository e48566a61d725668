//! Fetches timelines: one statement a kind of row, whatever the number of records.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::{Kind, PenaltyKind, StageKey};
use entity::scalar::{Date, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use super::judge::Law;
use super::timeline::{History, Moved, Op, OpportunityLine, PlanLine, Timelines, Write};

/// Which records to look at.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    pub plans: Vec<Uuid>,
    pub opportunities: Vec<Uuid>,
    pub accounts: Vec<Uuid>,
}

/// `$2` first day, `$3` last day, `$4` begin of the first, `$5` end of the last. A plan that was moved away from a day was
/// changed after it. A phone may send what it made a month ago.
const PLANS: &str = "
    SELECT id FROM plan WHERE tenant_id = $1 AND created_at < $5::timestamptz + interval '31 days'
      AND (planned_on BETWEEN $2 AND $3 OR updated_at >= $4)";

/// `$2` begin of the first day, `$3` end of the last.
const OPPORTUNITIES: &str = "
    SELECT id FROM opportunity WHERE tenant_id = $1 AND created_at < $3::timestamptz + interval '31 days'
      AND (updated_at >= $2 OR (deleted_at IS NULL AND stage NOT IN ('signed', 'lost')))";

/// `$2` first moment of creation, `$3` last. A phone may send what it made a month ago.
const ACCOUNTS: &str = "
    SELECT id FROM account WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3::timestamptz + interval '31 days'
      AND (deleted_at IS NULL OR deleted_at >= $2)";

/// `$2` since when: plans that were written, or whose visits were.
const TOUCHED_PLANS: &str = "
    SELECT id FROM plan WHERE tenant_id = $1 AND updated_at >= $2
    UNION SELECT plan_id FROM activity WHERE tenant_id = $1 AND updated_at >= $2 AND plan_id IS NOT NULL";

/// The same of opportunities, and of work for them or their accounts.
const TOUCHED_OPPORTUNITIES: &str = "
    SELECT id FROM opportunity WHERE tenant_id = $1 AND updated_at >= $2
    UNION SELECT o.id FROM activity a
    JOIN opportunity o ON o.tenant_id = $1 AND o.account_id = a.account_id
    WHERE a.tenant_id = $1 AND a.updated_at >= $2";

const TOUCHED_ACCOUNTS: &str = "SELECT id FROM account WHERE tenant_id = $1 AND updated_at >= $2";

/// Keys of fines that were taken back because of what arrived later.
const TAKEN_BACK: &str = "
    SELECT f.offence FROM points_entry f
    JOIN points_entry r ON r.tenant_id = $1 AND r.entry_id = f.id AND r.kind = 'reversal' AND r.ledger_account = 'rep'
        AND r.counterpart = 'rewards'
    WHERE f.tenant_id = $1 AND f.kind = 'fine' AND f.offence IS NOT NULL AND f.day BETWEEN $2 AND $3";

/// `$2` records, `$3` kind, `$4` what updates must contain.
const HISTORY: &str = "
    SELECT record_id, op, changes, captured FROM record_history
    WHERE tenant_id = $1 AND record_id = ANY($2) AND kind = $3 AND (op <> 'update' OR changes LIKE $4)
    ORDER BY record_id, revision";

const VISITS: &str = "
    SELECT plan_id, min((occurred AT TIME ZONE $3)::date) FROM activity
    WHERE tenant_id = $1 AND plan_id = ANY($2) AND deleted_at IS NULL GROUP BY plan_id";

const MOVES: &str = "
    SELECT opportunity_id, number, to_stage, occurred FROM stage_move
    WHERE tenant_id = $1 AND opportunity_id = ANY($2) AND deleted_at IS NULL ORDER BY opportunity_id, number";

/// What is done for an account without naming an opportunity counts for each of them.
const WORK: &str = "
    SELECT DISTINCT o.id, (a.occurred AT TIME ZONE $3)::date AS day
    FROM opportunity o
    JOIN activity a ON a.tenant_id = o.tenant_id AND a.account_id = o.account_id
    WHERE o.tenant_id = $1 AND a.tenant_id = $1 AND o.id = ANY($2) AND a.deleted_at IS NULL
      AND (a.opportunity_id IS NULL OR a.opportunity_id = o.id)";

/// Reads what these laws need of a tenant.
pub struct Reader<'a, C: ConnectionTrait> {
    pub connection: &'a C,
    pub tenant_id: Uuid,
}

impl<C: ConnectionTrait> Reader<'_, C> {
    async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, DbErr> {
        let values = std::iter::once(self.tenant_id.into()).chain(values);
        self.connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await
    }

    async fn ids(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<Uuid>, DbErr> {
        self.rows(sql, values).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// The records in which an offence may have fallen due from `from` to `to`.
    pub async fn candidates(&self, law: &Law<'_>, from: Date, to: Date) -> Result<Ids, DbErr> {
        let fined = |kind| law.rules.penalties.iter().find(|penalty| penalty.kind == kind);
        let begins = |day: Date| law.calendar.begins(day);
        let after = |day: Date, days: i32| Date(day.0 + chrono::TimeDelta::days(i64::from(days)));
        let (begin, end) = (begins(from), begins(after(to, 1)));
        let mut ids = Ids::default();
        if fined(PenaltyKind::MissedPlan).is_some() {
            ids.plans = self.ids(PLANS, [from.into(), to.into(), begin.into(), end.into()]).await?;
        }
        if fined(PenaltyKind::IdleOpportunity).or(fined(PenaltyKind::StaleStage)).is_some() {
            ids.opportunities = self.ids(OPPORTUNITIES, [begin.into(), end.into()]).await?;
        }
        if let Some(days) = fined(PenaltyKind::IncompleteAccount).and_then(|penalty| penalty.after_days) {
            // Accounts that were there when the rules began have the whole time from then on.
            let first = after(from, -days);
            let first = if first <= law.starts_on { Timestamp::default() } else { begins(first) };
            ids.accounts = self.ids(ACCOUNTS, [first.into(), begins(after(to, 1 - days)).into()]).await?;
        }
        Ok(ids)
    }

    /// The records that were written since, or whose work was: days that were judged before may look different now.
    pub async fn touched(&self, law: &Law<'_>, since: Timestamp) -> Result<Ids, DbErr> {
        let fines = |kind| law.rules.penalties.iter().any(|penalty| penalty.kind == kind);
        let mut ids = Ids::default();
        if fines(PenaltyKind::MissedPlan) {
            ids.plans = self.ids(TOUCHED_PLANS, [since.into()]).await?;
        }
        if fines(PenaltyKind::IdleOpportunity) || fines(PenaltyKind::StaleStage) {
            ids.opportunities = self.ids(TOUCHED_OPPORTUNITIES, [since.into()]).await?;
        }
        if fines(PenaltyKind::IncompleteAccount) {
            ids.accounts = self.ids(TOUCHED_ACCOUNTS, [since.into()]).await?;
        }
        Ok(ids)
    }

    /// Offences of these days that were booked and taken back: they stay so, whatever becomes of the proof.
    pub async fn taken_back(&self, from: Date, to: Date) -> Result<BTreeSet<String>, DbErr> {
        self.rows(TAKEN_BACK, [from.into(), to.into()]).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// What happened to these records. `zone`: of the tenant, whose days count.
    pub async fn timelines(&self, ids: &Ids, zone: chrono_tz::Tz) -> Result<Timelines, DbErr> {
        let mut lines = Timelines::default();
        for (id, history) in self.histories(Kind::Plan, &ids.plans, "%").await? {
            lines.plans.insert(id, PlanLine { history, visited: None });
        }
        if !ids.plans.is_empty() {
            for row in self.rows(VISITS, [ids.plans.clone().into(), zone.name().into()]).await? {
                if let Some(plan) = lines.plans.get_mut(&row.try_get_by_index(0)?) {
                    plan.visited = row.try_get_by_index(1)?;
                }
            }
        }
        for (id, history) in self.histories(Kind::Opportunity, &ids.opportunities, "%\"ownerId\":%").await? {
            lines.opportunities.insert(id, OpportunityLine { history, ..OpportunityLine::default() });
        }
        if !ids.opportunities.is_empty() {
            for row in self.rows(MOVES, [ids.opportunities.clone().into()]).await? {
                let (to, at): (StageKey, Timestamp) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                if let Some(line) = lines.opportunities.get_mut(&row.try_get_by_index(0)?) {
                    line.moves.push(Moved { number: row.try_get_by_index(1)?, to, at });
                }
            }
            for row in self.rows(WORK, [ids.opportunities.clone().into(), zone.name().into()]).await? {
                if let Some(line) = lines.opportunities.get_mut(&row.try_get_by_index(0)?) {
                    line.worked.push(row.try_get_by_index(1)?);
                }
            }
        }
        lines.accounts = self.histories(Kind::Account, &ids.accounts, "%").await?;
        Ok(lines)
    }

    async fn histories(&self, kind: Kind, ids: &[Uuid], like: &str) -> Result<BTreeMap<Uuid, History>, DbErr> {
        let mut histories: BTreeMap<Uuid, History> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(histories);
        }
        for row in self.rows(HISTORY, [ids.to_vec().into(), kind.as_str().into(), like.into()]).await? {
            let (op, changes): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let members = || serde_json::from_str(&changes).map_err(|error| DbErr::Custom(error.to_string()));
            let op = match op.as_str() {
                "create" => Op::Create(members()?),
                "delete" => Op::Delete,
                _ => Op::Update(members()?),
            };
            let write = Write { captured: row.try_get_by_index(3)?, op };
            histories.entry(row.try_get_by_index(0)?).or_default().writes.push(write);
        }
        Ok(histories)
    }
}
