//! An administrator names his company's provider.

use entity::kind::Role;
use serde_json::json;
use waypost::state::State;

use super::{PAGES, Provider, post, set, sign_in, start, wanted, world};
use crate::world::identity;

const PATH: &str = "/v1/identity-provider";

#[tokio::test]
async fn it_is_found_before_it_is_kept_and_its_secret_is_never_shown() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    admin.get(PATH).await.expect(404);
    start(&world).await.expect(404);
    let kept = set(&admin, wanted(&provider, json!({ "allowedDomains": ["Example.COM"] }))).await.expect(200);
    assert_eq!((kept.text("/issuer"), kept.text("/redirectUri")), (provider.issuer.clone(), PAGES.to_owned()));
    assert_eq!(kept.body["allowedDomains"], json!(["example.com"]));
    assert_eq!(kept.body["mappings"][1], json!({ "value": "leads", "role": "manager" }));
    let shown = admin.get(PATH).await.expect(200);
    assert_eq!(shown.body, kept.body);
    assert_eq!(shown.body["hasSecret"], true);
    assert!(!shown.body.to_string().contains("a secret"), "{:#}", shown.body);

    // Left out, the secret stays, for this client of this provider alone.
    let mut renamed = wanted(&provider, json!({ "name": "Corporate" }));
    renamed.as_object_mut().expect("an object").remove("clientSecret");
    assert_eq!(set(&admin, renamed.clone()).await.expect(200).body["hasSecret"], true);
    provider.knows("lin", json!({ "email": "lin@example.com", "email_verified": true, "groups": ["sales"] })).await;
    sign_in(&world, &provider, "lin").await.expect(200);
    renamed["clientId"] = json!("other");
    assert_eq!(set(&admin, renamed.clone()).await.expect(200).body["hasSecret"], false);
    renamed["clientId"] = json!("waypost");
    assert_eq!(set(&admin, renamed).await.expect(200).body["hasSecret"], false, "nor does it come back");
    let refused = sign_in(&world, &provider, "lin").await.expect(503);
    assert!(refused.text("/detail").contains("client id and secret"), "{:#}", refused.body);

    admin.delete(PATH).await.expect(204);
    admin.delete(PATH).await.expect(404);
    start(&world).await.expect(404);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    for who in [Role::Rep, Role::Manager] {
        let person = world.user(who, "Chen Hua", world.top_team).await;
        person.get(PATH).await.expect(403);
        set(&person, wanted(&provider, json!({}))).await.expect(403);
        person.delete(PATH).await.expect(403);
    }
    let elsewhere = provider.issuer.replace("127.0.0.1", "localhost");
    for (members, field) in [
        (json!({ "issuer": "nonsense" }), "/issuer"),
        (json!({ "issuer": "ftp://id.example.com" }), "/issuer"),
        (json!({ "issuer": "https://10.0.0.1" }), "/issuer"),
        (json!({ "issuer": "https://169.254.169.254" }), "/issuer"),
        (json!({ "issuer": "http://127.0.0.1:1" }), "/issuer"),
        (json!({ "issuer": format!("{}/", provider.issuer) }), "/issuer"),
        (json!({ "issuer": format!("{}/people", provider.issuer) }), "/issuer"),
        (json!({ "issuer": elsewhere }), "/issuer"),
        (json!({ "scopes": ["groups", "two words"] }), "/scopes/1"),
        (json!({ "mappings": [{ "value": "a", "role": "integration" }] }), "/mappings/0/role"),
        (json!({ "mappings": [{ "value": "a", "role": "rep" }, { "value": "b" }] }), "/mappings/1"),
        (json!({ "mappings": [{ "value": "a", "role": "rep", "team": "Nowhere" }] }), "/mappings/0/team"),
        (json!({ "mappings": [] }), "/mappings"),
        (json!({ "claim": null, "defaultRole": "rep" }), "/claim"),
        (json!({ "claim": null, "mappings": null }), "/defaultRole"),
        (json!({ "defaultRole": "integration" }), "/defaultRole"),
        (json!({ "allowedDomains": ["example.com", "lin@example.com"] }), "/allowedDomains/1"),
        (json!({ "assumeVerified": true }), "/allowedDomains"),
    ] {
        let (slug, fields) = set(&admin, wanted(&provider, members.clone())).await.expect(422).problem();
        assert_eq!((slug.as_str(), fields), ("validation", vec![field.to_owned()]), "{members}");
    }
    set(&admin, wanted(&provider, json!({ "issuer": null }))).await.expect(400);
    admin.get(PATH).await.expect(404);

    // Where an app may be sent back to.
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    for redirect in ["nonsense", "", "https://app.example/cb#fragment"] {
        let body = json!({ "tenant": world.slug, "redirectUri": redirect });
        let (_, fields) = post(&world, "/v1/auth/oidc/start", body).await.expect(422).problem();
        assert_eq!(fields, ["/redirectUri"], "{redirect}");
    }
    let body = json!({ "tenant": "no-such-company", "redirectUri": "https://app.example/cb" });
    post(&world, "/v1/auth/oidc/start", body).await.expect(404);
}

#[tokio::test]
async fn only_the_public_internet_is_asked() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    // The same company on a server whose operator allows no private network.
    let state = State::new(world.state.db.clone(), world.state.clock.clone(), identity());
    let strict = world.served_by(state).await;
    let refused = start(&strict).await.expect(503);
    assert!(refused.text("/detail").contains("https://"), "{:#}", refused.body);
    let admin = strict.person(admin.id);
    for issuer in
        [provider.issuer.clone(), provider.issuer.replace("http://", "https://"), "https://localhost:1".into()]
    {
        let (_, fields) = set(&admin, wanted(&provider, json!({ "issuer": issuer }))).await.expect(422).problem();
        assert_eq!(fields, ["/issuer"], "{issuer}");
    }
}

#[tokio::test]
async fn a_stranger_does_not_make_the_server_call_out_at_will() {
    let world = world().await;
    let body = json!({ "tenant": "nobody", "redirectUri": "https://app.example/cb" });
    // Two are given back each second, so a slow machine asks more often than 120 times.
    for asked in 0..1_000 {
        let answer = post(&world, "/v1/auth/oidc/start", body.clone()).await;
        if answer.status == 429 {
            assert!(asked >= 120, "{asked}");
            assert!(answer.header("retry-after").parse::<u32>().expect("seconds") >= 1);
            return;
        }
        answer.expect(404);
    }
    panic!("nobody stopped it");
}
