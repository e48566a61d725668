//! What a batch must know to book points for cards, plans, stage moves and signatures; each is read only if the rules
//! reward it and the batch has any.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::{Kind, StageKey, WorkKind};
use entity::scalar::Timestamp;
use entity::{contact, opportunity, points_entry, stage_move};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::settings::Settings;
use super::{Body, Change, Intent};
use crate::ledger;
use crate::work::UnitOfWork;

#[derive(Default)]
pub struct Earned {
    pub first_visits: BTreeMap<Uuid, Timestamp>,
    pub planned: BTreeMap<Uuid, Timestamp>,
    pub contributors: BTreeMap<Uuid, Uuid>,
}

/// `$2` accounts → their first visits.
const FIRST_VISITS: &str = "
    SELECT account_id, min(occurred) FROM activity
    WHERE tenant_id = $1 AND account_id = ANY($2) AND kind = 'visit' AND deleted_at IS NULL GROUP BY account_id";

/// `$2` plans → when they were last set to a day, as it was typed.
const PLANNED: &str = "
    SELECT record_id, max(captured) FROM record_history
    WHERE tenant_id = $1 AND kind = 'plan' AND record_id = ANY($2)
        AND (op = 'create' OR jsonb_exists(changes::jsonb, 'plannedOn')) GROUP BY record_id";

/// `$2` opportunities, `$3` their accounts, `$4` their owners, `$5` moments, `$6` the number of the commit at each → who,
/// beside the owner, wrote most about the account before it was last handed over, as of before that commit: each activity
/// counts one, each field of the account and its contacts one. The history is read record by record, each by its key: with
/// an OR over both kinds Postgres reads all that the tenant ever wrote.
pub const CONTRIBUTORS: &str = "
    SELECT s.opportunity_id, s.seq, c.user_id
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::bigint[])
        AS s(opportunity_id, account_id, owner_id, at, seq)
    CROSS JOIN LATERAL (
        WITH handed AS (
            SELECT max(received) AS at FROM record_history
            WHERE tenant_id = $1 AND kind = 'account' AND record_id = s.account_id AND op = 'update' AND seq < s.seq
                AND jsonb_exists(changes::jsonb, 'ownerId')),
        work AS (
            SELECT a.owner_id AS user_id, count(*) AS amount FROM activity a CROSS JOIN handed
            WHERE a.tenant_id = $1 AND a.account_id = s.account_id AND (a.deleted_at IS NULL OR a.deleted_at > s.at)
                AND a.received <= handed.at
            GROUP BY a.owner_id
            UNION ALL
            SELECT h.actor_id, count(*) FROM handed
            CROSS JOIN LATERAL (
                SELECT a.* FROM record_history a
                WHERE a.tenant_id = $1 AND a.record_id = s.account_id AND a.kind = 'account'
                UNION ALL
                SELECT o.* FROM contact c
                JOIN record_history o ON o.tenant_id = $1 AND o.record_id = c.id AND o.kind = 'contact'
                WHERE c.tenant_id = $1 AND c.account_id = s.account_id) AS h
            CROSS JOIN LATERAL jsonb_object_keys(h.changes::jsonb)
            WHERE h.received <= handed.at AND h.seq < s.seq AND h.op IN ('create', 'update')
            GROUP BY h.actor_id)
        SELECT w.user_id FROM work w
        JOIN \"user\" u ON u.tenant_id = $1 AND u.id = w.user_id AND u.role IN ('rep', 'manager')
        WHERE w.user_id <> s.owner_id GROUP BY w.user_id ORDER BY sum(w.amount) DESC, w.user_id LIMIT 1) AS c";

/// Reads and locks; call it after the records are held.
pub async fn load(work: &mut UnitOfWork, settings: &Settings, changes: &[&Change]) -> Result<Earned, DbErr> {
    let mut earned = Earned::default();
    if settings.has_cards {
        earned.first_visits = cards(work, changes).await?;
    }
    if settings.rewards(WorkKind::Plan) {
        earned.planned = plans(work, changes).await?;
    }
    earned.contributors = opportunities(work, settings, changes).await?;
    Ok(earned)
}

async fn cards(work: &mut UnitOfWork, changes: &[&Change]) -> Result<BTreeMap<Uuid, Timestamp>, DbErr> {
    let cards: Vec<Uuid> = changes
        .iter()
        .filter(|change| matches!(change.kind, Kind::Account | Kind::Contact))
        .map(|change| change.id)
        .collect();
    if cards.is_empty() {
        return Ok(BTreeMap::new());
    }
    ledger::load(work, [work.actor.user_id]).await?;
    ledger::load_about(work, cards.iter().copied()).await?;
    let earners: BTreeSet<Uuid> = work
        .live::<points_entry::Model>()
        .filter(|entry| cards.contains(&entry.source_id) && entry.user_id != work.actor.user_id)
        .map(|entry| entry.user_id)
        .collect();
    if !earners.is_empty() {
        // Whoever fines for a card may have added to it until its earners were held.
        ledger::load(work, earners).await?;
        ledger::load_about(work, cards.iter().copied()).await?;
    }
    let mut accounts: BTreeSet<Uuid> = cards.iter().copied().collect();
    accounts.extend(work.live::<contact::Model>().map(|contact| contact.account_id));
    for change in changes {
        if let Intent::Create(Body::Contact(fields)) = &change.intent {
            accounts.extend(fields.account_id);
        }
    }
    let accounts: Vec<Uuid> = accounts.into_iter().collect();
    pairs(work, FIRST_VISITS, accounts).await
}

async fn plans(work: &UnitOfWork, changes: &[&Change]) -> Result<BTreeMap<Uuid, Timestamp>, DbErr> {
    let mut plans: BTreeSet<Uuid> =
        work.live::<entity::activity::Model>().filter_map(|activity| activity.plan_id).collect();
    for change in changes {
        if let Intent::Create(Body::Activity(fields)) = &change.intent {
            plans.extend(fields.plan_id);
        }
    }
    if plans.is_empty() {
        return Ok(BTreeMap::new());
    }
    pairs(work, PLANNED, plans.into_iter().collect()).await
}

/// Balances and entries of what moves, is signed or goes; the contributors of what is to be signed.
async fn opportunities(
    work: &mut UnitOfWork,
    settings: &Settings,
    changes: &[&Change],
) -> Result<BTreeMap<Uuid, Uuid>, DbErr> {
    let signs = !settings.rules.leads.signing_points.0.is_zero();
    let mut sources: BTreeSet<Uuid> = BTreeSet::new();
    let mut users: BTreeSet<Uuid> = BTreeSet::new();
    let mut contributors = BTreeMap::new();
    for change in changes {
        let Some(opportunity) = work.get::<opportunity::Model>(change.id).cloned() else { continue };
        match &change.intent {
            Intent::Advance(advance) => {
                if settings.rewards(WorkKind::StageMove) {
                    users.insert(work.actor.user_id);
                }
                let was_signed = opportunity.stage == StageKey::Signed;
                if was_signed || (signs && advance.stage == StageKey::Signed) {
                    sources.insert(opportunity.id);
                    users.insert(opportunity.owner_id);
                }
                if signs
                    && settings.rules.leads.contributor_percent > 0
                    && advance.stage == StageKey::Signed
                    && let Some(account_id) = opportunity.account_id
                {
                    let (account, owner) = (vec![account_id], vec![opportunity.owner_id]);
                    let values = [
                        vec![opportunity.id].into(),
                        account.into(),
                        owner.into(),
                        vec![work.now.0].into(),
                        vec![i64::MAX].into(),
                    ];
                    let row = work.connection().query_one_raw(work.statement(CONTRIBUTORS, values)).await?;
                    if let Some(row) = row {
                        let user_id: Uuid = row.try_get_by_index(2)?;
                        users.insert(user_id);
                        contributors.insert(opportunity.id, user_id);
                    }
                }
            }
            Intent::Delete => {
                sources.insert(opportunity.id);
                let moves = work.live::<stage_move::Model>().filter(|moved| moved.opportunity_id == opportunity.id);
                sources.extend(moves.map(|moved| moved.id));
            }
            _ => {}
        }
    }
    if users.is_empty() && sources.is_empty() {
        return Ok(contributors);
    }
    ledger::load(work, users).await?;
    ledger::load_about(work, sources.iter().copied()).await?;
    let earners: BTreeSet<Uuid> = work
        .live::<points_entry::Model>()
        .filter(|entry| sources.contains(&entry.source_id))
        .map(|entry| entry.user_id)
        .collect();
    ledger::load(work, earners).await?;
    ledger::load_about(work, sources).await?;
    Ok(contributors)
}

async fn pairs(work: &UnitOfWork, sql: &str, ids: Vec<Uuid>) -> Result<BTreeMap<Uuid, Timestamp>, DbErr> {
    let rows = work.connection().query_all_raw(work.statement(sql, [ids.into()])).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}
