//! The settings of a tenant. Its row is no record: phones learn its time zone when they log in.

use chrono_tz::Tz;
use entity::scalar::Line;
use entity::shape::TimePolicy;
use entity::tenant;
use poem_openapi::Object;
use sea_orm::FromQueryResult;

use crate::problem::{Error, Refusal};
use crate::rule_set::bundle;
use crate::state::State;
use crate::work::UnitOfWork;

/// What may be set on a tenant.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateTenant {
    pub name: Option<Line>,
    /// IANA name of the zone whose midnight ends the tenant's days, such as `Asia/Shanghai`.
    pub time_zone: Option<Line>,
    /// How the reps' time with customers is to be shared out; the three add up to 100.
    pub time_policy: Option<TimePolicy>,
}

/// Sets what is present; for admins. With the zone, what phones score by is signed anew, and days are counted anew.
pub async fn update(work: &mut UnitOfWork, state: &State, edit: &UpdateTenant) -> Result<tenant::Model, Error> {
    work.actor.must_be_admin()?;
    let zone = edit.time_zone.as_ref().map(|zone| zone.0.parse::<Tz>()).transpose();
    let zone = zone.map_err(|_| Refusal::invalid("/timeZone", "Must be an IANA time zone such as Asia/Shanghai."))?;
    if let Some(TimePolicy { key, ordinary, potential }) = edit.time_policy
        && key + ordinary + potential != 100
    {
        let detail =
            format!("Must add up to 100; {key}, {ordinary} and {potential} are {}.", key + ordinary + potential);
        return Err(Refusal::invalid("/timePolicy", detail).into());
    }
    let sql = "UPDATE tenant SET name = coalesce($2, name), time_zone = coalesce($3, time_zone), \
                      time_policy = coalesce($4::jsonb, time_policy) WHERE id = $1 \
               RETURNING id, slug, name, time_zone, created_at, time_policy";
    let policy = edit.time_policy.map(|policy| serde_json::json!(policy).to_string());
    let values = [edit.name.clone().map(String::from).into(), zone.map(|zone| zone.name()).into(), policy.into()];
    let updated = tenant::Model::find_by_statement(work.statement(sql, values)).one(work.connection()).await?;
    if zone.is_some() {
        work.count_days_anew().await?;
        bundle::renew(work, state).await?;
    }
    updated.ok_or_else(|| Error::Internal(format!("tenant {} has no row", work.actor.tenant_id)))
}
