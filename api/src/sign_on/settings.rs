//! Where a tenant's identity provider is kept, and what it must be like. It is no record: phones have no use for it.

use std::collections::BTreeSet;

use entity::kind::Role;
use entity::scalar::Timestamp;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use super::admit::{Mapping, Rules};
use super::wire::{IdentityProvider, RoleMapping, SetIdentityProvider};
use super::{ask, callback};
use crate::auth::Secret;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::state::State;

/// Asked for beside `openid`, unless others are named.
const SCOPES: [&str; 2] = ["email", "profile"];

/// A tenant's provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What people call it.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// None: a public client.
    pub client_secret: Option<Secret>,
    pub scopes: Vec<String>,
    pub rules: Rules,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Provider {
    /// Without its secret.
    pub fn shown(self, state: &State) -> IdentityProvider {
        let Rules { claim, mappings, default_role, allowed_domains, just_in_time, assume_verified } = self.rules;
        IdentityProvider {
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            has_secret: self.client_secret.is_some(),
            scopes: self.scopes,
            claim,
            mappings: mappings.iter().map(RoleMapping::from).collect(),
            default_role,
            allowed_domains,
            just_in_time,
            assume_verified,
            redirect_uri: callback(state),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

const COLUMNS: &str = "name, issuer, client_id, client_secret, scopes, claim, mappings, default_role, allowed_domains, \
                       just_in_time, assume_verified, created_at, updated_at";

fn read(row: &QueryResult) -> Result<Provider, Error> {
    let unreadable = |what: &str| Error::Internal(format!("a tenant's identity provider has an unreadable {what}"));
    let mappings: serde_json::Value = row.try_get("", "mappings")?;
    let default_role: Option<String> = row.try_get("", "default_role")?;
    let rules = Rules {
        claim: row.try_get("", "claim")?,
        mappings: serde_json::from_value(mappings).map_err(|_| unreadable("mapping"))?,
        default_role: default_role.map(|role| Role::parse(&role).ok_or_else(|| unreadable("role"))).transpose()?,
        allowed_domains: row.try_get("", "allowed_domains")?,
        just_in_time: row.try_get("", "just_in_time")?,
        assume_verified: row.try_get("", "assume_verified")?,
    };
    Ok(Provider {
        name: row.try_get("", "name")?,
        issuer: row.try_get("", "issuer")?,
        client_id: row.try_get("", "client_id")?,
        client_secret: row.try_get::<Option<String>>("", "client_secret")?.map(Secret::new),
        scopes: row.try_get("", "scopes")?,
        rules,
        created_at: row.try_get("", "created_at")?,
        updated_at: row.try_get("", "updated_at")?,
    })
}

/// The tenant's provider, if it has one.
pub async fn find(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<Option<Provider>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM identity_provider WHERE tenant_id = $1");
    let row = db.query_one_raw(Statement::from_sql_and_values(Postgres, sql, [tenant_id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// What the button of a tenant says that has a provider; `None` for other tenants, and for no tenant at all.
pub async fn name_of(db: &impl ConnectionTrait, slug: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT p.name FROM tenant t JOIN identity_provider p ON p.tenant_id = t.id WHERE t.slug = $1";
    let row = db.query_one_raw(Statement::from_sql_and_values(Postgres, sql, [slug.into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Keeps it in place of the one before, once it was found.
///
/// # Errors
/// 422 for what cannot be, and for a provider that cannot be found.
pub async fn set(state: &State, tenant_id: Uuid, wanted: SetIdentityProvider) -> Result<Provider, Error> {
    state.outbox.reach.judge(&wanted.issuer).map_err(|wrong| Refusal::invalid("/issuer", wrong))?;
    let scopes = scopes(wanted.scopes)?;
    let rules = Rules {
        claim: wanted.claim.map(String::from),
        mappings: wanted.mappings.unwrap_or_default().into_iter().map(Mapping::from).collect(),
        default_role: wanted.default_role,
        allowed_domains: wanted.allowed_domains.unwrap_or_default().into_iter().map(|d| d.0.to_lowercase()).collect(),
        just_in_time: wanted.just_in_time.unwrap_or(false),
        assume_verified: wanted.assume_verified.unwrap_or(false),
    };
    let mut faults = faults(&rules);
    faults.extend(unknown_teams(&state.db, tenant_id, &rules.mappings).await?);
    if !faults.is_empty() {
        return Err(Refusal::fields(Code::Validation, faults).into());
    }
    let found = ask::discover_again(state, &wanted.issuer).await;
    found.map_err(|unusable| Refusal::invalid("/issuer", format!("This provider cannot be used: {unusable}.")))?;
    let now = state.clock.now();
    // A secret goes to whom it was meant for: another issuer has to be told it anew.
    let sql = format!(
        "INSERT INTO identity_provider AS p (tenant_id, {COLUMNS})
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $13)
         ON CONFLICT (tenant_id) DO UPDATE SET
             client_secret = CASE
                 WHEN $5::text IS NULL AND p.issuer = $3 AND p.client_id = $4 THEN p.client_secret ELSE $5::text END,
             name = $2, issuer = $3, client_id = $4, scopes = $6, claim = $7, mappings = $8::jsonb, default_role = $9,
             allowed_domains = $10, just_in_time = $11, assume_verified = $12, updated_at = $13
         RETURNING {COLUMNS}"
    );
    let mappings = serde_json::to_value(&rules.mappings)
        .map_err(|cause| Error::Internal(format!("mappings cannot be written: {cause}")))?;
    let values = [
        tenant_id.into(),
        wanted.name.0.into(),
        wanted.issuer.into(),
        wanted.client_id.0.into(),
        wanted.client_secret.as_ref().map(|secret| secret.expose().to_owned()).into(),
        scopes.into(),
        rules.claim.into(),
        mappings.into(),
        rules.default_role.map(|role| role.as_str().to_owned()).into(),
        rules.allowed_domains.into(),
        rules.just_in_time.into(),
        rules.assume_verified.into(),
        now.into(),
    ];
    let row = state.db.query_one_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    read(&row.ok_or_else(|| Error::Internal("an identity provider was kept and is not there".into()))?)
}

/// # Errors
/// 404 if there is none.
pub async fn remove(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<(), Error> {
    let sql = "DELETE FROM identity_provider WHERE tenant_id = $1";
    match db.execute_raw(Statement::from_sql_and_values(Postgres, sql, [tenant_id.into()])).await?.rows_affected() {
        0 => Err(Refusal::not_found("identity provider").into()),
        _ => Ok(()),
    }
}

/// As RFC 6749 spells a scope; `openid` is asked for anyway.
fn scopes(wanted: Option<Vec<String>>) -> Result<Vec<String>, Refusal> {
    let Some(wanted) = wanted else { return Ok(SCOPES.map(str::to_owned).to_vec()) };
    let is_scope = |text: &str| {
        (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && !br#""\"#.contains(&byte))
    };
    match wanted.iter().position(|scope| !is_scope(scope)) {
        Some(at) => Err(Refusal::invalid(
            format!("/scopes/{at}"),
            "Must be a scope such as `groups`: 1 to 100 visible ASCII characters without quotes and backslashes.",
        )),
        None => Ok(wanted.into_iter().filter(|scope| scope != "openid").collect()),
    }
}

fn faults(rules: &Rules) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut wrong = |pointer: String, detail: &str| faults.push(FieldError::new(pointer, detail));
    for (at, mapping) in rules.mappings.iter().enumerate() {
        if mapping.role == Some(Role::Integration) {
            wrong(
                format!("/mappings/{at}/role"),
                "Integrations come with their API keys: choose rep, manager or admin.",
            );
        }
        if mapping.role.is_none() && mapping.team.is_none() {
            wrong(format!("/mappings/{at}"), "Must give a role, a team, or both.");
        }
    }
    if rules.default_role == Some(Role::Integration) {
        wrong("/defaultRole".into(), "Integrations come with their API keys: choose rep, manager or admin.");
    }
    if rules.claim.is_none() && !rules.mappings.is_empty() {
        wrong("/claim".into(), "Must name the claim whose values the mappings are about, such as `groups`.");
    }
    if rules.claim.is_some() && rules.default_role.is_none() && rules.mappings.iter().all(|m| m.role.is_none()) {
        wrong("/mappings".into(), "Nobody could come in: map a value to a role, or set defaultRole.");
    }
    if rules.just_in_time && rules.claim.is_none() && rules.default_role.is_none() {
        wrong("/defaultRole".into(), "Must say what new users become, as no claim does.");
    }
    for (at, domain) in rules.allowed_domains.iter().enumerate() {
        let is_domain = domain.contains('.') && !domain.contains(|c: char| c == '@' || c.is_whitespace());
        if !is_domain {
            wrong(format!("/allowedDomains/{at}"), "Must be a domain such as example.com.");
        }
    }
    if rules.assume_verified && rules.allowed_domains.is_empty() {
        wrong("/allowedDomains".into(), "Must name the company's domains where addresses are believed unproven.");
    }
    faults
}

async fn unknown_teams(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    mappings: &[Mapping],
) -> Result<Vec<FieldError>, Error> {
    let names: BTreeSet<String> = mappings.iter().filter_map(|mapping| mapping.team.clone()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT name FROM team WHERE tenant_id = $1 AND deleted_at IS NULL AND name = ANY($2)";
    let names: Vec<String> = names.into_iter().collect();
    let rows =
        db.query_all_raw(Statement::from_sql_and_values(Postgres, sql, [tenant_id.into(), names.into()])).await?;
    let known = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    let fault = |(at, mapping): (usize, &Mapping)| {
        let team = mapping.team.as_ref()?;
        let detail = match known.iter().filter(|name| *name == team).count() {
            0 => "There is no team of this name.",
            1 => return None,
            _ => "Several teams have this name: rename them, or leave it out.",
        };
        Some(FieldError::new(format!("/mappings/{at}/team"), detail))
    };
    Ok(mappings.iter().enumerate().filter_map(fault).collect())
}
