//! Every operation of the document, called with somebody else's token: nothing of a tenant reaches another tenant, and
//! nothing under an account reaches a colleague who does not work it. An operation that is added is walked without
//! anyone writing a test.

mod ask;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::scalar::{Date, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::app::spec;
use waypost::auth::Actor;
use waypost::statement;
use waypost::work::UnitOfWork;

use self::ask::{Filler, Operation, Reply, call, operations};
use super::phone::{Phone, shown};
use crate::attachments::put;
use crate::ledger::set_rules;
use crate::world::{Person, World};

/// In every text of what only those who work the account may see.
const SECRET: &str = "kestrel9secret";
/// In every text of what the whole tenant sees, and no other.
const HOUSE: &str = "heron7house";

/// A tenant with a record of every kind.
struct Victim {
    world: World,
    owner: Person,
    /// A colleague who works nothing.
    colleague: Person,
    /// Kind → id of a record that the colleague must not see.
    secret: BTreeMap<&'static str, Uuid>,
    /// Kind → id of a record that all colleagues see.
    house: BTreeMap<&'static str, Uuid>,
}

async fn victim() -> Victim {
    let world = World::new().await;
    let admin = world.admin().await;
    let team = world.team(&admin, HOUSE).await;
    let (owner, colleague) = (world.rep(HOUSE).await, world.rep("Colleague").await);
    let product = admin.post("/v1/products", json!({ "name": HOUSE, "series": HOUSE })).await.expect(201).id();
    let names = json!({ "en": HOUSE, "zh": HOUSE });
    let field = json!({ "recordKind": "account", "key": "motto", "valueType": "text", "names": names });
    admin.post("/v1/custom-fields", field).await.expect(201);
    let phone = Phone::new(&world, owner);
    let [account, contact, opportunity, plan, activity] = std::array::from_fn(|_| Uuid::now_v7());
    let occurred = phone.reading(TimeDelta::hours(1))["wall"].clone();
    let refused = json!({ "account": { "parentId": account, "note": SECRET } });
    let under = json!({ "accountId": account, "externalId": SECRET });
    let with = |kind: &str, fields: Value| {
        let mut all = under.clone();
        all.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
        json!({ kind: all })
    };
    let results = phone
        .push(&[
            phone.mutation(
                "account",
                "create",
                account,
                json!({ "account": { "kind": "business", "name": SECRET, "externalId": SECRET, "custom": { "motto": SECRET } } }),
            ),
            phone.mutation("contact", "create", contact, with("contact", json!({ "name": SECRET, "note": SECRET }))),
            phone.mutation("opportunity", "create", opportunity, with("opportunity", json!({ "name": SECRET }))),
            phone.mutation("plan", "create", plan, {
                json!({ "plan": { "accountId": account, "plannedOn": "2026-03-09", "purpose": SECRET } })
            }),
            phone.mutation("activity", "create", activity, {
                with("activity", json!({ "kind": "call", "occurred": occurred, "summary": SECRET, "outcome": SECRET }))
            }),
            phone.mutation("account", "update", account, refused),
        ])
        .await;
    assert!(results[..5].iter().all(|result| result["status"] == "applied"), "{results:#?}");
    assert_eq!(results[5]["status"], "rejected");
    // Past the pool, which everybody sees.
    let body = json!({ "name": SECRET, "source": SECRET, "note": SECRET, "ownerId": phone.person.id });
    let lead = admin.post("/v1/leads", body).await.expect(201).id();
    books(&world, &phone.person, account).await;
    let body = json!({ "accountId": account, "kind": "document", "fileName": SECRET });
    let attachment = phone.person.post("/v1/attachments", body).await.expect(201).id();
    put(&phone.person, attachment, format!("%PDF-1.7\n{SECRET}\n%%EOF").as_bytes()).await.expect(200);
    let mut secret = BTreeMap::from([
        ("attachment", attachment),
        ("lead", lead),
        ("account", account),
        ("contact", contact),
        ("opportunity", opportunity),
        ("plan", plan),
        ("activity", activity),
    ]);
    let mut house = BTreeMap::from([("team", team), ("user", phone.person.id), ("product", product)]);
    for ((kind, id), (_, record)) in shown(&world, phone.person.id).await {
        match kind.as_str() {
            "account_member" => secret.insert("account_member", id),
            "stage_move" => secret.insert("stage_move", id),
            "points_entry" => secret.insert("points_entry", id),
            "rejected_write" => secret.insert("rejected_write", id),
            "hold" => secret.insert("hold", id),
            "appeal" => secret.insert("appeal", id),
            "statement" if !record["userId"].is_null() => secret.insert("statement", id),
            "stage" => house.insert("stage", id),
            "custom_field" => house.insert("custom_field", id),
            "rule_set" => house.insert("rule_set", id),
            _ => None,
        };
    }
    Victim { world, owner: phone.person, colleague, secret, house }
}

/// A hold, an appeal and a statement.
async fn books(world: &World, owner: &Person, account: Uuid) {
    set_rules(world, json!({ "holds": { "similarityPercent": 90, "releaseAfterDays": 7 } })).await;
    let now = world.state.clock.now();
    let note =
        |occurred: Timestamp| json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": SECRET });
    owner.post("/v1/activities", note(now)).await.expect(201);
    let late = Timestamp::from(now.0 - TimeDelta::hours(100));
    let late = owner.post("/v1/activities", note(late)).await.expect(201).id();
    let fine = owner.get(&format!("/v1/points/entries?sourceId={late}")).await.expect(200).ids()[0];
    let appeal = format!("/v1/points/entries/{fine}/appeal");
    owner.post(&appeal, json!({ "reason": SECRET })).await.expect(201);
    let mut work = UnitOfWork::begin(&world.state, &Actor::system(world.tenant_id)).await.expect("begins");
    let (month, end) = (Date::parse("2026-03-01").expect("a day"), Timestamp::from(now.0 + TimeDelta::seconds(1)));
    statement::close::stage(&mut work, month, end).await.expect("a closed month");
    work.commit().await.expect("commits");
}

impl Victim {
    fn id(&self, kind: &str) -> Option<Uuid> {
        self.secret.get(kind).or_else(|| self.house.get(kind)).copied()
    }

    /// The record that a parameter or a member of this name is about; `place` is the path or the schema around it.
    fn named(&self, name: &str, place: &str) -> Option<Uuid> {
        let kind = match name {
            "ownerId" | "userId" => "user",
            "recordId" => "account",
            "parentId" if place.contains("eam") => "team",
            "parentId" => "account",
            _ => return self.id(&snake(name.strip_suffix("Id")?)),
        };
        self.id(kind)
    }

    /// `/v1/accounts/{id}/members` → an account
    fn of_path(&self, path: &str) -> Option<Uuid> {
        let noun = path.split("/{id}").next()?.rsplit('/').next()?.replace('-', "_");
        let singular = noun.strip_suffix("ies").map(|stem| format!("{stem}y"));
        match singular.unwrap_or_else(|| noun.trim_end_matches('s').to_owned()).as_str() {
            "entry" => self.id("points_entry"),
            noun => self.id(noun),
        }
    }
}

/// `planId` without its end → `plan`; `ruleSet` → `rule_set`
fn snake(camel: &str) -> String {
    camel.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_shows_what_is_somebody_elses() {
    let victim = victim().await;
    let before = shown(&victim.world, victim.owner.id).await;
    assert!(json!(before.values().collect::<Vec<_>>()).to_string().contains(SECRET));
    let elsewhere = World::new().await;
    let callers = [
        ("another tenant's admin", elsewhere.admin().await, true),
        ("another tenant's manager", elsewhere.manager("Mallory").await, true),
        ("another tenant's rep", elsewhere.rep("Mo").await, true),
        ("a colleague", victim.world.person(victim.colleague.id), false),
    ];
    let document = spec();
    let operations = operations(&document);
    let mut faults = Vec::new();
    for operation in &operations {
        let filler = Filler { document: &document, victim: &victim, path: &operation.path };
        for (who, caller, is_foreign) in &callers {
            for filters in [false, true] {
                let reply = call(caller, operation, &filler, filters).await;
                if let Some(fault) = fault(&victim, operation, &reply, *is_foreign) {
                    faults.push(format!(
                        "{} as {who}: {fault}\n  {}\n  {} {}",
                        operation.id, reply.sent, reply.status, reply.text
                    ));
                }
                // Some operations end the caller's own session.
                caller.log_out().await;
            }
        }
        if !operation.open {
            let request = reqwest::Client::new()
                .request(operation.method.clone(), format!("{}{}", victim.world.url, operation.path));
            let status = request.send().await.expect("an answer").status().as_u16();
            if status != 401 {
                faults.push(format!("{} without a token: {status}", operation.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let after = shown(&victim.world, victim.owner.id).await;
    let secret = |replica: &super::phone::Replica| {
        let house = ["user", "team", "product", "stage", "rule_set", "custom_field"];
        replica
            .iter()
            .filter(|((kind, _), _)| !house.contains(&kind.as_str()))
            .map(|(key, held)| (key.clone(), held.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(secret(&before), secret(&after), "somebody else's request changed it");
}

/// What is wrong with a reply, if anything is.
fn fault(victim: &Victim, operation: &Operation, reply: &Reply, is_foreign: bool) -> Option<String> {
    if reply.status >= 500 {
        return Some("the server blames itself".into());
    }
    if reply.text.contains(SECRET) || (is_foreign && reply.text.contains(HOUSE)) {
        return Some("it shows a text".into());
    }
    // What a caller sent himself may come back.
    let hidden = victim.secret.values().chain(victim.house.values().filter(|_| is_foreign));
    if let Some(id) = hidden.map(Uuid::to_string).find(|id| reply.text.contains(id) && !reply.sent.contains(id)) {
        return Some(format!("it shows the id {id}"));
    }
    let (path, _) = reply.sent.split_once(" [").unwrap_or_default();
    let mut theirs = victim.secret.values().chain(victim.house.values().filter(|_| is_foreign));
    let is_about = theirs.any(|id| path.contains(&id.to_string()));
    if is_about && ![403, 404, 422].contains(&reply.status) {
        return Some("a record that he must not see is not answered with 404".into());
    }
    if operation.path.contains('{') && reply.status == 404 && !reply.text.contains("/problems/not_found") {
        return Some("the route was not found".into());
    }
    None
}

/// Sync has a kind in the body, which a walk cannot vary: every record, every verb.
#[tokio::test]
async fn no_push_and_no_repair_reaches_somebody_elses_records() {
    let victim = victim().await;
    let elsewhere = World::new().await;
    let before = shown(&victim.world, victim.owner.id).await;
    let colleague = Phone::new(&victim.world, victim.world.person(victim.colleague.id));
    let stranger = Phone::new(&elsewhere, elsewhere.manager("Mallory").await);
    for phone in [&colleague, &stranger] {
        let keys: Vec<Value> = victim.secret.iter().map(|(kind, id)| json!({ "kind": kind, "id": id })).collect();
        let answer = phone.person.post("/v1/sync/records", json!({ "records": keys })).await.expect(200);
        let changes = answer.body["changes"].as_array().expect("changes");
        assert_eq!(changes.len(), keys.len());
        assert!(changes.iter().all(|change| change["deleted"] == true && change["revision"] == 0), "{changes:#?}");
        assert!(!answer.body.to_string().contains(SECRET));

        let id = |kind: &str| victim.id(kind).expect("a record of every kind");
        let note = |kind: &str, name: &str| json!({ "baseRevision": 99, kind: { name: "Mine now" } });
        let mut push = vec![
            phone.mutation("account", "update", id("account"), note("account", "note")),
            phone.mutation("contact", "update", id("contact"), note("contact", "note")),
            phone.mutation("opportunity", "update", id("opportunity"), note("opportunity", "note")),
            phone.mutation("plan", "update", id("plan"), note("plan", "purpose")),
            phone.mutation("activity", "update", id("activity"), note("activity", "summary")),
            phone.mutation("attachment", "update", id("attachment"), note("attachment", "fileName")),
            phone.mutation("attachment", "create", Uuid::now_v7(), {
                json!({ "attachment": { "accountId": id("account"), "kind": "photo", "fileName": "Mine" } })
            }),
            phone.mutation("opportunity", "advance", id("opportunity"), json!({ "advance": { "stage": "pre_sale" } })),
            phone.mutation("plan", "cancel", id("plan"), json!({ "cancel": { "reason": "Mine now" } })),
            phone.mutation("contact", "create", Uuid::now_v7(), {
                json!({ "contact": { "accountId": id("account"), "name": "Mine" } })
            }),
            phone.mutation("opportunity", "create", Uuid::now_v7(), {
                json!({ "opportunity": { "accountId": id("account"), "name": "Mine" } })
            }),
            phone.mutation("account", "create", Uuid::now_v7(), {
                json!({ "account": { "kind": "business", "name": "Mine", "parentId": id("account") } })
            }),
        ];
        let ruling = || json!({ "ruling": { "reason": "Mine now" } });
        for (kind, op) in [("hold", "release"), ("hold", "deny"), ("appeal", "grant"), ("appeal", "reject")] {
            push.push(phone.mutation(kind, op, id(kind), ruling()));
        }
        push.push(phone.mutation("appeal", "create", Uuid::now_v7(), {
            json!({ "appeal": { "entryId": id("points_entry"), "reason": "Mine now" } })
        }));
        for kind in ["account", "contact", "opportunity", "plan", "activity", "attachment", "rejected_write"] {
            push.push(phone.mutation(kind, "delete", id(kind), json!({})));
        }
        let results = phone.push(&push).await;
        assert!(results.iter().all(|result| result["status"] == "rejected"), "{results:#?}");
        assert!(!json!(results).to_string().contains(SECRET));
    }
    assert_eq!(before, shown(&victim.world, victim.owner.id).await);
}
