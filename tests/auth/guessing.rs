//! Guessing is slowed, and nobody is locked out by it.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{PASSWORD, World, a_place};

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
