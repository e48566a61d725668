//! Single sign-on, with a provider that others wrote (`tests/oidc`) and with one that lies.

mod api;
mod lies;
mod pages;
mod rules;
mod settings;

use std::collections::BTreeMap;

use reqwest::{Client, Method, StatusCode, Url, header, redirect};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use waypost::clock::Clock;

use crate::tools::Npm;
use crate::world::{Answer, Person, World, own_world_at};

/// Where an app lets the provider send the browser.
const APP: &str = "https://app.example/signed-in";
/// Where the pages do: the world's servers all call themselves so.
const PAGES: &str = "https://waypost.example/login/callback";

/// A company's provider. It ends when it is dropped.
struct Provider {
    npm: Npm,
    process: Child,
    issuer: String,
    in_token: bool,
}

impl Provider {
    /// `None` where Node is missing. `in_token`: it says all in the ID token, and nothing is asked for after it.
    async fn start(in_token: bool) -> Option<Self> {
        let npm = Npm::install("tests/oidc").await?;
        let (process, issuer) = run(&npm, in_token, "0").await;
        Some(Provider { npm, process, issuer, in_token })
    }

    /// Gone, as after a power cut.
    async fn stop(&mut self) {
        self.process.kill().await.expect("killed");
    }

    /// There again at the same address, with other keys.
    async fn start_again(&mut self) {
        let port = self.issuer.rsplit(':').next().expect("a port").to_owned();
        self.process = run(&self.npm, self.in_token, &port).await.0;
    }

    /// What it says of somebody from now on.
    async fn knows(&self, id: &str, claims: Value) {
        let told = Client::new().put(format!("{}/people/{id}", self.issuer)).json(&claims).send().await;
        assert_eq!(told.expect("an answer").status(), StatusCode::NO_CONTENT);
    }
}

async fn run(npm: &Npm, in_token: bool, port: &str) -> (Child, String) {
    let client = |id: &str, more: Value| {
        let mut client = json!({
            "client_id": id,
            "redirect_uris": [APP, PAGES],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
        });
        client.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        client
    };
    let clients = json!([
        client("waypost", json!({ "client_secret": "a secret: with / signs" })),
        client("other", json!({ "client_secret": "another", "id_token_signed_response_alg": "ES256" })),
        client("public", json!({ "token_endpoint_auth_method": "none" })),
    ]);
    let variables = [
        ("CLIENTS", clients.to_string()),
        ("PORT", port.to_owned()),
        ("IN_TOKEN", if in_token { "yes" } else { "no" }.to_owned()),
    ];
    let mut process = npm.start("provider.mjs", &variables);
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let issuer = lines.next_line().await.expect("reads").expect("it starts");
    // What else it prints is read away, or it would wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, issuer)
}

/// A world whose clock is right, as the provider's is, and stands still.
async fn world() -> World {
    own_world_at(Clock::fixed(Clock::system().now().0)).await
}

/// What an administrator sets, with these members in place of others.
fn wanted(provider: &Provider, members: Value) -> Value {
    let mut body = json!({
        "name": "Hopton ID",
        "issuer": provider.issuer,
        "clientId": "waypost",
        "clientSecret": "a secret: with / signs",
        "scopes": ["email", "profile", "groups"],
        "claim": "groups",
        "mappings": [
            { "value": "crm-admins", "role": "admin" },
            { "value": "leads", "role": "manager" },
            { "value": "sales", "role": "rep" },
        ],
        "justInTime": true,
    });
    body.as_object_mut().expect("an object").extend(members.as_object().cloned().expect("an object"));
    body
}

async fn set(admin: &Person, body: Value) -> Answer {
    admin.put("/v1/identity-provider", body).await
}

/// Calls that need no token.
async fn post(world: &World, path: &str, body: Value) -> Answer {
    let sent = Client::new().post(format!("{}{path}", world.url)).json(&body).send().await.expect("an answer");
    let (status, headers) = (sent.status().as_u16(), sent.headers().clone());
    Answer { status, headers, body: sent.json().await.expect("JSON") }
}

async fn start(world: &World) -> Answer {
    post(world, "/v1/auth/oidc/start", json!({ "tenant": world.slug, "redirectUri": APP })).await
}

/// A browser at the provider: follows its redirects and keeps its cookies.
struct Visitor {
    http: Client,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    fn new() -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Visitor { http, cookies: BTreeMap::new() }
    }

    /// Logs in there as `who`; where the provider sends the browser in the end. With nobody there it declines.
    async fn log_in(&mut self, provider: &Provider, url: &str, who: Option<&str>) -> Url {
        let mut url: Url = url.parse().expect("a URL");
        for _ in 0..8 {
            if !url.as_str().starts_with(&format!("{}/", provider.issuer)) {
                return url;
            }
            let mut request = self.http.request(Method::GET, url.clone());
            if let Some(who) = who {
                request = request.header("x-account", who);
            }
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header(header::COOKIE, cookies.join("; ")).send().await.expect("an answer");
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
                let (name, value) = pair.split_once('=').expect("a pair");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let status = answer.status();
            let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
            let Some(to) = to else { panic!("{url}: {status} {}", answer.text().await.unwrap_or_default()) };
            url = url.join(&to).expect("a URL");
        }
        panic!("the provider sends the browser in circles: {url}");
    }
}

/// A parameter of the address that the provider sent the browser to.
fn parameter(url: &Url, name: &str) -> String {
    let value = url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    value.unwrap_or_else(|| panic!("no {name}: {url}"))
}

/// What an app hands over when the browser is back.
fn returned(started: &Answer, back: &Url) -> Value {
    assert!(back.as_str().starts_with(APP), "{back}");
    json!({
        "signInToken": started.text("/signInToken"),
        "state": parameter(back, "state"),
        "code": parameter(back, "code"),
        "iss": parameter(back, "iss"),
        "deviceName": "Lin's phone",
    })
}

/// The whole way of an app, from its button to the answer of the exchange.
async fn sign_in(world: &World, provider: &Provider, who: &str) -> Answer {
    let started = start(world).await.expect(200);
    let back = Visitor::new().log_in(provider, &started.text("/authorizationUrl"), Some(who)).await;
    post(world, "/v1/auth/oidc/exchange", returned(&started, &back)).await
}

/// Who holds these tokens.
async fn me(world: &World, tokens: &Answer) -> Value {
    let request = Client::new().get(format!("{}/v1/me", world.url)).bearer_auth(tokens.text("/accessToken"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.expect("JSON")
}
