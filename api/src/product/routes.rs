//! `/v1/products`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::product;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::ProductFields;
use crate::auth::Actor;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;

const SORTS: Sorts = &[("name", "t.name", "text")];

pub struct ProductApi;

#[OpenApi]
impl ProductApi {
    /// Create a product
    ///
    /// Admins and integrations only.
    #[oai(path = "/v1/products", method = "post", operation_id = "createProduct", tag = "Tag::Products")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<ProductFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<product::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/products", body.0, key).await?)
    }

    /// List the products
    #[oai(path = "/v1/products", method = "get", operation_id = "listProducts", tag = "Tag::Products")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `name`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the name.
        search: Query<Option<String>>,
        series: Query<Option<String>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
    ) -> ApiResult<Page<product::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.series = ?", series.0)
            .only("t.external_id = ?", external_id.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a product
    #[oai(path = "/v1/products/:id", method = "get", operation_id = "getProduct", tag = "Tag::Products")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<product::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change a product
    #[oai(path = "/v1/products/:id", method = "patch", operation_id = "updateProduct", tag = "Tag::Products")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<ProductFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<product::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete a product
    #[oai(path = "/v1/products/:id", method = "delete", operation_id = "deleteProduct", tag = "Tag::Products")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<product::Model>(&state, &actor, id.0, etag, None).await?)
    }
}
