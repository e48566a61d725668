//! The fields of an opportunity that a stage may ask for, and which of them one opportunity has filled.

use std::collections::BTreeSet;

use entity::opportunity;

/// Names on the wire of the fields that a tenant's stage may ask for. What every opportunity has is not among them.
pub const FIELDS: [&str; 10] = [
    "accountId",
    "amount",
    "contactId",
    "currency",
    "expectedOn",
    "externalId",
    "note",
    "productId",
    "signedOn",
    "source",
];

/// Names on the wire of the fields that hold something; a text of white space holds nothing.
pub fn filled(opportunity: &opportunity::Model) -> BTreeSet<&'static str> {
    let text = |value: &Option<String>| value.as_deref().is_some_and(|text| !text.trim().is_empty());
    let table = [
        ("accountId", opportunity.account_id.is_some()),
        ("amount", opportunity.amount.is_some()),
        ("contactId", opportunity.contact_id.is_some()),
        ("currency", text(&opportunity.currency)),
        ("expectedOn", opportunity.expected_on.is_some()),
        ("externalId", text(&opportunity.external_id)),
        ("note", text(&opportunity.note)),
        ("productId", opportunity.product_id.is_some()),
        ("signedOn", opportunity.signed_on.is_some()),
        ("source", text(&opportunity.source)),
    ];
    table.into_iter().filter_map(|(name, is_filled)| is_filled.then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use entity::kind::StageKey;
    use entity::scalar::{Date, Money, Timestamp};
    use poem_openapi::types::ToJSON;
    use uuid::Uuid;

    use super::*;

    fn bare() -> opportunity::Model {
        opportunity::Model {
            tenant_id: Uuid::nil(),
            id: Uuid::nil(),
            revision: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            deleted_at: None,
            account_id: None,
            contact_id: None,
            product_id: None,
            owner_id: Uuid::nil(),
            name: "Optical fibre".into(),
            stage: StageKey::Intent,
            stage_since: Timestamp::default(),
            amount: None,
            currency: None,
            expected_on: None,
            signed_on: None,
            source: None,
            lost_from: None,
            lost_reason: None,
            lost_note: None,
            note: None,
            external_id: None,
            custom: None,
        }
    }

    #[test]
    fn the_names_are_those_of_the_wire() {
        let full = opportunity::Model {
            account_id: Some(Uuid::nil()),
            contact_id: Some(Uuid::nil()),
            product_id: Some(Uuid::nil()),
            amount: Some(Money::default()),
            currency: Some("CNY".into()),
            expected_on: Some(Date::default()),
            signed_on: Some(Date::default()),
            source: Some("fair".into()),
            note: Some("Bring samples".into()),
            external_id: Some("1C1I7A6R".into()),
            ..bare()
        };
        assert_eq!(filled(&full), BTreeSet::from(FIELDS));
        let json = full.to_json().unwrap();
        for field in FIELDS {
            assert!(json.get(field).is_some(), "{field} is no field of the wire");
        }
    }

    #[test]
    fn absent_and_blank_are_not_filled() {
        assert_eq!(filled(&bare()), BTreeSet::new());
        let blank = opportunity::Model { source: Some("  ".into()), note: Some("\n".into()), ..bare() };
        assert_eq!(filled(&blank), BTreeSet::new());
    }
}
