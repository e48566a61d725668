//! A phone in small: a replica, a cursor and a queue, kept as `docs/sync.md` tells a client to. It believes nothing but
//! what the server sends.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::kind::Role;
use entity::*;
use reqwest::{Method, header};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::read::{self, Listing};
use waypost::work::document;

use crate::world::{Answer, Person, World};

/// What a phone, or a user, holds: kind and id → revision and document.
pub type Replica = BTreeMap<(String, Uuid), (i64, Value)>;

/// How a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// The pull is complete.
    Whole,
    /// There is more.
    More,
    /// 410: the phone starts over.
    Restarted,
    /// 401 or 403: this user syncs no more.
    Locked,
}

pub struct Phone {
    pub person: Person,
    pub device: Uuid,
    pub boot: String,
    pub replica: Replica,
    pub cursor: Option<String>,
    /// In the middle of a pull, whose end was fixed by its first page.
    pub paging: bool,
    pub clock: waypost::clock::Clock,
}

impl Phone {
    pub fn new(world: &World, person: Person) -> Self {
        Phone {
            person,
            device: Uuid::new_v4(),
            boot: Uuid::new_v4().to_string(),
            replica: Replica::new(),
            cursor: None,
            paging: false,
            clock: world.state.clock.clone(),
        }
    }

    /// What the clocks show that were read `ago`.
    pub fn reading(&self, ago: TimeDelta) -> Value {
        let wall = self.clock.now().0 - ago;
        json!({ "wall": wall.to_rfc3339(), "monotonic": wall.timestamp_millis(), "bootId": self.boot })
    }

    /// A mutation that was typed just now; `more` are its further members.
    pub fn mutation(&self, kind: &str, op: &str, record: Uuid, more: Value) -> Value {
        self.mutation_typed(TimeDelta::zero(), kind, op, record, more)
    }

    /// A mutation that was typed some time ago.
    pub fn mutation_typed(&self, ago: TimeDelta, kind: &str, op: &str, record: Uuid, more: Value) -> Value {
        let mut mutation = json!({
            "mutationId": Uuid::now_v7(),
            "kind": kind,
            "op": op,
            "recordId": record,
            "captured": self.reading(ago),
        });
        let members = mutation.as_object_mut().expect("an object");
        members.extend(more.as_object().cloned().unwrap_or_default());
        mutation
    }

    /// Sends these mutations; whatever comes back.
    pub async fn send(&self, mutations: &[Value]) -> Answer {
        let body = json!({ "deviceId": self.device, "sent": self.reading(TimeDelta::zero()), "mutations": mutations });
        self.person.post("/v1/sync/mutations", body).await
    }

    /// The results of a push that is taken as one. Problems in them name the request, which is left out here, so that results
    /// of a repetition compare.
    pub async fn push(&self, mutations: &[Value]) -> Vec<Value> {
        let answer = self.send(mutations).await.expect(200);
        let mut results = answer.body["results"].as_array().expect("results").clone();
        for result in results.iter_mut().filter(|result| result["problem"].is_object()) {
            assert_eq!(result["problem"]["requestId"], json!(answer.header("x-request-id")));
            *result = unnamed(result);
        }
        assert_eq!(results.len(), mutations.len(), "one result a mutation");
        for (result, mutation) in results.iter().zip(mutations) {
            assert_eq!(result["mutationId"], mutation["mutationId"], "results come in order");
            let status = result["problem"]["status"].as_i64().unwrap_or(0);
            assert!(status < 500, "the server blames itself for {mutation:#}: {result:#}");
        }
        results
    }

    /// Pushes one mutation that must be taken; its result.
    #[track_caller]
    pub fn applies(&self, mutation: Value) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let result = self.push(&[mutation]).await.remove(0);
            assert_eq!(result["status"], "applied", "{caller}: {result:#}");
            result
        }
    }

    /// Pushes one mutation that must be refused; the slug of the problem.
    #[track_caller]
    pub fn refused(&self, mutation: Value) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let result = self.push(&[mutation]).await.remove(0);
            assert_eq!(result["status"], "rejected", "{caller}: {result:#}");
            slug(&result)
        }
    }

    /// A new account of his own, made offline and pushed.
    pub async fn account(&self, name: &str) -> Uuid {
        let id = Uuid::now_v7();
        let fields = json!({ "account": { "kind": "business", "name": name } });
        self.applies(self.mutation("account", "create", id, fields)).await;
        id
    }

    /// One page, applied.
    pub async fn page(&mut self, limit: usize) -> Pulled {
        let answer = self.ask(limit).await;
        match answer.status {
            200 => {}
            410 => {
                assert_eq!(answer.problem().0, "cursor_expired");
                self.forget();
                return Pulled::Restarted;
            }
            401 | 403 => return Pulled::Locked,
            status => panic!("{status}: {:#}", answer.body),
        }
        let changes = answer.body["changes"].as_array().expect("changes");
        let more = answer.body["hasMore"].as_bool().expect("hasMore");
        assert!(changes.len() <= limit, "{} changes in a page of {limit}", changes.len());
        assert!(!more || changes.len() == limit, "a page is full unless it is the last");
        let first = self.cursor.is_none();
        for change in changes {
            assert!(!first || change["deleted"] == false, "a first pull has no tombstones: {change}");
            self.apply(change);
        }
        self.cursor = Some(answer.text("/cursor"));
        self.paging = more;
        if more { Pulled::More } else { Pulled::Whole }
    }

    /// The answer to one pull, not applied.
    pub async fn ask(&self, limit: usize) -> Answer {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        self.person.get(&format!("/v1/sync/changes?limit={limit}{cursor}")).await
    }

    /// Page after page until the phone is up to date; starts over where it must, and ends what it had begun first.
    pub async fn pull(&mut self, limit: usize) -> Pulled {
        let mut outcome = Pulled::Whole;
        let mut is_old = self.paging;
        loop {
            match self.page(limit).await {
                Pulled::More => {}
                Pulled::Restarted => (outcome, is_old) = (Pulled::Restarted, false),
                Pulled::Whole if is_old => is_old = false,
                Pulled::Whole => return outcome,
                Pulled::Locked => return Pulled::Locked,
            }
        }
    }

    /// The whole pull as lines, applied only if the last line came.
    pub async fn pull_lines(&mut self, limit: usize) -> Pulled {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let request = self.person.request(Method::GET, &format!("/v1/sync/changes?limit={limit}{cursor}")).await;
        let response = request.header(header::ACCEPT, "application/x-ndjson").send().await.expect("an answer");
        match response.status().as_u16() {
            200 => {}
            410 => {
                self.forget();
                return Pulled::Restarted;
            }
            _ => return Pulled::Locked,
        }
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-ndjson");
        let text = response.text().await.expect("a whole stream");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        let (last, changes) = lines.split_last().expect("a last line");
        for change in changes {
            self.apply(change);
        }
        self.cursor = Some(last["cursor"].as_str().expect("the last line has the cursor").to_owned());
        self.paging = false;
        Pulled::Whole
    }

    fn apply(&mut self, change: &Value) {
        let kind = change["kind"].as_str().expect("a kind").to_owned();
        let id: Uuid = change["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        if change["deleted"] == true {
            self.replica.remove(&(kind, id));
            return;
        }
        let document = change[member(&kind)].clone();
        let revision = change["revision"].as_i64().expect("a revision");
        assert_eq!(document["id"], change["id"], "{change}");
        assert_eq!(document["revision"].as_i64(), Some(revision), "{change}");
        self.replica.insert((kind, id), (revision, document));
    }

    /// Throws replica and cursor away.
    pub fn forget(&mut self) {
        self.replica.clear();
        self.cursor = None;
        self.paging = false;
    }

    pub fn holds(&self, kind: &str, id: Uuid) -> bool {
        self.replica.contains_key(&(kind.to_owned(), id))
    }

    /// A document of the replica; null if it is not there.
    pub fn document(&self, kind: &str, id: Uuid) -> &Value {
        self.replica.get(&(kind.to_owned(), id)).map_or(&Value::Null, |(_, document)| document)
    }

    pub fn revision(&self, kind: &str, id: Uuid) -> Option<i64> {
        self.replica.get(&(kind.to_owned(), id)).map(|(revision, _)| *revision)
    }

    /// The documents of one kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.replica.iter().filter(move |((known, _), _)| known == kind).map(|(_, (_, document))| document)
    }

    /// The digest of the replica by the recipe of the document: kind → count and checksum.
    pub fn digest(&self) -> BTreeMap<String, (i64, String)> {
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ((kind, id), (revision, _)) in &self.replica {
            lines.entry(kind.clone()).or_default().push(format!("{id}:{revision}"));
        }
        let digest = |lines: Vec<String>| {
            let bytes = Sha256::digest(lines.join("\n"));
            (lines.len() as i64, bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        lines.into_iter().map(|(kind, lines)| (kind, digest(lines))).collect()
    }

    /// The server's digest in the same shape.
    pub async fn server_digest(&self) -> BTreeMap<String, (i64, String)> {
        let answer = self.person.get("/v1/sync/digest").await.expect(200);
        let kinds = answer.body["kinds"].as_array().expect("kinds");
        kinds
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().expect("text").to_owned();
                (text("kind"), (row["count"].as_i64().expect("a count"), text("checksum")))
            })
            .collect()
    }

    /// That the replica is what REST shows to this user, and that the digest says so. `why` goes into the complaint.
    pub async fn agrees(&self, world: &World, why: &str) {
        let expected = shown(world, self.person.id).await;
        for (key, held) in &expected {
            let mine = self.replica.get(key);
            assert_eq!(mine, Some(held), "{why}: {key:?} is not on the phone of {} as REST shows it", self.person.id);
        }
        for (key, held) in &self.replica {
            assert!(expected.contains_key(key), "{why}: {key:?} is still on the phone: {held:?}");
        }
        assert_eq!(self.digest(), self.server_digest().await, "{why}: the digest");
    }
}

/// `/problems/duplicate` → `duplicate`
pub fn slug(result: &Value) -> String {
    result["problem"]["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
}

/// A result without the id of the request that it answered, which is the one thing that a repetition changes.
pub fn unnamed(result: &Value) -> Value {
    let mut result = result.clone();
    if let Some(problem) = result.get_mut("problem").and_then(Value::as_object_mut) {
        problem.remove("requestId");
    }
    result
}

/// `points_entry` → `pointsEntry`
fn member(kind: &str) -> String {
    waypost::change::camel(kind)
}

/// Everything that REST lists for a user.
pub async fn shown(world: &World, user_id: Uuid) -> Replica {
    let sql = "SELECT role FROM \"user\" WHERE tenant_id = $1 AND id = $2";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into(), user_id.into()]);
    let row = world.state.db.query_one_raw(statement).await.expect("reads").expect("the user");
    let role: String = row.try_get_by_index(0).expect("a role");
    let role = Role::parse(&role).expect("a known role");
    let actor = Actor { tenant_id: world.tenant_id, user_id, role, may_write: true };
    let mut shown = Replica::new();
    macro_rules! list {
        ($($table:ident),*) => { $(list::<$table::Model>(world, &actor, &mut shown).await;)* };
    }
    list!(
        team,
        user,
        product,
        stage,
        custom_field,
        rule_set,
        calendar,
        account,
        account_member,
        contact,
        opportunity,
        stage_move,
        lead,
        lead_draft,
        plan,
        activity,
        attachment,
        points_entry,
        points_balance,
        hold,
        appeal,
        statement,
        rejected_write
    );
    shown
}

async fn list<M: waypost::record::Record>(world: &World, actor: &Actor, into: &mut Replica) {
    let mut cursor = None;
    loop {
        let listing = Listing::new(cursor, Some(200), None);
        let page = read::list::<M>(&world.state, actor, listing, &[]).await.expect("a page");
        for item in page.items {
            let document: Map<String, Value> = document(&item);
            into.insert((M::KIND.to_string(), item.id()), (item.revision().into(), Value::Object(document)));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return;
        }
    }
}
