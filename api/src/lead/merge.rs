//! A lead that turned out to be there already goes on in the other one, or is linked to an account. It stays, with where it
//! came from.

use entity::kind::{Kind, LeadStatus};
use entity::{account, lead};

use super::MergeLead;
use super::create::fills_the_pool;
use super::update::open;
use crate::change::{Change, Outcome, current};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

pub fn merge(work: &mut UnitOfWork, change: &Change, body: &MergeLead) -> Result<Outcome, Refusal> {
    let lead: lead::Model = current(work, change)?;
    fills_the_pool(work)?;
    open(&lead)?;
    if lead.status == LeadStatus::Claimed {
        return Err(Refusal::conflict(
            Code::Conflict,
            "Somebody holds this lead. Merge the other one into it, or return it.",
        ));
    }
    let merged = lead::Model { status: LeadStatus::Merged, owner_id: None, ..lead.clone() };
    let next = match (body.lead_id, body.account_id) {
        (Some(id), None) => {
            if id == lead.id {
                return Err(Refusal::invalid("/leadId", "A lead cannot be merged into itself."));
            }
            let hidden = |_| Refusal::invalid("/leadId", "There is no such lead, or it is not visible to you.");
            let survivor = work.visible::<lead::Model>(id).map_err(hidden)?;
            open(&survivor)?;
            work.put(completed(survivor, &lead));
            lead::Model { merged_into_id: Some(id), ..merged }
        }
        (None, Some(id)) => {
            work.visible::<account::Model>(id).map_err(|_| {
                Refusal::invalid("/accountId", "There is no such account, or it is not visible to you.")
            })?;
            lead::Model { account_id: Some(id), ..merged }
        }
        _ => return Err(Refusal::invalid("", "Name either leadId or accountId: what this lead is the same as.")),
    };
    Ok(Outcome { revision: work.put(next), ..Outcome::default() })
}

/// The survivor with what it lacked.
fn completed(mut survivor: lead::Model, merged: &lead::Model) -> lead::Model {
    macro_rules! fill {
        ($($field:ident),*) => { $(if survivor.$field.is_none() { survivor.$field = merged.$field.clone(); })* };
    }
    fill!(contact_name, title, phone, email, website, credit_code, region, industry, employees, note, contributor_id);
    survivor.likenesses.records.retain(|likeness| (likeness.kind, likeness.id) != (Kind::Lead, Some(merged.id)));
    survivor
}
