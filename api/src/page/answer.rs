//! From a request to an answer: who asks, whether he may post from where he is, and what an error looks like to people.

use std::pin::Pin;

use maud::Markup;
use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, IntoResponse, Request, Response};

use super::browser;
use super::html::{self, CSP};
use super::same_origin::is_same_origin;
use super::view::{Asked, Look, View};
use crate::problem::{Code, Error, Refusal};
use crate::state::State;

/// What a page comes to.
pub enum Answer {
    Page(Markup),
    /// With a status of its own, and seconds after which to try again.
    Refused(StatusCode, Option<u32>, Markup),
    /// With cookies.
    Leave(Markup, Vec<String>),
    /// A picture, ready to be sent.
    Drawn(Response),
    /// 303 to a path of ours, with cookies.
    Go(String, Vec<String>),
    /// To be kept by the browser.
    File {
        name: &'static str,
        content_type: &'static str,
        body: Body,
    },
}

type Answering = Pin<Box<dyn Future<Output = poem::Result<Response>> + Send>>;

/// A page for who is logged in; strangers are sent to the log-in.
pub fn signed_in<F, Fut>(handler: F) -> impl Fn(Request) -> Answering + Send + Sync
where
    F: Fn(View) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, Error>> + Send + 'static,
{
    move |request| {
        let handler = handler.clone();
        Box::pin(async move {
            let (path, look) = (Asked::path_of(&request), Look::of(&request));
            let answer = match guarded(request).await {
                Ok((request, asked)) => match View::open(&request, asked).await {
                    Ok(Some(mut view)) => {
                        let look = view.look;
                        view.take_upload(request).await?;
                        handler(view).await.or_else(|error| told(&error, look))
                    }
                    Ok(None) if comes_from_elsewhere(&request) => Ok(Answer::Page(html::again(look))),
                    Ok(None) => Ok(Answer::Go(log_in(&path), Vec::new())),
                    Err(error) => told(&error, look),
                },
                Err(error) => told(&error, look),
            };
            answer.map(respond).map_err(poem::Error::from)
        })
    }
}

/// A page for everybody.
pub fn open<F, Fut>(handler: F) -> impl Fn(Request) -> Answering + Send + Sync
where
    F: Fn(State, Request, Asked, Look) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, Error>> + Send + 'static,
{
    move |request| {
        let handler = handler.clone();
        Box::pin(async move {
            let look = Look::of(&request);
            let answer = match guarded(request).await {
                Ok((request, asked)) => match request.data::<State>().cloned() {
                    Some(state) => handler(state, request, asked, look).await,
                    None => Err(Error::Internal("the pages have no state".into())),
                },
                Err(error) => Err(error),
            };
            answer.or_else(|error| told(&error, look)).map(respond).map_err(poem::Error::from)
        })
    }
}

/// What is asked, unless it is a post from another site.
async fn guarded(mut request: Request) -> Result<(Request, Asked), Error> {
    if *request.method() == Method::POST && !is_same_origin(request.headers()) {
        return Err(Refusal::forbidden("This was sent from another site. Open the page here, and try again.").into());
    }
    let asked = Asked::read(&mut request).await?;
    Ok((request, asked))
}

/// A strict cookie stays at home when a link elsewhere leads here: the page is asked for once more, from itself.
fn comes_from_elsewhere(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    *request.method() == Method::GET && matches!(site, Some("cross-site" | "same-site"))
}

fn log_in(path: &str) -> String {
    if path == "/" { "/login".to_owned() } else { format!("/login?next={}", super::view::escaped(path)) }
}

/// The error as a page. One that nobody can do anything about goes on to the envelope's log with its cause.
fn told(error: &Error, look: Look) -> Result<Answer, Error> {
    let refusal = error.refusal();
    if matches!(refusal.code, Code::Internal | Code::Unavailable) {
        tracing::error!(cause = %error, "page failed");
    }
    Ok(Answer::Refused(status(&refusal), refusal.retry_after, html::error(look, &refusal)))
}

pub fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Page(markup) => document(StatusCode::OK, markup),
        Answer::Leave(markup, cookies) => with_cookies(document(StatusCode::OK, markup), cookies),
        Answer::Drawn(response) => response,
        Answer::Refused(status, retry_after, markup) => {
            let mut response = document(status, markup);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Answer::File { name, content_type, body } => Response::builder()
            .content_type(content_type)
            .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
            .body(body),
        Answer::Go(to, cookies) => {
            let mut response = Response::builder().status(StatusCode::SEE_OTHER).finish();
            let headers = response.headers_mut();
            // A path that is no header is no path of ours.
            headers.insert(header::LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/")));
            with_cookies(response, cookies)
        }
    }
}

fn with_cookies(mut response: Response, cookies: Vec<String>) -> Response {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn document(status: StatusCode, markup: Markup) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, CSP)
        .header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin")
        .header(header::VARY, "cookie")
        .body(Body::from_string(markup.into_string()))
}

/// For a browser that asks for a path that is not there: a page in place of the API's problem. `None` for other clients.
pub fn missing(request: &Request) -> Option<impl Fn() -> Response + Send + 'static> {
    let accept = request.headers().get(header::ACCEPT)?.to_str().ok()?;
    let reads = *request.method() == Method::GET && accept.contains("text/html");
    let look = Look::of(request);
    (reads && !request.uri().path().starts_with("/v1/")).then_some(move || {
        respond(Answer::Refused(StatusCode::NOT_FOUND, None, html::error(look, &Refusal::not_found("page"))))
    })
}

/// Of the event stream, which has no page to show: 401 without a session.
pub async fn who(request: &Request) -> Result<Option<crate::auth::Proof>, Error> {
    let state = request.data::<State>().ok_or_else(|| Error::Internal("the pages have no state".into()))?;
    browser::proof(state, request).await
}

/// A status without a body.
pub fn bare(status: StatusCode) -> Response {
    status.into_response()
}
