//! Plans: visits still to be done. An activity fulfils one; it can be moved, or cancelled with a reason; past its day it
//! is missed (`missed`), and an activity that syncs late still fulfils it.

pub mod missed;
pub mod routes;

use entity::kind::{PlanStatus, Role};
use entity::scalar::{Date, Line, Text};
use entity::{account_member, opportunity, plan};
use poem_openapi::Object;
use uuid::Uuid;

use crate::account::create::owner;
use crate::change::{self, Change, Context, Fields, Outcome, creatable, current};
use crate::contact::{account_of, belongs};
use crate::fields;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;
pub use routes::PlanApi;

fields! {
    /// What can be set on a plan. To create one, `accountId` and `plannedOn` are required.
    PlanFields of plan::Model;
    required {
        /// The day on which it is to be done; another day moves the plan.
        planned_on: Date,
    }
    optional {
        contact_id: Uuid,
        opportunity_id: Uuid,
        purpose: Text,
    }
    fixed {
        account_id: Uuid,
        /// Who is to do it; by default the caller.
        owner_id: Uuid,
    }
    needs ["accountId", "plannedOn"]
    refers { account_id => Account, contact_id => Contact, opportunity_id => Opportunity, owner_id => User, }
    example {
        "accountId": "0198c0de-0000-7000-8000-000000000001",
        "plannedOn": "2026-03-09",
        "purpose": "Show the samples"
    }
}

/// Why a plan will not be done.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct CancelPlan {
    pub reason: Line,
}

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &PlanFields) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(account_id), Some(planned_on)) = (fields.account_id, fields.planned_on) else {
        return Err(Refusal::invalid("", "accountId and plannedOn are required."));
    };
    account_of(work, account_id)?;
    let owner_id = owner(work, fields.owner_id)?;
    if fields.owner_id.is_some() {
        is_member(work, owner_id, account_id)?;
    }
    let mut plan = plan::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        account_id,
        contact_id: None,
        opportunity_id: None,
        owner_id,
        planned_on,
        purpose: None,
        status: PlanStatus::Planned,
        activity_id: None,
        cancel_reason: None,
    };
    fields.apply(&mut plan);
    refers(work, fields, account_id)?;
    Ok(Outcome { revision: work.put(plan), ..Outcome::default() })
}

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &PlanFields,
) -> Result<Outcome, Refusal> {
    change::update(work, context, change, fields, |work, before, after| {
        owns(work, before)?;
        refers(work, fields, after.account_id)?;
        if before.planned_on != after.planned_on {
            open(before)?;
            after.status = PlanStatus::Planned;
        }
        Ok(())
    })
}

/// The plan will not be done.
pub fn cancel(work: &mut UnitOfWork, change: &Change, cancel: &CancelPlan) -> Result<Outcome, Refusal> {
    let plan: plan::Model = current(work, change)?;
    owns(work, &plan)?;
    open(&plan)?;
    let next = plan::Model { status: PlanStatus::Cancelled, cancel_reason: Some(cancel.reason.0.clone()), ..plan };
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// A plan that was fulfilled is proof of work and stays.
pub fn deletable(work: &mut UnitOfWork, plan: &plan::Model) -> Result<(), Refusal> {
    owns(work, plan)?;
    if plan.status == PlanStatus::Fulfilled {
        return Err(Refusal::conflict(Code::Conflict, "An activity fulfilled this plan. Delete the activity first."));
    }
    Ok(())
}

/// Whether the plan can still be moved, cancelled or fulfilled.
pub fn open(plan: &plan::Model) -> Result<(), Refusal> {
    match plan.status {
        PlanStatus::Planned | PlanStatus::Missed => Ok(()),
        PlanStatus::Fulfilled => Err(Refusal::conflict(Code::Conflict, "This plan has been fulfilled already.")),
        PlanStatus::Cancelled => Err(Refusal::conflict(Code::Conflict, "This plan was cancelled. Make a new one.")),
    }
}

fn owns(work: &UnitOfWork, plan: &plan::Model) -> Result<(), Refusal> {
    if work.actor.role == Role::Rep && plan.owner_id != work.actor.user_id {
        return Err(Refusal::forbidden("This is a colleague's plan; only he, a manager or an admin changes it."));
    }
    Ok(())
}

fn refers(work: &UnitOfWork, fields: &PlanFields, account_id: Uuid) -> Result<(), Refusal> {
    belongs(work, fields.contact_id, Some(account_id))?;
    stands_under(work, fields.opportunity_id, account_id)
}

/// An opportunity that a record of `account_id` names must be under the same account.
pub fn stands_under(work: &UnitOfWork, opportunity_id: Option<Uuid>, account_id: Uuid) -> Result<(), Refusal> {
    let Some(id) = opportunity_id else { return Ok(()) };
    match work.get::<opportunity::Model>(id) {
        Some(opportunity) if opportunity.deleted_at.is_none() && opportunity.account_id == Some(account_id) => Ok(()),
        _ => Err(Refusal::invalid("/opportunityId", "There is no such opportunity at this account.")),
    }
}

/// Only who works an account can own something under it.
pub fn is_member(work: &UnitOfWork, user_id: Uuid, account_id: Uuid) -> Result<(), Refusal> {
    let works =
        work.live::<account_member::Model>().any(|member| member.account_id == account_id && member.user_id == user_id);
    if works {
        Ok(())
    } else {
        Err(Refusal::invalid("/ownerId", "This user does not work the account. Make him a member of it first."))
    }
}
