//! Who decides about holds and appeals, and what he locks.

use entity::kind::Role;
use entity::scalar::Line;
use entity::{appeal, hold, points_entry};
use poem_openapi::Object;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// Why a review ends as it does.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(deny_unknown_fields)]
pub struct Ruling {
    /// The rep reads it.
    pub reason: Line,
}

/// A manager decides about those whom he leads, an admin about all; nobody about himself.
pub fn may_review(work: &UnitOfWork, user_id: Uuid) -> Result<(), Refusal> {
    match work.actor.role {
        Role::Manager | Role::Admin if work.actor.user_id == user_id => {
            Err(Refusal::forbidden("This is about your own points: another manager or an administrator decides."))
        }
        Role::Manager | Role::Admin => Ok(()),
        Role::Rep | Role::Integration => Err(Refusal::forbidden("A manager or an administrator decides this.")),
    }
}

/// Reads and locks what a decision about these holds and appeals, or an appeal against these fines, depends on: the
/// balances first, as everybody who posts does.
pub async fn load(work: &mut UnitOfWork, holds: Vec<Uuid>, appeals: Vec<Uuid>, fines: Vec<Uuid>) -> Result<(), DbErr> {
    if holds.is_empty() && appeals.is_empty() && fines.is_empty() {
        return Ok(());
    }
    let held = work.fetch::<hold::Model>("id = ANY($2)", [holds.clone().into()]).await?;
    let appealed = work.fetch::<appeal::Model>("id = ANY($2)", [appeals.clone().into()]).await?;
    let entries: Vec<Uuid> = fines.iter().copied().chain(appealed.iter().map(|appeal| appeal.entry_id)).collect();
    let entries = work.fetch::<points_entry::Model>("id = ANY($2)", [entries.into()]).await?;
    let users = held.iter().map(|hold| hold.user_id).chain(entries.iter().map(|entry| entry.user_id));
    super::load(work, users.collect::<Vec<_>>()).await?;
    work.load::<hold::Model>(holds).await?;
    work.load::<appeal::Model>(appeals).await?;
    if !fines.is_empty() {
        work.load_where::<appeal::Model>("entry_id = ANY($2)", [fines.into()]).await?;
    }
    let sources = held.iter().map(|hold| hold.activity_id).chain(entries.iter().map(|entry| entry.source_id));
    super::load_about(work, sources.collect::<Vec<_>>()).await
}
