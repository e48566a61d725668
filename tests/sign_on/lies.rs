//! A provider that lies, or that somebody speaks in the place of: what it sends proves nobody, and costs nothing.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use futures_util::stream;
use hmac::{Hmac, Mac};
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::Data;
use poem::{Body, EndpointExt, Response, Route, Server, get, handler, post};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{parameter, set, start, world};
use crate::world::{Answer, World};

const SECRET: &str = "a secret";

#[derive(Clone)]
struct Liar {
    url: String,
    key: SigningKey,
    /// What it answers to a code, and what it knows of users.
    token: Arc<Mutex<Reply>>,
    info: Arc<Mutex<Value>>,
}

#[derive(Clone)]
enum Reply {
    Json(Value),
    Text(&'static str),
    Elsewhere,
    Endless,
}

fn respond(value: &Value) -> Response {
    Response::builder().content_type("application/json").body(value.to_string())
}

#[handler]
fn configuration(liar: Data<&Liar>) -> Response {
    let at = |path: &str| format!("{}{path}", liar.url);
    respond(&json!({
        "issuer": liar.url,
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/info"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}

#[handler]
fn keys(liar: Data<&Liar>) -> Response {
    let x = URL_SAFE_NO_PAD.encode(liar.key.verifying_key().as_bytes());
    respond(
        &json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one", "use": "sig", "alg": "EdDSA" }] }),
    )
}

#[handler]
fn token(liar: Data<&Liar>) -> Response {
    let reply = liar.token.lock().expect("no panic").clone();
    match reply {
        Reply::Json(value) => respond(&value),
        Reply::Text(text) => Response::builder().content_type("application/json").body(text),
        Reply::Elsewhere => Response::builder()
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", format!("{}/keys", liar.url))
            .finish(),
        Reply::Endless => {
            let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
            Response::builder().content_type("application/json").body(Body::from_bytes_stream(chunks))
        }
    }
}

#[handler]
fn info(liar: Data<&Liar>) -> Response {
    respond(&liar.info.lock().expect("no panic"))
}

impl Liar {
    async fn new() -> Self {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr().remove(0).as_socket_addr().copied().expect("an address");
        let liar = Liar {
            url: format!("http://{address}"),
            key: SigningKey::from_bytes(&[7; 32]),
            token: Arc::new(Mutex::new(Reply::Json(Value::Null))),
            info: Arc::default(),
        };
        let routes = Route::new()
            .at("/.well-known/openid-configuration", get(configuration))
            .at("/keys", get(keys))
            .at("/token", post(token))
            .at("/info", get(info))
            .data(liar.clone());
        tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));
        liar
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let signature = match header["alg"].as_str() {
            Some("EdDSA") => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            Some("HS256") => {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A sign-in whose code is traded for what `lie` makes of the claims that would be right.
async fn told(world: &World, liar: &Liar, lie: impl FnOnce(&Liar, Value) -> Reply) -> Answer {
    let started = start(world).await.expect(200);
    let url: Url = started.text("/authorizationUrl").parse().expect("a URL");
    let now = world.state.clock.now().0.timestamp();
    let claims = json!({
        "iss": liar.url,
        "aud": "waypost",
        "sub": "7",
        "iat": now,
        "exp": now + 300,
        "nonce": parameter(&url, "nonce"),
        "email": "lin@example.com",
        "email_verified": true,
    });
    *liar.token.lock().expect("no panic") = lie(liar, claims);
    let sent = json!({
        "signInToken": started.text("/signInToken"),
        "state": parameter(&url, "state"),
        "code": "whatever",
    });
    super::post(world, "/v1/auth/oidc/exchange", sent).await
}

fn tokens(id_token: &str) -> Reply {
    Reply::Json(json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": id_token }))
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "one", "typ": "JWT" })
}

async fn company(liar: &Liar) -> World {
    let world = world().await;
    let admin = world.admin().await;
    let wanted = json!({
        "name": "Liar", "issuer": liar.url, "clientId": "waypost", "clientSecret": SECRET, "defaultRole": "rep", "justInTime": true,
    });
    set(&admin, wanted).await.expect(200);
    world
}

#[tokio::test]
async fn only_a_token_of_this_provider_for_this_sign_in_counts() {
    let liar = Liar::new().await;
    let world = company(&liar).await;
    // What the lies are variations of.
    told(&world, &liar, |liar, claims| tokens(&liar.sign(&header(), &claims))).await.expect(200);

    type Lie = fn(&mut Value, &mut Value);
    let lies: [(&str, Lie); 12] = [
        ("without a signature", |header, _| header["alg"] = json!("none")),
        ("signed with the client's secret", |header, _| header["alg"] = json!("HS256")),
        ("for another client", |_, claims| claims["aud"] = json!("another")),
        ("for another client too", |_, claims| claims["aud"] = json!(["waypost", "another"])),
        ("for nobody", |_, claims| claims["aud"] = json!([])),
        ("of another provider", |_, claims| claims["iss"] = json!("https://id.example.com")),
        ("too old", |_, claims| claims["exp"] = claims["iat"].clone()),
        ("for another sign-in", |_, claims| claims["nonce"] = json!("another")),
        ("for no sign-in", |_, claims| drop(claims.as_object_mut().expect("an object").remove("nonce"))),
        ("beside another access token", |_, claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("of another kind", |header, _| header["typ"] = json!("logout+jwt")),
        ("with what it must not ignore", |header, _| header["crit"] = json!(["exp"])),
    ];
    for (what, lie) in lies {
        let refused = told(&world, &liar, |liar, mut claims| {
            let mut header = header();
            lie(&mut header, &mut claims);
            tokens(&liar.sign(&header, &claims))
        });
        let refused = refused.await;
        assert!([401, 503].contains(&refused.status), "{what}: {:#}", refused.body);
    }
    let forged = told(&world, &liar, |_, claims| {
        let thief = Liar { key: SigningKey::from_bytes(&[8; 32]), ..liar.clone() };
        tokens(&thief.sign(&header(), &claims))
    });
    let forged = forged.await.expect(401);
    assert!(forged.text("/detail").contains("does not belong to this sign-in"), "{:#}", forged.body);
    let changed = told(&world, &liar, |liar, claims| {
        let good = liar.sign(&header(), &claims);
        let mut other = claims;
        other["sub"] = json!("8");
        tokens(&format!("{}.{}", unsigned(&header(), &other), good.rsplit('.').next().expect("a signature")))
    });
    changed.await.expect(401);

    // What it knows of users, of another user.
    *liar.info.lock().expect("no panic") = json!({ "sub": "8", "email": "boss@example.com", "email_verified": true });
    let swapped = told(&world, &liar, |liar, mut claims| {
        claims.as_object_mut().expect("an object").remove("email");
        tokens(&liar.sign(&header(), &claims))
    });
    swapped.await.expect(401);
    let users = world.admin().await.get("/v1/users?role=rep").await.expect(200);
    assert_eq!(users.each("email"), ["lin@example.com"], "nobody else came in");
}

#[tokio::test]
async fn an_answer_that_is_none_costs_nothing() {
    let liar = Liar::new().await;
    let world = company(&liar).await;
    for (what, reply, words) in [
        ("no token", Reply::Json(json!({ "access_token": "opaque", "token_type": "Bearer" })), "does not belong"),
        ("no JSON", Reply::Text("<html>"), "cannot be read"),
        ("nothing", Reply::Text(""), "cannot be"),
        ("another place", Reply::Elsewhere, "cannot be"),
        ("no end", Reply::Endless, "longer than"),
    ] {
        let refused = told(&world, &liar, |_, _| reply).await;
        assert!([401, 503].contains(&refused.status), "{what}: {:#}", refused.body);
        assert!(refused.text("/detail").contains(words), "{what}: {:#}", refused.body);
    }
}
