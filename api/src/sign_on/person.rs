//! Which user somebody is whom the provider has proven: found by who he is there, the first time by his address, or made.

use entity::kind::Role;
use entity::scalar::{Email, Line};
use entity::{team, user};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::admit::{Denied, Given, Told, proven_email};
use super::settings::Provider;
use crate::problem::{Error, Refusal};
use crate::user::create::{NewUser, TeamName, create};
use crate::work::UnitOfWork;

/// What a name may have at most.
const LONGEST_NAME: usize = 200;

/// Stages what coming in changes of him, or makes him; his id.
pub async fn settle(
    work: &mut UnitOfWork,
    provider: &Provider,
    told: &Told,
    given: &Given,
) -> Result<Result<Uuid, Denied>, Error> {
    // Two who come for the first time at once, and two last administrators, come one after the other.
    work.lock_teams().await?;
    let team = match &given.team {
        Some(name) => match team_of(work, name).await? {
            Some(team) => Some(team),
            None => return Ok(Err(Denied::NoTeam(name.clone()))),
        },
        None => None,
    };
    let known = match known(work, provider, told).await? {
        Ok(known) => known,
        Err(denied) => return Ok(Err(denied)),
    };
    match known {
        Some(user) if user.disabled_at.is_some() || user.deleted_at.is_some() => Ok(Err(Denied::Disabled)),
        Some(user) if user.role == Role::Integration => Ok(Err(Denied::Integration)),
        Some(user) => {
            let id = user.id;
            remap(work, user, given.role, team).await?;
            Ok(Ok(id))
        }
        None => made(work, provider, told, given.role, team).await,
    }
}

/// `None`: he is nobody yet.
async fn known(
    work: &mut UnitOfWork,
    provider: &Provider,
    told: &Told,
) -> Result<Result<Option<user::Model>, Denied>, Error> {
    let linked = "SELECT user_id FROM user_identity WHERE tenant_id = $1 AND issuer = $2 AND subject = $3";
    let values: [Value; 2] = [provider.issuer.clone().into(), told.subject.clone().into()];
    if let Some(row) = work.connection().query_one_raw(work.statement(linked, values)).await? {
        let id: Uuid = row.try_get_by_index(0)?;
        work.load::<user::Model>([id]).await?;
        return Ok(Ok(Some(work.stored(id)?)));
    }
    let email = match proven_email(&provider.rules, told) {
        Ok(email) => email,
        Err(denied) => return Ok(Err(denied)),
    };
    work.load_where::<user::Model>("email = $2", [email.into()]).await?;
    let Some(user) = work.live::<user::Model>().find(|user| user.email == email).cloned() else {
        return Ok(Ok(None));
    };
    let other = "SELECT 1 FROM user_identity WHERE tenant_id = $1 AND issuer = $2 AND user_id = $3";
    let values: [Value; 2] = [provider.issuer.clone().into(), user.id.into()];
    Ok(match work.connection().query_one_raw(work.statement(other, values)).await? {
        Some(_) => Err(Denied::OtherIdentity),
        None => Ok(Some(user)),
    })
}

/// The one team of this name.
async fn team_of(work: &mut UnitOfWork, name: &str) -> Result<Option<Uuid>, Error> {
    work.load_where::<team::Model>("name = $2", [name.into()]).await?;
    let mut found = work.live::<team::Model>().filter(|team| team.name == name).map(|team| team.id);
    Ok(match (found.next(), found.next()) {
        (Some(id), None) => Some(id),
        _ => None,
    })
}

async fn remap(
    work: &mut UnitOfWork,
    before: user::Model,
    role: Option<Role>,
    team: Option<Uuid>,
) -> Result<(), Error> {
    let mut user = before.clone();
    user.role = role.unwrap_or(user.role);
    user.team_id = team.unwrap_or(user.team_id);
    if before.role == Role::Admin && user.role != Role::Admin && is_last_admin(work, user.id).await? {
        tracing::warn!(tenant = %user.tenant_id, user = %user.id, "the last administrator stays one, whatever his groups say");
        user.role = Role::Admin;
    }
    if user != before {
        work.put(user);
    }
    Ok(())
}

/// A mapping that is wrong must not leave a company without anybody who could set it right.
async fn is_last_admin(work: &UnitOfWork, id: Uuid) -> Result<bool, Error> {
    let others = work.fetch::<user::Model>("role = 'admin' AND disabled_at IS NULL AND id <> $2 LIMIT 1", [id.into()]);
    Ok(others.await?.is_empty())
}

async fn made(
    work: &mut UnitOfWork,
    provider: &Provider,
    told: &Told,
    role: Option<Role>,
    team: Option<Uuid>,
) -> Result<Result<Uuid, Denied>, Error> {
    let Some(role) = role.or(provider.rules.default_role).filter(|_| provider.rules.just_in_time) else {
        return Ok(Err(Denied::NotInvited));
    };
    let unproven = |_| Refusal::unauthorized("The identity provider tells no address.");
    let email = proven_email(&provider.rules, told).map_err(unproven)?;
    let email = Email::parse(email).map_err(Error::Internal)?;
    let new = NewUser {
        name: name(told.name.as_deref(), &email.0)?,
        email,
        role,
        locale: told.locale,
        team: team.map(TeamName::Id),
        external_id: None,
    };
    Ok(Ok(create(work, new).await?.id))
}

/// What he is called there, as far as it is a name; else what his address begins with.
fn name(told: Option<&str>, email: &str) -> Result<Line, Error> {
    let seen = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>();
    let told = told.and_then(|told| Line::parse(&seen(told)).ok());
    told.map_or_else(|| Line::parse(email.split('@').next().unwrap_or(email)).map_err(Error::Internal), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_has_a_name() {
        let long = "x".repeat(300);
        for (told, named) in [
            (Some("Lin Wei"), "Lin Wei"),
            (Some("王\u{7}芳"), "王芳"),
            (Some("   "), "lin.wei"),
            (Some(""), "lin.wei"),
            (None, "lin.wei"),
            (Some(long.as_str()), &long[..200]),
        ] {
            assert_eq!(name(told, "lin.wei@example.com").expect("a name").0, named, "{told:?}");
        }
    }
}
