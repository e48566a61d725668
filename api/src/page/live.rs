//! The event streams of the pages: that something changed, or how far an import is. The page then asks for itself again.

use std::time::Duration;

use poem::http::StatusCode;
use poem::web::sse::SSE;
use poem::{IntoResponse, Request, Response};

use super::answer::{bare, who};
use super::browser::session_token;
use crate::import::job;
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::sync::events::{Credential, events};

pub async fn listen(request: Request) -> poem::Result<Response> {
    // Without a session there is nothing to listen to; the browser stops asking.
    let Some(proof) = who(&request).await? else { return Ok(bare(StatusCode::NO_CONTENT)) };
    let state = request.data::<State>().ok_or_else(|| Error::Internal("the pages have no state".into()))?;
    let credential = Credential::Cookie(session_token(&request).unwrap_or_default().to_owned());
    let events = events(state, &proof.actor, credential).await.map_err(Error::from)?;
    Ok(SSE::new(events).keep_alive(Duration::from_secs(20)).into_response())
}

/// An import's progress, until it is over: it changes no record, so that the head does not move.
pub async fn follow(request: Request) -> poem::Result<Response> {
    let Some(proof) = who(&request).await? else { return Ok(bare(StatusCode::NO_CONTENT)) };
    let state = request.data::<State>().ok_or_else(|| Error::Internal("the pages have no state".into()))?;
    let id = request.raw_path_param("id").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Error::from(Refusal::not_found("import")))?;
    let events = job::follow(state, &proof.actor, id).await?;
    Ok(SSE::new(events).keep_alive(Duration::from_secs(20)).into_response())
}
