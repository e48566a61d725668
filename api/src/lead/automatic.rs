//! Leads that are given by region and load: each to who works its region and holds the fewest. Can run twice or on two
//! servers: a lead is locked, looked at again and given once. Which regions somebody works stands in `territory`.

use std::collections::BTreeSet;

use entity::kind::{GrantPolicy, LeadStatus, Role};
use entity::scalar::Date;
use entity::{lead, user};
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::assign::{Why, give};
use super::facts::LeadFacts;
use super::territory::{self, EVERYWHERE};
use crate::auth::Actor;
use crate::change::Settings;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write;

/// Leads of one tenant that one commit gives at the most, so that nobody waits for long.
const BATCH: usize = 200;

/// Tenants that give leads by region and have some to give.
const TENANTS: &str = r#"
    SELECT t.id FROM tenant t
    WHERE EXISTS (SELECT FROM rule_set r WHERE r.tenant_id = t.id AND r.status = 'active'
                  AND r.rules #> '{leads,policies}' @> '["automatic"]')
      AND EXISTS (SELECT FROM territory y WHERE y.tenant_id = t.id)
      AND EXISTS (SELECT FROM lead l WHERE l.tenant_id = t.id AND l.status = 'pooled' AND l.deleted_at IS NULL)"#;

/// Somebody who works the lead's region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub user_id: Uuid,
    /// Leads that he holds.
    pub held: i32,
    /// For who had it last: until when it is for others.
    pub cool_down_until: Option<Date>,
}

/// Who gets it: of those with a place left and no cool-down, who holds the fewest; of equals, who came first.
pub fn choose(candidates: &[Candidate], capacity: i32, today: Date) -> Option<Candidate> {
    let can = |candidate: &&Candidate| {
        candidate.held < capacity && candidate.cool_down_until.is_none_or(|until| until <= today)
    };
    candidates.iter().filter(can).min_by_key(|candidate| (candidate.held, candidate.user_id)).copied()
}

/// Gives leads in every tenant. Returns how many.
pub async fn run(state: &State) -> Result<usize, Error> {
    let rows = state.db.query_all_raw(Statement::from_string(DbBackend::Postgres, TENANTS)).await?;
    let mut given = 0;
    for row in rows {
        given += run_in(state, row.try_get_by_index(0)?).await?;
    }
    Ok(given)
}

/// Gives leads in one tenant, the oldest first. What nobody can take stays in the pool.
pub async fn run_in(state: &State, tenant_id: Uuid) -> Result<usize, Error> {
    let mut given = 0;
    loop {
        let count = write::whole(state, &Actor::system(tenant_id), |work| batch(work).boxed()).await?;
        given += count;
        if count < BATCH {
            return Ok(given);
        }
    }
}

/// `$1` tenant, `$2` regions, `$3` whether somebody works all of them, `$4` today, `$5` capacity → leads that somebody can
/// take. Those that look exactly like something that is there wait for somebody to merge them.
const WAITING: &str = r#"status = 'pooled'
    AND (region = ANY($2) OR $3)
    AND NOT likenesses @> '{"records": [{"similarity": 100}]}'
    AND EXISTS (SELECT FROM territory y JOIN "user" u ON u.tenant_id = y.tenant_id AND u.id = y.user_id
                WHERE y.tenant_id = $1 AND (y.region = lead.region OR y.region = '*') AND u.disabled_at IS NULL
                AND (lead.former_owner_id IS DISTINCT FROM y.user_id OR lead.cool_down_until <= $4)
                AND (SELECT count(*) FROM lead h WHERE h.tenant_id = $1 AND h.owner_id = y.user_id
                     AND h.status = 'claimed' AND h.deleted_at IS NULL) < $5)
    ORDER BY created_at, id LIMIT 200"#;

async fn batch(work: &mut UnitOfWork) -> Result<usize, Error> {
    let settings = Settings::read(work).await?;
    let rules = &settings.rules.leads;
    if !rules.policies.contains(&GrantPolicy::Automatic) {
        return Ok(0);
    }
    let territories = territory::read(work.connection(), work.actor.tenant_id).await?;
    let users: BTreeSet<Uuid> = territories.iter().map(|territory| territory.user_id).collect();
    let regions: Vec<String> = territories.iter().map(|territory| territory.region.0.clone()).collect();
    let everywhere = regions.iter().any(|region| region == EVERYWHERE);
    let today = Date(work.now.0.with_timezone(&settings.zone).date_naive());
    let waiting = work
        .fetch::<lead::Model>(WAITING, [regions.into(), everywhere.into(), today.into(), rules.capacity.into()])
        .await?;
    let ids: BTreeSet<Uuid> = waiting.iter().map(|lead| lead.id).collect();
    work.load_shared::<user::Model>(users.iter().copied()).await?;
    work.load::<lead::Model>(ids.iter().copied()).await?;
    let facts = LeadFacts::of(work, users, ids, &settings).await?;
    let mut given = 0;
    for lead in &waiting {
        let Some(lead) = work.get::<lead::Model>(lead.id).filter(|lead| lead.status == LeadStatus::Pooled).cloned()
        else {
            continue;
        };
        let region = lead.region.clone().unwrap_or_else(|| EVERYWHERE.to_owned());
        let mine = |name: &str| name == region || name == EVERYWHERE;
        let workers: BTreeSet<Uuid> =
            territories.iter().filter(|t| mine(&t.region.0)).map(|territory| territory.user_id).collect();
        let candidates: Vec<Candidate> = workers
            .into_iter()
            .filter(|id| work.get::<user::Model>(*id).is_some_and(works))
            .map(|user_id| Candidate {
                user_id,
                held: facts.held(work, user_id),
                cool_down_until: lead.cool_down_until.filter(|_| lead.former_owner_id == Some(user_id)),
            })
            .collect();
        if let Some(chosen) = choose(&candidates, rules.capacity, facts.today) {
            let why = Why::Region { region: &region, held: chosen.held };
            give(work, &facts, &settings, lead, chosen.user_id, why)?;
            given += 1;
        }
    }
    Ok(given)
}

fn works(user: &user::Model) -> bool {
    user.deleted_at.is_none() && user.disabled_at.is_none() && matches!(user.role, Role::Rep | Role::Manager)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_laden_who_may_have_it() {
        let day = |text| Date::parse(text).expect("a day");
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let candidate = |user_id, held| Candidate { user_id, held, cool_down_until: None };
        let cooling = Candidate { cool_down_until: Some(day("2026-03-03")), ..candidate(three, 0) };
        let today = day("2026-03-02");
        for (candidates, capacity, expected) in [
            (vec![], 9, None),
            (vec![candidate(one, 3), candidate(two, 2)], 9, Some(two)),
            (vec![candidate(two, 2), candidate(one, 2)], 9, Some(one)),
            (vec![candidate(one, 3), candidate(two, 2)], 2, None),
            (vec![candidate(one, 3), cooling], 9, Some(one)),
        ] {
            assert_eq!(choose(&candidates, capacity, today).map(|chosen| chosen.user_id), expected, "{candidates:?}");
        }
        assert_eq!(choose(&[cooling], 9, day("2026-03-03")).map(|chosen| chosen.user_id), Some(three));
    }
}
