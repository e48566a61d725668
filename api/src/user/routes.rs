//! `/v1/users`: the directory of the tenant, and who may log in.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::kind::{Locale, Role};
use entity::scalar::{Email, Line};
use entity::user;
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::create::{NewUser, TeamName, create};
use super::reset_password;
use super::update::{UpdateUser, update};
use crate::auth::{Actor, Secret, invitation};
use crate::problem::{ApiResult, E400, E403, E404, E409, E412, E422, Fail, Refusal};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

pub const SORTS: Sorts = &[("name", "t.name", "text"), ("email", "t.email", "text")];

/// Somebody who is to work with the product.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateUser {
    /// What he logs in with.
    pub email: Email,
    pub name: Line,
    /// `rep`, `manager` or `admin`; integrations are made by `createApiKey`.
    pub role: Role,
    /// By default the team above all others.
    pub team_id: Option<Uuid>,
    /// By default `en`.
    pub locale: Option<Locale>,
    /// The id that another system knows this user by; unique within the tenant.
    pub external_id: Option<Line>,
}

/// A user and what lets him in the first time.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct InvitedUser {
    pub user: user::Model,
    /// For `acceptInvitation`, within 7 days; it is told this once.
    pub invitation_token: Secret,
}

/// The answer to an invitation.
#[derive(ApiResponse)]
pub enum Invited {
    /// Invited
    #[oai(status = 201)]
    Invited(
        Json<InvitedUser>,
        /// Where the user is found.
        #[oai(header = "Location")]
        String,
    ),
}

pub struct UserApi;

#[OpenApi]
impl UserApi {
    /// Create a user and invite him
    ///
    /// Admins only. Hand the invitation token to the user: with it he sets his password.
    #[oai(path = "/v1/users", method = "post", operation_id = "createUser", tag = "Tag::Users")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateUser>,
    ) -> Result<Invited, Fail<{ E400 | E403 | E409 | E422 }>> {
        actor.must_be_admin()?;
        let new = body.0;
        if new.role == Role::Integration {
            return Err(Refusal::invalid(
                "/role",
                "An integration is made together with its API key: POST /v1/api-keys.",
            )
            .into());
        }
        let new = NewUser {
            email: new.email,
            name: new.name,
            role: new.role,
            locale: new.locale.unwrap_or(Locale::En),
            team: new.team_id.map(TeamName::Id),
            external_id: new.external_id.map(String::from),
        };
        let created = whole(&state, &actor, move |work| {
            let new = new.clone();
            Box::pin(async move {
                let user = create(work, new).await?;
                Ok(work.stored::<user::Model>(user.id)?)
            })
        });
        let user = created.await?;
        // After the user is there; if this fails, `inviteUser` invites him again.
        let token = invitation::create(&state.db, actor.tenant_id, user.id, state.clock.now()).await?;
        Ok(invited(user, token))
    }

    /// List the users
    ///
    /// Everybody sees all colleagues: it is the directory.
    #[oai(path = "/v1/users", method = "get", operation_id = "listUsers", tag = "Tag::Users")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `name`, `email`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the name.
        search: Query<Option<String>>,
        #[oai(name = "teamId")] team_id: Query<Option<Uuid>>,
        role: Query<Option<Role>>,
        email: Query<Option<Email>>,
        disabled: Query<Option<bool>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
    ) -> ApiResult<Page<user::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.team_id = ?", team_id.0)
            .only("t.role = ?", role.0.map(Role::as_str))
            .only("t.email = ?", email.0.map(String::from))
            .only("(t.disabled_at IS NOT NULL) = ?", disabled.0)
            .only("t.external_id = ?", external_id.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a user
    #[oai(path = "/v1/users/:id", method = "get", operation_id = "getUser", tag = "Tag::Users")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<user::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change, move, disable or enable a user
    ///
    /// Admins only, and not against themselves.
    #[oai(path = "/v1/users/:id", method = "patch", operation_id = "updateUser", tag = "Tag::Users")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateUser>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<user::Model>, Fail<{ E400 | E403 | E404 | E409 | E412 | E422 }>> {
        let (id, edit, expected) = (id.0, body.0, if_match(etag.0.as_deref())?);
        let updated = whole(&state, &actor, move |work| {
            let edit = edit.clone();
            Box::pin(async move { update(work, id, &edit, expected).await })
        });
        let user = updated.await?;
        state.identity.forget(actor.tenant_id, id);
        Ok(Found::of(user))
    }

    /// Invite a user again
    ///
    /// Admins only. For who never came or has forgotten his password: his password and his sessions end.
    #[oai(path = "/v1/users/:id/invitation", method = "post", operation_id = "inviteUser", tag = "Tag::Users")]
    async fn invite(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Invited, Fail<{ E400 | E403 | E404 | E422 }>> {
        actor.must_be_admin()?;
        let user: user::Model = read::get(&state, &actor, id.0).await?;
        if user.disabled_at.is_some() || user.role == Role::Integration {
            let detail = "Only a person who is not disabled can be invited.";
            return Err(Refusal::invalid("id", detail).into());
        }
        let (owned, tenant_id) = (state.clone(), actor.tenant_id);
        let token = state.run(async move { reset_password::invite(&owned, tenant_id, id.0).await }).await?;
        Ok(invited(user, token))
    }
}

fn invited(user: user::Model, invitation_token: Secret) -> Invited {
    let location = format!("/v1/users/{}", user.id);
    Invited::Invited(Json(InvitedUser { user, invitation_token }), location)
}
