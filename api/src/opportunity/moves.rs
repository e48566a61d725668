//! The history of stages: one row a move, written once.

use entity::kind::{LostReason, StageKey};
use entity::scalar::{Date, Timestamp};
use entity::{opportunity, stage_move};
use uuid::Uuid;

use crate::change::Settings;
use crate::problem::{Code, FieldError, Refusal};
use crate::work::UnitOfWork;

/// What a move's row says beside the opportunity as it stands after the move.
pub struct Move {
    pub from: Option<StageKey>,
    pub occurred: Timestamp,
    /// The source does not tell when it happened.
    pub occurred_assumed: bool,
    pub reason: Option<String>,
    pub lost_reason: Option<LostReason>,
    pub lost_note: Option<String>,
}

/// Stages the next move of `opportunity`, which stands where the move led.
pub fn record(work: &mut UnitOfWork, settings: &Settings, opportunity: &opportunity::Model, moved: Move) {
    let number = work
        .live::<stage_move::Model>()
        .filter(|earlier| earlier.opportunity_id == opportunity.id)
        .map(|earlier| earlier.number)
        .max()
        .unwrap_or(0)
        + 1;
    let probability = settings.stages.get(&opportunity.stage).map_or(0, |stage| stage.probability);
    work.put(stage_move::Model {
        tenant_id: opportunity.tenant_id,
        id: Uuid::now_v7(),
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        opportunity_id: opportunity.id,
        account_id: opportunity.account_id,
        owner_id: opportunity.owner_id,
        number,
        from_stage: moved.from,
        to_stage: opportunity.stage,
        occurred: moved.occurred,
        occurred_assumed: moved.occurred_assumed,
        captured: work.captured.at,
        captured_proven: work.captured.proven,
        received: work.now,
        actor_id: work.actor.user_id,
        amount: opportunity.amount,
        currency: opportunity.currency.clone(),
        probability,
        reason: moved.reason,
        lost_reason: moved.lost_reason,
        lost_note: moved.lost_note,
    });
}

/// The moves are seen by who sees the opportunity: they follow its account and its owner.
pub fn follow(work: &mut UnitOfWork, opportunity: &opportunity::Model) {
    let moves: Vec<stage_move::Model> = work
        .live::<stage_move::Model>()
        .filter(|moved| moved.opportunity_id == opportunity.id)
        .filter(|moved| (moved.account_id, moved.owner_id) != (opportunity.account_id, opportunity.owner_id))
        .cloned()
        .collect();
    for moved in moves {
        work.put(stage_move::Model { account_id: opportunity.account_id, owner_id: opportunity.owner_id, ..moved });
    }
}

/// The stage rule's "no" as every client gets it.
pub fn refusal(refused: &super::stage::Refusal) -> Refusal {
    let code = match refused {
        super::stage::Refusal::Locked => Code::Locked,
        _ => Code::StageRefused,
    };
    let errors = refused.pointers().into_iter().map(|(pointer, detail)| FieldError::new(pointer, detail)).collect();
    Refusal { code, detail: refused.sentence(), errors, retry_after: None }
}

/// A day on which something was signed has come, by the tenant's calendar.
pub fn signed_by_today(work: &UnitOfWork, settings: &Settings, signed_on: Option<Date>) -> Result<(), Refusal> {
    let today = settings.day(work.now);
    if signed_on.is_some_and(|day| day > today) {
        let detail =
            format!("Lies after today ({today}). `expectedOn` holds the day on which a signature is expected.");
        return Err(Refusal::invalid("/signedOn", detail));
    }
    Ok(())
}

/// Nothing happens after it was written down; five minutes are granted to clocks that disagree.
pub fn not_in_the_future(work: &UnitOfWork, occurred: Timestamp, remedy: &str) -> Result<(), Refusal> {
    if occurred.0 > work.captured.at.0 + chrono::TimeDelta::minutes(5) {
        return Err(Refusal::invalid(
            "/occurred",
            format!("Lies after the moment of entry ({}). {remedy}", work.captured.at),
        ));
    }
    Ok(())
}
