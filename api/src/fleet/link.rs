//! The way to the server. A request may get lost before it arrives, and an answer after the server did what it was asked:
//! the phone cannot tell one from the other.

use std::fmt;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::bytes::Bytes;

use super::{Login, Plan};

/// How often a busy server is asked again before that is an error.
pub const PATIENCE: usize = 30;

/// Why a request brought nothing.
#[derive(Debug)]
pub enum Trouble {
    /// The link lost it, or its answer.
    Lost,
    /// The cursor is over: begin anew.
    Expired,
    /// The server cannot be reached, or does not know itself what became of the request.
    Unreachable(reqwest::Error),
    /// The server stands elsewhere than the phone believes.
    Conflict(String),
    /// The server said no, or something that is no part of the protocol.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Lost => f.write_str("the link lost the request"),
            Trouble::Expired => f.write_str("the cursor is over"),
            Trouble::Unreachable(cause) => write!(f, "the server does not answer: {cause}"),
            Trouble::Conflict(told) | Trouble::Refused(told) => f.write_str(told),
        }
    }
}

impl std::error::Error for Trouble {}

/// What is asked.
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What came back, if it was no refusal.
pub struct Answer {
    pub headers: HeaderMap,
    body: Bytes,
}

/// One phone's way to the server, and its session.
pub struct Link {
    http: Client,
    url: String,
    access: String,
    refresh: String,
    /// Per cent of requests that get lost.
    loss: u8,
    /// How long the server may be silent, and since when it is.
    patience: Duration,
    silent: Option<Instant>,
    pub requests: u64,
    pub lost: u64,
}

impl Link {
    pub async fn log_in(plan: &Plan, login: &Login) -> Result<Self, Trouble> {
        let http = Client::builder().timeout(Duration::from_secs(60)).build().map_err(Trouble::Unreachable)?;
        let mut link = Link {
            http,
            url: plan.url.trim_end_matches('/').to_owned(),
            access: String::new(),
            refresh: String::new(),
            loss: plan.loss,
            patience: plan.patience,
            silent: None,
            requests: 0,
            lost: 0,
        };
        let who = json!({ "tenant": plan.tenant, "email": login.email, "password": login.password });
        link.session("/v1/auth/login", &who).await?;
        Ok(link)
    }

    /// From here on nothing gets lost.
    pub fn mend(&mut self) {
        self.loss = 0;
    }

    pub async fn get(&mut self, path: &str, chance: &mut StdRng) -> Result<Value, Trouble> {
        let ask = Ask { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Vec::new() };
        read(path, &self.send(&ask, chance).await?)
    }

    pub async fn post(&mut self, path: &str, body: &Value, chance: &mut StdRng) -> Result<Value, Trouble> {
        let headers = vec![(CONTENT_TYPE.as_str(), "application/json".to_owned())];
        let ask = Ask { method: Method::POST, path: path.to_owned(), headers, body: body.to_string().into_bytes() };
        read(path, &self.send(&ask, chance).await?)
    }

    /// Sends what may get lost, and its answer as well.
    pub async fn send(&mut self, ask: &Ask, chance: &mut StdRng) -> Result<Answer, Trouble> {
        let fate = chance.random_range(0..200u16);
        let (on_the_way, on_the_way_back) = (u16::from(self.loss), 2 * u16::from(self.loss));
        if fate < on_the_way {
            self.requests += 1;
            self.lost += 1;
            return Err(Trouble::Lost);
        }
        let answer = self.answered(ask).await?;
        if fate < on_the_way_back {
            self.lost += 1;
            return Err(Trouble::Lost);
        }
        Ok(answer)
    }

    /// What a server that is silent for a while did not answer is as good as lost.
    async fn answered(&mut self, ask: &Ask) -> Result<Answer, Trouble> {
        let answer = self.asked(ask).await;
        if let Err(Trouble::Unreachable(_)) = answer {
            let since = *self.silent.get_or_insert_with(Instant::now);
            self.lost += 1;
            return if since.elapsed() < self.patience { Err(Trouble::Lost) } else { answer };
        }
        self.silent = None;
        answer
    }

    /// Asks until there is an answer; a busy server is asked again when it says so, an old session is renewed.
    async fn asked(&mut self, ask: &Ask) -> Result<Answer, Trouble> {
        for _ in 0..PATIENCE {
            self.requests += 1;
            let mut request = self.http.request(ask.method.clone(), format!("{}{}", self.url, ask.path));
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.access));
            for (name, value) in &ask.headers {
                request = request.header(*name, value);
            }
            let response = request.body(ask.body.clone()).send().await.map_err(Trouble::Unreachable)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let failed = response.error_for_status_ref().err().filter(|_| status.is_server_error());
            let body = response.bytes().await.map_err(Trouble::Unreachable)?;
            match status {
                StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => return Ok(Answer { headers, body }),
                StatusCode::UNAUTHORIZED => {
                    let refresh = json!({ "refreshToken": self.refresh });
                    self.session("/v1/auth/refresh", &refresh).await?;
                }
                StatusCode::GONE => return Err(Trouble::Expired),
                StatusCode::CONFLICT => return Err(Trouble::Conflict(problem(&ask.path, status, &body))),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => pause(&headers).await,
                // What became of it then, only a repetition tells.
                _ => {
                    return Err(failed
                        .map_or_else(|| Trouble::Refused(problem(&ask.path, status, &body)), Trouble::Unreachable));
                }
            }
        }
        Err(Trouble::Refused(format!("{}: the server was busy {PATIENCE} times", ask.path)))
    }

    async fn session(&mut self, path: &str, body: &Value) -> Result<(), Trouble> {
        for _ in 0..PATIENCE {
            let request = self.http.post(format!("{}{path}", self.url)).header(CONTENT_TYPE, "application/json");
            let response = request.body(body.to_string()).send().await.map_err(Trouble::Unreachable)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let failed = response.error_for_status_ref().err().filter(|_| status.is_server_error());
            let bytes = response.bytes().await.map_err(Trouble::Unreachable)?;
            if status == StatusCode::OK {
                let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                let token = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
                (self.access, self.refresh) = (token("accessToken"), token("refreshToken"));
                return Ok(());
            }
            if !headers.contains_key(RETRY_AFTER) {
                return Err(
                    failed.map_or_else(|| Trouble::Refused(problem(path, status, &bytes)), Trouble::Unreachable)
                );
            }
            pause(&headers).await;
        }
        Err(Trouble::Refused(format!("{path}: the server was busy {PATIENCE} times")))
    }
}

fn read(path: &str, answer: &Answer) -> Result<Value, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|cause| Trouble::Refused(format!("{path}: {cause}")))
}

/// As long as the server asks for.
async fn pause(headers: &HeaderMap) {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(1))).await;
}

fn problem(path: &str, status: StatusCode, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no problem was told");
    format!("{path}: {status}: {detail}")
}
