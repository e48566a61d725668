//! The pages for people, from the same binary: HTML made on the server by maud, whose templates are Rust that the compiler
//! checks and that escapes every text it is given; a little script and one style sheet beside it. Pages read with the
//! functions that the API's routes read with, and write with its verbs; here is no query and no rule.
//!
//! Here are the paths. `view` is what every page knows of its request, `html` what every page looks like, `show` how figures
//! are written, `words` what things are called; a view has a file.

mod answer;
mod assets;
mod browser;
mod html;
mod live;
mod log_in;
mod login_form;
mod opportunity;
mod overview;
mod person;
mod pipeline;
mod same_origin;
mod settings;
mod show;
mod team;
mod view;
mod words;

use poem::endpoint::make;
use poem::error::NotFoundError;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route, get, post};

use answer::{Answer, missing, open, signed_in};
use view::View;

use crate::problem::Error;

/// `inner` with the pages beside its routes.
pub fn routes(inner: Route) -> Route {
    inner
        .at("/", get(page(overview::show)))
        .at("/login", get(make(open(log_in::form))).post(make(open(log_in::submit))))
        .at("/logout", post(page(settings::log_out)))
        .at("/look", post(make(open(settings::look))))
        .at("/teams/:id", get(page(team::show)))
        .at("/people/:id", get(page(person::show)))
        .at("/opportunities/:id", get(page(opportunity::show)))
        .at("/live", get(make(live::listen)))
        .at("/assets/:name", get(make(assets::serve)))
}

/// A page for who is logged in.
fn page<F, Fut>(handler: F) -> impl IntoEndpoint<Endpoint = impl Endpoint + 'static>
where
    F: Fn(View) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, Error>> + Send + 'static,
{
    make(signed_in(handler))
}

/// Browsers that look for what is not there get a page, other clients the API's problem.
pub fn with_missing_page<E: Endpoint + 'static>(inner: E) -> impl Endpoint<Output = Response> {
    inner.around(async |inner, request: Request| {
        let page = missing(&request);
        match (inner.call(request).await, page) {
            (Err(error), Some(page)) if error.is::<NotFoundError>() => Ok(page()),
            (answer, _) => answer.map(IntoResponse::into_response),
        }
    })
}
