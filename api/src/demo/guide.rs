//! What somebody needs who tries the demo for the first time: an account of the rep whom he logs in as.

use entity::account;
use entity::shape::Position;
use uuid::Uuid;

use super::{REP, TENANT};
use crate::auth::{Actor, credential};
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;

/// An account of the demo's first rep that has a place on the map.
pub struct Guide {
    pub account_id: Uuid,
    pub name: String,
    pub position: Position,
}

/// `None` if somebody has changed the demo so much that the rep or his accounts are gone.
pub async fn guide(state: &State) -> Result<Option<Guide>, Error> {
    let Some(tenant_id) = credential::tenant(&state.db, TENANT).await? else { return Ok(None) };
    let Some(rep) = credential::by_email(&state.db, tenant_id, REP).await? else { return Ok(None) };
    let work = UnitOfWork::begin(state, &Actor::system(tenant_id)).await?;
    let condition = "owner_id = $2 AND position IS NOT NULL ORDER BY id LIMIT 1";
    let found = work.fetch::<account::Model>(condition, [rep.user_id.into()]).await?.into_iter().next();
    Ok(found
        .and_then(|account| Some(Guide { account_id: account.id, name: account.name, position: account.position? })))
}
