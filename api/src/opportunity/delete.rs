//! A deleted opportunity takes its history of stages out of the phones; the rows stay in the database.

use entity::{opportunity, stage_move};
use uuid::Uuid;

use super::moves::refusal;
use super::stage::may_edit;
use crate::attachment::bury_of;
use crate::change::{Change, Outcome, current};
use crate::points;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

pub fn delete(work: &mut UnitOfWork, change: &Change) -> Result<Outcome, Refusal> {
    let opportunity: opportunity::Model = current(work, change)?;
    may_edit(opportunity.stage, work.actor.role, change.reason.as_deref()).map_err(|refused| refusal(&refused))?;
    let moves: Vec<Uuid> = work
        .live::<stage_move::Model>()
        .filter(|moved| moved.opportunity_id == opportunity.id)
        .map(|moved| moved.id)
        .collect();
    for source in moves.iter().copied().chain([opportunity.id]) {
        points::source::take_back(work, source)?;
    }
    bury_of(work, opportunity.id);
    let revision = work.bury::<opportunity::Model>(opportunity.id);
    for id in moves {
        work.bury::<stage_move::Model>(id);
    }
    Ok(Outcome { revision, ..Outcome::default() })
}
