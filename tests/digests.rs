//! The Monday summary: once for each manager, by mail to a real mail server, and to webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::Role;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use uuid::Uuid;
use waypost::auth::Identity;
use waypost::auth::token::Keys;
use waypost::digest::due::make;
use waypost::digest::post::send;
use waypost::mailer::Mailer;
use waypost::state::{Beside, State};

use crate::tools::Python;
use crate::webhooks::{self, Receiver};
use crate::world::{Person, World, own_world};

/// A mail server that takes everything.
struct CatchAll {
    port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
    _process: tokio::process::Child,
}

impl CatchAll {
    async fn start() -> Option<Self> {
        let mut process = Python::install().await?.start("tests/mail/catch_all.py");
        let mut lines = BufReader::new(process.stdout.take().expect("its words")).lines();
        let port = lines.next_line().await.expect("readable").expect("a port").parse().expect("a number");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let taken = mails.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                taken.lock().expect("whole").push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Some(CatchAll { port, mails, _process: process })
    }

    /// All that were taken, once there are so many.
    async fn mails(&self, count: usize) -> Vec<Value> {
        for _ in 0..100 {
            if self.mails.lock().expect("whole").len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mails = std::mem::take(&mut *self.mails.lock().expect("whole"));
        assert_eq!(mails.len(), count, "{mails:#?}");
        mails
    }
}

/// Another server of the same database and clock, which mails through this port.
fn mailing(world: &World, url: &str) -> State {
    let identity = Identity::new(Keys::generate().expect("a key"), "https://crm.example.com", "waypost", Vec::new());
    let from = "Waypost <waypost@hopton.example>".parse().expect("a mailbox");
    let mailer = Mailer::new(url, from).expect("a mail server");
    let home = "127.0.0.0/8".parse().expect("a network");
    let beside = Beside { networks: vec![home], files: None, mailer: Some(mailer), ..Beside::default() };
    State::serving(world.state.db.clone(), world.state.clock.clone(), identity, beside)
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// East under Mei, who reads Chinese, with Lin; West under Bo with Zhao.
struct House {
    world: World,
    admin: Person,
    mei: Person,
    bo: Person,
    lin: Person,
    zhao: Person,
}

async fn house() -> House {
    let world = own_world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let mei = world.user(Role::Manager, "梅经理", east).await;
    admin.patch(&format!("/v1/users/{}", mei.id), json!({ "locale": "zh" })).await.expect(200);
    House {
        bo: world.user(Role::Manager, "Bo", west).await,
        lin: world.user(Role::Rep, "Lin <b>Wei</b>", east).await,
        zhao: world.user(Role::Rep, "Zhao Yun", west).await,
        admin,
        mei,
        world,
    }
}

/// An opportunity in negotiation and a visit.
async fn work(who: &Person, name: &str) -> Uuid {
    let account = who.account(&format!("{name} Ltd")).await;
    let body = json!({ "accountId": account, "name": name, "amount": "120000.00", "currency": "CNY" });
    let id = who.post("/v1/opportunities", body).await.expect(201).id();
    let to = json!({ "stage": "negotiation", "expectedOn": "2026-03-30" });
    who.post(&format!("/v1/opportunities/{id}/advance"), to).await.expect(200);
    let visit =
        json!({ "accountId": account, "kind": "visit", "occurred": who.now().to_rfc3339(), "summary": "Talked" });
    who.post("/v1/activities", visit).await.expect(201);
    id
}

async fn count(world: &World, sql: &str) -> i64 {
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into()]);
    let row = world.state.db.query_one_raw(asked).await.expect("asks").expect("a row");
    row.try_get_by_index(0).expect("a count")
}

#[tokio::test]
async fn each_manager_is_told_once_when_mondays_work_begins() {
    let Some(catch) = CatchAll::start().await else { return };
    let House { world, admin, mei, bo, lin, zhao } = house().await;
    let fibre = work(&lin, "Fibre & <i>glass</i>").await;
    work(&zhao, "Switch").await;
    let receiver = Receiver::new().await;
    admin.post("/v1/webhooks", json!({ "url": receiver.url, "kinds": ["weekly_digest"] })).await.expect(201);
    let url = format!("smtp://127.0.0.1:{}?tls=none", catch.port);
    let (one, two) = (mailing(&world, &url), mailing(&world, &url));

    // Work begins at nine in Shanghai.
    world.state.clock.set(moment("2026-03-09T00:59:59Z"));
    assert_eq!(make(&one).await.expect("a job"), 0);
    world.wait(TimeDelta::seconds(1));
    let (a, b) = tokio::join!(make(&one), make(&two));
    assert_eq!(a.expect("a job") + b.expect("a job"), 2, "Mei's and Bo's");
    let (a, b) = tokio::join!(send(&one), send(&two));
    assert_eq!(a.expect("a job") + b.expect("a job"), 2);
    for state in [&one, &two] {
        assert_eq!((make(state).await.expect("a job"), send(state).await.expect("a job")), (0, 0), "once");
    }

    let mails = catch.mails(2).await;
    let of = |who: &Person, address: &str| {
        let mail = mails.iter().find(|mail| mail["to"][0] == address);
        mail.unwrap_or_else(|| panic!("{} got none: {mails:#?}", who.id)).clone()
    };
    let address = async |who: &Person| admin.get(&format!("/v1/users/{}", who.id)).await.expect(200).text("/email");
    let (to_mei, to_bo) = (of(&mei, &address(&mei).await), of(&bo, &address(&bo).await));
    assert_eq!(to_mei["headers"]["Subject"], "Waypost 每周汇总，2026-03-02 至 2026-03-08");
    assert_eq!(to_bo["headers"]["Subject"], "Your week in Waypost, 2026-03-02 to 2026-03-08");
    assert_eq!(to_bo["headers"]["From"], "Waypost <waypost@hopton.example>");
    assert_eq!(to_bo["headers"]["Date"], "Mon, 09 Mar 2026 01:00:00 +0000");
    assert_ne!(to_mei["headers"]["Message-ID"], to_bo["headers"]["Message-ID"]);

    // A text part, then HTML with its picture inside.
    let body = &to_mei["body"];
    assert_eq!(body["type"], "multipart/alternative");
    let (text, related) = (&body["parts"][0], &body["parts"][1]);
    assert_eq!((&text["type"], &related["type"]), (&json!("text/plain"), &json!("multipart/related")));
    let text = text["text"].as_str().expect("text");
    assert!(text.contains("拜访: 1 (上周 0)"), "{text}");
    assert!(text.contains("2026-03: 承诺 120000.00 CNY"), "{text}");
    assert!(text.contains("https://crm.example.com/digest"), "{text}");
    let html = related["parts"][0]["text"].as_str().expect("text");
    assert!(html.contains("cid:funnel") && html.contains("转化漏斗") && html.contains("lang=\"zh-CN\""), "{html}");
    assert!(html.contains("Lin &lt;b&gt;Wei&lt;/b&gt;"), "what users typed is text: {html}");
    assert!(!html.contains("<b>") && !html.contains("Zhao Yun"), "only of those whom she leads: {html}");
    let picture = &related["parts"][1];
    assert_eq!((&picture["type"], &picture["id"]), (&json!("image/png"), &json!("<funnel>")));
    let picture = STANDARD.decode(picture["base64"].as_str().expect("bytes")).expect("base64");
    assert!(picture.starts_with(b"\x89PNG"));

    // What was told is what the reports tell, and is kept.
    let kept = mei.get("/v1/reports/digests").await.expect(200);
    assert_eq!((kept.items().len(), &kept.items()[0]["monday"]), (1, &json!("2026-03-09")));
    let figures = &kept.items()[0]["figures"];
    let funnel = mei.get("/v1/reports/funnel?from=2025-12-15&to=2026-03-08").await.expect(200);
    for (told, stage) in figures["funnel"]
        .as_array()
        .expect("stages")
        .iter()
        .zip(funnel.body["cohort"]["stages"].as_array().expect("stages"))
    {
        for member in ["stage", "entered", "advanced", "lost", "conversion", "medianDays"] {
            assert_eq!(told[member], stage[member], "{member}");
        }
    }
    assert_eq!(figures["funnel"][0]["entered"], 1);
    assert_eq!(figures["activity"]["visits"], 1);
    assert_eq!(figures["forecast"][0]["commit"], "120000.00");
    lin.get("/v1/reports/digests").await.expect(200).items().is_empty().then_some(()).expect("none for a rep");
    assert_eq!(admin.get("/v1/reports/digests").await.expect(200).items().len(), 2);

    // The webhook carries the figures and the picture.
    webhooks::send(&world).await;
    let events = receiver.take();
    assert_eq!(events.len(), 2);
    let event = events.iter().find(|(_, body)| body["data"]["record"]["userId"] == json!(mei.id)).expect("Mei's");
    assert_eq!(event.1["type"], "weekly_digest.created");
    assert_eq!(&event.1["data"]["record"]["figures"], figures);
    assert_eq!(event.1["data"]["picture"]["mediaType"], "image/png");
    let sent = STANDARD.decode(event.1["data"]["picture"]["base64"].as_str().expect("bytes")).expect("base64");
    assert_eq!(sent, picture, "the one of the mail");

    // Bo wants no more mails; the servers are down until Thursday; Fibre has become stale.
    bo.put("/v1/reports/digest/mail", json!({ "isMailed": false })).await.expect(200);
    world.state.clock.set(moment("2026-04-16T12:00:00Z"));
    assert_eq!(make(&one).await.expect("a job"), 2, "this week's, and none of those that went by");
    assert_eq!(send(&two).await.expect("a job"), 1);
    let late = catch.mails(1).await.remove(0);
    assert_eq!(late["to"][0], to_mei["to"][0]);
    let html = late["body"]["parts"][1]["parts"][0]["text"].as_str().expect("text");
    assert!(html.contains(&format!("https://crm.example.com/opportunities/{fibre}")), "{html}");
    assert!(html.contains("Fibre &amp; &lt;i&gt;glass&lt;/i&gt;"), "{html}");
    bo.put("/v1/reports/digest/mail", json!({ "isMailed": true })).await.expect(200);
    assert_eq!(send(&one).await.expect("a job"), 0, "from the next one on");
    world.audit().await;
}

#[tokio::test]
async fn a_mail_server_that_is_down_is_asked_again_and_never_without_encryption() {
    let Some(catch) = CatchAll::start().await else { return };
    let House { world, .. } = house().await;
    world.state.clock.set(moment("2026-03-09T01:00:00Z"));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let down = mailing(&world, &format!("smtp://waypost:geheim@{closed}?tls=none"));
    make(&down).await.expect("a job");
    assert_eq!(send(&down).await.expect("a job"), 0);
    assert_eq!(send(&down).await.expect("a job"), 0, "not at once");
    let waiting = "SELECT count(*) FROM digest_mail WHERE tenant_id = $1 AND status = 'waiting' AND attempts = 1
                   AND error = 'no connection to the mail server'";
    assert_eq!(count(&world, waiting).await, 2);

    // This one has no TLS, and the URL does not say that none is fine.
    let plain = mailing(&world, &format!("smtp://127.0.0.1:{}", catch.port));
    world.wait(TimeDelta::minutes(2));
    assert_eq!(send(&plain).await.expect("a job"), 0);
    let refused = "SELECT count(*) FROM digest_mail WHERE tenant_id = $1 AND attempts = 2 AND error LIKE '%STARTTLS%'";
    assert_eq!(count(&world, refused).await, 2);

    let up = mailing(&world, &format!("smtp://127.0.0.1:{}?tls=none", catch.port));
    world.wait(TimeDelta::minutes(6));
    assert_eq!(send(&up).await.expect("a job"), 2);
    catch.mails(2).await;
    assert_eq!(count(&world, "SELECT count(*) FROM digest_mail WHERE tenant_id = $1 AND status = 'sent'").await, 2);
}

#[tokio::test]
async fn a_mail_that_nobody_takes_is_given_up_and_the_summary_stays() {
    let House { world, mei, .. } = house().await;
    world.state.clock.set(moment("2026-03-09T01:00:00Z"));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let down = mailing(&world, &format!("smtp://{closed}?tls=none"));
    make(&down).await.expect("a job");
    for _ in 0..12 {
        send(&down).await.expect("a job");
        world.wait(TimeDelta::hours(9));
    }
    let failed = "SELECT count(*) FROM digest_mail WHERE tenant_id = $1 AND status = 'failed' AND attempts = 9";
    assert_eq!(count(&world, failed).await, 2);
    assert_eq!(mei.get("/v1/reports/digests").await.expect(200).items().len(), 1);
}

#[tokio::test]
async fn a_preview_tells_what_would_be_sent_now() {
    let House { world, admin, mei, bo, lin, .. } = house().await;
    work(&lin, "Fibre").await;
    world.state.clock.set(moment("2026-03-11T12:00:00Z"));
    lin.get("/v1/reports/digest").await.expect(403);
    lin.put("/v1/reports/digest/mail", json!({ "isMailed": false })).await.expect(403);
    let told = mei.get("/v1/reports/digest").await.expect(200);
    assert_eq!(told.body["monday"], "2026-03-09");
    assert_eq!((&told.body["isMailed"], &told.body["canMail"]), (&json!(true), &json!(false)));
    assert_eq!(told.body["figures"]["activity"]["visits"], 1);
    assert!(told.text("/text").contains("拜访: 1"), "{:#}", told.body);
    assert_eq!(bo.get("/v1/reports/digest").await.expect(200).body["figures"]["activity"]["visits"], 0);
    assert_eq!(admin.get("/v1/reports/digest").await.expect(200).body["figures"]["funnel"][0]["entered"], 1);
    mei.put("/v1/reports/digest/mail", json!({ "isMailed": false })).await.expect(200);
    assert_eq!(mei.get("/v1/reports/digest").await.expect(200).body["isMailed"], false);
    // What is made is what the preview said.
    make(&world.state).await.expect("a job");
    let kept = mei.get("/v1/reports/digests").await.expect(200);
    assert_eq!(kept.items()[0]["figures"], told.body["figures"]);
}
