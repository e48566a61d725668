//! An account goes back into the pool: somebody who leads takes it over with what is open under it, and whoever picks it
//! from the pool gets it when he converts the lead.

use entity::kind::{PlanStatus, Role, StageKey};
use entity::scalar::Line;
use entity::{account, account_member, lead, opportunity, plan, user};
use poem_openapi::Object;
use uuid::Uuid;

use super::create::{blank, fills_the_pool};
use super::facts::LeadFacts;
use super::{keep, likeness};
use crate::account::create::worker;
use crate::account::member;
use crate::change::Settings;
use crate::problem::{Code, Error, Refusal};
use crate::work::UnitOfWork;

/// The source of leads that were accounts.
const SOURCE: &str = "reclaimed";

/// Why an account goes back into the pool, and who keeps it until somebody has picked it.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct ReclaimAccount {
    pub reason: Line,
    /// A rep or manager; by default the manager who asks.
    pub keeper_id: Option<Uuid>,
}

/// Takes the account and puts a lead for it into the pool.
pub async fn reclaim(work: &mut UnitOfWork, account_id: Uuid, body: &ReclaimAccount) -> Result<lead::Model, Error> {
    work.load::<account::Model>([account_id]).await?;
    let keeper = body.keeper_id.unwrap_or(work.actor.user_id);
    work.load_shared::<user::Model>([keeper]).await?;
    work.load_where::<account_member::Model>("account_id = $2", [account_id.into()]).await?;
    let open = "account_id = $2 AND stage NOT IN ('signed', 'lost')";
    work.load_where::<opportunity::Model>(open, [account_id.into()]).await?;
    work.load_where::<plan::Model>("account_id = $2 AND status = 'planned'", [account_id.into()]).await?;
    work.look([account_id, keeper]).await?;
    let settings = Settings::read(work).await?;
    let facts = LeadFacts::of(work, Default::default(), Default::default(), &settings).await?;

    let account = work.visible::<account::Model>(account_id)?;
    fills_the_pool(work)?;
    if !work.actor.may_write {
        return Err(Refusal::forbidden("This API key may only read. Use a key with the scope `write`.").into());
    }
    if body.keeper_id.is_none() && work.actor.role != Role::Manager {
        return Err(Refusal::invalid("/keeperId", "Name the rep or manager who keeps it meanwhile.").into());
    }
    let keeper = worker(work, keeper, "/keeperId")?;
    let pooled = work.fetch::<lead::Model>("account_id = $2 AND status IN ('pooled', 'claimed')", [account_id.into()]);
    if !pooled.await?.is_empty() {
        return Err(
            Refusal::conflict(Code::Conflict, "This account is in the pool already, or somebody picked it.").into()
        );
    }

    work.reason = Some(body.reason.0.clone());
    let former = account.owner_id;
    member::hand_over(work, account_id, keeper)?;
    let gone: Vec<Uuid> = work
        .live::<account_member::Model>()
        .filter(|member| member.user_id != keeper)
        .map(|member| member.id)
        .collect();
    for id in gone {
        work.bury::<account_member::Model>(id);
    }
    take_over(work, keeper);
    let lead = blank(work, Uuid::now_v7(), account.name.clone(), SOURCE.to_owned());
    let mut lead = lead::Model {
        phone: account.phone.clone(),
        email: account.email.clone(),
        website: account.website.clone(),
        credit_code: account.credit_code.clone(),
        region: account.address.as_ref().and_then(|address| address.region.clone()).map(String::from),
        industry: account.industry.clone(),
        employees: account.employees,
        contributor_id: Some(former),
        account_id: Some(account_id),
        ..lead
    };
    lead.likenesses = likeness::find_one(work, &lead).await?;
    lead.likenesses.records.retain(|likeness| likeness.id != account_id);
    let cooled = keep::returned(
        lead::Model { owner_id: Some(former), ..lead },
        facts.today,
        settings.rules.leads.cool_down_days,
    );
    let id = cooled.id;
    work.put(cooled);
    Ok(work.stored::<lead::Model>(id)?)
}

/// What is open under the account goes with it; what was signed or lost stays with whose it was.
fn take_over(work: &mut UnitOfWork, keeper: Uuid) {
    let open = |opportunity: &&opportunity::Model| {
        opportunity.owner_id != keeper && !matches!(opportunity.stage, StageKey::Signed | StageKey::Lost)
    };
    let opportunities: Vec<opportunity::Model> = work.live::<opportunity::Model>().filter(open).cloned().collect();
    for opportunity in opportunities {
        work.put(opportunity::Model { owner_id: keeper, ..opportunity });
    }
    let planned = |plan: &&plan::Model| plan.owner_id != keeper && plan.status == PlanStatus::Planned;
    let plans: Vec<plan::Model> = work.live::<plan::Model>().filter(planned).cloned().collect();
    for plan in plans {
        work.put(plan::Model { owner_id: keeper, ..plan });
    }
}
