//! Identity, over HTTP: an app of `AuthApi` alone, a tenant per test, a clock that stands still until it is moved.

mod api_keys;
mod guessing;
mod invitations;
mod keys;
mod sessions;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{EndpointExt, Route, Server};
use poem_openapi::OpenApiService;
use reqwest::{Method, StatusCode};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value};
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;
use uuid::Uuid;
use waypost::auth::credential::set_password;
use waypost::auth::token::Keys;
use waypost::auth::{AuthApi, Identity, Secret};
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::http::{Contract, Limits, envelope};
use waypost::openapi::polish;
use waypost::state::State;

const PASSWORD: &str = "correct horse battery";
const ISSUER: &str = "https://waypost.example";
const AUDIENCE: &str = "waypost";

/// One migrated database for all tests of this module.
static DATABASE: OnceCell<String> = OnceCell::const_new();

async fn database() -> DatabaseConnection {
    let url = DATABASE.get_or_init(async || {
        let url = fresh_database(None).await;
        migrate(&url).await.expect("migrates");
        url
    });
    connect(url.await, 5).await.expect("the scratch database answers")
}

/// A tenant with a server of its own.
struct World {
    state: State,
    url: String,
    tenant: Uuid,
    slug: String,
    team: Uuid,
    /// Where requests seem to come from, unless they say otherwise.
    home: String,
}

struct User {
    id: Uuid,
    email: String,
}

/// What came back.
struct Answer {
    status: StatusCode,
    retry_after: Option<i64>,
    body: Json,
}

impl Answer {
    fn text(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Json::as_str);
        text.unwrap_or_else(|| panic!("{} has no text at {pointer}", self.body)).to_owned()
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

impl World {
    async fn new() -> Self {
        let now: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().expect("a time");
        let trusted = vec!["127.0.0.1".parse().expect("an address")];
        let identity = Identity::new(Keys::generate().expect("a key"), ISSUER, AUDIENCE, trusted);
        let state = State::new(database().await, Clock::fixed(now), identity);
        let url = serve(state.clone()).await;
        let (tenant, team) = (Uuid::now_v7(), Uuid::now_v7());
        let slug = format!("t{}", tenant.simple());
        let world = World { state, url, tenant, slug, team, home: a_place() };
        world
            .sql(
                "INSERT INTO tenant (id, slug, name, time_zone, created_at) VALUES ($1, $2, 'Test', 'UTC', $3)",
                [tenant.into(), world.slug.as_str().into(), now.into()],
            )
            .await;
        world
            .sql(
                "INSERT INTO team (tenant_id, id, revision, created_at, updated_at, name) \
                 VALUES ($1, $2, 1, $3, $3, 'North')",
                [tenant.into(), team.into(), now.into()],
            )
            .await;
        world
            .sql("INSERT INTO sync_clock (tenant_id, head, epoch, pruned) VALUES ($1, 0, 1, 0)", [tenant.into()])
            .await;
        world
    }

    async fn sql<const N: usize>(&self, sql: &str, values: [Value; N]) {
        let statement = Statement::from_sql_and_values(Postgres, sql, values);
        self.state.db.execute_raw(statement).await.expect("the statement runs");
    }

    /// A user with the role, without a password.
    async fn invited(&self, role: &str) -> User {
        let id = Uuid::now_v7();
        let email = format!("{}@example.com", id.simple());
        self.sql(
            "INSERT INTO \"user\" (tenant_id, id, revision, created_at, updated_at, team_id, email, name, role, locale) \
             VALUES ($1, $2, 1, $3, $3, $4, $5, 'Lin Wei', $6, 'en')",
            [
                self.tenant.into(),
                id.into(),
                self.state.clock.now().0.into(),
                self.team.into(),
                email.as_str().into(),
                role.into(),
            ],
        )
        .await;
        User { id, email }
    }

    /// A user who can log in with `PASSWORD`.
    async fn user(&self, role: &str) -> User {
        let user = self.invited(role).await;
        let (state, now, password) = (&self.state, self.state.clock.now(), Secret::new(PASSWORD));
        let set = set_password(&state.db, &state.identity.hasher, self.tenant, user.id, &password, now);
        set.await.expect("a good password");
        user
    }

    async fn disable(&self, user: Uuid) {
        let now = self.state.clock.now().0;
        self.sql(
            "UPDATE \"user\" SET disabled_at = $3 WHERE tenant_id = $1 AND id = $2",
            [self.tenant.into(), user.into(), now.into()],
        )
        .await;
    }

    fn wait(&self, time: TimeDelta) {
        self.state.clock.advance(time);
    }

    async fn send(&self, method: Method, path: &str, bearer: Option<&str>, body: Option<Json>) -> Answer {
        self.send_from(&self.home, method, path, bearer, body).await
    }

    async fn send_from(
        &self,
        from: &str,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<Json>,
    ) -> Answer {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        request = request.header("X-Forwarded-For", from);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let header = response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        let (status, bytes) = (response.status(), response.bytes().await.expect("a body"));
        Answer { status, retry_after: header, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.send(Method::GET, path, Some(bearer), None).await
    }

    async fn post(&self, path: &str, body: Json) -> Answer {
        self.send(Method::POST, path, None, Some(body)).await
    }

    async fn log_in_from(&self, from: &str, email: &str, password: &str) -> Answer {
        let body = json!({ "tenant": self.slug, "email": email, "password": password, "deviceName": null });
        self.send_from(from, Method::POST, "/v1/auth/login", None, Some(body)).await
    }

    async fn log_in(&self, user: &User) -> Answer {
        self.log_in_from(&self.home, &user.email, PASSWORD).await.expect(200)
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/auth/refresh", json!({ "refreshToken": token })).await
    }
}

/// An address that no other test uses: the counts of addresses are shared by all tenants.
fn a_place() -> String {
    let bytes = Uuid::new_v4().into_bytes();
    format!("2001:db8:{:x}:{:x}::1", u16::from_be_bytes([bytes[0], bytes[1]]), u16::from_be_bytes([bytes[2], bytes[3]]))
}

async fn serve(state: State) -> String {
    let service = OpenApiService::new(AuthApi, "Identity", "1");
    let document = polish(&service.spec()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let app =
        envelope(Route::new().nest("/", service).data(state), Arc::new(Contract::new(document)), Limits::default());
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a free port");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("a TCP address");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    format!("http://{address}")
}
