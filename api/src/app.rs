//! The whole application: every API in one place, and what stands around them. `spec` needs no database.

use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::Value;

use crate::auth::AuthApi;
use crate::health::HealthApi;
use crate::http::{Contract, Limits, docs, envelope};
use crate::openapi::polish;
use crate::report::ReportApi;
use crate::state::State;
use crate::sync::SyncApi;

fn service() -> OpenApiService<impl OpenApi, ()> {
    OpenApiService::new((AuthApi, HealthApi, SyncApi, ReportApi), "Waypost", env!("CARGO_PKG_VERSION"))
        .description("Sales-force automation: offline sync, a pipeline that explains itself, and fair incentives.")
}

/// The published OpenAPI document.
///
/// # Panics
/// If an operation breaks a rule of the document; the faults are told. A test builds it.
pub fn spec() -> Value {
    polish(&service().spec())
        .unwrap_or_else(|faults| panic!("the document cannot be published:\n{}", faults.join("\n")))
}

/// Everything that answers requests. It never fails: every error comes out as an answer.
pub fn app(state: State) -> impl Endpoint<Output = Response> {
    let document = spec();
    let routes = docs::routes(Route::new().nest("/", service()), &document).data(state);
    envelope(routes, Contract::new(document), Limits::default())
}
