//! A new user. He cannot log in before he has a password or an invitation, which `auth` gives.

use entity::kind::{Locale, Role};
use entity::scalar::{Email, Line};
use entity::{team, user};
use uuid::Uuid;

use crate::problem::{Error, Refusal};
use crate::work::UnitOfWork;

/// What is known of a user at first.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: Email,
    pub name: Line,
    pub role: Role,
    pub locale: Locale,
    /// `None`: the team above all others.
    pub team: Option<TeamName>,
    pub external_id: Option<String>,
}

/// How a team is named: by its id, or by the name that people use.
#[derive(Clone, Debug)]
pub enum TeamName {
    Id(Uuid),
    Name(String),
}

/// Stages the user. An e-mail address that another user has is refused when the work is committed.
pub async fn create(work: &mut UnitOfWork, new: NewUser) -> Result<user::Model, Error> {
    work.lock_teams().await?;
    let team_id = find_team(work, new.team.as_ref()).await?;
    let id = Uuid::now_v7();
    let user = user::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 1,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        team_id,
        email: new.email.0,
        name: new.name.0,
        role: new.role,
        locale: new.locale,
        disabled_at: None,
        external_id: new.external_id,
    };
    work.put(user.clone());
    Ok(user)
}

async fn find_team(work: &mut UnitOfWork, wanted: Option<&TeamName>) -> Result<Uuid, Error> {
    match wanted {
        None => work.load_where::<team::Model>("parent_id IS NULL", []).await?,
        Some(TeamName::Id(id)) => work.load::<team::Model>([*id]).await?,
        Some(TeamName::Name(name)) => work.load_where::<team::Model>("name = $2", [name.clone().into()]).await?,
    }
    let fits = |team: &&team::Model| match wanted {
        None => team.parent_id.is_none(),
        Some(TeamName::Id(id)) => team.id == *id,
        Some(TeamName::Name(name)) => team.name == *name,
    };
    let mut found = work.live::<team::Model>().filter(fits).map(|team| team.id);
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(Refusal::invalid("/teamId", "There is no such team.").into()),
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("/teamId", "Several teams fit: give the id of the one meant.").into())
        }
    }
}
