//! What an admin changes about a user: name, role, team, locale, and whether he may log in. What comes into view for
//! him, and for who leads him, follows in the same commit.

use entity::kind::{Locale, Role};
use entity::scalar::Line;
use entity::{team, user};
use poem_openapi::Object;
use uuid::Uuid;

use crate::auth::session;
use crate::problem::{Error, Refusal};
use crate::work::UnitOfWork;
use crate::write::at_revision;

/// What may be set on a user.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateUser {
    pub name: Option<Line>,
    /// `rep`, `manager` or `admin`; integrations are made by `createApiKey`.
    pub role: Option<Role>,
    pub team_id: Option<Uuid>,
    pub locale: Option<Locale>,
    /// True ends the user's sessions and lets him in no more; false lets him log in again.
    pub disabled: Option<bool>,
}

/// Sets what is present. `expected`: the revision that `If-Match` names. After the commit, `Identity::forget` the user.
pub async fn update(
    work: &mut UnitOfWork,
    id: Uuid,
    edit: &UpdateUser,
    expected: Option<i32>,
) -> Result<user::Model, Error> {
    work.actor.must_be_admin()?;
    work.lock_teams().await?;
    work.load::<user::Model>([id]).await?;
    work.load::<team::Model>(edit.team_id).await?;
    let before = work.visible::<user::Model>(id)?;
    at_revision(&before, expected)?;
    keeps_himself(work, &before, edit)?;
    may_be(&before, edit.role)?;

    let mut user = before.clone();
    if let Some(name) = edit.name.clone() {
        user.name = name.into();
    }
    user.role = edit.role.unwrap_or(user.role);
    user.locale = edit.locale.unwrap_or(user.locale);
    if let Some(team_id) = edit.team_id {
        work.visible::<team::Model>(team_id).map_err(|_| Refusal::invalid("/teamId", "There is no such team."))?;
        user.team_id = team_id;
    }
    match edit.disabled {
        Some(true) => user.disabled_at = user.disabled_at.or(Some(work.now)),
        Some(false) => user.disabled_at = None,
        None => {}
    }
    if user.disabled_at.is_some() && before.disabled_at.is_none() {
        session::end_all(work.connection(), work.actor.tenant_id, id, None, work.now).await?;
    }
    work.put(user);
    Ok(work.stored(id)?)
}

/// Whoever could lock himself out might be the last who could let anybody in.
fn keeps_himself(work: &UnitOfWork, user: &user::Model, edit: &UpdateUser) -> Result<(), Refusal> {
    if user.id != work.actor.user_id {
        return Ok(());
    }
    if edit.disabled == Some(true) {
        return Err(Refusal::forbidden("You cannot disable yourself. Ask another administrator."));
    }
    if edit.role.is_some_and(|role| role != user.role) {
        return Err(Refusal::forbidden("You cannot change your own role. Ask another administrator."));
    }
    Ok(())
}

/// Programs are not people: neither becomes the other.
pub fn may_be(user: &user::Model, role: Option<Role>) -> Result<(), Refusal> {
    match role {
        Some(role) if role != user.role && (role == Role::Integration || user.role == Role::Integration) => {
            Err(Refusal::invalid("/role", "An integration is made together with its API key: POST /v1/api-keys."))
        }
        _ => Ok(()),
    }
}
