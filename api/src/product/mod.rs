//! Products: what the tenant sells. Everybody sees them; admins keep them.

pub mod routes;

use entity::kind::Role;
use entity::product;
use entity::scalar::{Currency, Line, Money};

use crate::change::{self, Change, Context, Fields, Outcome, creatable};
use crate::fields;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
pub use routes::ProductApi;

fields! {
    /// What can be set on a product. To create one, `name` is required.
    ProductFields of product::Model;
    required {
        name: Line,
    }
    optional {
        series: Line,
        list_price: Money,
        currency: Currency,
        /// The id that another system knows this product by; unique within the tenant.
        external_id: Line,
    }
    fixed {}
    needs ["name"]
    refers {}
    example { "name": "GTX Pro", "series": "GTX", "listPrice": "4821.00", "currency": "USD" }
}

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &ProductFields) -> Result<Outcome, Refusal> {
    keeps_products(work)?;
    creatable(work, change, fields)?;
    let mut product = product::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        name: String::new(),
        series: None,
        list_price: None,
        currency: None,
        external_id: None,
    };
    fields.apply(&mut product);
    Ok(Outcome { revision: work.put(product), ..Outcome::default() })
}

pub fn update(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &ProductFields,
) -> Result<Outcome, Refusal> {
    change::update(work, context, change, fields, |work, _, _| keeps_products(work))
}

/// Whether the actor may delete a product.
pub fn deletable(work: &mut UnitOfWork, _: &product::Model) -> Result<(), Refusal> {
    keeps_products(work)
}

fn keeps_products(work: &UnitOfWork) -> Result<(), Refusal> {
    match work.actor.role {
        Role::Admin | Role::Integration => Ok(()),
        Role::Rep | Role::Manager => Err(Refusal::forbidden("Only an admin changes the products.")),
    }
}
