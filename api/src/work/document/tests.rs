//! The text of every kind says what `ToJSON` says, with every field filled and with only the required ones.

use entity::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::text;
use crate::record::Record;

const ID: &str = "0198c0de-0000-7000-8000-000000000001";
const AT: &str = "2026-03-02T09:15:00.120Z";

/// A row of the columns that every table has and of these.
fn row<M: Record + DeserializeOwned>(columns: &[&Value]) -> M {
    let mut all = json!({ "tenant_id": ID, "id": ID, "revision": 3, "created_at": AT, "updated_at": AT });
    for more in columns {
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    serde_json::from_value(all).unwrap()
}

fn same<M: Record + DeserializeOwned>(required: Value, optional: Value) {
    let deleted = json!({ "deleted_at": AT });
    for columns in [vec![&required], vec![&required, &optional], vec![&required, &optional, &deleted]] {
        let record: M = row(&columns);
        let written: Value = serde_json::from_str(&text(&record)).unwrap();
        assert_eq!(Some(written), record.to_json(), "{}", M::KIND);
    }
}

#[test]
fn the_text_says_what_the_tree_says() {
    let check = json!({ "at": AT, "latitude": 31.2305, "longitude": -0.1, "accuracy": 12.0, "fixedAt": AT });
    let bare = json!({ "at": AT });
    same::<team::Model>(json!({ "name": "North \"1\"\n" }), json!({ "parent_id": ID, "external_id": "n" }));
    same::<user::Model>(
        json!({ "team_id": ID, "email": "a@b", "name": "Lin", "role": "rep", "locale": "zh" }),
        json!({ "disabled_at": AT, "external_id": "n" }),
    );
    same::<product::Model>(
        json!({ "name": "Module" }),
        json!({ "series": "S", "list_price": "12.5", "currency": "CNY", "external_id": "n" }),
    );
    same::<stage::Model>(
        json!({ "stage": "pre_sale", "names": { "en": "Pre", "zh": "售前" }, "probability": 20, "required_fields": ["amount", "currency"] }),
        json!({ "stale_days": 30 }),
    );
    same::<rule_set::Model>(
        json!({ "version": 1, "status": "active", "rules": {
            "brackets": [{ "withinHours": 2, "points": "10.00" }], "latePoints": "-5.00", "unprovenGraceHours": 72,
            "completeness": [{ "activity": "visit", "weights": [{ "field": "summary", "weight": 1 }] }],
        } }),
        json!({}),
    );
    same::<account::Model>(
        json!({ "kind": "business", "name": "霍普光通信", "owner_id": ID }),
        json!({
            "parent_id": ID, "phone": "1", "email": "a@b", "website": "w", "industry": "i", "employees": 5,
            "annual_revenue": "1000000.1234", "founded_year": 1999, "address": { "city": "Shanghai" },
            "position": { "latitude": 1e-7, "longitude": 180.0 }, "note": "\u{7}", "external_id": "n",
        }),
    );
    same::<account_member::Model>(json!({ "account_id": ID, "user_id": ID, "role": "owner" }), json!({}));
    same::<contact::Model>(
        json!({ "account_id": ID, "name": "Wei" }),
        json!({ "title": "t", "phone": "1", "email": "a@b", "note": "n", "external_id": "n" }),
    );
    same::<opportunity::Model>(
        json!({ "owner_id": ID, "name": "O", "stage": "lost", "stage_since": AT }),
        json!({
            "account_id": ID, "contact_id": ID, "product_id": ID, "amount": "0", "currency": "CNY",
            "expected_on": "2026-03-02", "signed_on": "2026-03-02", "source": "s", "lost_from": "intent",
            "lost_reason": "no_budget", "lost_note": "n", "note": "n", "external_id": "n",
        }),
    );
    same::<stage_move::Model>(
        json!({
            "opportunity_id": ID, "owner_id": ID, "number": 1, "to_stage": "intent", "occurred": AT,
            "occurred_assumed": false, "captured": AT, "captured_proven": true, "received": AT, "actor_id": ID,
            "probability": 10,
        }),
        json!({
            "account_id": ID, "from_stage": "intent", "amount": "5.00", "currency": "CNY", "reason": "r",
            "lost_reason": "price",
        }),
    );
    same::<plan::Model>(
        json!({ "account_id": ID, "owner_id": ID, "planned_on": "2026-03-02", "status": "planned" }),
        json!({ "contact_id": ID, "opportunity_id": ID, "purpose": "p", "activity_id": ID, "cancel_reason": "c" }),
    );
    let activity = json!({
        "account_id": ID, "owner_id": ID, "kind": "visit", "occurred": AT, "captured": AT, "captured_proven": false,
        "received": AT,
    });
    let optional = json!({
        "contact_id": ID, "opportunity_id": ID, "plan_id": ID, "duration_minutes": 45, "summary": "拜访\u{2028}",
        "outcome": "", "next_step": "n", "next_step_on": "2026-03-04", "check_in": check, "check_out": bare,
        "verdict": "outside", "distance": 12, "external_id": "n",
    });
    same::<activity::Model>(activity, optional);
    let explanation = json!({
        "ruleSetVersion": 1, "occurred": AT, "captured": AT, "capturedProven": true, "received": AT, "delayMinutes": 30,
        "weightFilled": 3, "weightTotal": 4, "missing": ["summary"], "arithmetic": "10 × 3/4 = 7.50", "en": "e", "zh": "中",
    });
    let mut timely = explanation.clone();
    timely["withinHours"] = json!(2);
    for explanation in [explanation, timely] {
        same::<points_entry::Model>(
            json!({ "user_id": ID, "activity_id": ID, "number": 1, "kind": "award", "points": "7.5", "explanation": explanation }),
            json!({}),
        );
    }
    same::<points_balance::Model>(json!({ "points": "-5", "entries": 2 }), json!({}));
    same::<rejected_write::Model>(
        json!({
            "user_id": ID, "mutation_id": ID, "record_kind": "activity", "record_id": ID, "op": "create",
            "fields": "{\"a\":1}", "problem": "p", "detail": "d",
        }),
        json!({ "device_id": ID }),
    );
}
