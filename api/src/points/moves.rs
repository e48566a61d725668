//! Stage moves as work: one forward, entered in time and complete, earns once for each stage that an opportunity reaches.
//! Nobody earns by moving it back and forth.

use entity::kind::{EntrySource, Role, WorkKind};
use entity::{opportunity, stage_move};

use super::field::filled_opportunity;
use super::score::Facts;
use super::source::{Source, settle};
use super::totals::Place;
use crate::change::Settings;
use crate::opportunity::stage::{TransitionKind, kind};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// Whether whoever writes earns by it: phones are for reps and managers, and so are points.
pub fn earns(work: &UnitOfWork) -> bool {
    matches!(work.actor.role, Role::Rep | Role::Manager)
}

/// Whether a move leads forward to where the opportunity had never been. `moves`: its history.
pub fn arrives<'a>(moved: &stage_move::Model, moves: impl IntoIterator<Item = &'a stage_move::Model>) -> bool {
    let was_there = |earlier: &stage_move::Model| earlier.number < moved.number && earlier.to_stage == moved.to_stage;
    kind(moved.from_stage, moved.to_stage) == TransitionKind::Forward
        && !moved.occurred_assumed
        && !moves.into_iter().any(was_there)
}

/// Books the newest move of `opportunity`, if it earns.
pub fn forward(work: &mut UnitOfWork, settings: &Settings, opportunity: &opportunity::Model) -> Result<(), Refusal> {
    if !earns(work) {
        return Ok(());
    }
    let moves = || work.live::<stage_move::Model>().filter(|moved| moved.opportunity_id == opportunity.id);
    let Some(moved) = moves().max_by_key(|moved| moved.number).filter(|moved| arrives(moved, moves())) else {
        return Ok(());
    };
    let source = Source {
        kind: EntrySource::StageMove,
        id: moved.id,
        user_id: work.actor.user_id,
        account_id: opportunity.account_id,
        day: settings.day(moved.occurred),
    };
    let place = Place {
        user_id: source.user_id,
        kind: source.kind,
        source_id: source.id,
        account_id: source.account_id,
        day: source.day,
    };
    let scorer = settings.scorer(None);
    let booking = scorer.score(&Facts {
        kind: WorkKind::StageMove,
        about: Some(&opportunity.name),
        occurred: moved.occurred,
        captured: work.captured,
        received: work.now,
        filled: &filled_opportunity(opportunity),
        judged: None,
        room: settings.room(work, &scorer, place),
    });
    match booking {
        Some(booking) => settle(work, &source, Some(booking)),
        None => Ok(()),
    }
}
