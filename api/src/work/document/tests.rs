//! The text of every kind says what `ToJSON` says, with every field filled and with only the required ones.

use entity::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::text;
use crate::points::rules::first_rule_set;
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
    let names = json!({ "en": "Format", "zh": "形式" });
    same::<custom_field::Model>(
        json!({ "record_kind": "account", "key": "format", "value_type": "choice", "names": names, "choices": [] }),
        json!({ "choices": [{ "value": "a", "names": names }], "archived_at": AT }),
    );
    same::<rule_set::Model>(
        json!({ "version": 1, "status": "active", "rules": first_rule_set() }),
        json!({ "starts_on": "2026-03-02", "ended_on": "2026-03-04", "bundle": "a.b.c" }),
    );
    same::<calendar::Model>(
        json!({
            "week": { "shifts": [{ "weekday": 1, "from": "09:00", "to": "18:00" }] },
            "holidays": { "days": [{ "day": "2026-10-01", "name": "国庆节" }] }, "working_days": { "days": [] },
        }),
        json!({}),
    );
    same::<account::Model>(
        json!({ "kind": "business", "name": "霍普光通信", "owner_id": ID }),
        json!({
            "parent_id": ID, "phone": "1", "email": "a@b", "website": "w", "industry": "i", "employees": 5,
            "annual_revenue": "1000000.1234", "founded_year": 1999, "address": { "city": "Shanghai" },
            "position": { "latitude": 1e-7, "longitude": 180.0 }, "tier": "key", "note": "\u{7}", "external_id": "n", "custom": { "b": "2", "a": "\"\n" },
        }),
    );
    same::<account_member::Model>(json!({ "account_id": ID, "user_id": ID, "role": "owner" }), json!({}));
    same::<contact::Model>(
        json!({ "account_id": ID, "name": "Wei" }),
        json!({ "title": "t", "phone": "1", "email": "a@b", "note": "n", "external_id": "n", "custom": {} }),
    );
    same::<opportunity::Model>(
        json!({ "owner_id": ID, "name": "O", "stage": "lost", "stage_since": AT }),
        json!({
            "account_id": ID, "contact_id": ID, "product_id": ID, "amount": "0", "currency": "CNY",
            "expected_on": "2026-03-02", "signed_on": "2026-03-02", "source": "s", "lost_from": "intent",
            "lost_reason": "no_budget", "lost_note": "n", "note": "n", "external_id": "n", "custom": { "a": "1" },
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
            "lost_reason": "price", "lost_note": "n",
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
        "verdict": "outside", "distance": 12, "external_id": "n", "custom": { "a": "1" },
    });
    same::<activity::Model>(activity, optional);
    let explanation = json!({
        "ruleSetVersion": 1, "occurred": AT, "captured": AT, "capturedProven": true, "received": AT, "delayMinutes": 30,
        "weightFilled": 3, "weightTotal": 4, "missing": ["summary"], "arithmetic": "10 × 3/4 = 7.50", "en": "e", "zh": "中",
    });
    let mut timely = explanation.clone();
    timely["withinHours"] = json!(2);
    timely["weights"] = json!([{ "field": "summary", "weight": 3, "filled": true, "percent": 60 }]);
    for explanation in [explanation, timely] {
        same::<points_entry::Model>(
            json!({
                "user_id": ID, "ordinal": 1, "source_kind": "activity", "source_id": ID, "number": 1, "kind": "award",
                "ledger_account": "rep", "counterpart": "rewards", "points": "7.5", "leads": 0, "day": "2026-03-02",
                "explanation": explanation,
            }),
            json!({ "money": "5", "currency": "CNY", "account_id": ID, "entry_id": ID, "offence": "late:1" }),
        );
    }
    same::<points_balance::Model>(json!({ "points": "-5", "held": "2.5", "leads": 3, "entries": 2 }), json!({}));
    let decided = json!({ "decided_by": ID, "decided_at": AT, "decision": "d" });
    let finding = json!({ "reason": "burst", "activityIds": [ID], "en": "e", "zh": "中" });
    same::<hold::Model>(
        json!({
            "user_id": ID, "entry_id": ID, "activity_id": ID, "points": "7.5", "evidence": { "findings": [finding] },
            "status": "open", "release_on": "2026-03-09",
        }),
        decided.clone(),
    );
    same::<appeal::Model>(json!({ "user_id": ID, "entry_id": ID, "reason": "r", "status": "granted" }), decided);
    same::<statement::Model>(
        json!({
            "number": 1, "team_id": ID, "month": "2026-03-01", "opening": "0", "closing": "7.5", "awarded": "7.5",
            "fined": "0", "corrected": "0", "spent": "0", "paid_out": "0", "held": "0", "leads_opening": 0,
            "leads_closing": 25, "leads_granted": 25, "leads_claimed": 0, "leads_expired": 0, "money": "0", "entries": 2,
            "en": "e", "zh": "中",
        }),
        json!({ "user_id": ID, "currency": "CNY", "first_entry": 1, "last_entry": 2,
            "other_money": { "sums": [{ "money": "5", "currency": "USD" }] } }),
    );
    let monday = json!({
        "from": "2026-03-02", "to": "2026-03-08", "funnelFrom": "2025-12-15",
        "funnel": [{ "stage": "intent", "entered": 4, "advanced": 2, "lost": 1, "conversion": 0.5, "medianDays": 12.25 },
            { "stage": "signed", "entered": 1 }],
        "forecast": [{ "month": "2026-04", "currency": "CNY", "open": 2, "commit": "1", "bestCase": "2", "pipeline": "3", "weighted": "1.5" },
            { "open": 1, "commit": "0", "bestCase": "0", "pipeline": "0", "weighted": "0" }],
        "activity": { "activities": 3, "visits": 2, "visitsBefore": 1, "verified": 1, "planned": 2, "done": 1, "missed": 1, "withinDayShare": 0.6667 },
        "exceptions": { "stale": 1, "holds": 0, "appeals": 0, "neglected": 2,
            "worst": [{ "opportunityId": ID, "name": "n", "owner": "o", "stage": "pre_sale", "days": 47 }] },
        "leaders": [{ "rank": 1, "userId": ID, "name": "Lin", "points": "7.5" }],
    });
    same::<weekly_digest::Model>(
        json!({ "user_id": ID, "monday": "2026-03-09", "locale": "zh", "figures": monday }),
        json!({}),
    );
    let likeness = json!({ "kind": "account", "ownerId": ID, "fields": ["name"], "similarity": 80 });
    same::<lead::Model>(
        json!({ "name": "Hopton", "source": "fair", "status": "pooled", "likenesses": { "records": [likeness] } }),
        json!({
            "contact_name": "Lin", "title": "t", "phone": "1", "email": "a@b", "website": "w", "credit_code": "c",
            "region": "r", "industry": "i", "employees": 5, "note": "n", "owner_id": ID, "claimed_at": AT,
            "due_on": "2026-03-09", "warned_at": AT, "worked_at": AT, "excuse": "e", "former_owner_id": ID,
            "cool_down_until": "2026-04-01", "contributor_id": ID, "merged_into_id": ID, "account_id": ID,
            "contact_id": ID, "opportunity_id": ID, "external_id": "x",
        }),
    );
    same::<rejected_write::Model>(
        json!({
            "user_id": ID, "mutation_id": ID, "record_kind": "activity", "record_id": ID, "op": "create",
            "fields": "{\"a\":1}", "problem": "p", "detail": "d",
        }),
        json!({ "device_id": ID }),
    );
}
