//! Opportunities: possible sales on their way through the pipeline.

pub mod advance;
pub mod create;
pub mod delete;
pub mod field;
pub mod moves;
pub mod routes;
pub mod stage;
pub mod update;

use entity::custom::Custom;
use entity::kind::{LostReason, StageKey};
use entity::opportunity;
use entity::scalar::{Currency, Date, Line, Money, Text, Timestamp};
use poem_openapi::Object;
use poem_openapi::types::Example;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::fields;
pub use routes::OpportunityApi;

fields! {
    /// What can be set on an opportunity. To create one, `name` is required; it starts in the stage `intent`, and
    /// `advanceOpportunity` moves it on.
    OpportunityFields of opportunity::Model;
    required {
        name: Line,
        /// Who answers for it; by default the caller. Must work the account.
        owner_id: Uuid,
    }
    optional {
        /// Without an account, only the owner and those who lead him see the opportunity.
        account_id: Uuid,
        contact_id: Uuid,
        product_id: Uuid,
        amount: Money,
        currency: Currency,
        /// The day on which a signature is expected.
        expected_on: Date,
        /// The day of the signature.
        signed_on: Date,
        /// Where it came from, such as `fair` or `referral`.
        source: Line,
        note: Text,
        /// The id that another system knows this opportunity by; unique within the tenant.
        external_id: Line,
    }
    fixed {}
    custom {
        /// Values of the fields that the company defined itself, by key, each as text whatever the field's type: `12.5`,
        /// `2026-03-02`, `true`. A key that is absent or null stays as it is; an empty text empties it.
        custom: Custom,
    }
    needs ["name"]
    refers { owner_id => User, account_id => Account, contact_id => Contact, product_id => Product, }
    example {
        "accountId": "0198c0de-0000-7000-8000-000000000001",
        "name": "Fibre for the new campus",
        "amount": "120000.00",
        "currency": "CNY",
        "expectedOn": "2026-05-01",
        "source": "fair"
    }
}

/// A move to another stage, with what that stage asks for.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example, deny_unknown_fields)]
pub struct AdvanceOpportunity {
    /// Where to. Several stages forward pass those between; `lost` ends it; a lost one reopens where it was lost.
    pub stage: StageKey,
    /// When it happened; by default when this was captured.
    pub occurred: Option<Timestamp>,
    /// Why it goes backward, is reopened or is changed after the signature. Required for those.
    pub reason: Option<Line>,
    /// Required for `lost`.
    pub lost_reason: Option<LostReason>,
    /// What to know about the loss; required for the reason `other`.
    pub lost_note: Option<Text>,
    pub amount: Option<Money>,
    pub currency: Option<Currency>,
    pub expected_on: Option<Date>,
    /// Required for `signed`.
    pub signed_on: Option<Date>,
}

impl Example for AdvanceOpportunity {
    fn example() -> Self {
        AdvanceOpportunity {
            stage: StageKey::Signed,
            occurred: None,
            reason: None,
            lost_reason: None,
            lost_note: None,
            amount: Some(Money(Decimal::new(12_000_000, 2))),
            currency: Some(Currency("CNY".to_owned())),
            expected_on: None,
            signed_on: Date::parse("2026-03-02").ok(),
        }
    }
}
