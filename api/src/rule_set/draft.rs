//! Writing a rule set: only while it is a draft.

use entity::kind::RuleSetStatus;
use entity::rule_set;
use entity::rules::Rules;
use poem_openapi::Object;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::points::validate::validate;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::work::UnitOfWork;
use crate::write::at_revision;

/// A rule set to be drafted, or a draft's new rules.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct DraftRuleSet {
    pub rules: Rules,
}

/// Drafts a rule set; for admins. It gets the next version.
pub async fn create(work: &mut UnitOfWork, new: &DraftRuleSet) -> Result<rule_set::Model, Error> {
    work.actor.must_be_admin()?;
    accepted(&new.rules)?;
    lock(work).await?;
    let sql = "SELECT coalesce(max(version), 0) + 1 FROM rule_set WHERE tenant_id = $1";
    let row = work.connection().query_one_raw(work.statement(sql, [])).await?;
    let version = row.ok_or_else(|| Error::Internal("a version could not be counted".to_owned()))?;
    let id = Uuid::now_v7();
    work.put(rule_set::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        version: version.try_get_by_index(0)?,
        status: RuleSetStatus::Draft,
        starts_on: None,
        ended_on: None,
        rules: new.rules.clone(),
        bundle: None,
    });
    Ok(work.stored(id)?)
}

/// Replaces the rules of a draft. `expected`: the revision that `If-Match` names.
pub async fn update(
    work: &mut UnitOfWork,
    id: Uuid,
    edit: &DraftRuleSet,
    expected: Option<i32>,
) -> Result<rule_set::Model, Error> {
    let draft = draft(work, id, expected).await?;
    accepted(&edit.rules)?;
    work.put(rule_set::Model { rules: edit.rules.clone(), ..draft });
    Ok(work.stored(id)?)
}

/// Deletes a draft.
pub async fn delete(work: &mut UnitOfWork, id: Uuid, expected: Option<i32>) -> Result<(), Error> {
    draft(work, id, expected).await?;
    work.bury::<rule_set::Model>(id);
    Ok(())
}

async fn draft(work: &mut UnitOfWork, id: Uuid, expected: Option<i32>) -> Result<rule_set::Model, Error> {
    let rule_set = held(work, id, expected).await?;
    if rule_set.status != RuleSetStatus::Draft {
        let detail = format!("This rule set is {}; only a draft is changed. Draft a new one.", rule_set.status);
        return Err(Refusal::conflict(Code::Locked, detail).into());
    }
    Ok(rule_set)
}

/// The rule set, locked and seen by an admin.
pub async fn held(work: &mut UnitOfWork, id: Uuid, expected: Option<i32>) -> Result<rule_set::Model, Error> {
    work.actor.must_be_admin()?;
    lock(work).await?;
    work.load::<rule_set::Model>([id]).await?;
    let rule_set = work.visible::<rule_set::Model>(id)?;
    at_revision(&rule_set, expected)?;
    Ok(rule_set)
}

/// What holds for rule sets holds for all of a tenant's together: one at a time is changed.
pub async fn lock(work: &UnitOfWork) -> Result<(), sea_orm::DbErr> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('rule sets ' || $1::text, 0))";
    work.connection().execute_raw(work.statement(sql, [])).await.map(drop)
}

fn accepted(rules: &Rules) -> Result<(), Refusal> {
    validate(rules).map_err(|faults| {
        let told = |(pointer, sentence)| FieldError::new(format!("/rules{pointer}"), sentence);
        Refusal::fields(Code::Validation, faults.into_iter().map(told).collect())
    })
}
