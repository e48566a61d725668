//! Tells how far an import is, whenever that changes, until it is over.

use std::time::Duration;

use futures_util::stream::{self, Stream};
use poem::web::sse::Event;
use poem_openapi::types::ToJSON;
use uuid::Uuid;

use super::wire::{Import, get};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;

const PAUSE: Duration = Duration::from_millis(500);
/// A stream ends after this time; the client connects again with a token that is still good.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The import as it is, then every time that it changed; the last event shows how it ended.
pub async fn follow(
    state: &State,
    actor: &Actor,
    id: Uuid,
) -> Result<impl Stream<Item = Event> + Send + 'static, Error> {
    let first = get(state, actor, id).await?;
    let end = tokio::time::Instant::now() + LONGEST;
    let told: Option<(Import, String)> = None;
    Ok(stream::unfold(
        (state.clone(), actor.clone(), Some(first), told),
        move |(state, actor, first, told)| async move {
            if told.as_ref().is_some_and(|(import, _)| import.status.is_over()) {
                return None;
            }
            let mut next = first;
            loop {
                let import = match next.take() {
                    Some(import) => import,
                    None => {
                        state.stopping.run_until_cancelled(tokio::time::sleep(PAUSE)).await?;
                        if tokio::time::Instant::now() > end {
                            return None;
                        }
                        get(&state, &actor, id).await.ok()?
                    }
                };
                let text = import.to_json_string();
                if told.as_ref().is_none_or(|(_, known)| *known != text) {
                    let event = Event::message(text.clone()).event_type("import");
                    return Some((event, (state, actor, None, Some((import, text)))));
                }
            }
        },
    ))
}
