//! Apps: from the button to a session, and everything that may go wrong between.

use chrono::TimeDelta;
use entity::kind::Role;
use reqwest::Url;
use serde_json::{Value, json};
use waypost::state::{Beside, State};

use super::{APP, Provider, Visitor, me, parameter, post, returned, set, sign_in, start, wanted, world};
use crate::world::identity;

const EXCHANGE: &str = "/v1/auth/oidc/exchange";

fn lin() -> Value {
    json!({ "email": "Lin.Wei@Example.com", "email_verified": true, "name": "林伟", "locale": "zh-CN", "groups": ["sales"] })
}

#[tokio::test]
async fn a_stranger_becomes_a_user_and_comes_back_as_the_same() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    let team = world.team(&admin, "East").await;
    let mappings =
        json!([{ "value": "leads", "role": "manager", "team": "East" }, { "value": "sales", "role": "rep" }]);
    set(&admin, wanted(&provider, json!({ "mappings": mappings }))).await.expect(200);
    provider.knows("lin", lin()).await;

    let tokens = sign_in(&world, &provider, "lin").await.expect(200);
    let first = me(&world, &tokens).await;
    assert_eq!(first["user"]["email"], "lin.wei@example.com");
    assert_eq!((&first["user"]["name"], &first["user"]["locale"]), (&json!("林伟"), &json!("zh")));
    assert_eq!((&first["user"]["role"], &first["user"]["teamId"]), (&json!("rep"), &json!(world.top_team)));
    assert_eq!(first["tenant"]["id"], json!(world.tenant_id));

    // The session is like any other.
    let refreshed = post(&world, "/v1/auth/refresh", json!({ "refreshToken": tokens.text("/refreshToken") })).await;
    let refreshed = refreshed.expect(200);
    assert_eq!(me(&world, &refreshed).await["user"]["id"], first["user"]["id"]);

    // Promoted there, he is promoted here when he comes again; his address there may change.
    provider
        .knows("lin", json!({ "email": "lin@example.com", "email_verified": true, "groups": ["sales", "leads"] }))
        .await;
    let again = me(&world, &sign_in(&world, &provider, "lin").await.expect(200)).await;
    assert_eq!(again["user"]["id"], first["user"]["id"]);
    assert_eq!((&again["user"]["role"], &again["user"]["teamId"]), (&json!("manager"), &json!(team)));
    assert_eq!(again["user"]["email"], "lin.wei@example.com");
    assert_eq!(me(&world, &refreshed).await["user"]["role"], "manager", "in every session of his, at once");

    // Nothing changes where nothing changed.
    let third = me(&world, &sign_in(&world, &provider, "lin").await.expect(200)).await;
    assert_eq!(third["user"]["revision"], again["user"]["revision"]);

    // Who has no password does not log in with any.
    for password in ["", "lin", "correct horse battery"] {
        let login = json!({ "tenant": world.slug, "email": "lin.wei@example.com", "password": password });
        let refused = post(&world, "/v1/auth/login", login).await;
        assert!([400, 401].contains(&refused.status), "{:#}", refused.body);
    }
    world.audit().await;
}

#[tokio::test]
async fn what_the_id_token_says_itself_is_not_asked_for() {
    let Some(provider) = Provider::start(true).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    // Another client, whose tokens are signed with another kind of key; and one without a secret.
    let clients = [
        json!({ "clientId": "other", "clientSecret": "another", "claim": "/realm_access/roles" }),
        json!({ "clientId": "public", "clientSecret": null, "claim": "/realm_access/roles" }),
    ];
    let mut ids = Vec::new();
    for client in clients {
        set(&admin, wanted(&provider, client)).await.expect(200);
        let claims =
            json!({ "email": "ma@example.com", "email_verified": true, "realm_access": { "roles": ["leads"] } });
        provider.knows("ma", claims).await;
        let who = me(&world, &sign_in(&world, &provider, "ma").await.expect(200)).await;
        assert_eq!((&who["user"]["role"], &who["user"]["name"]), (&json!("manager"), &json!("ma")));
        ids.push(who["user"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_sign_in_is_good_once_and_for_who_began_it() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    provider.knows("lin", lin()).await;

    // Once.
    let started = start(&world).await.expect(200);
    let back = Visitor::new().log_in(&provider, &started.text("/authorizationUrl"), Some("lin")).await;
    post(&world, EXCHANGE, returned(&started, &back)).await.expect(200);
    assert_eq!(post(&world, EXCHANGE, returned(&started, &back)).await.expect(401).problem().0, "unauthorized");

    // A code that is not the one; and then it is over, whatever comes.
    let begun = async || {
        let started = start(&world).await.expect(200);
        let back = Visitor::new().log_in(&provider, &started.text("/authorizationUrl"), Some("lin")).await;
        returned(&started, &back)
    };
    type Spoil = fn(&mut Value);
    let spoils: [(&str, Spoil); 5] = [
        ("another code", |sent| sent["code"] = json!("x".repeat(43))),
        ("a code that was tampered with", |sent| {
            let code = sent["code"].as_str().expect("a code").to_owned();
            let last = if code.ends_with('A') { "B" } else { "A" };
            sent["code"] = json!(format!("{}{last}", &code[..code.len() - 1]));
        }),
        ("another state", |sent| sent["state"] = json!("made up")),
        ("no state", |sent| sent["state"] = json!("")),
        ("another issuer", |sent| sent["iss"] = json!("https://evil.example")),
    ];
    for (what, spoil) in spoils {
        let good = begun().await;
        let mut bad = good.clone();
        spoil(&mut bad);
        let refused = post(&world, EXCHANGE, bad).await;
        assert_eq!(refused.status, 401, "{what}: {:#}", refused.body);
        let late = post(&world, EXCHANGE, good).await;
        assert_eq!(late.status, 401, "{what}, and then the right one: {:#}", late.body);
    }

    // What another began, with what oneself got; a token of another purpose; one that was never given.
    let (one, two) = (begun().await, begun().await);
    let mut crossed = one.clone();
    crossed["signInToken"] = two["signInToken"].clone();
    post(&world, EXCHANGE, crossed).await.expect(401);
    let mut same_state = begun().await;
    let other = begun().await;
    same_state["code"] = other["code"].clone();
    post(&world, EXCHANGE, same_state).await.expect(401);
    for token in ["wpo_AAAA", "nonsense", &one["signInToken"].as_str().expect("text").replace("wpo_", "wpr_")] {
        let mut unknown = one.clone();
        unknown["signInToken"] = json!(token);
        post(&world, EXCHANGE, unknown).await.expect(401);
    }

    // A browser that was led astray: the same state and challenge, another nonce.
    let started = start(&world).await.expect(200);
    let mut url: Url = started.text("/authorizationUrl").parse().expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let swapped =
        pairs.into_iter().map(|(name, value)| if name == "nonce" { (name, "another".into()) } else { (name, value) });
    url.query_pairs_mut().clear().extend_pairs(swapped.collect::<Vec<_>>());
    let back = Visitor::new().log_in(&provider, url.as_str(), Some("lin")).await;
    let refused = post(&world, EXCHANGE, returned(&started, &back)).await.expect(401);
    assert!(refused.text("/detail").contains("does not belong to this sign-in"), "{:#}", refused.body);

    // Too late.
    let late = begun().await;
    world.wait(TimeDelta::minutes(11));
    post(&world, EXCHANGE, late).await.expect(401);

    // The address that the browser goes to asks for a proof that only the server can give.
    let url: Url = started.text("/authorizationUrl").parse().expect("a URL");
    assert_eq!(parameter(&url, "code_challenge_method"), "S256");
    assert_eq!((parameter(&url, "redirect_uri").as_str(), parameter(&url, "response_type").as_str()), (APP, "code"));
    assert_eq!(parameter(&url, "scope"), "openid email profile groups");
    assert!(!url.as_str().contains(&started.text("/signInToken")), "the browser does not learn it");
}

#[tokio::test]
async fn another_server_goes_on_with_what_one_began() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    provider.knows("lin", lin()).await;
    let beside = Beside { networks: vec!["127.0.0.0/8".parse().expect("a network")], ..Beside::default() };
    let state = State::serving(world.state.db.clone(), world.state.clock.clone(), identity(), beside);
    let other = world.served_by(state).await;
    let started = start(&world).await.expect(200);
    let back = Visitor::new().log_in(&provider, &started.text("/authorizationUrl"), Some("lin")).await;
    let (one, two) = tokio::join!(
        post(&other, EXCHANGE, returned(&started, &back)),
        post(&world, EXCHANGE, returned(&started, &back))
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{:#} {:#}", one.body, two.body);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_and_one_that_comes_back_is_used() {
    let Some(mut provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    provider.knows("lin", lin()).await;
    let started = start(&world).await.expect(200);
    let back = Visitor::new().log_in(&provider, &started.text("/authorizationUrl"), Some("lin")).await;
    provider.stop().await;
    let refused = post(&world, EXCHANGE, returned(&started, &back)).await.expect(503);
    assert_eq!(refused.problem().0, "identity_provider");
    assert!(refused.text("/detail").contains("no connection"), "{:#}", refused.body);
    let state = State::serving(
        world.state.db.clone(),
        world.state.clock.clone(),
        identity(),
        Beside { networks: vec!["127.0.0.0/8".parse().expect("a network")], ..Beside::default() },
    );
    let fresh = world.served_by(state).await;
    assert_eq!(start(&fresh).await.expect(503).problem().0, "identity_provider");

    // With other keys than those that this server remembers.
    provider.start_again().await;
    provider.knows("lin", lin()).await;
    sign_in(&world, &provider, "lin").await.expect(200);
    sign_in(&fresh, &provider, "lin").await.expect(200);
}

#[tokio::test]
async fn one_company_s_provider_opens_no_other_company() {
    let Some(provider) = Provider::start(false).await else { return };
    let (one, two) = (world().await, world().await);
    let (admin, stranger) = (one.admin().await, two.admin().await);
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    let other = json!({ "clientId": "other", "clientSecret": "another", "justInTime": false });
    set(&stranger, wanted(&provider, other)).await.expect(200);
    provider.knows("lin", lin()).await;
    let here = me(&one, &sign_in(&one, &provider, "lin").await.expect(200)).await;

    // The same person of the same provider is nobody there.
    let refused = sign_in(&two, &provider, "lin").await.expect(403);
    assert!(refused.text("/detail").contains("no user with your e-mail address"), "{:#}", refused.body);

    // What was given for one company does not end a sign-in of the other.
    let (first, second) = (start(&one).await.expect(200), start(&two).await.expect(200));
    let back = Visitor::new().log_in(&provider, &first.text("/authorizationUrl"), Some("lin")).await;
    let mut sent = returned(&second, &back);
    post(&two, EXCHANGE, sent.clone()).await.expect(401);
    let url: Url = second.text("/authorizationUrl").parse().expect("a URL");
    sent["state"] = json!(parameter(&url, "state"));
    post(&two, EXCHANGE, sent).await.expect(401);

    // Made there as well, he is somebody else.
    let rep = two.user(Role::Rep, "Lin Wei", two.top_team).await;
    let email = stranger.get(&format!("/v1/users/{}", rep.id)).await.expect(200).text("/email");
    provider.knows("lin", json!({ "email": email, "email_verified": true, "groups": ["sales"] })).await;
    let there = me(&two, &sign_in(&two, &provider, "lin").await.expect(200)).await;
    assert_eq!(there["user"]["id"], json!(rep.id));
    assert_ne!(there["user"]["id"], here["user"]["id"]);
    assert_eq!(me(&one, &sign_in(&one, &provider, "lin").await.expect(200)).await["user"]["id"], here["user"]["id"]);
}
