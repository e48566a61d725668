//! What the generated types make of values, without a server. That this is a test of the package also has its program built, which
//! `tests/clients.rs` runs against one.

use generated_client::types::{
    AccountFieldsAnnualRevenue, Mutation, OpportunityFields, OpportunityFieldsCurrency, StageKey,
};
use serde_json::json;

#[test]
fn decimals_and_dates_keep_every_digit() {
    let sent = json!({ "amount": "123456789012.3456", "currency": "CNY", "expectedOn": "2028-02-29" });
    let fields: OpportunityFields = serde_json::from_value(sent.clone()).expect("as the document says");
    assert_eq!(serde_json::to_value(fields).expect("JSON"), sent);
}

#[test]
fn what_the_document_does_not_allow_does_not_leave_the_client() {
    assert!("999999999999.9999".parse::<AccountFieldsAnnualRevenue>().is_ok());
    assert!("a lot".parse::<AccountFieldsAnnualRevenue>().is_err());
    assert!("yuan".parse::<OpportunityFieldsCurrency>().is_err());
}

#[test]
fn a_union_has_the_member_of_its_kind_and_no_nulls() {
    let id = "0198c0de-0000-7000-8000-000000000001";
    let sent = json!({
        "kind": "opportunity", "op": "advance", "mutationId": id, "recordId": id, "advance": { "stage": "pre_sale" },
    });
    let mutation: Mutation = serde_json::from_value(sent.clone()).expect("as the document says");
    assert_eq!(mutation.advance.as_ref().map(|advance| advance.stage), Some(StageKey::PreSale));
    assert_eq!(serde_json::to_value(mutation).expect("JSON"), sent);
}
