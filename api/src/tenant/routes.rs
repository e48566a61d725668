//! `/v1/tenant`: the company that the caller works for.

use entity::tenant;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::update::{UpdateTenant, update};
use crate::auth::Actor;
use crate::problem::{ApiResult, E403, E422};
use crate::state::State;
use crate::tag::Tag;
use crate::write::whole;

pub struct TenantApi;

#[OpenApi]
impl TenantApi {
    /// Get the tenant
    #[oai(path = "/v1/tenant", method = "get", operation_id = "getTenant", tag = "Tag::Tenant")]
    async fn get(&self, actor: Actor, state: Data<&State>) -> ApiResult<tenant::Model, E403> {
        Ok(Json(super::by_id(&state.db, actor.tenant_id).await?))
    }

    /// Change the tenant's settings
    ///
    /// Admins only.
    #[oai(path = "/v1/tenant", method = "patch", operation_id = "updateTenant", tag = "Tag::Tenant")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<UpdateTenant>,
    ) -> ApiResult<tenant::Model, { E403 | E422 }> {
        let (edit, inner) = (body.0, state.clone());
        let updated = whole(&state, &actor, move |work| {
            let (edit, inner) = (edit.clone(), inner.clone());
            Box::pin(async move { update(work, &inner, &edit).await })
        });
        Ok(Json(updated.await?))
    }
}
