//! `waypost user …`

use std::io::read_to_string;

use clap::{Args, Subcommand, ValueEnum};
use entity::kind::{Locale, Role};
use entity::scalar::{Email, Line};
use uuid::Uuid;

use super::Outcome;
use super::home::with_state;
use crate::auth::invitation::LIFETIME;
use crate::auth::{Actor, Secret, credential, password};
use crate::config::Database;
use crate::problem::{Error, FieldError, Refusal};
use crate::state::State;
use crate::tenant;
use crate::user::create::{self, NewUser, TeamName};
use crate::user::reset_password;
use crate::work::UnitOfWork;

#[derive(Subcommand)]
pub(super) enum User {
    Create(Create),
    ResetPassword(ResetPassword),
}

/// Make a user
///
/// Prints an invitation, with which the user sets a password; or takes the password from standard input.
#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    who: Who,
    /// What the user is called
    #[arg(long, value_parser = Line::parse)]
    name: Line,
    /// What the user may do
    #[arg(long)]
    role: RoleName,
    /// The language that the user reads
    #[arg(long, default_value = "en")]
    locale: LocaleName,
    /// Name or id of the user's team; without it, the one above all others
    #[arg(long)]
    team: Option<String>,
    #[command(flatten)]
    database: Database,
}

/// Let a user in who has no password, or forgot it
///
/// Ends the user's sessions and prints an invitation, with which the user sets a new password; or takes the password
/// from standard input.
#[derive(Args)]
pub(super) struct ResetPassword {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    database: Database,
}

#[derive(Args)]
struct Who {
    /// The slug of the company
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// What the user logs in with
    #[arg(long, value_parser = Email::parse)]
    email: Email,
    /// Read the password from standard input, up to the end of the line, instead of printing an invitation
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Rep,
    Manager,
    Admin,
}

#[derive(Clone, Copy, ValueEnum)]
enum LocaleName {
    En,
    Zh,
}

impl User {
    pub(super) fn run(self) -> Outcome {
        match self {
            User::Create(create) => create.run(),
            User::ResetPassword(reset) => reset.run(),
        }
    }
}

impl Create {
    fn run(self) -> Outcome {
        let Create { who, name, role, locale, team, database } = self;
        let password = who.password()?;
        let new = NewUser {
            email: who.email.clone(),
            name,
            role: match role {
                RoleName::Rep => Role::Rep,
                RoleName::Manager => Role::Manager,
                RoleName::Admin => Role::Admin,
            },
            locale: match locale {
                LocaleName::En => Locale::En,
                LocaleName::Zh => Locale::Zh,
            },
            team: team.map(|name| name.parse().map_or(TeamName::Name(name), TeamName::Id)),
            external_id: None,
        };
        let (user, invitation) = with_state(&database, |state| async move {
            let tenant = tenant::by_slug(&state.db, &who.tenant).await?;
            who.check(password.as_ref())?;
            let mut work = UnitOfWork::begin(&state, &Actor::system(tenant.id)).await?;
            let user = create::create(&mut work, new).await?;
            work.commit().await?;
            let invitation = let_in(&state, tenant.id, user.id, password).await?;
            Ok((user, invitation))
        })?;
        println!("user  {}  {}  {}", user.id, user.role, user.email);
        tell(invitation.as_ref());
        Ok(())
    }
}

impl ResetPassword {
    fn run(self) -> Outcome {
        let ResetPassword { who, database } = self;
        let password = who.password()?;
        let invitation = with_state(&database, |state| async move {
            who.check(password.as_ref())?;
            let tenant = tenant::by_slug(&state.db, &who.tenant).await?;
            let user = credential::by_email(&state.db, tenant.id, &who.email.0).await?;
            let user = user.ok_or_else(|| Refusal::invalid("/email", "There is no such user."))?;
            let_in(&state, tenant.id, user.user_id, password).await
        })?;
        tell(invitation.as_ref());
        Ok(())
    }
}

impl Who {
    fn password(&self) -> Outcome<Option<Secret>> {
        if !self.password_stdin {
            return Ok(None);
        }
        let given = read_to_string(std::io::stdin())?;
        Ok(Some(Secret::new(given.lines().next().unwrap_or_default())))
    }

    /// Before anything is written, and by the name that the password has here.
    fn check(&self, password: Option<&Secret>) -> Result<(), Refusal> {
        let Some(password) = password else { return Ok(()) };
        password::check(password, &self.email.0, &self.tenant).map_err(|refusal| {
            let faults = refusal.errors.into_iter().map(|fault| FieldError::new("/passwordStdin", fault.detail));
            Refusal::fields(refusal.code, faults.collect())
        })
    }
}

/// By this password, or by the invitation that is answered.
async fn let_in(
    state: &State,
    tenant_id: Uuid,
    user_id: Uuid,
    password: Option<Secret>,
) -> Result<Option<Secret>, Error> {
    match password {
        Some(password) => reset_password::set(state, tenant_id, user_id, &password).await.map(|()| None),
        None => reset_password::invite(state, tenant_id, user_id).await.map(Some),
    }
}

fn tell(invitation: Option<&Secret>) {
    match invitation {
        None => println!("The password is set."),
        Some(token) => {
            println!("Invitation, good for {} days and not shown again:", LIFETIME.num_days());
            println!("  {}", token.expose());
            println!("The user sets a password with it:");
            println!("  POST /v1/auth/invitation  {{\"token\": \"…\", \"newPassword\": \"…\"}}");
        }
    }
}
