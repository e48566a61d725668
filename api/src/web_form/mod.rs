//! Web forms: a site's server hands on what visitors typed, signed with the form's secret, and each becomes a lead.
//!
//! Here is where forms are kept; `signature` decides what is authentic, `routes` takes it. A form is no record: phones
//! have no use for it.

pub mod routes;
pub mod signature;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::scalar::{Line, Timestamp};
use poem_openapi::Object;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use crate::auth::Secret;
use crate::problem::{Error, Refusal};
pub use routes::WebFormApi;

/// The most that a list shows; a tenant has a handful.
const LISTED: i64 = 1000;

/// A form, without its secret.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct WebForm {
    /// Goes into the path of a submission.
    pub form_id: String,
    pub name: String,
    /// The source of its leads.
    pub source: String,
    /// The region of its leads that name none.
    pub region: Option<String>,
    pub created_at: Timestamp,
    /// Since when it takes no more submissions.
    pub revoked_at: Option<Timestamp>,
}

/// The tenant's forms.
#[derive(Object, Clone, Debug)]
pub struct WebFormList {
    /// The newest first, at most 1,000, revoked ones among them.
    pub items: Vec<WebForm>,
}

/// A form to be made.
#[derive(Object, Clone, Debug)]
#[oai(deny_unknown_fields)]
pub struct CreateWebForm {
    /// What it is for.
    pub name: Line,
    /// The source of its leads, such as `web`.
    pub source: Line,
    /// The region of its leads that name none.
    pub region: Option<Line>,
}

/// A form just made.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase")]
pub struct CreatedWebForm {
    /// Signs submissions. Keep it on your server, out of the page: it is not to be had again.
    pub secret: Secret,
    pub web_form: WebForm,
}

/// How a path names a form: together with its tenant, because every statement names its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormId {
    pub tenant_id: Uuid,
    pub id: Uuid,
}

const PREFIX: &str = "wpf_";

impl FormId {
    /// Reads one; `None` for anything that we never gave out.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, tenant_id) = bytes.split_at_checked(16)?;
        Some(FormId { tenant_id: Uuid::from_slice(tenant_id).ok()?, id: Uuid::from_slice(id).ok()? })
    }
}

impl std::fmt::Display for FormId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [*self.id.as_bytes(), *self.tenant_id.as_bytes()].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Makes a form.
pub async fn create(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    wanted: CreateWebForm,
    now: Timestamp,
) -> Result<CreatedWebForm, Error> {
    let form = FormId { tenant_id, id: Uuid::now_v7() };
    let secret = format!("wps_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    // The secret is kept as it is: to check a signature is to make it again.
    let sql = "INSERT INTO web_form (tenant_id, id, name, source, region, secret, created_at, revoked_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)";
    let values = [
        tenant_id.into(),
        form.id.into(),
        wanted.name.0.as_str().into(),
        wanted.source.0.as_str().into(),
        wanted.region.as_ref().map(|region| region.0.clone()).into(),
        secret.as_str().into(),
        now.into(),
    ];
    db.execute_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    let web_form = WebForm {
        form_id: form.to_string(),
        name: wanted.name.0,
        source: wanted.source.0,
        region: wanted.region.map(String::from),
        created_at: now,
        revoked_at: None,
    };
    Ok(CreatedWebForm { secret: Secret::new(secret), web_form })
}

pub async fn list(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<WebFormList, Error> {
    let sql = "SELECT id, name, source, region, created_at, revoked_at FROM web_form
               WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
    let values = [tenant_id.into(), LISTED.into()];
    let rows = db.query_all_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    Ok(WebFormList { items: rows.iter().map(|row| read(tenant_id, row)).collect::<Result<_, Error>>()? })
}

fn read(tenant_id: Uuid, row: &QueryResult) -> Result<WebForm, Error> {
    Ok(WebForm {
        form_id: FormId { tenant_id, id: row.try_get("", "id")? }.to_string(),
        name: row.try_get("", "name")?,
        source: row.try_get("", "source")?,
        region: row.try_get("", "region")?,
        created_at: row.try_get("", "created_at")?,
        revoked_at: row.try_get("", "revoked_at")?,
    })
}

/// Revokes a form; doing it again changes nothing. Its leads stay.
pub async fn revoke(db: &impl ConnectionTrait, form: FormId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE web_form SET revoked_at = COALESCE(revoked_at, $3) WHERE tenant_id = $1 AND id = $2";
    let values = [form.tenant_id.into(), form.id.into(), now.into()];
    let revoked = db.execute_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    if revoked.rows_affected() == 0 { Err(Refusal::not_found("web form").into()) } else { Ok(()) }
}

/// A form that takes submissions.
pub struct Open {
    pub secret: String,
    pub source: String,
    pub region: Option<String>,
}

pub async fn find(db: &impl ConnectionTrait, form: FormId) -> Result<Open, Error> {
    let sql = "SELECT secret, source, region FROM web_form WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL";
    let values = [form.tenant_id.into(), form.id.into()];
    let row = db.query_one_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    let row = row.ok_or_else(|| Refusal::not_found("web form"))?;
    Ok(Open {
        secret: row.try_get("", "secret")?,
        source: row.try_get("", "source")?,
        region: row.try_get("", "region")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_named_with_its_tenant() {
        let form = FormId { tenant_id: Uuid::now_v7(), id: Uuid::now_v7() };
        assert_eq!(FormId::parse(&form.to_string()), Some(form));
        for text in ["", "wpf_", "wpf_AAAA", "Walked", &form.to_string()[..40]] {
            assert_eq!(FormId::parse(text), None, "{text}");
        }
    }
}
