//! The whole application: every API in one place, and what stands around them. `spec` needs no database.

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService, ServerObject};
use serde_json::Value;

use crate::account::AccountApi;
use crate::activity::ActivityApi;
use crate::appeal::AppealApi;
use crate::attachment::AttachmentApi;
use crate::auth::AuthApi;
use crate::calendar::CalendarApi;
use crate::calendar_feed::CalendarFeedApi;
use crate::contact::ContactApi;
use crate::custom_field::CustomFieldApi;
use crate::digest::DigestApi;
use crate::export::ExportApi;
use crate::files::MOST_BYTES;
use crate::goal::GoalApi;
use crate::health::HealthApi;
use crate::hold::HoldApi;
use crate::http::once::{self, Once};
use crate::http::{Contract, Limits, docs, envelope};
use crate::import::job::ImportApi;
use crate::lead::{LeadApi, LeadDraftApi};
use crate::leaderboard::LeaderboardApi;
use crate::openapi::polish;
use crate::opportunity::OpportunityApi;
use crate::page;
use crate::plan::PlanApi;
use crate::points::PointsApi;
use crate::product::ProductApi;
use crate::rejected_write::RejectedWriteApi;
use crate::report::ReportApi;
use crate::report::activity::ActivityReportApi;
use crate::report::burden::BurdenApi;
use crate::report::coverage::CoverageApi;
use crate::report::forecast::ForecastApi;
use crate::report::lost::LostApi;
use crate::report::quota::QuotaApi;
use crate::report::route::RouteApi;
use crate::report::uplift::UpliftApi;
use crate::report::velocity::VelocityApi;
use crate::rule_set::RuleSetApi;
use crate::schema::SchemaApi;
use crate::sign_on::SignOnApi;
use crate::simulation::SimulationApi;
use crate::stage::StageApi;
use crate::state::State;
use crate::statement::StatementApi;
use crate::sync::SyncApi;
use crate::team::TeamApi;
use crate::tenant::TenantApi;
use crate::upload::tus;
use crate::user::UserApi;
use crate::web_form::WebFormApi;
use crate::webhook::WebhookApi;

fn service() -> OpenApiService<impl OpenApi, ()> {
    let records = (AccountApi, ContactApi, OpportunityApi, ActivityApi, PlanApi, AttachmentApi, ProductApi);
    let leads = (LeadApi, LeadDraftApi, WebFormApi);
    let ledger = (PointsApi, HoldApi, AppealApi, StatementApi, LeaderboardApi);
    let fields = (CustomFieldApi, SchemaApi);
    let settings = (UserApi, TeamApi, StageApi, fields, RuleSetApi, SimulationApi, CalendarApi, TenantApi, WebhookApi);
    let models = (ActivityReportApi, VelocityApi, LostApi, CoverageApi, ForecastApi, QuotaApi, RouteApi, GoalApi);
    let reports = (ReportApi, UpliftApi, BurdenApi, models, DigestApi);
    let bulk = (ImportApi, ExportApi, CalendarFeedApi);
    let apis =
        ((AuthApi, SignOnApi), HealthApi, records, leads, ledger, settings, SyncApi, RejectedWriteApi, reports, bulk);
    OpenApiService::new(apis, "Waypost", env!("CARGO_PKG_VERSION"))
        .description("Sales-force automation: offline sync, a pipeline that explains itself, and fair incentives.")
        .contact(ContactObject::new().name("Waypost"))
        .license(LicenseObject::new("MIT OR Apache-2.0").url("https://spdx.org/licenses/"))
        .server(ServerObject::new("/").description("The server that the document was read from"))
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
    let files = state.files().map_or(MOST_BYTES, |files| files.most_bytes);
    let limits = Limits::default().for_files(files).for_imports(state.importer.most_bytes);
    let routes = tus::routes(docs::routes(Route::new().nest("/", service()), &document));
    let routes = page::routes(routes);
    let routes = page::front(routes).data(state.clone());
    let contract = Arc::new(Contract::new(document));
    let operations = once::operations(&service().spec());
    let routes = Once { inner: Arc::new(routes), contract: contract.clone(), operations, state };
    envelope(routes, contract, limits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_can_be_published_and_every_operation_has_a_name_of_its_own() {
        let document = spec();
        let paths = document["paths"].as_object().expect("paths");
        let names: Vec<&str> = paths
            .values()
            .flat_map(|item| item.as_object().into_iter().flatten())
            .filter_map(|(_, operation)| operation["operationId"].as_str())
            .collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len());
        for name in ["createAccount", "advanceOpportunity", "getPointsBalance", "listUsers"] {
            assert!(distinct.contains(name), "{name}");
        }
    }
}
