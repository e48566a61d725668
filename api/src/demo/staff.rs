//! The demo's people: regions, teams, managers, reps and an administrator, made as an administrator makes them.

use entity::kind::{Locale, Role};
use entity::scalar::Email;
use uuid::Uuid;

use super::dice::Dice;
use super::names::person;
use super::places::{Bilingual, City, REGIONS};
use super::{ADMIN, line};
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::team::change::{CreateTeam, create as create_team};
use crate::user::create::{NewUser, TeamName, create as create_user};
use crate::work::UnitOfWork;

/// Who works in the demo.
pub struct Staff {
    pub everybody: Vec<Uuid>,
    pub admin: Uuid,
    pub managers: Vec<Uuid>,
    pub reps: Vec<Rep>,
}

/// A rep, with what his year depends on.
#[derive(Clone, Copy)]
pub struct Rep {
    pub user_id: Uuid,
    /// Place in the list of teams.
    pub team: usize,
    /// Writes English; the others write Chinese.
    pub english: bool,
    pub cities: &'static [City],
}

/// Makes `reps` of them, spread over the teams, and a manager a team.
pub async fn hire(past: &State, tenant_id: Uuid, dice: &mut Dice, reps: usize) -> Result<Staff, Error> {
    let mut work = UnitOfWork::begin(past, &Actor::system(tenant_id)).await?;
    let admin = user(ADMIN, person(dice, true), Role::Admin, true, None)?;
    let admin = create_user(&mut work, admin).await?.id;
    let mut staff = Staff { everybody: vec![admin], admin, managers: Vec::new(), reps: Vec::new() };
    let mut teams = Vec::new();
    for region in &REGIONS {
        let above = create_team(&mut work, &team(region.name, None)).await?;
        for below in &region.teams {
            teams.push((create_team(&mut work, &team(below.name, Some(above.id))).await?.id, below.cities));
        }
    }
    for (number, &(team_id, _)) in teams.iter().enumerate() {
        let english = number % 3 == 1;
        let email = format!("manager{}@demo.example", number + 1);
        let manager = user(&email, person(dice, english), Role::Manager, english, Some(team_id))?;
        staff.managers.push(create_user(&mut work, manager).await?.id);
    }
    for number in 0..reps {
        let (english, team) = (number % 4 == 3, number % teams.len());
        let (team_id, cities) = teams[team];
        let email = format!("rep{}@demo.example", number + 1);
        let rep = user(&email, person(dice, english), Role::Rep, english, Some(team_id))?;
        let user_id = create_user(&mut work, rep).await?.id;
        staff.reps.push(Rep { user_id, team, english, cities });
    }
    work.commit().await?;
    staff.everybody.extend(staff.managers.iter().copied().chain(staff.reps.iter().map(|rep| rep.user_id)));
    Ok(staff)
}

fn team((en, zh): Bilingual, parent_id: Option<Uuid>) -> CreateTeam {
    CreateTeam { name: line(format!("{zh} {en}")), parent_id, external_id: None }
}

fn user(email: &str, name: String, role: Role, english: bool, team: Option<Uuid>) -> Result<NewUser, Refusal> {
    Ok(NewUser {
        email: Email::parse(email).map_err(|fault| Refusal::invalid("/email", fault))?,
        name: line(name),
        role,
        locale: if english { Locale::En } else { Locale::Zh },
        team: team.map(TeamName::Id),
        external_id: None,
    })
}
