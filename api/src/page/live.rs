//! The event stream of the pages: that something changed, and nothing of what. The page then asks for itself again.

use std::time::Duration;

use poem::http::StatusCode;
use poem::web::sse::SSE;
use poem::{IntoResponse, Request, Response};

use super::answer::{bare, who};
use crate::problem::Error;
use crate::state::State;
use crate::sync::events::events;

pub async fn listen(request: Request) -> poem::Result<Response> {
    // Without a session there is nothing to listen to; the browser stops asking.
    let Some(proof) = who(&request).await? else { return Ok(bare(StatusCode::NO_CONTENT)) };
    let state = request.data::<State>().ok_or_else(|| Error::Internal("the pages have no state".into()))?;
    let events = events(state, &proof.actor).await.map_err(Error::from)?;
    Ok(SSE::new(events).keep_alive(Duration::from_secs(20)).into_response())
}
