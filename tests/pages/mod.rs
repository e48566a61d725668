//! The pages for people: `/` and what it leads to.

mod browser;
mod figures;
mod funnel;
mod imports;
mod reports;
mod sessions;

use poem::http::StatusCode;
use reqwest::{Client, Method, RequestBuilder, Response, header, redirect};
use uuid::Uuid;
use waypost::auth::token::Keys;
use waypost::auth::{Identity, Secret};
use waypost::state::State;
use waypost::user::reset_password;

use crate::world::{Person, World};

/// Every test user's password.
const PASSWORD: &str = "a long enough one";

/// A world whose server believes the tests where they call from: guesses are counted by address, and the tests' failures
/// would add up.
async fn world() -> World {
    addressed(World::new().await).await
}

/// Served by one that believes who calls which address he calls for.
async fn addressed(world: World) -> World {
    let trusted = vec!["127.0.0.0/8".parse().expect("a network")];
    let identity = Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", trusted);
    world.served_by(State::new(world.state.db.clone(), world.state.clock.clone(), identity)).await
}

/// An address that nobody else calls from.
fn place() -> String {
    let digits = Uuid::new_v4().simple().to_string();
    format!("2001:db8:{}:{}::1", &digits[..4], &digits[4..8])
}

/// Somebody at a browser, which follows no redirect so that each answer can be looked at.
struct Browser {
    http: Client,
    url: String,
    cookies: Vec<String>,
    place: String,
}

impl Browser {
    fn new(world: &World) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Browser { http, url: world.url.clone(), cookies: Vec::new(), place: place() }
    }

    /// One that is logged in.
    async fn of(world: &World, person: &Person) -> Self {
        let mut browser = Browser::new(world);
        let email = give_password(world, person).await;
        let answer = browser.log_in(world, &email, PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        browser
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header(header::COOKIE, self.cookies.join("; "))
            .header("x-forwarded-for", &self.place)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    /// A page that is there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a page")
    }

    /// As a form of our own page sends it.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let form = fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect::<Vec<_>>();
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.join("&"));
        request.send().await.expect("an answer")
    }

    /// Keeps the cookies that come back.
    async fn log_in(&mut self, world: &World, email: &str, password: &str) -> Response {
        let answer = self.post("/login", &[("tenant", &world.slug), ("email", email), ("password", password)]).await;
        let set = answer.headers().get_all(header::SET_COOKIE).iter();
        let pairs = set.filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned));
        self.cookies.extend(pairs);
        answer
    }
}

/// The address by which he logs in.
async fn give_password(world: &World, person: &Person) -> String {
    let password = Secret::new(PASSWORD);
    reset_password::set(&world.state, world.tenant_id, person.id, &password).await.expect("a password");
    person.log_out().await;
    person.get("/v1/me").await.expect(200).text("/user/email")
}
