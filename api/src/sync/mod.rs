//! The protocol of phones: pull, push, digest and events. What is written goes through `change`, as for everybody else.

use entity::rejected_write;

use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// Whoever typed it may dismiss it.
pub fn dismissable(work: &mut UnitOfWork, write: &rejected_write::Model) -> Result<(), Refusal> {
    if write.user_id == work.actor.user_id {
        Ok(())
    } else {
        Err(Refusal::forbidden("Only who typed it dismisses a rejected write."))
    }
}
