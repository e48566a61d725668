//! Accounts: customers, and who works them.

pub mod create;
pub mod delete;
pub mod member;
pub mod overview;
pub mod routes;

use entity::account;
use entity::custom::Custom;
use entity::kind::{AccountKind, AccountTier};
use entity::scalar::{Email, Line, Money, Text};
use entity::shape::{Address, Position};
use uuid::Uuid;

use crate::change::{self, Change, Context, Outcome};
use crate::fields;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
pub use routes::AccountApi;

fields! {
    /// What can be set on an account. To create one, `kind` and `name` are required.
    AccountFields of account::Model;
    required {
        kind: AccountKind,
        name: Line,
    }
    optional {
        /// The account that this one belongs to.
        parent_id: Uuid,
        phone: Line,
        email: Email,
        website: Line,
        industry: Line,
        /// Number of people who work there.
        #[oai(validator(minimum(value = "0")))]
        employees: i32,
        annual_revenue: Money,
        #[oai(validator(minimum(value = "1000"), maximum(value = "2999")))]
        founded_year: i32,
        address: Address,
        /// Where visits take place.
        position: Position,
        /// The company's registration number: the unified social credit code in China.
        credit_code: Line,
        /// How much time the customer is to get.
        tier: AccountTier,
        note: Text,
        /// The id that another system knows this account by; unique within the tenant.
        external_id: Line,
    }
    fixed {
        /// Who is to answer for it; by default the caller. Later, members are changed by `setAccountMember`.
        owner_id: Uuid,
    }
    custom {
        /// Values of the fields that the company defined itself, by key, each as text whatever the field's type: `12.5`,
        /// `2026-03-02`, `true`. A key that is absent or null stays as it is; an empty text empties it.
        custom: Custom,
    }
    needs ["kind", "name"]
    refers { parent_id => Account, owner_id => User, }
    example {
        "kind": "business",
        "name": "霍普光通信",
        "phone": "+86 21 5555 0100",
        "industry": "optics",
        "employees": 120,
        "tier": "key",
        "address": { "street": "88 Century Avenue", "city": "Shanghai", "country": "China" },
        "position": { "latitude": 31.2304, "longitude": 121.4737 },
        "externalId": "C-1042"
    }
}

/// Changes what is present.
pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &AccountFields,
) -> Result<Outcome, Refusal> {
    change::update(work, context, change, fields, |work, _, after| parent_is_visible(work, fields, after))
}

/// An account belongs to another that the actor sees, and never to itself.
fn parent_is_visible(work: &UnitOfWork, fields: &AccountFields, account: &account::Model) -> Result<(), Refusal> {
    let Some(parent_id) = fields.parent_id else { return Ok(()) };
    if parent_id == account.id {
        return Err(Refusal::invalid("/parentId", "An account cannot belong to itself."));
    }
    if account.parent_id == Some(parent_id) {
        work.visible::<account::Model>(parent_id)
            .map_err(|_| Refusal::invalid("/parentId", "There is no such account, or it is not visible to you."))?;
    }
    Ok(())
}
