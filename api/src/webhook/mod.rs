//! Webhooks: a tenant's changes, sent to where it asks for, in the order of their commits.
//!
//! Here is where endpoints are kept. What is sent comes from the history, which every commit writes, so nothing is lost when
//! a server dies; an endpoint is a place in that history (`Cursor`). `event` writes it, `sign` proves it, `reach` says where
//! it may go, `deliver` sends it. An endpoint is no record: phones have no use for it.

pub mod deliver;
mod event;
pub mod log;
pub mod reach;
pub mod routes;
pub mod sign;

use chrono::TimeDelta;
use entity::kind::Kind;
use entity::scalar::{Line, Timestamp};
use poem_openapi::{Enum, Object};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use crate::auth::Secret;
use crate::problem::{Error, Refusal};
pub use routes::WebhookApi;

/// The most endpoints of a tenant.
const MOST: i64 = 50;

/// How long the secret before the newest still signs.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum WebhookOp {
    Create,
    Update,
    Delete,
}

impl WebhookOp {
    fn as_str(self) -> &'static str {
        match self {
            WebhookOp::Create => "create",
            WebhookOp::Update => "update",
            WebhookOp::Delete => "delete",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [WebhookOp::Create, WebhookOp::Update, WebhookOp::Delete].into_iter().find(|op| op.as_str() == text)
    }
}

/// Where changes are sent to.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Webhook {
    pub id: Uuid,
    pub url: String,
    pub description: Option<String>,
    /// Of these kinds of records; all if empty.
    pub kinds: Vec<Kind>,
    /// These changes of them; all if empty.
    pub ops: Vec<WebhookOp>,
    pub created_at: Timestamp,
    /// Everything up to this number of the tenant's clock was sent.
    pub sent: i64,
    /// Attempts in a row that failed with the event at hand.
    pub failures: i32,
    /// When the event at hand is tried again, if it failed.
    pub next_attempt_at: Option<Timestamp>,
    /// Since when nothing is sent, because it failed for days or the endpoint said that it is gone. `enable` goes on from there.
    pub disabled_at: Option<Timestamp>,
    pub disabled_reason: Option<String>,
}

/// The tenant's endpoints.
#[derive(Clone, Debug, Object)]
pub struct WebhookList {
    /// The newest first.
    pub items: Vec<Webhook>,
}

/// An endpoint to be made.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields, example)]
pub struct CreateWebhook {
    /// An https address on the public internet.
    #[oai(validator(max_length = 2000))]
    pub url: String,
    pub description: Option<Line>,
    /// Of these kinds of records alone; of all if absent.
    pub kinds: Option<Vec<Kind>>,
    /// These changes alone; all if absent.
    pub ops: Option<Vec<WebhookOp>>,
}

/// What is to be different about an endpoint.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct UpdateWebhook {
    #[oai(validator(max_length = 2000))]
    pub url: Option<String>,
    pub description: Option<Line>,
    /// An empty list: of all kinds.
    pub kinds: Option<Vec<Kind>>,
    /// An empty list: all changes.
    pub ops: Option<Vec<WebhookOp>>,
}

impl poem_openapi::types::Example for CreateWebhook {
    fn example() -> Self {
        CreateWebhook {
            url: "https://erp.example.com/waypost".into(),
            description: Some(Line("Signed contracts to the ERP".into())),
            kinds: Some(vec![Kind::Opportunity]),
            ops: None,
        }
    }
}

/// An endpoint just made, or with a new secret.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct WebhookSecret {
    /// Signs what is sent (Standard Webhooks). It is not to be had again.
    pub secret: Secret,
    pub webhook: Webhook,
}

/// A place in the history: behind this change. Changes of one commit have one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    pub seq: i64,
    pub record_id: Uuid,
    pub kind: String,
    pub revision: i32,
}

impl Cursor {
    /// Behind everything that was committed up to this number.
    pub fn behind(seq: i64) -> Self {
        Cursor { seq, record_id: Uuid::max(), kind: String::new(), revision: 0 }
    }
}

const COLUMNS: &str = "id, url, description, kinds, ops, created_at, seq, record_id, failures, next_attempt_at, disabled_at, disabled_reason";

fn statement(tenant_id: Uuid, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Statement {
    Statement::from_sql_and_values(Postgres, sql, std::iter::once(tenant_id.into()).chain(values))
}

fn read(row: &QueryResult) -> Result<Webhook, Error> {
    let (kinds, ops): (Vec<String>, Vec<String>) = (row.try_get("", "kinds")?, row.try_get("", "ops")?);
    let (seq, record_id): (i64, Uuid) = (row.try_get("", "seq")?, row.try_get("", "record_id")?);
    let failures = row.try_get("", "failures")?;
    let next: Timestamp = row.try_get("", "next_attempt_at")?;
    Ok(Webhook {
        id: row.try_get("", "id")?,
        url: row.try_get("", "url")?,
        description: row.try_get("", "description")?,
        kinds: kinds.iter().filter_map(|kind| Kind::parse(kind)).collect(),
        ops: ops.iter().filter_map(|op| WebhookOp::parse(op)).collect(),
        created_at: row.try_get("", "created_at")?,
        sent: if record_id == Uuid::max() { seq } else { seq - 1 },
        failures,
        next_attempt_at: (failures > 0).then_some(next),
        disabled_at: row.try_get("", "disabled_at")?,
        disabled_reason: row.try_get("", "disabled_reason")?,
    })
}

fn texts<T>(values: Option<Vec<T>>, text: impl Fn(&T) -> &'static str) -> Option<Vec<String>> {
    values.map(|values| values.iter().map(|value| text(value).to_owned()).collect())
}

/// Makes an endpoint. It gets what is committed from now on.
pub async fn create(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    wanted: CreateWebhook,
    now: Timestamp,
) -> Result<WebhookSecret, Error> {
    let secret = sign::new_secret();
    let sql = format!(
        "INSERT INTO webhook (tenant_id, id, url, description, kinds, ops, secret, created_at, seq, record_id, kind, revision,
                              failures, next_attempt_at)
         SELECT c.tenant_id, $2, $3, $4, $5, $6, $7, $8, c.head, $9, '', 0, 0, $8 FROM sync_clock c
         WHERE c.tenant_id = $1 AND (SELECT count(*) FROM webhook w WHERE w.tenant_id = $1) < $10
         RETURNING {COLUMNS}"
    );
    let values = [
        Uuid::now_v7().into(),
        wanted.url.into(),
        wanted.description.map(String::from).into(),
        texts(wanted.kinds, |kind| kind.as_str()).unwrap_or_default().into(),
        texts(wanted.ops, |op| op.as_str()).unwrap_or_default().into(),
        secret.clone().into(),
        now.into(),
        Uuid::max().into(),
        MOST.into(),
    ];
    let row = db.query_one_raw(statement(tenant_id, &sql, values)).await?;
    let row = row.ok_or_else(|| {
        Refusal::invalid("", format!("There are {MOST} webhooks already. Delete one, or let one serve several kinds."))
    })?;
    Ok(WebhookSecret { secret: Secret::new(secret), webhook: read(&row)? })
}

pub async fn list(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<WebhookList, Error> {
    let sql = format!("SELECT {COLUMNS} FROM webhook WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC");
    let rows = db.query_all_raw(statement(tenant_id, &sql, [])).await?;
    Ok(WebhookList { items: rows.iter().map(read).collect::<Result<_, _>>()? })
}

/// One statement about one endpoint that answers with its columns.
async fn about(
    db: &impl ConnectionTrait,
    (tenant_id, id): (Uuid, Uuid),
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<Webhook, Error> {
    let values = std::iter::once(id.into()).chain(values);
    let row = db.query_one_raw(statement(tenant_id, sql, values)).await?;
    read(&row.ok_or_else(|| Refusal::not_found("webhook"))?)
}

pub async fn get(db: &impl ConnectionTrait, key: (Uuid, Uuid)) -> Result<Webhook, Error> {
    about(db, key, &format!("SELECT {COLUMNS} FROM webhook WHERE tenant_id = $1 AND id = $2"), []).await
}

pub async fn update(db: &impl ConnectionTrait, key: (Uuid, Uuid), edit: UpdateWebhook) -> Result<Webhook, Error> {
    let sql = format!(
        "UPDATE webhook SET url = coalesce($3, url), description = coalesce($4, description), kinds = coalesce($5, kinds),
                            ops = coalesce($6, ops)
         WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    let values = [
        edit.url.into(),
        edit.description.map(String::from).into(),
        texts(edit.kinds, |kind| kind.as_str()).into(),
        texts(edit.ops, |op| op.as_str()).into(),
    ];
    about(db, key, &sql, values).await
}

pub async fn delete(db: &impl ConnectionTrait, (tenant_id, id): (Uuid, Uuid)) -> Result<(), Error> {
    let gone = statement(tenant_id, "DELETE FROM webhook WHERE tenant_id = $1 AND id = $2", [id.into()]);
    match db.execute_raw(gone).await?.rows_affected() {
        0 => Err(Refusal::not_found("webhook").into()),
        _ => Ok(()),
    }
}

/// Goes on where it stopped, at once.
pub async fn enable(db: &impl ConnectionTrait, key: (Uuid, Uuid), now: Timestamp) -> Result<Webhook, Error> {
    let sql = format!(
        "UPDATE webhook SET disabled_at = NULL, disabled_reason = NULL, failures = 0, next_attempt_at = $3
         WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    about(db, key, &sql, [now.into()]).await
}

/// A new secret; the one before signs beside it for a day.
pub async fn rotate(db: &impl ConnectionTrait, key: (Uuid, Uuid), now: Timestamp) -> Result<WebhookSecret, Error> {
    let secret = sign::new_secret();
    let sql = format!(
        "UPDATE webhook SET former_secret = secret, former_until = $4, secret = $3
         WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    let until: Timestamp = (now.0 + OVERLAP).into();
    let webhook = about(db, key, &sql, [secret.clone().into(), until.into()]).await?;
    Ok(WebhookSecret { secret: Secret::new(secret), webhook })
}

/// Sends again everything that was received since that moment. It never leaves out what was not sent yet.
pub async fn replay(
    db: &impl ConnectionTrait,
    key: (Uuid, Uuid),
    since: Timestamp,
    now: Timestamp,
) -> Result<Webhook, Error> {
    let sql = format!(
        "WITH wanted AS (SELECT min(seq) - 1 AS behind FROM record_history WHERE tenant_id = $1 AND received >= $3)
         UPDATE webhook SET seq = least(seq, behind), record_id = CASE WHEN behind < seq THEN $5 ELSE record_id END,
                            kind = CASE WHEN behind < seq THEN '' ELSE kind END,
                            revision = CASE WHEN behind < seq THEN 0 ELSE revision END,
                            failures = 0, next_attempt_at = $4, disabled_at = NULL, disabled_reason = NULL
         FROM wanted WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    about(db, key, &sql, [since.into(), now.into(), Uuid::max().into()]).await
}
