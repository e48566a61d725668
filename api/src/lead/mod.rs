//! Leads: possible customers in a pool that reps pick from. Here is what can be set and done; each verb has a file.
//!
//! `create`, `update` and `likeness` bring leads in and find those that are there twice; `claim` and `rights` are the way
//! out of the pool and what it costs, `assign`, `draft` and `automatic` those that cost nothing; `keep` and `due` are what an owner owes a lead; `convert` makes a customer of it.

pub mod assign;
pub mod automatic;
pub mod booking;
pub mod claim;
pub mod convert;
pub mod create;
pub mod draft;
pub mod due;
pub mod facts;
pub mod keep;
pub mod likeness;
pub mod merge;
pub mod pick;
pub mod quota;
pub mod reclaim;
pub mod rights;
pub mod routes;
pub mod territory;
pub mod update;

use entity::kind::{AccountKind, ActivityKind, Kind};
use entity::lead;
use entity::scalar::{Currency, Date, Email, Line, Money, Text};
use poem_openapi::Object;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::change::{Change, Context, Outcome};
use crate::fields;
use crate::problem::Refusal;
use crate::work::{UnitOfWork, present};
pub use draft::LeadDraftApi;
pub use routes::LeadApi;

fields! {
    /// What can be set on a lead. To create one, `name` and `source` are required.
    LeadFields of lead::Model;
    required {
        /// The company, or the person.
        name: Line,
        /// Where it came from, such as `fair` or `referral`.
        source: Line,
    }
    optional {
        contact_name: Line,
        /// The contact's position in the company.
        title: Line,
        phone: Line,
        email: Email,
        website: Line,
        /// The company's registration number: the unified social credit code in China.
        credit_code: Line,
        region: Line,
        industry: Line,
        /// The company's size.
        #[oai(validator(minimum(value = "0")))]
        employees: i32,
        note: Text,
        /// The id that another system knows this lead by; unique within the tenant.
        external_id: Line,
    }
    fixed {
        /// Who gets it at once, past the pool. Later, `assignLead` gives it to somebody.
        owner_id: Uuid,
    }
    needs ["name", "source"]
    refers { owner_id => User, }
    example {
        "name": "霍普光通信",
        "source": "fair",
        "contactName": "王芳",
        "phone": "+86 21 5555 0101",
        "creditCode": "91310000MA1FL0XX1A",
        "region": "Shanghai",
        "industry": "optics",
        "employees": 120
    }
}

/// Who gets the lead.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignLead {
    /// A rep or manager.
    pub user_id: Uuid,
}

/// What was done about a lead.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct WorkLead {
    pub kind: ActivityKind,
    /// What came of it; it is added to the lead's note.
    pub summary: Line,
}

/// Why the owner needs more time.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct ExcuseLead {
    pub excuse: Line,
}

/// Whether the owner gets the time that he asks for.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct DecideExcuse {
    pub accept: bool,
    /// The new last day; by default as many working days from today as for a lead just picked.
    pub due_on: Option<Date>,
}

/// Why a lead goes back into the pool, or out of it for good.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct LeadReason {
    pub reason: Line,
}

/// What a lead becomes: an account, unless it is one already, a contact if the lead names one, and an opportunity.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct ConvertLead {
    /// An account of yours that the lead turned out to be; by default a new one is made.
    pub account_id: Option<Uuid>,
    /// The kind of a new account; `business` by default.
    pub account_kind: Option<AccountKind>,
    /// What the opportunity is called; by default the lead's name.
    pub opportunity_name: Option<Line>,
    pub product_id: Option<Uuid>,
    pub amount: Option<Money>,
    pub currency: Option<Currency>,
    pub expected_on: Option<Date>,
    /// The ids of what is made, as UUIDv7, for clients that work offline; by default the server's.
    pub new_account_id: Option<Uuid>,
    pub new_contact_id: Option<Uuid>,
    pub new_opportunity_id: Option<Uuid>,
}

/// What a lead is the same as: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct MergeLead {
    /// Another lead, which goes on in its place and gets what it lacks.
    pub lead_id: Option<Uuid>,
    /// An account, which it is linked to.
    pub account_id: Option<Uuid>,
}

/// Rights to pick leads, for points.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct BuyRights {
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    pub count: i32,
}

/// What is done to one lead.
#[derive(Clone, Debug)]
pub enum Act {
    Claim,
    Assign(AssignLead),
    Work(WorkLead),
    Excuse(ExcuseLead),
    Decide(DecideExcuse),
    GiveBack(LeadReason),
    Convert(Box<ConvertLead>),
    Merge(MergeLead),
    Discard(LeadReason),
}

/// Does it.
pub fn act(work: &mut UnitOfWork, context: &Context, change: &Change, act: &Act) -> Result<Outcome, Refusal> {
    match act {
        Act::Claim => claim::claim(work, context, change),
        Act::Assign(body) => assign::assign(work, context, change, body),
        Act::Work(body) => keep::work_lead(work, context, change, body),
        Act::Excuse(body) => keep::excuse(work, change, body),
        Act::Decide(body) => keep::decide(work, context, change, body),
        Act::GiveBack(body) => keep::give_back(work, context, change, body),
        Act::Convert(body) => convert::convert(work, context, change, body),
        Act::Merge(body) => merge::merge(work, change, body),
        Act::Discard(body) => keep::discard(work, change, body),
    }
}

impl Act {
    /// The name of the operation on the wire.
    pub fn op(&self) -> &'static str {
        match self {
            Act::Claim => "claim",
            Act::Assign(_) => "assign",
            Act::Work(_) => "work",
            Act::Excuse(_) => "excuse",
            Act::Decide(_) => "decide",
            Act::GiveBack(_) => "give_back",
            Act::Convert(_) => "convert",
            Act::Merge(_) => "merge",
            Act::Discard(_) => "discard",
        }
    }

    /// What the author typed, by names on the wire.
    pub fn values(&self) -> Map<String, Value> {
        match self {
            Act::Claim => Map::new(),
            Act::Assign(body) => present(body),
            Act::Work(body) => present(body),
            Act::Excuse(body) => present(body),
            Act::Decide(body) => present(body),
            Act::GiveBack(body) | Act::Discard(body) => present(body),
            Act::Convert(body) => present(&**body),
            Act::Merge(body) => present(body),
        }
    }

    /// The records that the values refer to.
    pub fn references(&self) -> Vec<(Kind, Uuid)> {
        let found = match self {
            Act::Assign(body) => vec![(Kind::User, Some(body.user_id))],
            Act::Convert(body) => vec![
                (Kind::Account, body.account_id),
                (Kind::Product, body.product_id),
                (Kind::Account, body.new_account_id),
                (Kind::Contact, body.new_contact_id),
                (Kind::Opportunity, body.new_opportunity_id),
            ],
            Act::Merge(body) => vec![(Kind::Lead, body.lead_id), (Kind::Account, body.account_id)],
            _ => Vec::new(),
        };
        found.into_iter().filter_map(|(kind, id)| Some((kind, id?))).collect()
    }
}
