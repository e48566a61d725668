//! `/v1/webhooks`, for admins.

use entity::scalar::Timestamp;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::log::{self, WebhookDeliveryPage};
use super::{CreateWebhook, UpdateWebhook, Webhook, WebhookList, WebhookSecret};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E404, E422, Fail};
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;

/// From when on to send again.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct ReplayWebhook {
    /// Everything that the server received at or after this moment is sent again, in order.
    pub since: Timestamp,
}

#[derive(ApiResponse)]
pub enum WebhookCreated {
    /// Made
    #[oai(status = 201)]
    Created(Json<WebhookSecret>),
}

const GET: u32 = E401 | E403 | E404;
const CHANGE: u32 = GET | E400 | E422;

pub struct WebhookApi;

fn key(actor: &Actor, id: Path<Uuid>) -> Result<(Uuid, Uuid), crate::problem::Refusal> {
    actor.must_be_admin()?;
    Ok((actor.tenant_id, id.0))
}

#[OpenApi]
impl WebhookApi {
    /// List the webhooks
    #[oai(path = "/v1/webhooks", method = "get", operation_id = "listWebhooks", tag = "Tag::Webhooks")]
    async fn list(&self, actor: Actor, state: Data<&State>) -> ApiResult<WebhookList, { E401 | E403 }> {
        actor.must_be_admin()?;
        Ok(Json(super::list(&state.db, actor.tenant_id).await?))
    }

    /// Make a webhook
    ///
    /// Each change that is committed from now on is posted to the address as
    /// `{type, timestamp, data: {seq, kind, recordId, revision, op, actorId, captured, changes, record}}`, one after another, in the
    /// order of the commits, at least once, signed after the Standard Webhooks specification (headers `webhook-id`,
    /// `webhook-timestamp`, `webhook-signature`). Any answer of 200 to 299 within 15 seconds takes it. The answer to this
    /// request holds the secret, once.
    #[oai(path = "/v1/webhooks", method = "post", operation_id = "createWebhook", tag = "Tag::Webhooks")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateWebhook>,
    ) -> Result<WebhookCreated, Fail<{ E400 | E401 | E403 | E422 }>> {
        actor.must_be_admin()?;
        state.outbox.reach.check(&body.url)?;
        let made = super::create(&state.db, actor.tenant_id, body.0, state.clock.now()).await?;
        Ok(WebhookCreated::Created(Json(made)))
    }

    /// Get a webhook
    #[oai(path = "/v1/webhooks/:id", method = "get", operation_id = "getWebhook", tag = "Tag::Webhooks")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<Webhook, { GET }> {
        Ok(Json(super::get(&state.db, key(&actor, id)?).await?))
    }

    /// Change a webhook
    #[oai(path = "/v1/webhooks/:id", method = "patch", operation_id = "updateWebhook", tag = "Tag::Webhooks")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateWebhook>,
    ) -> ApiResult<Webhook, { CHANGE }> {
        let key = key(&actor, id)?;
        if let Some(url) = &body.url {
            state.outbox.reach.check(url)?;
        }
        Ok(Json(super::update(&state.db, key, body.0).await?))
    }

    /// Delete a webhook
    #[oai(path = "/v1/webhooks/:id", method = "delete", operation_id = "deleteWebhook", tag = "Tag::Webhooks")]
    async fn delete(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<NoContent, Fail<{ GET }>> {
        super::delete(&state.db, key(&actor, id)?).await?;
        Ok(NoContent::Done)
    }

    /// Send again at once
    ///
    /// For a webhook that was disabled or that waits: it goes on with the event that failed.
    #[oai(path = "/v1/webhooks/:id/enable", method = "post", operation_id = "enableWebhook", tag = "Tag::Webhooks")]
    async fn enable(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<Webhook, { GET }> {
        Ok(Json(super::enable(&state.db, key(&actor, id)?, state.clock.now()).await?))
    }

    /// Send again what was sent before
    #[oai(path = "/v1/webhooks/:id/replay", method = "post", operation_id = "replayWebhook", tag = "Tag::Webhooks")]
    async fn replay(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<ReplayWebhook>,
    ) -> ApiResult<Webhook, { CHANGE }> {
        Ok(Json(super::replay(&state.db, key(&actor, id)?, body.since, state.clock.now()).await?))
    }

    /// Get a new secret
    ///
    /// For a day both sign: the new one and the one before.
    #[oai(
        path = "/v1/webhooks/:id/secret",
        method = "post",
        operation_id = "rotateWebhookSecret",
        tag = "Tag::Webhooks"
    )]
    async fn rotate(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<WebhookSecret, { GET }> {
        Ok(Json(super::rotate(&state.db, key(&actor, id)?, state.clock.now()).await?))
    }

    /// List what was sent, and what came back
    ///
    /// The newest first; kept for 30 days.
    #[oai(
        path = "/v1/webhooks/:id/deliveries",
        method = "get",
        operation_id = "listWebhookDeliveries",
        tag = "Tag::Webhooks"
    )]
    async fn deliveries(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
    ) -> ApiResult<WebhookDeliveryPage, { GET | E400 }> {
        let key = key(&actor, id)?;
        super::get(&state.db, key).await?;
        Ok(Json(log::list(&state.db, key, cursor.0, limit.0).await?))
    }
}
