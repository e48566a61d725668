//! What became of each attempt, kept for 30 days.

use entity::scalar::Timestamp;
use poem_openapi::Object;
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::statement;
use crate::problem::{Error, Refusal};

pub const KEPT_DAYS: i64 = 30;

const PAGE: i32 = 50;

/// How an attempt ended.
pub struct Outcome {
    pub status: Option<StatusCode>,
    pub error: Option<&'static str>,
    pub millis: i32,
    /// Seconds that the receiver asks to be left alone for.
    pub rest: i64,
    /// Nothing was sent, nor ever can be.
    pub left_out: bool,
}

/// An attempt to send an event.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct WebhookDelivery {
    pub id: Uuid,
    /// The `webhook-id` that was sent.
    pub event_id: String,
    /// `opportunity.updated`
    #[oai(rename = "type")]
    pub event_type: String,
    /// 1 for the first.
    pub attempt: i32,
    pub attempted_at: Timestamp,
    /// The answer's; absent if there was none. Taken is what has 200 to 299.
    pub status: Option<i32>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub millis: i32,
}

/// A part of the log, the newest first.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookDeliveryPage {
    pub items: Vec<WebhookDelivery>,
    /// Give it as `cursor` to get what follows; absent on the last page.
    pub cursor: Option<String>,
}

/// `cursor`: the last delivery of the page before.
pub async fn list(
    db: &impl ConnectionTrait,
    (tenant_id, webhook_id): (Uuid, Uuid),
    cursor: Option<String>,
    limit: Option<i32>,
) -> Result<WebhookDeliveryPage, Error> {
    let before = match &cursor {
        Some(text) => text.parse().map_err(|_| Refusal::malformed("cursor: must be one that a page gave."))?,
        None => Uuid::max(),
    };
    let limit = limit.unwrap_or(PAGE);
    let sql = "SELECT id, event_id, type, attempt, attempted_at, status, error, millis FROM webhook_delivery
               WHERE tenant_id = $1 AND webhook_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    let values = [webhook_id.into(), before.into(), i64::from(limit).into()];
    let rows = db.query_all_raw(statement(tenant_id, sql, values)).await?;
    let items: Vec<WebhookDelivery> = rows.iter().map(read).collect::<Result<_, Error>>()?;
    let full = items.len() == usize::try_from(limit).unwrap_or_default();
    let cursor = items.last().filter(|_| full).map(|last| last.id.to_string());
    Ok(WebhookDeliveryPage { items, cursor })
}

fn read(row: &QueryResult) -> Result<WebhookDelivery, Error> {
    Ok(WebhookDelivery {
        id: row.try_get("", "id")?,
        event_id: row.try_get("", "event_id")?,
        event_type: row.try_get("", "type")?,
        attempt: row.try_get("", "attempt")?,
        attempted_at: row.try_get("", "attempted_at")?,
        status: row.try_get("", "status")?,
        error: row.try_get("", "error")?,
        millis: row.try_get("", "millis")?,
    })
}

/// Forgets what is older than `before`, of all tenants.
pub async fn forget(db: &impl ConnectionTrait, before: Timestamp) -> Result<(), Error> {
    let sql = "DELETE FROM webhook_delivery WHERE attempted_at < $1";
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [before.into()])).await?;
    Ok(())
}
