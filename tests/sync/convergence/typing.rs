//! What people type on their phones: creations, edits of fields that collide, deletions, moves.

use chrono::TimeDelta;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{History, TEXT};

impl History {
    pub(super) fn text(&mut self) -> String {
        self.texts += 1;
        format!("~t{:06}", self.texts)
    }

    pub(super) fn amount(&mut self) -> String {
        self.texts += 1;
        format!("7{:06}.00", self.texts)
    }

    pub(super) fn new_id(&mut self) -> Uuid {
        let millis = u64::try_from(self.world.state.clock.now().0.timestamp_millis()).expect("after 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random.random::<[u8; 10]>()).into_uuid()
    }

    /// A record of this kind that the user of the desk knows: its id, revision and account.
    pub(super) fn known(&mut self, desk: usize, kind: &str) -> Option<(Uuid, Option<i64>, Option<Uuid>)> {
        let desk = &self.desks[desk];
        let parse = |value: &Value| value.as_str().and_then(|text| text.parse::<Uuid>().ok());
        let mut known: Vec<(Uuid, Option<i64>, Option<Uuid>)> = desk
            .phone
            .all(kind)
            .filter_map(|document| {
                let id = parse(&document["id"])?;
                Some((id, document["revision"].as_i64(), parse(&document["accountId"])))
            })
            .collect();
        let drafts = desk.drafts.iter().filter(|(draft, id, _)| draft == kind && !desk.phone.holds(kind, *id));
        known.extend(drafts.map(|(_, id, account)| (*id, None, *account)));
        known.choose(&mut self.random).copied()
    }

    pub(super) fn write(&mut self, desk: usize) {
        let kind = *["account", "contact", "opportunity", "opportunity", "plan", "activity", "activity"]
            .choose(&mut self.random)
            .expect("some");
        match self.random.random_range(0..20) {
            0..6 => self.create(desk, kind),
            6..14 => self.update(desk, kind),
            14..16 => self.delete(desk, kind),
            16..18 => self.advance(desk),
            18 => self.cancel(desk),
            _ => self.delete(desk, "rejected_write"),
        }
    }

    pub(super) fn enqueue(&mut self, desk: usize, kind: &str, op: &str, id: Uuid, more: Value) {
        let ago = TimeDelta::minutes(self.random.random_range(0..300));
        let mutation_id = self.new_id();
        let desk = &mut self.desks[desk];
        let mut mutation = desk.phone.mutation_typed(ago, kind, op, id, more);
        mutation["mutationId"] = json!(mutation_id);
        let author = desk.phone.person.id;
        let text = mutation.to_string();
        self.typed.extend(TEXT.find_iter(&text).map(|found| (author, found.as_str().to_owned(), mutation.clone())));
        desk.queue.push(mutation);
    }

    pub(super) fn create(&mut self, desk: usize, kind: &str) {
        let id = self.new_id();
        let account = self.known(desk, "account").map(|(id, ..)| id);
        let mut fields = self.fields(kind);
        match (kind, account) {
            ("account", _) => {
                fields.insert("kind".into(), json!("business"));
                fields.insert("name".into(), json!(self.text()));
                self.accounts.push(id);
            }
            ("opportunity", account) => {
                fields.insert("name".into(), json!(self.text()));
                if let Some(account) = account
                    && !self.one_in(3)
                {
                    fields.insert("accountId".into(), json!(account));
                }
            }
            (_, None) => return,
            ("contact", Some(account)) => {
                fields.insert("accountId".into(), json!(account));
                fields.insert("name".into(), json!(self.text()));
            }
            ("plan", Some(account)) => {
                fields.insert("accountId".into(), json!(account));
                fields.insert("plannedOn".into(), json!("2026-03-09"));
            }
            (_, Some(account)) => {
                let occurred = self.world.state.clock.now().0 - TimeDelta::hours(self.random.random_range(5..200));
                fields.insert("accountId".into(), json!(account));
                let kind = *["visit", "call", "note"].choose(&mut self.random).expect("a kind");
                fields.insert("kind".into(), json!(kind));
                fields.insert("occurred".into(), json!(occurred.to_rfc3339()));
                if let Some((plan, _, Some(under))) = self.known(desk, "plan")
                    && self.one_in(2)
                {
                    fields.insert("accountId".into(), json!(under));
                    fields.insert("planId".into(), json!(plan));
                }
            }
        }
        let account = fields.get("accountId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        self.desks[desk].drafts.push((kind.to_owned(), id, account));
        self.enqueue(desk, kind, "create", id, json!({ kind: fields }));
    }

    /// Some of the fields that collide: few names, many writers.
    pub(super) fn fields(&mut self, kind: &str) -> Map<String, Value> {
        let names: &[&str] = match kind {
            "account" => &["industry", "phone", "note"],
            "contact" => &["title", "phone", "note"],
            "opportunity" => &["source", "note", "amount"],
            "plan" => &["purpose"],
            _ => &["summary", "outcome", "nextStep"],
        };
        let mut fields = Map::new();
        for name in names {
            if self.one_in(2) {
                let value = if *name == "amount" { self.amount() } else { self.text() };
                fields.insert((*name).to_owned(), json!(value));
                if *name == "amount" {
                    fields.insert("currency".into(), json!("CNY"));
                }
            }
        }
        // The company's own fields: two keys, many writers; an empty text empties.
        if kind != "plan" && self.one_in(3) {
            let keys: &[&str] = if self.one_in(2) { &["colour"] } else { &["colour", "shape"] };
            let custom: Map<String, Value> = keys
                .iter()
                .map(|key| ((*key).to_owned(), json!(if self.one_in(5) { String::new() } else { self.text() })))
                .collect();
            fields.insert("custom".into(), Value::Object(custom));
        }
        if kind == "account" && self.one_in(6) {
            // Few numbers, so that phones collide in them.
            let number = self.random.random_range(0..4);
            fields.insert("externalId".into(), json!(format!("ERP-{number}")));
        }
        fields
    }

    pub(super) fn update(&mut self, desk: usize, kind: &str) {
        let Some((id, revision, _)) = self.known(desk, kind) else { return };
        let mut fields = self.fields(kind);
        let mut more = json!({});
        if self.one_in(4) {
            let name = match kind {
                "account" => "industry",
                "contact" => "title",
                "opportunity" => "source",
                "plan" => "purpose",
                _ => "outcome",
            };
            fields.remove(name);
            more["clear"] = json!([name]);
        }
        if kind == "opportunity" && self.one_in(5) {
            match self.known(desk, "account") {
                Some((account, ..)) => fields.insert("accountId".into(), json!(account)),
                None => None,
            };
        } else if kind == "opportunity" && self.one_in(8) {
            let owner = *self.people.choose(&mut self.random).expect("somebody");
            fields.insert("ownerId".into(), json!(owner));
        }
        if fields.is_empty() && more["clear"].is_null() {
            fields.insert(
                if kind == "plan" {
                    "purpose"
                } else if kind == "activity" {
                    "summary"
                } else {
                    "note"
                }
                .into(),
                json!(self.text()),
            );
        }
        // A reason for what may turn out to be no change is a reason for nothing.
        let may_have_reason = fields.values().any(|value| value.as_str().is_some_and(|text| TEXT.is_match(text)));
        more[kind] = Value::Object(fields);
        if let Some(revision) = revision {
            more["baseRevision"] = json!(revision);
        }
        if may_have_reason && self.one_in(10) {
            more["reason"] = json!(self.text());
        }
        self.enqueue(desk, kind, "update", id, more);
    }

    pub(super) fn delete(&mut self, desk: usize, kind: &str) {
        let Some((id, ..)) = self.known(desk, kind) else { return };
        self.enqueue(desk, kind, "delete", id, json!({}));
    }

    pub(super) fn advance(&mut self, desk: usize) {
        let Some((id, revision, _)) = self.known(desk, "opportunity") else { return };
        let stage = *["pre_sale", "negotiation", "signed", "lost", "intent"].choose(&mut self.random).expect("some");
        let mut advance = json!({ "stage": stage });
        match stage {
            "lost" => {
                advance["lostReason"] = json!("price");
                advance["lostNote"] = json!(self.text());
            }
            "signed" | "negotiation" => {
                advance["amount"] = json!(self.amount());
                advance["currency"] = json!("CNY");
                advance["signedOn"] = json!("2026-03-01");
            }
            _ => {}
        }
        if self.one_in(2) {
            advance["reason"] = json!(self.text());
        }
        self.enqueue(desk, "opportunity", "advance", id, json!({ "advance": advance, "baseRevision": revision }));
    }

    pub(super) fn cancel(&mut self, desk: usize) {
        let Some((id, revision, _)) = self.known(desk, "plan") else { return };
        let reason = self.text();
        self.enqueue(desk, "plan", "cancel", id, json!({ "cancel": { "reason": reason }, "baseRevision": revision }));
    }
}
