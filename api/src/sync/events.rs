//! Says that the head moved, and nothing else: data always comes through a pull. A phone that misses an event loses nothing.

use std::time::Duration;

use futures_util::stream::{self, Stream};
use poem::web::sse::Event;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::auth::Actor;
use crate::auth::identity::TRUST;
use crate::problem::Code;
use crate::state::State;

/// A stream ends after this time; the client connects again with a token that is still good.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What the listener brought to prove who he is; it is asked again.
pub enum Credential {
    /// An access token or an API key.
    Bearer(String),
    /// A browser's.
    Cookie(String),
}

/// The head now, then every time that it moved; several moves may come as one. It ends when the credential no longer proves
/// who began it: the session ended, the user was disabled or has another role, the token expired.
pub async fn events(
    state: &State,
    actor: &Actor,
    credential: Credential,
) -> Result<impl Stream<Item = Event> + Send + 'static, DbErr> {
    let mut heads = state.pokes.listen(actor.tenant_id);
    let known = head(state, actor.tenant_id).await?;
    state.pokes.moved(actor.tenant_id, known);
    heads.mark_changed();
    let end = Instant::now() + LONGEST;
    let listener = Listener { state: state.clone(), actor: actor.clone(), credential };
    Ok(stream::unfold((heads, listener), move |(mut heads, listener)| async move {
        let stopping = listener.state.stopping.clone();
        stopping.run_until_cancelled(timeout_at(end, listener.next(&mut heads))).await?.ok()??;
        let head = *heads.borrow_and_update();
        Some((Event::message(format!(r#"{{"head":{head}}}"#)).event_type("head"), (heads, listener)))
    }))
}

struct Listener {
    state: State,
    actor: Actor,
    credential: Credential,
}

impl Listener {
    /// Waits for the head to move; `None` when this is nobody's to hear any more. It looks as often as a proof is believed.
    async fn next(&self, heads: &mut Receiver<i64>) -> Option<()> {
        loop {
            let moved = timeout(TRUST, heads.changed()).await;
            if !self.stands().await {
                return None;
            }
            if let Ok(moved) = moved {
                return moved.ok();
            }
        }
    }

    async fn stands(&self) -> bool {
        let (identity, db, now) = (&self.state.identity, &self.state.db, self.state.clock.now());
        let proven = match &self.credential {
            Credential::Bearer(bearer) => identity.prove(db, bearer, now).await,
            Credential::Cookie(cookie) => identity.prove_browser(db, cookie, now).await,
        };
        match proven {
            Ok(proof) => proof.actor.role == self.actor.role,
            // A database that does not answer proves nothing against him.
            Err(cause) => cause.refusal().code != Code::Unauthorized,
        }
    }
}

/// The number of the tenant's newest change.
pub async fn head(state: &State, tenant_id: Uuid) -> Result<i64, DbErr> {
    let sql = "SELECT head FROM sync_clock WHERE tenant_id = $1";
    let row =
        state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into()])).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}
