//! What stories need: a tenant of its own with the whole application served for it, a clock that stands still until it
//! is moved, and people who hold a token. One database serves all of them.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::{Locale, Role};
use entity::rule_set;
use entity::scalar::{Email, Line, Timestamp};
use poem::Server;
use poem::listener::{Acceptor, Listener, TcpListener};
use reqwest::{Method, header};
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;
use waypost::app::app;
use waypost::auth::token::Keys;
use waypost::auth::{Actor, Identity, session};
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::files::{self, Files, KEPT_DAYS, MOST_BYTES};
use waypost::http::rate::Rate;
use waypost::ledger::verify;
use waypost::state::{Beside, State};
use waypost::tenant::create::{NewTenant, create as create_tenant};
use waypost::user::create::{NewUser, TeamName, create as create_user};
use waypost::work::UnitOfWork;

/// One migrated database for all worlds.
static DATABASE: OnceCell<String> = OnceCell::const_new();

/// The address of the database of all worlds, for who works on it as its owner.
pub async fn database() -> &'static str {
    let url = DATABASE.get_or_init(async || {
        let url = fresh_database(None).await;
        migrate(&url).await.expect("migrates");
        url
    });
    url.await
}

/// A world in a database of its own, for jobs that go through all tenants.
pub async fn own_world() -> World {
    own_world_at(Clock::fixed(start())).await
}

/// For whoever logs in very often or at another time: attempts are counted by address, and all tests have the same.
pub async fn own_world_at(clock: Clock) -> World {
    let url = fresh_database(None).await;
    migrate(&url).await.expect("migrates");
    World::on(connect(&url, 5).await.expect("the scratch database answers"), clock).await
}

/// The moment at which every story begins: a Monday, 17:00 in Shanghai.
pub fn start() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().expect("a time")
}

/// A tenant with a server of its own.
pub struct World {
    pub state: State,
    pub url: String,
    pub tenant_id: Uuid,
    pub slug: String,
    pub top_team: Uuid,
    http: reqwest::Client,
    /// Where its files are kept.
    store: Arc<TempDir>,
}

/// A user who holds a token. Its requests come back as `Answer`s, whatever their status.
pub struct Person {
    pub id: Uuid,
    tenant_id: Uuid,
    state: State,
    url: String,
    http: reqwest::Client,
    /// When it was issued, and the token.
    token: Mutex<Option<(Timestamp, String)>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Value,
}

/// What a server proves people with.
pub fn identity() -> Identity {
    let keys = Keys::generate().expect("a key");
    let mut identity = Identity::new(keys, "https://waypost.example", "waypost", Vec::new());
    // Tests ask more often than any phone.
    identity.rate = Rate::new(NonZeroU32::MAX);
    identity
}

/// Files kept in a directory, with the limits that are usual.
pub fn files_in(directory: &Path) -> Files {
    let store = files::open(directory.to_str().expect("UTF-8")).expect("a directory");
    Files::new(store, MOST_BYTES, KEPT_DAYS)
}

/// Serves the whole application until the test ends; its base address.
async fn serve(state: &State) -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a free port");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("a TCP address");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app(state.clone())));
    format!("http://{address}")
}

impl World {
    pub async fn new() -> Self {
        Self::at(Clock::fixed(start())).await
    }

    pub async fn at(clock: Clock) -> Self {
        let db = connect(database().await, 5).await.expect("the scratch database answers");
        Self::on(db, clock).await
    }

    /// On a database of the caller's, whose pool may serve several worlds.
    pub async fn on(db: DatabaseConnection, clock: Clock) -> Self {
        let identity = identity();
        let home = "127.0.0.0/8".parse().expect("a network");
        let store = Arc::new(TempDir::new().expect("a directory"));
        let beside =
            Beside { networks: vec![home], files: Some(files_in(store.path())), mailer: None, ..Beside::default() };
        let state = State::serving(db, clock, identity, beside);
        let slug = format!("t{}", Uuid::now_v7().simple());
        let new = NewTenant::parse(&slug, "Hopton", "Asia/Shanghai").expect("a good tenant");
        let created = create_tenant(&state, new).await.expect("a new tenant");
        let url = serve(&state).await;
        let (tenant_id, top_team) = (created.tenant.id, created.top_team);
        World { state, url, tenant_id, slug, top_team, http: reqwest::Client::new(), store }
    }

    /// Where its files are kept.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// The same tenant, seen through another server.
    pub async fn served_by(&self, state: State) -> World {
        let url = serve(&state).await;
        let (slug, http, store) = (self.slug.clone(), self.http.clone(), self.store.clone());
        World { state, url, tenant_id: self.tenant_id, slug, top_team: self.top_team, http, store }
    }

    /// The books of this tenant are right.
    #[track_caller]
    pub fn audit(&self) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let (_, faults) = verify::books(&self.state.db, Some(self.tenant_id)).await.expect("an audit");
            assert!(faults.is_empty(), "{at}: {faults:#?}");
        }
    }

    /// Moves the clock.
    pub fn wait(&self, by: TimeDelta) {
        self.state.clock.advance(by);
    }

    /// The rules of the tenant's rule sets, with these members in the place of others; as a rule set is made it would take a
    /// simulation.
    pub async fn set_rules(&self, members: Value) {
        let mut work = UnitOfWork::begin(&self.state, &Actor::system(self.tenant_id)).await.expect("begins");
        work.load_where::<rule_set::Model>("true", []).await.expect("reads");
        for mut set in work.live::<rule_set::Model>().cloned().collect::<Vec<_>>() {
            let mut rules = serde_json::to_value(&set.rules).expect("JSON");
            let rules = rules.as_object_mut().expect("an object");
            rules.extend(members.as_object().expect("members").clone());
            set.rules = serde_json::from_value(json!(rules)).expect("rules");
            work.put(set);
        }
        work.commit().await.expect("commits");
    }

    pub async fn rep(&self, name: &str) -> Person {
        self.user(Role::Rep, name, self.top_team).await
    }

    /// Leads the team above all others, and so everybody.
    pub async fn manager(&self, name: &str) -> Person {
        self.user(Role::Manager, name, self.top_team).await
    }

    pub async fn admin(&self) -> Person {
        self.user(Role::Admin, "Ada Min", self.top_team).await
    }

    /// A user made by the product itself.
    pub async fn user(&self, role: Role, name: &str, team: Uuid) -> Person {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let new = NewUser {
            email: Email::parse(&email).expect("an address"),
            name: Line::parse(name).expect("a name"),
            role,
            locale: Locale::En,
            team: Some(TeamName::Id(team)),
            external_id: None,
        };
        let mut work = UnitOfWork::begin(&self.state, &Actor::system(self.tenant_id)).await.expect("begins");
        let user = create_user(&mut work, new).await.expect("a good user");
        work.commit().await.expect("commits");
        self.person(user.id)
    }

    /// Somebody who is there already.
    pub fn person(&self, id: Uuid) -> Person {
        Person {
            id,
            tenant_id: self.tenant_id,
            state: self.state.clone(),
            url: self.url.clone(),
            http: self.http.clone(),
            token: Mutex::new(None),
        }
    }

    /// A team below the top one.
    pub async fn team(&self, admin: &Person, name: &str) -> Uuid {
        admin.post("/v1/teams", json!({ "name": name })).await.expect(201).id()
    }
}

impl Person {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body), &[]).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, &[]).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(method, path).await;
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, headers, body }
    }

    /// A request with his token, not sent yet.
    pub async fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(self.token().await)
    }

    /// The moment of his world.
    pub fn now(&self) -> DateTime<Utc> {
        self.state.clock.now().0
    }

    /// Logs in again at the next request, as somebody must whose sessions were ended.
    pub async fn log_out(&self) {
        *self.token.lock().await = None;
    }

    /// A token that is good now: the one at hand, or a new session's once the clock has been moved.
    pub async fn token(&self) -> String {
        let mut held = self.token.lock().await;
        let now = self.state.clock.now();
        match &*held {
            Some((issued, token)) if now.0 - issued.0 < TimeDelta::minutes(10) => token.clone(),
            _ => {
                let who = (self.tenant_id, self.id);
                let opened = session::open(&self.state.db, &self.state.identity, who, None, now).await;
                let token = opened.expect("a session").access_token.expose().to_owned();
                *held = Some((now, token.clone()));
                token
            }
        }
    }

    /// An account of his own.
    pub async fn account(&self, name: &str) -> Uuid {
        self.post("/v1/accounts", json!({ "kind": "business", "name": name })).await.expect(201).id()
    }
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    #[track_caller]
    pub fn id(&self) -> Uuid {
        self.text("/id").parse().expect("a UUID")
    }

    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer}: {:#}", self.body)).to_owned()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}"));
        value.to_str().expect("text").to_owned()
    }

    /// The items of a page.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().unwrap_or_else(|| panic!("no items: {:#}", self.body))
    }

    /// The ids on a page.
    #[track_caller]
    pub fn ids(&self) -> Vec<Uuid> {
        self.items().iter().map(|item| item["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")).collect()
    }

    /// One member of each item of a page.
    #[track_caller]
    pub fn each(&self, member: &str) -> Vec<&str> {
        self.items().iter().map(|item| item[member].as_str().expect("text")).collect()
    }

    /// The slug of the problem's type, with the fields at fault.
    #[track_caller]
    pub fn problem(&self) -> (String, Vec<String>) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{:#}", self.body);
        assert_eq!(self.text("/requestId"), self.header("x-request-id"));
        let slug = self.text("/type").rsplit('/').next().unwrap_or_default().to_owned();
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        (slug, errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect())
    }
}
