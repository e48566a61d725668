//! `/v1/custom-fields`.

use entity::custom_field::Model;
use entity::kind::CustomKind;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::define::{self, CreateCustomField, UpdateCustomField};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E412, E422, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CREATE, Created, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

const SORTS: Sorts = &[("key", "t.key", "text")];

pub struct CustomFieldApi;

#[OpenApi]
impl CustomFieldApi {
    /// Define a field of the company's own
    ///
    /// Admins only. Records of the kind have it from then on, in their member `custom`, a map from key to text; so do imports,
    /// exports, the filter `custom` of lists and `getSchema`. Phones get it with the next pull.
    #[oai(path = "/v1/custom-fields", method = "post", operation_id = "createCustomField", tag = "Tag::Tenant")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateCustomField>,
    ) -> Result<Created<Model>, Fail<CREATE>> {
        let new = body.0;
        let created = whole(&state, &actor, move |work| {
            let new = new.clone();
            Box::pin(async move { define::create(work, new).await })
        });
        Ok(Created::at("/v1/custom-fields", created.await?))
    }

    /// List the company's own fields
    #[oai(path = "/v1/custom-fields", method = "get", operation_id = "listCustomFields", tag = "Tag::Tenant")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `key`, `createdAt` or `updatedAt`, with `-` in front for descending; `createdAt` by default.
        sort: Query<Option<String>>,
        /// Only those of these records.
        #[oai(name = "recordKind")]
        record_kind: Query<Option<CustomKind>>,
    ) -> ApiResult<Page<Model>, LIST> {
        let sort = sort.0.or_else(|| Some("createdAt".to_owned()));
        let listing =
            Listing::new(cursor.0, limit.0, sort).only("t.record_kind = ?", record_kind.0.map(CustomKind::as_str));
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get one of the company's own fields
    #[oai(path = "/v1/custom-fields/:id", method = "get", operation_id = "getCustomField", tag = "Tag::Tenant")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Rename one of the company's own fields, change its choices, archive it
    ///
    /// Admins only. Key and type stay. The values of an archived field can be read, but no longer changed.
    #[oai(path = "/v1/custom-fields/:id", method = "patch", operation_id = "updateCustomField", tag = "Tag::Tenant")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateCustomField>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<Model>, Fail<{ E400 | E403 | E404 | E412 | E422 }>> {
        let (id, edit, expected) = (id.0, body.0, if_match(etag.0.as_deref())?);
        let updated = whole(&state, &actor, move |work| {
            let edit = edit.clone();
            Box::pin(async move { define::update(work, id, edit, expected).await })
        });
        Ok(Found::of(updated.await?))
    }
}
