//! Says that the head moved, and nothing else: data always comes through a pull. A phone that misses an event loses nothing.

use std::time::Duration;

use futures_util::stream::{self, Stream};
use poem::web::sse::Event;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::state::State;

/// A stream ends after this time; the client connects again with a token that is still good.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The head now, then every time that it moved; several moves may come as one.
pub async fn events(state: &State, actor: &Actor) -> Result<impl Stream<Item = Event> + Send + 'static, DbErr> {
    let mut heads = state.pokes.listen(actor.tenant_id);
    let known = head(state, actor.tenant_id).await?;
    state.pokes.moved(actor.tenant_id, known);
    heads.mark_changed();
    let (end, stopping) = (tokio::time::Instant::now() + LONGEST, state.stopping.clone());
    Ok(stream::unfold((heads, stopping), move |(mut heads, stopping)| async move {
        stopping.run_until_cancelled(tokio::time::timeout_at(end, heads.changed())).await?.ok()?.ok()?;
        let head = *heads.borrow_and_update();
        Some((Event::message(format!(r#"{{"head":{head}}}"#)).event_type("head"), (heads, stopping)))
    }))
}

/// The number of the tenant's newest change.
pub async fn head(state: &State, tenant_id: Uuid) -> Result<i64, DbErr> {
    let sql = "SELECT head FROM sync_clock WHERE tenant_id = $1";
    let row =
        state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into()])).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}
