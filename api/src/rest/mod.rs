//! What the REST routes of all records share: how a body becomes a change, how a record becomes an answer, and the
//! statuses that each form of operation documents. Which routes there are stands in the records' own folders.

mod answer;
mod body;

use poem_openapi::param::Header;
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::{Body, Change, Fields, Intent};
use crate::problem::{E400, E403, E404, E409, E412, E422, Error};
use crate::read;
use crate::record::Record;
use crate::state::State;
use crate::write::{Idempotency, if_match, new_id, one};
pub use answer::{Created, Found, NoContent};
pub use body::{Edit, New};

/// Statuses of a list; 401 and those of every operation are added by `openapi`.
pub const LIST: u32 = E400 | E403 | E422;
/// Statuses of a list below one record.
pub const SUBLIST: u32 = LIST | E404;
/// Statuses of reading one record.
pub const GET: u32 = E400 | E403 | E404;
/// Statuses of making one.
pub const CREATE: u32 = E400 | E403 | E409 | E422;
/// Statuses of changing or deleting one.
pub const CHANGE: u32 = E400 | E403 | E404 | E409 | E412 | E422;

/// Makes a record; `at` is the path that it will be found below.
pub async fn create<F: Fields>(
    state: &State,
    actor: &Actor,
    at: &str,
    new: New<F>,
    idempotency_key: Header<Option<String>>,
) -> Result<Created<F::Record>, Error>
where
    Body: From<F>,
{
    make(state, actor, at, new.id, Intent::Create(new.fields.into()), idempotency_key).await
}

/// Makes a record by a verb of its own.
pub async fn make<M: Record>(
    state: &State,
    actor: &Actor,
    at: &str,
    id: Option<Uuid>,
    intent: Intent,
    idempotency_key: Header<Option<String>>,
) -> Result<Created<M>, Error> {
    let change = Change { fresh: id.is_none(), ..change::<M>(new_id(id), intent) };
    let key = idempotency_key.0.map(|key| Idempotency { key, id }).map(Idempotency::checked).transpose()?;
    Ok(Created::at(at, one(state, actor, change, key).await?))
}

/// Reads one record.
pub async fn get<M: Record>(state: &State, actor: &Actor, id: Uuid) -> Result<Found<M>, Error> {
    Ok(Found::of(read::get(state, actor, id).await?))
}

/// Changes what is present.
pub async fn update<F: Fields>(
    state: &State,
    actor: &Actor,
    id: Uuid,
    edit: Edit<F>,
    etag: Header<Option<String>>,
) -> Result<Found<F::Record>, Error>
where
    Body: From<F>,
{
    let change = Change {
        expected: if_match(etag.0.as_deref())?,
        clear: edit.clear,
        reason: edit.reason.map(String::from),
        ..change::<F::Record>(id, Intent::Update(edit.fields.into()))
    };
    Ok(Found::of(one(state, actor, change, None).await?))
}

/// Deletes a record.
pub async fn delete<M: Record>(
    state: &State,
    actor: &Actor,
    id: Uuid,
    etag: Header<Option<String>>,
    reason: Option<String>,
) -> Result<NoContent, Error> {
    let change = Change { expected: if_match(etag.0.as_deref())?, reason, ..change::<M>(id, Intent::Delete) };
    one::<M>(state, actor, change, None).await?;
    Ok(NoContent::Done)
}

/// Does something to a record that has a verb of its own.
pub async fn act<M: Record>(
    state: &State,
    actor: &Actor,
    id: Uuid,
    intent: Intent,
    idempotency_key: Header<Option<String>>,
    etag: Header<Option<String>>,
) -> Result<Found<M>, Error> {
    let key = idempotency_key.0.map(|key| Idempotency { key, id: Some(id) }).map(Idempotency::checked).transpose()?;
    let change = Change { expected: if_match(etag.0.as_deref())?, ..change::<M>(id, intent) };
    Ok(Found::of(one(state, actor, change, key).await?))
}

fn change<M: Record>(id: Uuid, intent: Intent) -> Change {
    Change { kind: M::KIND, id, fresh: false, intent, base: None, expected: None, clear: Vec::new(), reason: None }
}
