//! How a user comes by his first password, or by another when he forgot it.

use chrono::TimeDelta;
use serde_json::json;
use waypost::auth::invitation;

use super::{Answer, PASSWORD, User, World};

pub async fn invite(world: &World, user: &User) -> String {
    let token = invitation::create(&world.state.db, world.tenant, user.id, world.state.clock.now()).await;
    token.expect("an invitation").expose().to_owned()
}

async fn accept(world: &World, token: &str, password: &str) -> Answer {
    world.post("/v1/auth/invitation", json!({ "token": token, "newPassword": password })).await
}

#[tokio::test]
async fn an_invited_user_chooses_a_password_and_is_in() {
    let world = World::new().await;
    let user = world.invited("rep").await;
    let token = invite(&world, &user).await;
    accept(&world, &token, "short").await.expect(422);
    let tokens = accept(&world, &token, PASSWORD).await.expect(200);
    world.get("/v1/me", &tokens.text("/accessToken")).await.expect(200);
    world.log_in(&user).await;
    accept(&world, &token, "another password").await.expect(401);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_old_sessions_end() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let old = world.log_in(&user).await;
    let token = invite(&world, &user).await;
    accept(&world, &token, "another password").await.expect(200);
    world.get("/v1/me", &old.text("/accessToken")).await.expect(401);
    world.refresh(&old.text("/refreshToken")).await.expect(401);
    world.log_in_from(&world.home, &user.email, PASSWORD).await.expect(401);
    world.log_in_from(&world.home, &user.email, "another password").await.expect(200);
}

#[tokio::test]
async fn an_invitation_ends() {
    let world = World::new().await;
    let user = world.invited("rep").await;
    let replaced = invite(&world, &user).await;
    let token = invite(&world, &user).await;
    accept(&world, &replaced, PASSWORD).await.expect(401);
    accept(&world, "wpi_rubbish", PASSWORD).await.expect(401);
    world.wait(TimeDelta::days(7));
    accept(&world, &token, PASSWORD).await.expect(401);

    let token = invite(&world, &user).await;
    world.disable(user.id).await;
    accept(&world, &token, PASSWORD).await.expect(401);
}
