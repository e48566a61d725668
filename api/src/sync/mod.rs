//! The protocol of phones: pull, push, digest and events (`docs/sync.md`). What is pushed goes through `change`, as
//! every other write does.

pub mod cursor;
pub mod digest;
pub mod events;
pub mod expire;
mod grace;
pub mod mutation;
pub mod pull;
pub mod push;
pub mod routes;
pub mod wire;

use entity::kind::Role;
use entity::rejected_write;

use crate::auth::Actor;
use crate::problem::Refusal;
use crate::work::UnitOfWork;
pub use routes::SyncApi;

/// Phones are for reps and managers; whoever sees the whole tenant reads it by REST.
pub fn syncs(actor: &Actor) -> Result<(), Refusal> {
    match actor.role {
        Role::Rep | Role::Manager => Ok(()),
        Role::Admin | Role::Integration => Err(Refusal::forbidden(
            "Sync is for reps and managers. Admins and integrations read by the lists of each record.",
        )),
    }
}

/// Whoever typed it may dismiss it.
pub fn dismissable(work: &mut UnitOfWork, write: &rejected_write::Model) -> Result<(), Refusal> {
    if write.user_id == work.actor.user_id {
        Ok(())
    } else {
        Err(Refusal::forbidden("Only who typed it dismisses a rejected write."))
    }
}
