//! `/v1/rejected-writes`.

use entity::rejected_write;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page};
use crate::rest::{self, CHANGE, LIST, NoContent};
use crate::state::State;
use crate::tag::Tag;

pub struct RejectedWriteApi;

#[OpenApi]
impl RejectedWriteApi {
    /// List what was not taken
    ///
    /// Your own, and for who leads also what those below him typed.
    #[oai(path = "/v1/rejected-writes", method = "get", operation_id = "listRejectedWrites", tag = "Tag::Sync")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        #[oai(name = "userId")] user_id: Query<Option<Uuid>>,
    ) -> ApiResult<Page<rejected_write::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0).only("t.user_id = ?", user_id.0);
        Ok(Json(read::list(&state, &actor, listing, &[]).await?))
    }

    /// Dismiss a rejected write of your own
    #[oai(
        path = "/v1/rejected-writes/:id",
        method = "delete",
        operation_id = "dismissRejectedWrite",
        tag = "Tag::Sync"
    )]
    async fn dismiss(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<rejected_write::Model>(&state, &actor, id.0, etag, None).await?)
    }
}
