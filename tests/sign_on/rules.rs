//! Who comes in, and as what.

use entity::kind::Role;
use serde_json::{Value, json};

use super::{Provider, me, set, sign_in, wanted, world};

async fn told(world: &crate::world::World, provider: &Provider, who: &str) -> String {
    sign_in(world, provider, who).await.expect(403).text("/detail")
}

#[tokio::test]
async fn a_user_is_found_by_an_address_that_the_provider_vouches_for() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    let body = json!({ "email": "lin@example.com", "name": "Lin Wei", "role": "rep" });
    let lin = admin.post("/v1/users", body).await.expect(201).text("/user/id");
    let rules = json!({ "justInTime": false, "claim": null, "mappings": null, "allowedDomains": ["Example.com"] });
    set(&admin, wanted(&provider, rules.clone())).await.expect(200);

    let claims = |email: &str, verified: Value| json!({ "email": email, "email_verified": verified });
    for (claims, reason) in [
        (claims("lin@example.com", json!(false)), "does not vouch"),
        (claims("lin@example.com", Value::Null), "does not vouch"),
        (claims("lin@example.com.evil.com", json!(true)), "domain"),
        (claims("wang@example.com", json!(true)), "no user with your e-mail address"),
        (json!({}), "does not tell your e-mail address"),
    ] {
        provider.knows("lin", claims.clone()).await;
        let told = told(&world, &provider, "lin").await;
        assert!(told.contains(reason), "{claims}: {told}");
    }
    provider.knows("lin", claims("LIN@example.com", json!(true))).await;
    let found = me(&world, &sign_in(&world, &provider, "lin").await.expect(200)).await;
    assert_eq!((found["user"]["id"].as_str(), &found["user"]["role"]), (Some(lin.as_str()), &json!("rep")));

    // He is known now: an address that is no longer vouched for keeps him out, another one does not.
    provider.knows("lin", claims("lin@example.com", json!(false))).await;
    assert!(told(&world, &provider, "lin").await.contains("does not vouch"));
    provider.knows("lin", claims("l.wei@example.com", json!(true))).await;
    let found = me(&world, &sign_in(&world, &provider, "lin").await.expect(200)).await;
    assert_eq!(found["user"]["id"].as_str(), Some(lin.as_str()));

    // Who is given his address later does not become him, until an administrator says so.
    provider.knows("heir", claims("lin@example.com", json!(true))).await;
    assert!(told(&world, &provider, "heir").await.contains("another account"));
    let path = format!("/v1/users/{lin}/identity");
    world.rep("Ma Na").await.delete(&path).await.expect(403);
    super::world().await.admin().await.delete(&path).await.expect(404);
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    let found = me(&world, &sign_in(&world, &provider, "heir").await.expect(200)).await;
    assert_eq!(found["user"]["id"].as_str(), Some(lin.as_str()));

    // A provider that never says whether addresses are verified.
    let mut trusting = wanted(&provider, rules);
    trusting["assumeVerified"] = json!(true);
    set(&admin, trusting).await.expect(200);
    let body = json!({ "email": "wang@example.com", "name": "Wang Fang", "role": "rep" });
    admin.post("/v1/users", body).await.expect(201);
    provider.knows("wang", json!({ "email": "wang@example.com" })).await;
    sign_in(&world, &provider, "wang").await.expect(200);
    provider.knows("wang", claims("wang@example.com", json!(false))).await;
    assert!(told(&world, &provider, "wang").await.contains("does not vouch"));
}

#[tokio::test]
async fn who_is_disabled_or_has_no_group_stays_out() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    let of = |groups: Value| json!({ "email": "lin@example.com", "email_verified": true, "groups": groups });
    for groups in [json!(["guests"]), json!([]), Value::Null, json!("Sales"), json!({ "sales": true })] {
        provider.knows("lin", of(groups.clone())).await;
        assert!(told(&world, &provider, "lin").await.contains("groups"), "{groups}");
    }
    let list = admin.get("/v1/users?email=lin@example.com").await.expect(200);
    assert_eq!(list.items().len(), 0, "nobody was made");
    provider.knows("lin", of(json!("sales"))).await;
    let lin = me(&world, &sign_in(&world, &provider, "lin").await.expect(200)).await["user"]["id"].clone();

    // Out of the group, out of the house; what he was stays as it was.
    provider.knows("lin", of(json!(["guests"]))).await;
    told(&world, &provider, "lin").await;
    let path = format!("/v1/users/{}", lin.as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.expect(200).text("/role"), "rep");

    provider.knows("lin", of(json!(["leads"]))).await;
    admin.patch(&path, json!({ "disabled": true })).await.expect(200);
    assert!(told(&world, &provider, "lin").await.contains("disabled"));
    assert_eq!(admin.get(&path).await.expect(200).text("/role"), "rep", "nor is he promoted meanwhile");
    admin.patch(&path, json!({ "disabled": false })).await.expect(200);
    sign_in(&world, &provider, "lin").await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200).text("/role"), "manager");
}

#[tokio::test]
async fn a_mapping_puts_nobody_where_he_must_not_be() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    let team = world.team(&admin, "East").await;
    let mappings = json!([{ "value": "sales", "role": "rep", "team": "East" }]);
    set(&admin, wanted(&provider, json!({ "mappings": mappings, "defaultRole": "rep" }))).await.expect(200);

    // The last administrator stays one, whatever his groups say; with another beside him he does not.
    let email = admin.get(&format!("/v1/users/{}", admin.id)).await.expect(200).text("/email");
    provider.knows("ada", json!({ "email": email, "email_verified": true, "groups": ["sales"] })).await;
    let ada = me(&world, &sign_in(&world, &provider, "ada").await.expect(200)).await;
    assert_eq!((&ada["user"]["role"], &ada["user"]["teamId"]), (&json!("admin"), &json!(team)));
    let second = world.user(Role::Admin, "Second Admin", world.top_team).await;
    let ada = me(&world, &sign_in(&world, &provider, "ada").await.expect(200)).await;
    assert_eq!(ada["user"]["role"], "rep");

    // A team that is gone lets nobody in as if he had none: a manager of no team would lead everybody.
    second.patch(&format!("/v1/teams/{team}"), json!({ "name": "Orient" })).await.expect(200);
    assert!(told(&world, &provider, "ada").await.contains("“East”"));

    // A program's address.
    let erp = world.user(Role::Integration, "ERP", world.top_team).await;
    let email = second.get(&format!("/v1/users/{}", erp.id)).await.expect(200).text("/email");
    provider.knows("erp", json!({ "email": email, "email_verified": true, "groups": [] })).await;
    assert!(told(&world, &provider, "erp").await.contains("integration"));
    world.audit().await;
}
