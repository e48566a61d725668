//! Guessing is slowed, and nobody is locked out by it.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::invitations::invite;
use super::{PASSWORD, User, World, a_place};

const WRONG: &str = "wrong horse battery";

#[tokio::test]
async fn whoever_guesses_waits_longer_and_longer() {
    let world = World::new().await;
    let user = world.user("rep").await;
    for _ in 0..6 {
        world.log_in_from(&world.home, &user.email, WRONG).await.expect(401);
    }
    for seconds in [1, 2, 4, 8] {
        let told = world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(429);
        assert!((1..=seconds + 1).contains(&told.retry_after.expect("a time")), "{:?}", told.retry_after);
        world.wait(TimeDelta::seconds(seconds));
        world.log_in_from(&world.home, &user.email, WRONG).await.expect(401);
    }
    world.wait(TimeDelta::seconds(16));
    world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(200);
    // All is forgiven.
    world.log_in_from(&world.home, &user.email, WRONG).await.expect(401);
    world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn waiting_does_not_tell_who_exists() {
    let world = World::new().await;
    let somewhere = a_place();
    let strange = async |tenant: &str| {
        let body = json!({ "tenant": tenant, "email": "nobody@example.com", "password": WRONG });
        world.send_from(&somewhere, reqwest::Method::POST, "/v1/auth/login", None, Some(body)).await
    };
    for tenant in [world.slug.as_str(), &format!("no-{}", world.slug)] {
        for _ in 0..6 {
            strange(tenant).await.expect(401);
        }
        strange(tenant).await.expect(429);
    }
}

#[tokio::test]
async fn strangers_everywhere_cannot_lock_a_user_out() {
    let world = World::new().await;
    let user = world.user("rep").await;
    world.log_in(&user).await;
    // Guesses come from a new address each time, until the server slows them all.
    let mut refused = 0;
    for _ in 0..30 {
        if world.log_in_from(&a_place(), &user.email, WRONG).await.status == 429 {
            refused += 1;
        }
    }
    assert_eq!(refused, 9);
    world.log_in_from(&a_place(), &user.email, PASSWORD).await.expect(429);
    // Where he has logged in before, he is not slowed, and his typing error is his own.
    world.log_in(&user).await;
    world.log_in_from(&world.home, &user.email, WRONG).await.expect(401);
    world.log_in(&user).await;
}

/// Tries from new addresses until all of them wait.
async fn strangers_guess(world: &World, user: &User) {
    while world.log_in_from(&a_place(), &user.email, WRONG).await.status != 429 {}
}

#[tokio::test]
async fn a_phone_that_was_there_before_is_known_wherever_it_is() {
    let world = World::new().await;
    let (user, other) = (world.user("rep").await, world.user("rep").await);
    let token = world.log_in(&user).await.text("/deviceToken");
    let others = world.log_in(&other).await.text("/deviceToken");
    strangers_guess(&world, &user).await;
    let log_in = async |place: &str, password: &str, device: &str| {
        let mut body = json!({ "tenant": world.slug, "email": user.email, "password": password });
        body["deviceToken"] = json!(device);
        world.send_from(place, Method::POST, "/v1/auth/login", None, Some(body)).await
    };
    log_in(&a_place(), PASSWORD, "").await.expect(400);
    for no_proof in [others.as_str(), "nonsense", &token.replace("wpd_", "wpr_"), &format!("{token}A")] {
        log_in(&a_place(), PASSWORD, no_proof).await.expect(429);
    }
    let office = a_place();
    let again = log_in(&office, PASSWORD, &token).await.expect(200);
    assert_eq!(again.text("/deviceToken"), token, "it stays the same device");
    world.log_in_from(&office, &user.email, PASSWORD).await.expect(200);
    // Who has stolen it guesses as slowly as from one address, whatever addresses he has.
    for _ in 0..6 {
        log_in(&a_place(), WRONG, &token).await.expect(401);
    }
    log_in(&a_place(), PASSWORD, &token).await.expect(429);
    // He makes nobody wait where the user is known without it, who is given another.
    let other_device = log_in(&office, PASSWORD, &token).await.expect(200).text("/deviceToken");
    assert_ne!(other_device, token);
    strangers_guess(&world, &user).await;
    log_in(&a_place(), PASSWORD, &other_device).await.expect(200);
    // The end of a session makes no stranger of the phone; a year without a log-in does.
    world.wait(TimeDelta::seconds(2));
    strangers_guess(&world, &user).await;
    world.post("/v1/auth/logout", json!({ "refreshToken": again.text("/refreshToken") })).await.expect(204);
    let last_there = async |days: i64| {
        let then = world.state.clock.now().0 - TimeDelta::days(days);
        world
            .sql(
                "UPDATE login_failure SET last_at = $2, blocked_until = $2, succeeded_at = $2 \
                 WHERE tenant_id = $1 AND address LIKE 'device %'",
                [world.tenant.into(), then.into()],
            )
            .await;
        world.log_in(&other).await;
    };
    last_there(360).await;
    log_in(&a_place(), PASSWORD, &token).await.expect(200);
    last_there(370).await;
    log_in(&a_place(), PASSWORD, &token).await.expect(429);
}

#[tokio::test]
async fn whoever_has_an_invitation_waits_for_nobody() {
    let world = World::new().await;
    let user = world.user("rep").await;
    strangers_guess(&world, &user).await;
    let body = json!({ "token": invite(&world, &user).await, "newPassword": "another horse battery" });
    let place = a_place();
    let accepted = world.send_from(&place, Method::POST, "/v1/auth/invitation", None, Some(body)).await.expect(200);
    let body = json!({
        "tenant": world.slug, "email": user.email, "password": "another horse battery",
        "deviceToken": accepted.text("/deviceToken"),
    });
    world.send_from(&a_place(), Method::POST, "/v1/auth/login", None, Some(body)).await.expect(200);
}

#[tokio::test]
async fn who_is_logged_in_changes_his_password_while_strangers_guess() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let bearer = world.log_in(&user).await.text("/accessToken");
    strangers_guess(&world, &user).await;
    let change = async |current: &str| {
        let body = json!({ "currentPassword": current, "newPassword": "another horse battery" });
        world.send_from(&a_place(), Method::POST, "/v1/auth/password", Some(&bearer), Some(body)).await
    };
    for _ in 0..6 {
        change(WRONG).await.expect(403);
    }
    change(PASSWORD).await.expect(429);
    world.wait(TimeDelta::seconds(2));
    change(PASSWORD).await.expect(204);
}

#[tokio::test]
async fn the_devices_that_came_last_are_remembered() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let mut tokens = Vec::new();
    for _ in 0..21 {
        tokens.push(world.log_in(&user).await.text("/deviceToken"));
        world.wait(TimeDelta::seconds(1));
    }
    strangers_guess(&world, &user).await;
    for (token, status) in [(&tokens[0], 429), (&tokens[1], 200), (&tokens[20], 200)] {
        let body = json!({ "tenant": world.slug, "email": user.email, "password": PASSWORD, "deviceToken": token });
        world.send_from(&a_place(), Method::POST, "/v1/auth/login", None, Some(body)).await.expect(status);
    }
}

#[tokio::test]
async fn one_password_tried_on_many_users_is_slowed() {
    let world = World::new().await;
    let somewhere = a_place();
    let known = world.user("rep").await;
    world.log_in_from(&somewhere, &known.email, PASSWORD).await.expect(200);
    for n in 0..31 {
        world.log_in_from(&somewhere, &format!("user{n}@example.com"), WRONG).await.expect(401);
    }
    world.log_in_from(&somewhere, "another@example.com", WRONG).await.expect(429);
    // A colleague who works behind the same address goes on working.
    world.log_in_from(&somewhere, &known.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn guesses_at_the_same_moment_all_count() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let guesses = join_all((0..20).map(|_| world.log_in_from(&world.home, &user.email, WRONG))).await;
    let looked_at = guesses.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 6, "five are free, the sixth begins the wait");
}

#[tokio::test]
async fn colleagues_who_log_in_leave_no_trace_on_their_address() {
    let world = World::new().await;
    let office = a_place();
    for _ in 0..40 {
        let user = world.user("rep").await;
        world.log_in_from(&office, &user.email, PASSWORD).await.expect(200);
    }
}
