//! `/v1/contacts`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::contact;
use entity::kind::CustomKind;
use entity::scalar::Email;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::ContactFields;
use crate::auth::Actor;
use crate::custom_field::filter;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;

const SORTS: Sorts = &[("name", "t.name", "text")];

pub struct ContactApi;

#[OpenApi]
impl ContactApi {
    /// Create a contact
    #[oai(path = "/v1/contacts", method = "post", operation_id = "createContact", tag = "Tag::Contacts")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<ContactFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<contact::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/contacts", body.0, key).await?)
    }

    /// List the contacts that you see
    #[oai(path = "/v1/contacts", method = "get", operation_id = "listContacts", tag = "Tag::Contacts")]
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
        #[oai(name = "accountId")] account_id: Query<Option<Uuid>>,
        email: Query<Option<Email>>,
        phone: Query<Option<String>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
        /// `key:value` of a field that the company defined itself; repeat it for more of them.
        custom: Query<Option<Vec<String>>>,
    ) -> ApiResult<Page<contact::Model>, LIST> {
        let custom = filter::contains(&state, &actor, CustomKind::Contact, custom.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.account_id = ?", account_id.0)
            .only("t.email = ?", email.0.map(String::from))
            .only("t.phone = ?", phone.0)
            .only("t.external_id = ?", external_id.0)
            .only("t.custom @> ?", custom);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a contact
    #[oai(path = "/v1/contacts/:id", method = "get", operation_id = "getContact", tag = "Tag::Contacts")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<contact::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change a contact
    #[oai(path = "/v1/contacts/:id", method = "patch", operation_id = "updateContact", tag = "Tag::Contacts")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<ContactFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<contact::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete a contact
    #[oai(path = "/v1/contacts/:id", method = "delete", operation_id = "deleteContact", tag = "Tag::Contacts")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<contact::Model>(&state, &actor, id.0, etag, None).await?)
    }
}
