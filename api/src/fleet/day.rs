//! What a rep types in a day: mostly visits, now and then a contact and the visit to him, or a correction of an account that
//! others may correct at the same time. Who has no account begins with one.

use chrono::TimeDelta;
use entity::scalar::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Clock;

/// An account as the phone knows it.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub id: Uuid,
    pub revision: i32,
}

impl Account {
    /// The one that this mutation makes.
    pub fn made_by(mutation: &Value) -> Option<Self> {
        let is_one = mutation["kind"] == "account" && mutation["op"] == "create";
        let id = mutation["recordId"].as_str().filter(|_| is_one)?.parse().ok()?;
        Some(Account { id, revision: 1 })
    }
}

const SAID: [&str; 4] = [
    "Showed the new switch; they want an offer for two.",
    "客户希望下周看到光模块的报价。",
    "The buyer is on leave; spoke with the head of the warehouse.",
    "讨论了第二季度的需求，等待预算批准。",
];

/// The mutations of one entry, parents first. `captured` is the reading of the phone's clocks.
pub fn entry(accounts: &[Account], captured: &Value, chance: &mut StdRng) -> Vec<Value> {
    let Some(account) = accounts.get(chance.random_range(0..accounts.len().max(1))) else {
        let fields = json!({ "kind": "business", "name": format!("Customer {}", chance.random_range(1..1000)) });
        return vec![mutation("account", "create", Uuid::now_v7(), captured, &fields)];
    };
    match chance.random_range(0..10) {
        0 => vec![correction(*account, captured, chance)],
        1 => {
            let contact = Uuid::now_v7();
            let name = format!("Buyer {}", chance.random_range(1..1000));
            let fields = json!({ "accountId": account.id, "name": name });
            let made = mutation("contact", "create", contact, captured, &fields);
            vec![made, visit(*account, Some(contact), captured, chance)]
        }
        _ => vec![visit(*account, None, captured, chance)],
    }
}

fn visit(account: Account, contact: Option<Uuid>, captured: &Value, chance: &mut StdRng) -> Value {
    let occurred = Timestamp::from(Clock::system().now().0 - TimeDelta::minutes(chance.random_range(1..90)));
    let said = SAID[chance.random_range(0..SAID.len())];
    let mut fields = json!({
        "accountId": account.id,
        "kind": "visit",
        "occurred": occurred.to_string(),
        "durationMinutes": chance.random_range(10..90),
        "summary": format!("{said} #{}", chance.random_range(1..100_000)),
    });
    if let Some(contact) = contact {
        fields["contactId"] = json!(contact);
    }
    mutation("activity", "create", Uuid::now_v7(), captured, &fields)
}

/// The record of a photo of this visit, and its id; nothing for what is no visit.
pub fn photo(visit: &Value, captured: &Value) -> Option<(Uuid, Value)> {
    let activity = visit.get("activity")?;
    let id = Uuid::now_v7();
    let fields = json!({
        "accountId": activity["accountId"], "activityId": visit["recordId"], "kind": "photo", "fileName": "visit.jpg",
    });
    Some((id, mutation("attachment", "create", id, captured, &fields)))
}

/// The account's telephone number: two phones that do so have a true conflict.
fn correction(account: Account, captured: &Value, chance: &mut StdRng) -> Value {
    let fields = json!({ "phone": format!("+86 21 5555 {:04}", chance.random_range(0..10_000)) });
    let mut edit = mutation("account", "update", account.id, captured, &fields);
    edit["baseRevision"] = json!(account.revision);
    edit
}

fn mutation(kind: &str, op: &str, record_id: Uuid, captured: &Value, fields: &Value) -> Value {
    json!({ "mutationId": Uuid::now_v7(), "kind": kind, "op": op, "recordId": record_id, "captured": captured, kind: fields })
}
