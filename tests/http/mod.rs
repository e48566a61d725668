//! The envelope around the API, seen through a small API made for these tests and served on a real port.

mod compression;
mod docs;
mod log;
mod problems;

use futures_util::{StreamExt, stream};
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Route, Server,
    listener::{Acceptor, Listener, TcpListener},
    web::sse::{Event, SSE},
};
use poem_openapi::{
    Enum, Object, OpenApi, OpenApiService, SecurityScheme, Tags,
    auth::Bearer,
    param::{Header, Path, Query},
    payload::{Json, PlainText},
};
use std::sync::Arc;
use std::time::Duration;
use uuid::{Uuid, uuid};
use waypost::{
    http::{Contract, Limits, RequestContext, docs::routes, envelope},
    openapi::polish,
    problem::{ApiResult, Code, E409, E429, Error, Fail, Refusal},
};

const TENANT: Uuid = uuid!("0198c0de-0000-7000-8000-00000000000a");
const USER: Uuid = uuid!("0198c0de-0000-7000-8000-00000000000b");

/// An answer that is worth compressing.
const LONG: &str = include_str!("mod.rs");

#[derive(Tags)]
enum Tag {
    Things,
}

/// A token that nobody checks.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "bearer")]
struct Token(#[expect(dead_code, reason = "what matters is that there is one")] Bearer);

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum Kind {
    Visit,
    Call,
}

#[derive(Object)]
struct Thing {
    id: Uuid,
    #[oai(validator(min_length = 1, pattern = "^[a-z]+$"))]
    name: String,
    kind: Option<Kind>,
}

struct Api;

#[OpenApi]
impl Api {
    /// List things
    #[oai(path = "/v1/things", method = "get", operation_id = "listThings", tag = "Tag::Things")]
    async fn list(
        &self,
        #[oai(validator(maximum(value = "500")))] limit: Query<Option<i32>>,
        kind: Query<Option<Kind>>,
        #[oai(name = "X-Count")] count: Header<Option<i32>>,
    ) -> PlainText<String> {
        PlainText(format!("{:?} {:?} {}", limit.0, count.0, kind.0.is_some()))
    }

    /// Create a thing
    #[oai(path = "/v1/things", method = "post", operation_id = "createThing", tag = "Tag::Things")]
    async fn create(&self, body: Json<Thing>) -> Json<Uuid> {
        let Json(Thing { id, name: _, kind: _ }) = body;
        Json(id)
    }

    /// Get a thing
    #[oai(path = "/v1/things/:id", method = "get", operation_id = "getThing", tag = "Tag::Things")]
    async fn get(&self, id: Path<Uuid>) -> Json<Uuid> {
        Json(id.0)
    }

    /// Say who calls
    #[oai(path = "/v1/secret", method = "get", operation_id = "getSecret", tag = "Tag::Things")]
    async fn secret(&self, request: &Request, _token: Token, note: Query<Option<String>>) -> PlainText<&'static str> {
        let context = RequestContext::of(request).expect("inside the envelope");
        context.who.set((TENANT, USER)).expect("nobody else says who it is");
        let _ = note.0;
        PlainText("hush")
    }

    /// Refuse
    #[oai(path = "/v1/refused", method = "get", operation_id = "getRefused", tag = "Tag::Things")]
    async fn refused(&self) -> ApiResult<Uuid, E409> {
        Err(Refusal::conflict(Code::Locked, "It is signed. A manager can unlock it.").into())
    }

    /// Refuse for a while
    #[oai(path = "/v1/busy", method = "get", operation_id = "getBusy", tag = "Tag::Things")]
    async fn busy(&self) -> Result<Json<Uuid>, Fail<E429>> {
        Err(Refusal::too_many_requests(7).into())
    }

    /// Break
    #[oai(path = "/v1/broken", method = "get", operation_id = "getBroken", tag = "Tag::Things")]
    async fn broken(&self) -> ApiResult<Uuid, 0> {
        Err(Error::Internal("the cause".into()).into())
    }

    /// Break in a layer of the framework
    #[oai(path = "/v1/broken_below", method = "get", operation_id = "getBrokenBelow", tag = "Tag::Things")]
    async fn broken_below(&self) -> poem::Result<Json<Uuid>> {
        Err(poem::error::InternalServerError(std::io::Error::other("the cause")))
    }

    /// Panic
    #[oai(path = "/v1/panic", method = "get", operation_id = "getPanic", tag = "Tag::Things")]
    async fn panic(&self) -> PlainText<String> {
        panic!("the cause")
    }

    /// Never answer
    #[oai(path = "/v1/slow", method = "get", operation_id = "getSlow", tag = "Tag::Things")]
    async fn slow(&self) -> PlainText<String> {
        std::future::pending().await
    }

    /// Answer at length
    #[oai(path = "/v1/long", method = "get", operation_id = "getLong", tag = "Tag::Things")]
    async fn long(&self) -> PlainText<&'static str> {
        PlainText(LONG)
    }
}

/// Answers beside the document: a bare status, events, and a stream that pauses for longer than the time limit.
fn plain() -> Route {
    Route::new()
        .at("/teapot", poem::get(poem::endpoint::make_sync(|_| poem::http::StatusCode::IM_A_TEAPOT)))
        .at(
            "/events",
            poem::get(poem::endpoint::make_sync(|_| {
                SSE::new(stream::iter([Event::message(LONG)]).chain(stream::pending())).into_response()
            })),
        )
        .at(
            "/stream",
            poem::get(poem::endpoint::make_sync(|_| {
                let rest = stream::once(async {
                    tokio::time::sleep(SHORT * 2).await;
                    Ok::<_, std::io::Error>("2\n")
                });
                let lines = stream::iter([Ok("1\n")]).chain(rest);
                Response::builder().content_type("application/x-ndjson").body(Body::from_bytes_stream(lines))
            })),
        )
}

/// A time limit that a test can wait for.
const SHORT: Duration = Duration::from_millis(500);

/// Small enough to be passed in a test.
const SMALL_BODY: usize = 64 * 1024;

fn app(limits: Limits) -> impl Endpoint<Output = Response> + 'static {
    let service = OpenApiService::new(Api, "Test", "1");
    let document = polish(&service.spec()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let app = routes(plain().nest("/", service), &document);
    envelope(app, Arc::new(Contract::new(document)), limits)
}

/// Serves the test API until the test ends; its base address.
async fn serve(limits: Limits) -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a free port");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("a TCP address");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app(limits)));
    format!("http://{address}")
}

/// A server with a small limit for bodies.
async fn server() -> String {
    waypost::webhook::reach::encrypt();
    serve(Limits { body: SMALL_BODY, ..Limits::default() }).await
}

/// A server that gives requests up soon.
async fn impatient_server() -> String {
    serve(Limits { time: SHORT, ..Limits::default() }).await
}
