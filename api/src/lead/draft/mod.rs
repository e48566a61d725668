//! Drafts: while one is open, its reps pick in turn, the best of a leaderboard first, and a pick in one's turn costs no
//! right. `turns` decides, `routes` opens and closes; here is what a pick means for a draft, and what passes turns over.

pub mod routes;
pub mod turns;

use entity::kind::GrantPolicy;
use entity::lead_draft;
use entity::scalar::{Date, Timestamp};
use entity::shape::{DraftTurn, DraftTurns};
use futures_util::FutureExt;
use poem_openapi::Object;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use self::turns::{current, settled, taken, takes_part};
use crate::auth::Actor;
use crate::change::Settings;
use crate::leaderboard::{Asked, leaderboard};
use crate::problem::{Code, Error, Refusal};
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write;
pub use routes::LeadDraftApi;

/// A draft to be opened.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct StartLeadDraft {
    /// The team whose reps take part, with those of the teams below it; by default your own.
    pub team_id: Option<Uuid>,
    /// First day of the period whose leaderboard gives the order; by default the first of the month.
    pub from: Option<Date>,
    /// Last day of it; by default today.
    pub to: Option<Date>,
    /// How many leads each may pick.
    #[oai(validator(minimum(value = "1"), maximum(value = "20")))]
    pub rounds: i32,
    /// After so many minutes a turn is passed over.
    #[oai(validator(minimum(value = "1"), maximum(value = "10080")))]
    pub turn_minutes: i32,
}

/// Most turns of one draft.
const MOST_TURNS: usize = 2_000;

/// Tenants with a turn whose time is up; `$1` now.
const TENANTS: &str = "SELECT tenant_id FROM lead_draft WHERE closed_at IS NULL AND turn_ends_at <= $1";

/// Opens a draft. A second one at the same time is refused when it is committed.
pub async fn start(state: &State, actor: &Actor, body: StartLeadDraft) -> Result<lead_draft::Model, Error> {
    if !actor.may_write || matches!(actor.role, entity::kind::Role::Rep) {
        return Err(Refusal::forbidden("Only a manager, an admin or an integration opens a draft.").into());
    }
    let asked = Asked { team_id: body.team_id, from: body.from, to: body.to };
    let board = leaderboard(state, actor, asked).await?;
    let rounds = 1..=body.rounds;
    let turns: Vec<DraftTurn> = rounds
        .flat_map(|round| {
            board.places.iter().map(move |place| DraftTurn {
                user_id: place.user_id,
                rank: place.rank,
                round,
                lead_id: None,
                is_passed: false,
            })
        })
        .collect();
    if turns.is_empty() {
        return Err(Refusal::invalid("/teamId", "This team has no rep who could pick.").into());
    }
    if turns.len() > MOST_TURNS {
        return Err(Refusal::invalid("/rounds", format!("Makes more than {MOST_TURNS} turns: ask for fewer.")).into());
    }
    write::whole(state, actor, move |work| {
        let (body, board, turns) = (body.clone(), board.clone(), turns.clone());
        async move {
            let settings = Settings::read(work).await?;
            if !settings.rules.leads.policies.contains(&GrantPolicy::Draft) {
                let detail =
                    "By the rules of your company, leads are not drafted. Add the policy to its rule set first.";
                return Err(Refusal::conflict(Code::Conflict, detail).into());
            }
            let ends = work.now.0 + chrono::TimeDelta::minutes(body.turn_minutes.into());
            let id = Uuid::now_v7();
            work.put(lead_draft::Model {
                tenant_id: work.actor.tenant_id,
                id,
                revision: 0,
                created_at: work.now,
                updated_at: work.now,
                deleted_at: None,
                team_id: board.team_id,
                from_on: board.from,
                to_on: board.to,
                turn_minutes: body.turn_minutes,
                turns: DraftTurns { turns },
                turn: 0,
                turn_ends_at: Some(ends.into()),
                closed_at: None,
            });
            Ok(work.stored::<lead_draft::Model>(id)?)
        }
        .boxed()
    })
    .await
}

/// Closes a draft before its last turn.
pub async fn close(work: &mut UnitOfWork, id: Uuid) -> Result<lead_draft::Model, Error> {
    work.load::<lead_draft::Model>([id]).await?;
    work.look([id]).await?;
    let draft = work.visible::<lead_draft::Model>(id)?;
    super::create::fills_the_pool(work)?;
    if !work.actor.may_write {
        return Err(Refusal::forbidden("This API key may only read. Use a key with the scope `write`.").into());
    }
    if draft.closed_at.is_some() {
        return Err(Refusal::conflict(Code::Conflict, "This draft is closed already.").into());
    }
    let now = Some(work.now);
    work.put(lead_draft::Model { closed_at: now, turn_ends_at: None, ..draft });
    Ok(work.stored::<lead_draft::Model>(id)?)
}

/// Reads and locks the open draft, for who is about to pick.
pub async fn load(work: &mut UnitOfWork) -> Result<(), DbErr> {
    work.load_where::<lead_draft::Model>("closed_at IS NULL", []).await
}

/// The user's rank if it is his turn, nothing if he takes part in no draft, a refusal if it is somebody else's turn.
pub fn turn_of(work: &UnitOfWork, user_id: Uuid) -> Result<Option<(lead_draft::Model, i32)>, Refusal> {
    let open = work.live::<lead_draft::Model>().cloned().map(|draft| settled(draft, work.now));
    let Some(draft) = open.into_iter().find(|draft| draft.closed_at.is_none() && takes_part(draft, user_id)) else {
        return Ok(None);
    };
    match current(&draft) {
        Some(turn) if turn.user_id == user_id => {
            let rank = turn.rank;
            Ok(Some((draft, rank)))
        }
        _ => {
            let ends = draft.turn_ends_at.map(|ends| format!(" It ends at {ends}.")).unwrap_or_default();
            let detail = format!("A draft is open, and it is a colleague's turn.{ends} Pick in yours.");
            Err(Refusal::conflict(Code::Locked, detail))
        }
    }
}

/// The turn ends with this lead.
pub fn take(work: &mut UnitOfWork, draft: lead_draft::Model, lead_id: Uuid) {
    let next = taken(draft, lead_id, work.now);
    work.put(next);
}

/// Passes over the turns whose time is up, in every tenant. Returns how many.
pub async fn pass(state: &State) -> Result<usize, Error> {
    let now: Timestamp = state.clock.now();
    let rows =
        state.db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, [now.into()])).await?;
    let mut passed = 0;
    for row in rows {
        passed += pass_in(state, row.try_get_by_index(0)?).await?;
    }
    Ok(passed)
}

/// Likewise in one tenant.
pub async fn pass_in(state: &State, tenant_id: Uuid) -> Result<usize, Error> {
    write::whole(state, &Actor::system(tenant_id), |work| {
        async move {
            load(work).await?;
            let open: Vec<lead_draft::Model> = work.live::<lead_draft::Model>().cloned().collect();
            let mut passed = 0;
            for draft in open {
                let next = settled(draft.clone(), work.now);
                passed += usize::from(next != draft);
                work.put(next);
            }
            Ok(passed)
        }
        .boxed()
    })
    .await
}
