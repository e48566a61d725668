//! The pages for people, from the same binary: HTML made on the server by maud, whose templates are Rust that the compiler
//! checks and that escapes every text it is given; a little script and one style sheet beside it. Pages read with the
//! functions that the API's routes read with, and write with its verbs; here is no query and no rule.
//!
//! Here are the paths. `view` is what every page knows of its request, `html` what every page looks like, `show` how figures
//! are written; a view has a file.

mod account;
mod answer;
mod appeals;
mod assets;
mod browser;
mod charts;
mod digest;
mod holds;
mod html;
mod imports;
mod leads;
mod live;
mod log_in;
mod login_form;
mod opportunity;
mod overview;
mod person;
mod pipeline;
mod reports;
mod review;
mod route;
mod rules;
mod same_origin;
mod settings;
pub mod show;
mod sign_on;
mod team;
pub mod view;

use std::sync::Arc;

use poem::endpoint::make;
use poem::error::NotFoundError;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route, get, post};

use answer::{Answer, missing, open, signed_in};
use view::View;

use crate::problem::Error;

/// `inner` with the pages beside its routes.
pub fn routes(inner: Route) -> Route {
    inner
        .at("/login", get(make(open(log_in::form))).post(make(open(log_in::submit))))
        .at("/login/sign-on", post(make(open(sign_on::begin))))
        .at("/login/callback", get(make(open(sign_on::back))))
        .at("/logout", post(page(settings::log_out)))
        .at("/look", post(make(open(settings::look))))
        .at("/teams/:id", get(page(team::show)))
        .at("/people/:id", get(page(person::show)))
        .at("/people/:id/route", get(page(route::show)))
        .at("/accounts/:id", get(page(account::show)))
        .at("/reports", get(page(reports::first)))
        .at("/reports/:id", get(page(reports::show)))
        .at("/opportunities/:id", get(page(opportunity::show)))
        .at("/leads", get(page(leads::show)))
        .at("/leads/:id/claim", post(page(leads::claim)))
        .at("/leads/:id/assign", post(page(leads::assign)))
        .at("/leads/:id/accept", post(page(leads::accept)))
        .at("/leads/:id/refuse", post(page(leads::refuse)))
        .at("/holds", get(page(holds::show)))
        .at("/holds/:id/release", post(page(holds::release)))
        .at("/holds/:id/deny", post(page(holds::deny)))
        .at("/appeals", get(page(appeals::show)))
        .at("/appeals/:id/grant", post(page(appeals::grant)))
        .at("/appeals/:id/reject", post(page(appeals::reject)))
        .at("/rules", get(page(rules::list)))
        .at("/rules/:id", get(page(rules::one)))
        .at("/rules/:id/simulate", post(page(rules::start)))
        .at("/charts/:id", get(page(charts::draw)))
        .at("/digest", get(page(digest::show)))
        .at("/digest/mail", post(page(digest::choose)))
        .at("/imports", get(page(imports::list)).post(page(imports::send)))
        .at("/imports/:id", get(page(imports::one)))
        .at("/imports/:id/live", get(make(live::follow)))
        .at("/imports/:id/refused", get(page(imports::refused)))
        .at("/imports/:id/cancel", post(page(imports::cancel)))
        .at("/imports/:id/apply", post(page(imports::apply)))
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

/// The first page, which a route would leave to the API nested at the root; and for browsers that look for what is not
/// there a page, where other clients get the API's problem.
pub fn front<E: Endpoint + 'static>(inner: E) -> impl Endpoint<Output = Response> {
    let first = Arc::new(get(page(overview::show)));
    inner.around(move |inner, request: Request| {
        let first = first.clone();
        async move {
            if request.uri().path() == "/" {
                return first.call(request).await;
            }
            let page = missing(&request);
            match (inner.call(request).await, page) {
                (Err(error), Some(page)) if error.is::<NotFoundError>() => Ok(page()),
                (answer, _) => answer.map(IntoResponse::into_response),
            }
        }
    })
}
