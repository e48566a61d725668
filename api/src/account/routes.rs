//! `/v1/accounts` and who works them.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::kind::{AccountKind, CustomKind, MemberRole};
use entity::{account, account_member};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::overview::{AccountOverview, overview};
use super::{AccountFields, member};
use crate::auth::Actor;
use crate::custom_field::filter;
use crate::problem::{ApiResult, E400, E403, E404, E409, E422, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent, SUBLIST};
use crate::state::State;
use crate::tag::Tag;
use crate::write;

const SORTS: Sorts = &[("name", "t.name", "text")];

/// How a user is to work an account.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAccountMember {
    /// `owner` hands the account over; the owner before stays as a member.
    pub role: MemberRole,
}

pub struct AccountApi;

#[OpenApi]
impl AccountApi {
    /// Create an account
    #[oai(path = "/v1/accounts", method = "post", operation_id = "createAccount", tag = "Tag::Accounts")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<AccountFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<account::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/accounts", body.0, key).await?)
    }

    /// List the accounts that you see
    #[oai(path = "/v1/accounts", method = "get", operation_id = "listAccounts", tag = "Tag::Accounts")]
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
        kind: Query<Option<AccountKind>>,
        industry: Query<Option<String>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        #[oai(name = "parentId")] parent_id: Query<Option<Uuid>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
        /// `key:value` of a field that the company defined itself; repeat it for more of them.
        custom: Query<Option<Vec<String>>>,
    ) -> ApiResult<Page<account::Model>, LIST> {
        let custom = filter::contains(&state, &actor, CustomKind::Account, custom.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.kind = ?", kind.0.map(AccountKind::as_str))
            .only("t.industry = ?", industry.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.parent_id = ?", parent_id.0)
            .only("t.external_id = ?", external_id.0)
            .only("t.custom @> ?", custom);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get an account
    #[oai(path = "/v1/accounts/:id", method = "get", operation_id = "getAccount", tag = "Tag::Accounts")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<account::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Get an account with everything around it
    ///
    /// Its card, people, open and past opportunities, plans, the newest of what happened, and what is worth a look.
    #[oai(
        path = "/v1/accounts/:id/overview",
        method = "get",
        operation_id = "getAccountOverview",
        tag = "Tag::Accounts"
    )]
    async fn overview(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<AccountOverview, GET> {
        Ok(Json(overview(&state, &actor, id.0).await?))
    }

    /// Change an account
    #[oai(path = "/v1/accounts/:id", method = "patch", operation_id = "updateAccount", tag = "Tag::Accounts")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<AccountFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<account::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete an account
    ///
    /// Only when no contact, opportunity, plan or activity stands under it any more.
    #[oai(path = "/v1/accounts/:id", method = "delete", operation_id = "deleteAccount", tag = "Tag::Accounts")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<account::Model>(&state, &actor, id.0, etag, None).await?)
    }

    /// List who works an account
    #[oai(
        path = "/v1/accounts/:id/members",
        method = "get",
        operation_id = "listAccountMembers",
        tag = "Tag::Accounts"
    )]
    async fn members(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
    ) -> ApiResult<Page<account_member::Model>, SUBLIST> {
        read::get::<account::Model>(&state, &actor, id.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0).only("t.account_id = ?", Some(id.0));
        Ok(Json(read::list(&state, &actor, listing, &[]).await?))
    }

    /// Share an account with a user, or hand it over to him
    #[oai(
        path = "/v1/accounts/:id/members/:userId",
        method = "put",
        operation_id = "setAccountMember",
        tag = "Tag::Accounts"
    )]
    async fn set_member(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "userId")] user_id: Path<Uuid>,
        body: Json<SetAccountMember>,
    ) -> Result<Found<account_member::Model>, Fail<{ E400 | E403 | E404 | E409 | E422 }>> {
        let (id, user_id, role) = (id.0, user_id.0, body.0.role);
        let set = write::whole(&state, &actor, move |work| {
            Box::pin(async move {
                member::load(work, id, user_id).await?;
                Ok(member::set(work, id, user_id, role)?)
            })
        });
        Ok(Found::of(set.await?))
    }

    /// Take an account from a user
    ///
    /// Opportunities and open plans that he owns under it go to the account's owner.
    #[oai(
        path = "/v1/accounts/:id/members/:userId",
        method = "delete",
        operation_id = "removeAccountMember",
        tag = "Tag::Accounts"
    )]
    async fn remove_member(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "userId")] user_id: Path<Uuid>,
    ) -> Result<NoContent, Fail<{ E400 | E403 | E404 | E409 }>> {
        let (id, user_id) = (id.0, user_id.0);
        let removed = write::whole(&state, &actor, move |work| {
            Box::pin(async move {
                member::load(work, id, user_id).await?;
                Ok(member::remove(work, id, user_id)?)
            })
        });
        removed.await?;
        Ok(NoContent::Done)
    }
}
