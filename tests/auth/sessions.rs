//! Logging in, going on, logging out.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::{PASSWORD, World};

#[tokio::test]
async fn a_user_logs_in_and_is_known() {
    let world = World::new().await;
    let user = world.user("manager").await;
    let tokens = world.log_in(&user).await;
    assert_eq!(tokens.body["expiresIn"], 900);
    assert_eq!(tokens.text("/refreshExpiresAt"), "2026-05-01T09:00:00.000Z");
    let me = world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    assert_eq!(me.text("/user/id"), user.id.to_string());
    assert_eq!(me.text("/user/role"), "manager");
    assert_eq!(me.text("/tenant/slug"), world.slug);
    assert_eq!(me.body.pointer("/user/tenantId"), None);
}

#[tokio::test]
async fn a_wrong_log_in_does_not_say_what_was_wrong() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let invited = world.invited("rep").await;
    let wrong = world.log_in_from(&world.home, &user.email, "wrong horse battery").await.expect(401);
    let unknown = world.log_in_from(&world.home, "nobody@example.com", PASSWORD).await.expect(401);
    let without = world.log_in_from(&world.home, &invited.email, PASSWORD).await.expect(401);
    let elsewhere = json!({ "tenant": "no-such-tenant", "email": user.email, "password": PASSWORD });
    let elsewhere = world.post("/v1/auth/login", elsewhere).await.expect(401);
    for answer in [&unknown, &without, &elsewhere] {
        assert_eq!(answer.body["detail"], wrong.body["detail"]);
    }
    // The e-mail address is read in any case.
    world.log_in_from(&world.home, &user.email.to_uppercase(), PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_user_of_another_tenant_is_a_stranger() {
    let (here, there) = (World::new().await, World::new().await);
    let user = there.user("rep").await;
    here.log_in_from(&here.home, &user.email, PASSWORD).await.expect(401);
}

#[tokio::test]
async fn an_access_token_expires_by_the_servers_clock() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let token = world.log_in(&user).await.text("/accessToken");
    world.wait(TimeDelta::seconds(899));
    world.get("/v1/me", &token).await.expect(200);
    world.wait(TimeDelta::seconds(1));
    // Also on the server that remembers it.
    world.get("/v1/me", &token).await.expect(401);
    world.get("/v1/me", "rubbish").await.expect(401);
    let none = world.send(Method::GET, "/v1/me", None, None).await.expect(401);
    assert_eq!(none.text("/type"), "/problems/unauthorized");
}

#[tokio::test]
async fn refresh_tokens_rotate_for_as_long_as_they_are_used() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let mut tokens = world.log_in(&user).await;
    for _ in 0..3 {
        world.wait(TimeDelta::days(59));
        tokens = world.refresh(&tokens.text("/refreshToken")).await.expect(200);
        world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    }
    world.wait(TimeDelta::days(60));
    world.refresh(&tokens.text("/refreshToken")).await.expect(401);
    world.refresh("rubbish").await.expect(401);
}

#[tokio::test]
async fn a_token_used_twice_ends_the_session_for_thief_and_owner() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let other_device = world.log_in(&user).await;
    let stolen = world.log_in(&user).await.text("/refreshToken");
    let owner = world.refresh(&stolen).await.expect(200);
    let owner = world.refresh(&owner.text("/refreshToken")).await.expect(200);
    world.get("/v1/me", &owner.text("/accessToken")).await.expect(200);
    world.wait(TimeDelta::seconds(10));
    world.refresh(&stolen).await.expect(401);
    world.refresh(&owner.text("/refreshToken")).await.expect(401);
    world.get("/v1/me", &owner.text("/accessToken")).await.expect(401);
    world.refresh(&other_device.text("/refreshToken")).await.expect(200);
}

#[tokio::test]
async fn a_phone_that_lost_the_answer_goes_on() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let token = world.log_in(&user).await.text("/refreshToken");
    for _ in 0..3 {
        world.refresh(&token).await.expect(200);
        world.refresh(&token).await.expect(409);
        world.wait(TimeDelta::seconds(10));
    }
    let tokens = world.refresh(&token).await.expect(200);
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    world.refresh(&tokens.text("/refreshToken")).await.expect(200);
}

#[tokio::test]
async fn a_thief_and_an_owner_who_both_go_on_are_found_out() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let stolen = world.log_in(&user).await.text("/refreshToken");
    let owner = world.refresh(&stolen).await.expect(200);
    world.wait(TimeDelta::seconds(10));
    let thief = world.refresh(&stolen).await.expect(200);
    world.wait(TimeDelta::seconds(10));
    world.refresh(&owner.text("/refreshToken")).await.expect(401);
    world.refresh(&thief.text("/refreshToken")).await.expect(401);
    world.get("/v1/me", &thief.text("/accessToken")).await.expect(401);
}

#[tokio::test]
async fn a_thief_who_comes_after_the_owner_went_on_is_found_out_at_once() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let stolen = world.log_in(&user).await.text("/refreshToken");
    let owner = world.refresh(&stolen).await.expect(200);
    // The owner has his answer: he asks with what came in it.
    world.get("/v1/me", &owner.text("/accessToken")).await.expect(200);
    world.refresh(&stolen).await.expect(409);
    world.wait(TimeDelta::seconds(10));
    world.refresh(&stolen).await.expect(401);
    world.get("/v1/me", &owner.text("/accessToken")).await.expect(401);
    world.refresh(&owner.text("/refreshToken")).await.expect(401);
}

#[tokio::test]
async fn an_access_token_tells_of_the_answer_that_it_came_in_alone() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let first = world.log_in(&user).await;
    // Within the same second, and its answer is lost.
    world.refresh(&first.text("/refreshToken")).await.expect(200);
    world.get("/v1/me", &first.text("/accessToken")).await.expect(200);
    world.wait(TimeDelta::seconds(10));
    let tokens = world.refresh(&first.text("/refreshToken")).await.expect(200);
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
}

#[tokio::test]
async fn a_refresh_sent_twice_at_once_is_no_theft() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let token = world.log_in(&user).await.text("/refreshToken");
    let (one, two) = tokio::join!(world.refresh(&token), world.refresh(&token));
    let (good, late) = if one.status == 200 { (one, two) } else { (two, one) };
    let late = late.expect(409);
    assert_eq!(late.text("/type"), "/problems/conflict");
    let tokens = good.expect(200);
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    world.refresh(&tokens.text("/refreshToken")).await.expect(200);
}

#[tokio::test]
async fn logging_out_ends_this_session_alone() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let (here, there) = (world.log_in(&user).await, world.log_in(&user).await);
    world.get("/v1/me", &here.text("/accessToken")).await.expect(200);
    let out = json!({ "refreshToken": here.text("/refreshToken") });
    world.post("/v1/auth/logout", out.clone()).await.expect(204);
    world.get("/v1/me", &here.text("/accessToken")).await.expect(401);
    world.refresh(&here.text("/refreshToken")).await.expect(401);
    world.get("/v1/me", &there.text("/accessToken")).await.expect(200);
    world.post("/v1/auth/logout", out).await.expect(204);
    world.post("/v1/auth/logout", json!({ "refreshToken": "rubbish" })).await.expect(204);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let (here, there) = (world.log_in(&user).await, world.log_in(&user).await);
    let token = here.text("/accessToken");
    world.get("/v1/me", &there.text("/accessToken")).await.expect(200);
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        world.send(Method::POST, "/v1/auth/password", Some(&token), Some(body)).await
    };
    let short = change(PASSWORD, "short").await.expect(422);
    assert_eq!(short.text("/errors/0/pointer"), "/newPassword");
    change(PASSWORD, &user.email).await.expect(422);
    change("wrong horse battery", "a much better one").await.expect(403);
    change(PASSWORD, "a much better one").await.expect(204);
    world.get("/v1/me", &token).await.expect(200);
    world.refresh(&here.text("/refreshToken")).await.expect(200);
    world.get("/v1/me", &there.text("/accessToken")).await.expect(401);
    world.refresh(&there.text("/refreshToken")).await.expect(401);
    world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(401);
    world.log_in_from(&world.home, &user.email, "a much better one").await.expect(200);
}

#[tokio::test]
async fn a_disabled_user_is_out() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let tokens = world.log_in(&user).await;
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    world.disable(user.id).await;
    world.state.identity.forget(world.tenant, user.id);
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(401);
    world.refresh(&tokens.text("/refreshToken")).await.expect(401);
    world.log_in_from(&world.home, &user.email, "wrong horse battery").await.expect(401);
    let told = world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(403);
    assert!(told.text("/detail").contains("disabled"));
}

#[tokio::test]
async fn a_server_that_is_not_told_finds_out_within_a_minute() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let token = world.log_in(&user).await.text("/accessToken");
    world.get("/v1/me", &token).await.expect(200);
    // As another server does it: in the database.
    world.disable(user.id).await;
    let begun = Instant::now();
    while world.get("/v1/me", &token).await.status != 401 {
        assert!(begun.elapsed() < Duration::from_secs(60), "still believed");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it logs").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_the_user_and_no_secret() {
    // Without a subscriber for everybody, the tests beside this one would switch off, for all, what they log first.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let user = world.user("rep").await;
    let first = world.log_in(&user).await;
    let second = world.refresh(&first.text("/refreshToken")).await.expect(200);
    world.get("/v1/me", &second.text("/accessToken")).await.expect(200);
    world.refresh(&second.text("/refreshToken")).await.expect(200);
    world.wait(TimeDelta::minutes(1));
    world.refresh(&first.text("/refreshToken")).await.expect(401);
    let lines = String::from_utf8(log.0.lock().expect("nobody panics").clone()).expect("text");
    assert!(lines.contains("operation=\"login\"") && lines.contains(&user.id.to_string()), "{lines}");
    assert!(lines.contains("used twice"), "{lines}");
    let issued = [&first, &second].map(|tokens| [tokens.text("/accessToken"), tokens.text("/refreshToken")]);
    for secret in issued.iter().flatten().map(String::as_str).chain([PASSWORD]) {
        assert!(!lines.contains(secret));
    }
}
