//! A lead becomes a customer: account, contact and opportunity in one step, by the verbs that make each of them elsewhere.
//! The lead stays and tells where they came from.

use entity::kind::{AccountKind, Kind, LeadStatus};
use entity::lead;
use entity::scalar::{Email, Line, Text};
use uuid::Uuid;

use super::ConvertLead;
use super::keep::claimed;
use super::update::owns;
use crate::account::{self, AccountFields};
use crate::change::{Change, Context, Outcome, apply, copy, current};
use crate::contact::ContactFields;
use crate::opportunity::OpportunityFields;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
use crate::write::new_id;

pub fn convert(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    body: &ConvertLead,
) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    claimed(&lead)?;
    owns(work, &lead)?;
    let owner_id = lead.owner_id.unwrap_or(work.actor.user_id);

    let account_id = account_of(work, context, &lead, owner_id, body)?;
    let contact_id = match &lead.contact_name {
        Some(name) => {
            let fields = ContactFields {
                account_id: Some(account_id),
                name: Some(Line(name.clone())),
                title: lead.title.clone().map(Line),
                phone: lead.phone.clone().map(Line),
                email: lead.email.clone().map(Email),
                ..ContactFields::default()
            };
            let id = new_id(body.new_contact_id);
            copy(work, context, &Change::create(Kind::Contact, id, fields.into()))?;
            Some(id)
        }
        None => None,
    };
    let opportunity_id = new_id(body.new_opportunity_id);
    let fields = OpportunityFields {
        name: Some(body.opportunity_name.clone().unwrap_or_else(|| Line(lead.name.clone()))),
        owner_id: Some(owner_id),
        account_id: Some(account_id),
        contact_id,
        product_id: body.product_id,
        amount: body.amount,
        currency: body.currency.clone(),
        expected_on: body.expected_on,
        source: Some(Line(lead.source.clone())),
        ..OpportunityFields::default()
    };
    apply(work, context, &Change::create(Kind::Opportunity, opportunity_id, fields.into()))?;
    let next = lead::Model {
        status: LeadStatus::Converted,
        account_id: Some(account_id),
        contact_id,
        opportunity_id: Some(opportunity_id),
        worked_at: lead.worked_at.or(Some(work.captured.at)),
        ..lead
    };
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// The account that the lead came from, the one named, or a new one.
fn account_of(
    work: &mut UnitOfWork,
    context: &Context,
    lead: &lead::Model,
    owner_id: Uuid,
    body: &ConvertLead,
) -> Result<Uuid, Refusal> {
    if let Some(account_id) = lead.account_id {
        if body.account_id.is_some_and(|named| named != account_id) {
            return Err(Refusal::invalid("/accountId", "This lead came from another account. Leave accountId out."));
        }
        account::member::hand_over(work, account_id, owner_id)?;
        work.reveal::<entity::account::Model>(account_id);
        return Ok(account_id);
    }
    if let Some(account_id) = body.account_id {
        return crate::contact::account_of(work, account_id).map(|account| account.id);
    }
    let id = new_id(body.new_account_id);
    let fields = AccountFields {
        kind: Some(body.account_kind.unwrap_or(AccountKind::Business)),
        name: Some(Line(lead.name.clone())),
        owner_id: Some(owner_id),
        phone: lead.phone.clone().map(Line),
        email: lead.email.clone().filter(|_| lead.contact_name.is_none()).map(Email),
        website: lead.website.clone().map(Line),
        industry: lead.industry.clone().map(Line),
        employees: lead.employees,
        credit_code: lead.credit_code.clone().map(Line),
        note: lead.note.clone().map(Text),
        ..AccountFields::default()
    };
    let change = Change::create(Kind::Account, id, fields.into());
    copy(work, context, &change)?;
    Ok(id)
}
