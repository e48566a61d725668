//! `GET /v1/schema`

use entity::kind::Kind;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;

use super::{RecordSchema, schema};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403};
use crate::state::State;
use crate::tag::Tag;

pub struct SchemaApi;

#[OpenApi]
impl SchemaApi {
    /// Tell what records are made of
    ///
    /// For each kind its fields, with type, limits and choices, among them those that the company defined itself. For forms and
    /// mappings that are made at run time; whoever generates a client needs it only for the latter.
    #[oai(path = "/v1/schema", method = "get", operation_id = "getSchema", tag = "Tag::Tenant")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        /// Only this one.
        kind: Query<Option<Kind>>,
    ) -> ApiResult<RecordSchema, { E400 | E401 | E403 }> {
        Ok(Json(schema(&state, &actor, kind.0).await?))
    }
}
