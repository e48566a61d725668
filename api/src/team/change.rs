//! Making, renaming, moving and deleting teams. All under one lock, since what holds (one top, no circle, nobody left in
//! a deleted team) holds for the tree as a whole.

use entity::scalar::Line;
use entity::{team, user};
use poem_openapi::Object;
use uuid::Uuid;

use crate::problem::{Code, Error, Refusal};
use crate::work::UnitOfWork;
use crate::write::at_revision;

/// A team to be made.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTeam {
    pub name: Line,
    /// The team above; by default the one above all others.
    pub parent_id: Option<Uuid>,
    /// The id that another system knows this team by; unique within the tenant.
    pub external_id: Option<Line>,
}

/// What may be set on a team.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateTeam {
    pub name: Option<Line>,
    /// Moves the team, with all below it, under another one.
    pub parent_id: Option<Uuid>,
}

pub async fn create(work: &mut UnitOfWork, new: &CreateTeam) -> Result<team::Model, Error> {
    load(work).await?;
    let top = work.live::<team::Model>().find(|team| team.parent_id.is_none()).map(|team| team.id);
    let parent_id = match new.parent_id {
        Some(id) => Some(parent(work, id)?),
        None => top,
    };
    let id = Uuid::now_v7();
    work.put(team::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        name: new.name.0.clone(),
        parent_id,
        external_id: new.external_id.clone().map(String::from),
    });
    Ok(work.stored(id)?)
}

/// Sets what is present. `expected`: the revision that `If-Match` names.
pub async fn update(
    work: &mut UnitOfWork,
    id: Uuid,
    edit: &UpdateTeam,
    expected: Option<i32>,
) -> Result<team::Model, Error> {
    load(work).await?;
    let mut team = work.visible::<team::Model>(id)?;
    at_revision(&team, expected)?;
    if let Some(name) = edit.name.clone() {
        team.name = name.into();
    }
    if let Some(parent_id) = edit.parent_id {
        if team.parent_id.is_none() {
            return Err(Refusal::invalid("/parentId", "The team above all others stays there.").into());
        }
        if above(work, parent(work, parent_id)?).any(|above| above == id) {
            return Err(Refusal::invalid("/parentId", "A team cannot be moved under itself.").into());
        }
        team.parent_id = Some(parent_id);
    }
    work.put(team);
    Ok(work.stored(id)?)
}

pub async fn delete(work: &mut UnitOfWork, id: Uuid, expected: Option<i32>) -> Result<(), Error> {
    load(work).await?;
    let team = work.visible::<team::Model>(id)?;
    at_revision(&team, expected)?;
    if team.parent_id.is_none() {
        return Err(Refusal::conflict(Code::Conflict, "The team above all others stays.").into());
    }
    let has_teams = work.live::<team::Model>().any(|below| below.parent_id == Some(id));
    if has_teams || !work.fetch::<user::Model>("team_id = $2 LIMIT 1", [id.into()]).await?.is_empty() {
        let detail =
            "Users or teams are still in this team, disabled ones among them. Move them to another team first.";
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    work.bury::<team::Model>(id);
    Ok(())
}

/// The whole tree, locked; for admins.
async fn load(work: &mut UnitOfWork) -> Result<(), Error> {
    work.actor.must_be_admin()?;
    work.lock_teams().await?;
    Ok(work.load_where::<team::Model>("TRUE", []).await?)
}

fn parent(work: &UnitOfWork, id: Uuid) -> Result<Uuid, Refusal> {
    let known = work.live::<team::Model>().any(|team| team.id == id);
    known.then_some(id).ok_or_else(|| Refusal::invalid("/parentId", "There is no such team."))
}

/// The team itself and those above it, upwards.
fn above(work: &UnitOfWork, id: Uuid) -> impl Iterator<Item = Uuid> {
    std::iter::successors(Some(id), |id| work.get::<team::Model>(*id)?.parent_id)
}
