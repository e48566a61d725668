//! The three ways in which a password is given: to log in, to change it, to set it by an invitation.

use sea_orm::TransactionTrait;

use super::actor::Proof;
use super::address::Address;
use super::credential::{self, by_email, by_user, set_password};
use super::session::{self, SessionTokens};
use super::throttle::{self, Guess};
use super::{AcceptInvitation, ChangePassword, Login, invitation, password};
use crate::problem::{Error, Refusal};
use crate::state::State;

/// # Errors
/// 401 for a wrong tenant, e-mail address or password, without saying which; 403 for a disabled user who knows his
/// password; 429 for too many guesses.
pub async fn log_in(state: &State, login: Login, address: Address) -> Result<SessionTokens, Error> {
    let now = state.clock.now();
    let tenant_id = credential::tenant(&state.db, &login.tenant.0).await?;
    let guess = Guess::new(&login.tenant.0, tenant_id, &login.email.0, address);
    let attempt = guess.on(&state.db, login.device_token.as_ref()).await?.begin(&state.db, now).await?;
    let user = match tenant_id {
        Some(tenant_id) => by_email(&state.db, tenant_id, &login.email.0).await?.map(|user| (tenant_id, user)),
        None => None,
    };
    let hash = user.as_ref().and_then(|(_, user)| user.hash.clone());
    let right = state.identity.hasher.verify(&login.password, hash).await?;
    let (Some((tenant_id, user)), true) = (user, right) else {
        let detail = "Tenant, e-mail address or password is wrong.";
        return Err(Refusal::unauthorized(detail).into());
    };
    let known_device = attempt.succeed(&state.db, now).await?;
    if user.disabled_at.is_some() {
        return Err(Refusal::forbidden("This user has been disabled. Ask an administrator.").into());
    }
    let device = login.device_name.as_ref().map(|name| name.0.as_str());
    let tokens = session::open(&state.db, &state.identity, (tenant_id, user.user_id), device, now).await?;
    let device_token = match known_device {
        Some(token) => token,
        None => throttle::remember(&state.db, tenant_id, &user.email, now).await?,
    };
    Ok(SessionTokens { device_token: Some(device_token), ..tokens })
}

/// # Errors
/// 403 for an API key or a wrong current password, 422 for a new one that must not be one, 429 for too many guesses.
pub async fn change_password(
    state: &State,
    proof: Proof,
    change: ChangePassword,
    address: Address,
) -> Result<(), Error> {
    if proof.is_api_key {
        return Err(Refusal::forbidden("An API key has no password.").into());
    }
    let now = state.clock.now();
    let (tenant_id, user_id) = (proof.actor.tenant_id, proof.actor.user_id);
    let user = by_user(&state.db, tenant_id, user_id)
        .await?
        .ok_or_else(|| Refusal::unauthorized("This user no longer exists."))?;
    password::check(&change.new_password, &user.email, &user.slug)?;
    let guess = Guess::new(&user.slug, Some(tenant_id), &user.email, address).within(proof.session_id);
    let attempt = guess.begin(&state.db, now).await?;
    if !state.identity.hasher.verify(&change.current_password, user.hash).await? {
        return Err(Refusal::forbidden("The current password is wrong.").into());
    }
    attempt.succeed(&state.db, now).await?;
    let tx = state.db.begin().await?;
    set_password(&tx, &state.identity.hasher, tenant_id, user_id, &change.new_password, now).await?;
    session::end_all(&tx, tenant_id, user_id, Some(proof.session_id), now).await?;
    tx.commit().await?;
    state.identity.forget(tenant_id, user_id);
    Ok(())
}

/// # Errors
/// 401 for an invitation that is not good, 422 for a password that must not be one (the invitation stays good).
pub async fn accept_invitation(state: &State, accepted: AcceptInvitation) -> Result<SessionTokens, Error> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let (tenant_id, user_id) = invitation::redeem(&tx, &accepted.token, now).await?;
    set_password(&tx, &state.identity.hasher, tenant_id, user_id, &accepted.new_password, now).await?;
    session::end_all(&tx, tenant_id, user_id, None, now).await?;
    let device = accepted.device_name.as_ref().map(|name| name.0.as_str());
    let tokens = session::open(&tx, &state.identity, (tenant_id, user_id), device, now).await?;
    let user = by_user(&tx, tenant_id, user_id).await?.ok_or_else(|| Error::Internal("no invited user".into()))?;
    let device_token = throttle::remember(&tx, tenant_id, &user.email, now).await?;
    tx.commit().await?;
    state.identity.forget(tenant_id, user_id);
    Ok(SessionTokens { device_token: Some(device_token), ..tokens })
}
