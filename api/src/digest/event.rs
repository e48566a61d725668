//! What webhooks get of a summary: the record, and the picture of its funnel. The picture is drawn when it is sent, from
//! what the record says, so that it is neither stored nor sent to phones, and a repetition shows the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::kind::{Kind, Locale};
use entity::weekly_digest::DigestFigures;
use serde_json::{Value, json};
use uuid::Uuid;

use super::png;
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;

/// The body of an event, with the picture beside the record if it is about a summary.
///
/// # Errors
/// What the database or the drawing refuses.
pub async fn illustrated(state: &State, tenant_id: Uuid, kind: &str, body: &str) -> Result<String, Error> {
    if kind != Kind::WeeklyDigest.as_str() {
        return Ok(body.to_owned());
    }
    let unreadable = |error: serde_json::Error| Error::Internal(format!("a summary cannot be read: {error}"));
    let mut event: Value = serde_json::from_str(body).map_err(unreadable)?;
    let Some(record) = event.pointer("/data/record") else { return Ok(body.to_owned()) };
    let figures: DigestFigures = serde_json::from_value(record["figures"].clone()).map_err(unreadable)?;
    let locale = record["locale"].as_str().and_then(Locale::parse).unwrap_or(Locale::En);
    let picture = png(state, &Actor::system(tenant_id), locale, &figures).await?;
    event["data"]["picture"] = json!({ "mediaType": "image/png", "base64": STANDARD.encode(picture) });
    // The record says it all; what is new about it would be the same once more.
    event["data"]["changes"] = json!({});
    Ok(event.to_string())
}
