//! Webhooks: what is committed arrives, in order, signed, however often the receiver fails, and nowhere that it must not.

mod hanging;
mod library;
mod replay;
mod turn;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use entity::kind::Role;
use hmac::{Hmac, Mac};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::Data;
use poem::{EndpointExt, Response, Route, Server, handler, http::HeaderMap, http::StatusCode, post};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;
use waypost::webhook::deliver::{due, serve};

use crate::world::{Person, World};

/// Where webhooks are sent to: keeps what came and answers what it is told to.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answer: Arc<Mutex<StatusCode>>,
    retry_after: Arc<Mutex<Option<String>>>,
    takes: Arc<Mutex<Duration>>,
    /// After so many more it fails.
    good_for: Arc<Mutex<usize>>,
}

#[handler]
async fn take(headers: &HeaderMap, body: String, receiver: Data<&Receiver>) -> Response {
    let takes = *receiver.takes.lock().unwrap();
    tokio::time::sleep(takes).await;
    receiver.seen.lock().unwrap().push((headers.clone(), body));
    let good_for = receiver.good_for.lock().unwrap().checked_sub(1);
    let status = good_for.map_or(StatusCode::INTERNAL_SERVER_ERROR, |_| *receiver.answer.lock().unwrap());
    *receiver.good_for.lock().unwrap() = good_for.unwrap_or(0);
    let response = Response::builder().status(status).header("location", "/elsewhere");
    match receiver.retry_after.lock().unwrap().as_ref() {
        Some(retry_after) => response.header("retry-after", retry_after).finish(),
        None => response.finish(),
    }
}

impl Receiver {
    pub async fn new() -> Self {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr().remove(0).as_socket_addr().copied().expect("an address");
        let receiver = Receiver {
            url: format!("http://{address}/hook"),
            seen: Arc::default(),
            answer: Arc::new(Mutex::new(StatusCode::OK)),
            retry_after: Arc::default(),
            takes: Arc::default(),
            good_for: Arc::new(Mutex::new(usize::MAX)),
        };
        let app = Route::new().at("/hook", post(take)).data(receiver.clone());
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        receiver
    }

    /// From now on an answer takes that long.
    pub fn answers_after(&self, takes: Duration) {
        *self.takes.lock().unwrap() = takes;
    }

    /// How many came since the last call of `take`.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn answers(&self, status: StatusCode) {
        *self.answer.lock().unwrap() = status;
    }

    /// What came since the last call.
    pub fn take(&self) -> Vec<(HeaderMap, Value)> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        seen.into_iter().map(|(headers, body)| (headers, serde_json::from_str(&body).expect("JSON"))).collect()
    }

    fn types(&self) -> Vec<String> {
        self.take().iter().map(|(_, body)| body["type"].as_str().expect("a type").to_owned()).collect()
    }
}

/// Sends what is due for this tenant's endpoints, as a server does every second.
pub async fn send(world: &World) -> usize {
    let mut taken = 0;
    for key in due(&world.state).await.expect("what is due") {
        if key.0 == world.tenant_id {
            taken += serve(&world.state, key).await.expect("a turn");
        }
    }
    taken
}

async fn hook(admin: &Person, wanted: Value) -> (Uuid, String) {
    let made = admin.post("/v1/webhooks", wanted).await.expect(201);
    (made.text("/webhook/id").parse().expect("an id"), made.text("/secret"))
}

/// As the specification says, written anew.
fn is_signed(headers: &HeaderMap, body: &str, secret: &str) -> bool {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update([&header("webhook-id"), ".", &header("webhook-timestamp"), ".", body].concat().as_bytes());
    let made = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    header("webhook-signature").split(' ').any(|given| given == made)
}

#[tokio::test]
async fn what_is_committed_arrives_in_order_and_signed() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    lin.account("Before there was a webhook").await;
    let (id, secret) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account", "contact"] })).await;
    assert_eq!(send(&world).await, 0, "only what comes from now on");

    let account = lin.account("Acme").await;
    let path = format!("/v1/accounts/{account}");
    lin.patch(&path, json!({ "industry": "Fibre" })).await.expect(200);
    let contact = json!({ "accountId": account, "name": "<script>王芳" });
    lin.post("/v1/contacts", contact).await.expect(201);
    lin.post("/v1/plans", json!({ "accountId": account, "plannedOn": "2026-03-09" })).await.expect(201);
    lin.delete(&path).await;
    send(&world).await;
    let seen = std::mem::take(&mut *receiver.seen.lock().unwrap());
    let bodies: Vec<Value> = seen.iter().map(|(_, body)| serde_json::from_str(body).expect("JSON")).collect();
    let types: Vec<&str> = bodies.iter().map(|body| body["type"].as_str().expect("a type")).collect();
    assert_eq!(types[..3], ["account.created", "account.updated", "contact.created"], "{types:?}");
    assert!(!types.iter().any(|kind| kind.starts_with("plan")), "{types:?}");
    let numbers: Vec<i64> = bodies.iter().map(|body| body["data"]["seq"].as_i64().expect("a number")).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(bodies[0]["data"]["recordId"], json!(account));
    assert_eq!(bodies[0]["data"]["actorId"], json!(lin.id));
    assert_eq!(bodies[1]["data"]["changes"]["industry"], json!([null, "Fibre"]));
    assert_eq!(bodies[2]["data"]["record"]["name"], "<script>王芳");
    for (headers, body) in &seen {
        assert!(is_signed(headers, body, &secret) && !is_signed(headers, &format!("{body} "), &secret));
    }
    assert_eq!(send(&world).await, 0, "each once");

    // Every attempt is in the log.
    let log = admin.get(&format!("/v1/webhooks/{id}/deliveries?limit=2")).await.expect(200);
    assert_eq!((log.items().len(), log.body["items"][0]["status"].clone()), (2, json!(200)));
    let rest = admin.get(&format!("/v1/webhooks/{id}/deliveries?cursor={}", log.text("/cursor"))).await.expect(200);
    assert_eq!(rest.items().len(), seen.len() - 2);

    // A new secret and the former one both sign for a day.
    let newer = admin.post(&format!("/v1/webhooks/{id}/secret"), json!({})).await.expect(200).text("/secret");
    lin.account("Beta").await;
    send(&world).await;
    world.wait(TimeDelta::hours(25));
    lin.account("Gamma").await;
    send(&world).await;
    let seen = std::mem::take(&mut *receiver.seen.lock().unwrap());
    let good: Vec<(bool, bool)> = seen
        .iter()
        .map(|(headers, body)| (is_signed(headers, body, &secret), is_signed(headers, body, &newer)))
        .collect();
    assert_eq!((good[0], good[good.len() - 1]), ((true, true), (false, true)));
}

#[tokio::test]
async fn a_receiver_that_fails_misses_nothing() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    let path = format!("/v1/webhooks/{id}");
    for name in ["A", "B", "C"] {
        lin.account(name).await;
    }
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND] {
        receiver.answers(status);
        assert_eq!(send(&world).await, 0);
        assert_eq!(receiver.types().len(), 1, "what follows waits for the first, and no redirect is followed");
        assert_eq!(send(&world).await, 0);
        assert_eq!(receiver.types().len(), 0, "not at once");
        world.wait(TimeDelta::minutes(6));
    }
    assert_eq!(admin.get(&path).await.expect(200).body["failures"], 2);

    receiver.answers(StatusCode::NO_CONTENT);
    world.wait(TimeDelta::hours(1));
    assert_eq!(send(&world).await, 3);
    let names: Vec<Value> = receiver.take().iter().map(|(_, body)| body["data"]["record"]["name"].clone()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(admin.get(&path).await.expect(200).body["failures"], 0);

    // After three days it is disabled; what happened meanwhile is not lost.
    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    lin.account("D").await;
    for _ in 0..12 {
        send(&world).await;
        world.wait(TimeDelta::hours(25));
    }
    let attempts = receiver.types().len();
    assert_eq!(attempts, 10);
    assert!(admin.get(&path).await.expect(200).text("/disabledReason").contains("three days"));
    lin.account("E").await;
    assert_eq!(send(&world).await, 0);
    receiver.answers(StatusCode::OK);
    admin.post(&format!("{path}/enable"), json!({})).await.expect(200);
    assert_eq!(send(&world).await, 2);

    receiver.answers(StatusCode::GONE);
    lin.account("F").await;
    send(&world).await;
    assert!(admin.get(&path).await.expect(200).text("/disabledReason").contains("410"));

    // From any point again, with the same ids.
    receiver.answers(StatusCode::OK);
    receiver.take();
    admin.post(&format!("{path}/replay"), json!({ "since": "2026-01-01T00:00:00Z" })).await.expect(200);
    send(&world).await;
    let again = receiver.take();
    let names: Vec<Value> = again.iter().map(|(_, body)| body["data"]["record"]["name"].clone()).collect();
    assert_eq!(names, ["A", "B", "C", "D", "E", "F"]);
    let log = admin.get(&format!("{path}/deliveries?limit=200")).await.expect(200);
    let first = again[0].0["webhook-id"].to_str().expect("text");
    assert_eq!(log.each("eventId").iter().filter(|id| **id == first).count(), 4, "two failures, taken, replayed");
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_rest_gets_it_but_not_for_ever() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    lin.account("Acme").await;
    let asks = |retry_after: &str| *receiver.retry_after.lock().unwrap() = Some(retry_after.to_owned());
    let tried_after = async |wait: TimeDelta| {
        world.wait(wait - TimeDelta::seconds(1));
        send(&world).await;
        let early = receiver.types().len();
        world.wait(TimeDelta::seconds(1));
        send(&world).await;
        (early, receiver.types().len())
    };
    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    asks("3600");
    send(&world).await;
    assert_eq!(receiver.types().len(), 1);
    let next = admin.get(&format!("/v1/webhooks/{id}")).await.expect(200).text("/nextAttemptAt");
    assert_eq!(next, "2026-03-02T10:00:00.000Z");
    asks(&(world.state.clock.now().0 + TimeDelta::hours(3)).format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    assert_eq!(tried_after(TimeDelta::hours(1)).await, (0, 1), "not before the hour is over");
    receiver.answers(StatusCode::TOO_MANY_REQUESTS);
    asks("31536000");
    assert_eq!(tried_after(TimeDelta::hours(2)).await, (0, 1), "a date is understood too");
    asks("1");
    assert_eq!(tried_after(TimeDelta::hours(24)).await, (0, 1), "after a day, whatever it asks");
    assert_eq!(tried_after(TimeDelta::hours(2)).await, (0, 1), "nor sooner than others, for it would soon be given up");
    receiver.answers(StatusCode::OK);
    assert_eq!(tried_after(TimeDelta::hours(5)).await, (0, 1));
    assert_eq!(admin.get(&format!("/v1/webhooks/{id}")).await.expect(200).body["failures"], 0);
}

#[tokio::test]
async fn a_slow_receiver_has_turns_like_the_others_and_misses_nothing() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    hook(&admin, json!({ "url": receiver.url, "kinds": ["account"] })).await;
    for name in ["Acme", "Beta", "Gamma", "Delta"] {
        lin.account(name).await;
    }
    receiver.answers_after(Duration::from_secs(3));
    let names = |seen: Vec<(HeaderMap, Value)>| -> Vec<String> {
        seen.iter().map(|(_, body)| body["data"]["record"]["name"].as_str().expect("a name").to_owned()).collect()
    };
    // The second begins within the five seconds of a turn, the third would not.
    assert_eq!((send(&world).await, names(receiver.take())), (2, vec!["Acme".to_owned(), "Beta".into()]));
    receiver.answers_after(Duration::ZERO);
    assert_eq!((send(&world).await, names(receiver.take())), (2, vec!["Gamma".to_owned(), "Delta".into()]));
    assert_eq!(send(&world).await, 0);
}

#[tokio::test]
async fn two_servers_send_each_event_once() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    for number in 0..5 {
        lin.account(&format!("Account {number}")).await;
    }
    let (one, two) = tokio::join!(send(&world), send(&world));
    assert_eq!((one + two, receiver.types().len()), (5, 5));
}

#[tokio::test]
async fn only_admins_of_the_company_and_only_the_public_internet() {
    let world = World::new().await;
    let admin = world.admin().await;
    let receiver = Receiver::new().await;
    let (id, secret) = hook(&admin, json!({ "url": receiver.url })).await;
    let path = format!("/v1/webhooks/{id}");
    let stranger = World::new().await.admin().await;
    for who in [Role::Rep, Role::Manager] {
        let person = world.user(who, "Chen Hua", world.top_team).await;
        person.get("/v1/webhooks").await.expect(403);
        person.post("/v1/webhooks", json!({ "url": receiver.url })).await.expect(403);
    }
    stranger.get(&path).await.expect(404);
    stranger.patch(&path, json!({ "url": receiver.url })).await.expect(404);
    stranger.post(&format!("{path}/replay"), json!({ "since": "2026-01-01T00:00:00Z" })).await.expect(404);
    stranger.get(&format!("{path}/deliveries")).await.expect(404);
    stranger.delete(&path).await.expect(404);
    assert!(!admin.get("/v1/webhooks").await.expect(200).body.to_string().contains(&secret), "it is shown once");

    for url in
        ["https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "ftp://example.com", "nonsense"]
    {
        let (slug, fields) = admin.post("/v1/webhooks", json!({ "url": url })).await.expect(422).problem();
        assert_eq!((slug.as_str(), fields), ("validation", vec!["/url".to_owned()]), "{url}");
        admin.patch(&path, json!({ "url": url })).await.expect(422);
    }
    admin.patch(&path, json!({ "kinds": ["opportunity"] })).await.expect(200);
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect(404);
}
