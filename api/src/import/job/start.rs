//! Makes an import of what was sent; stops one; does for good what was tried.

use std::path::Path;

use entity::kind::{Kind, Role};
use sea_orm::{ConnectionTrait, TransactionTrait};
use uuid::Uuid;

use super::statement;
use super::upload::{Sent, throw_away};
use super::wire::{Import, ImportStatus, get};
use crate::auth::Actor;
use crate::import::Mapping;
use crate::problem::{Code, Error, Refusal, constraint};
use crate::state::State;
use crate::write::{Idempotency, answered};

/// How an error calls a mapping that was sent.
pub const MAPPING: &str = "mapping";

/// Teams and users are for admins alone, by REST as here.
fn may_import_kinds(actor: &Actor, kinds: impl IntoIterator<Item = Kind>) -> Result<(), Refusal> {
    let people = kinds.into_iter().any(|kind| matches!(kind, Kind::Team | Kind::User));
    if people && actor.role != Role::Admin {
        return Err(Refusal::forbidden("Only an administrator may import teams and users."));
    }
    Ok(())
}

/// Makes an import that waits for its turn. With the key of an earlier request that sent the same, that one's import.
pub async fn start(state: &State, actor: &Actor, mut sent: Sent, key: Option<Idempotency>) -> Result<Import, Error> {
    let id = match prepare(state, actor, &mut sent).await {
        Ok(()) => {
            let (inner, actor, tenant_id, id) = (state.clone(), actor.clone(), actor.tenant_id, sent.id);
            let made = state.run(async move { make(&inner, &actor, sent, key).await }).await;
            if !matches!(made, Ok(made) if made == id) {
                throw_away(state, tenant_id, id).await?;
            }
            made?
        }
        Err(cause) => {
            throw_away(state, actor.tenant_id, sent.id).await?;
            return Err(cause);
        }
    };
    get(state, actor, id).await
}

async fn prepare(state: &State, actor: &Actor, sent: &mut Sent) -> Result<(), Error> {
    if let (None, Some(id)) = (&sent.mapping, sent.mapping_of) {
        let other =
            get(state, actor, id).await.map_err(|_| Refusal::invalid("/mappingOf", "There is no such import."))?;
        sent.mapping = other.mapping;
    }
    match (&sent.mapping, sent.kind) {
        (Some(text), _) => {
            let mapping = Mapping::parse(Path::new(MAPPING), text)
                .map_err(|wrong| Refusal::invalid("/mapping", wrong.to_string()))?;
            may_import_kinds(actor, mapping.passes.iter().map(|pass| pass.kind))?;
        }
        (None, Some(kind)) if sent.files.len() == 1 => may_import_kinds(actor, [kind])?,
        (None, Some(_)) => {
            return Err(
                Refusal::invalid("/mapping", "Several files need a mapping, which says what each of them is.").into()
            );
        }
        (None, None) => {
            let detail = "Give a mapping, or `kind` if the columns are called as the fields of the API are.";
            return Err(Refusal::invalid("/mapping", detail).into());
        }
    }
    Ok(())
}

/// The id of the import; another than that of what was sent if the key was used before.
async fn make(state: &State, actor: &Actor, sent: Sent, key: Option<Idempotency>) -> Result<Uuid, Error> {
    let (tenant_id, now) = (actor.tenant_id, state.clock.now());
    let key = key.map(|key| format!("rest:{}", key.key));
    if let Some(known) = known(state, actor, key.as_deref(), &sent.hash).await? {
        return Ok(known);
    }
    let transaction = state.db.begin().await?;
    let sql = "INSERT INTO import (tenant_id, id, requested_by, requested_at, status, dry_run, kind, mapping, counts,
                                   pass_files, pass, row, percent, attempts, cancelling)
               VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, '[]', '{}', 0, 0, 0, 0, false)";
    let kind = sent.kind.map(|kind| kind.as_str().to_owned());
    let values: [sea_orm::Value; 6] =
        [sent.id.into(), actor.user_id.into(), now.into(), sent.dry_run.into(), kind.into(), sent.mapping.into()];
    transaction.execute_raw(statement(tenant_id, sql, values)).await?;
    let names: Vec<String> = sent.files.iter().map(|file| file.name.clone()).collect();
    let bytes: Vec<i64> = sent.files.iter().map(|file| file.bytes.cast_signed()).collect();
    let sql = "INSERT INTO import_file (tenant_id, import_id, number, name, bytes)
               SELECT c.tenant_id, $2, f.number - 1, f.name, f.bytes FROM sync_clock c
               CROSS JOIN unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS f(name, bytes, number) WHERE c.tenant_id = $1";
    transaction.execute_raw(statement(tenant_id, sql, [sent.id.into(), names.into(), bytes.into()])).await?;
    if let Some(key) = &key {
        let sql =
            "INSERT INTO receipt (tenant_id, user_id, key, hash, result, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let values: [sea_orm::Value; 5] = [
            actor.user_id.into(),
            key.clone().into(),
            sent.hash.clone().into(),
            sent.id.to_string().into(),
            now.into(),
        ];
        if let Err(cause) = transaction.execute_raw(statement(tenant_id, sql, values)).await {
            let name = constraint(&cause).and_then(|(_, name)| name);
            transaction.rollback().await?;
            if name.as_deref() == Some("receipt_pkey") {
                // The same was sent twice at the same moment.
                let known = self::known(state, actor, Some(key), &sent.hash).await?;
                return known.ok_or_else(|| Error::Internal("a receipt is there and is not".into()));
            }
            return Err(cause.into());
        }
    }
    transaction.commit().await?;
    Ok(sent.id)
}

/// The import that was made with this key before.
async fn known(state: &State, actor: &Actor, key: Option<&str>, hash: &str) -> Result<Option<Uuid>, Error> {
    let Some(key) = key else { return Ok(None) };
    let Some(id) = answered(&state.db, actor, key, hash).await? else { return Ok(None) };
    id.parse().map(Some).map_err(|_| Error::Internal("the receipt of an import holds no id".into()))
}

/// Stops one: at once if it waits, else after the rows at hand. One that is over stays as it is.
pub async fn cancel(state: &State, actor: &Actor, id: Uuid) -> Result<Import, Error> {
    get(state, actor, id).await?;
    let sql = "UPDATE import SET status = CASE WHEN status = 'queued' THEN 'cancelled' ELSE status END,
                                 finished_at = CASE WHEN status = 'queued' THEN $3::timestamptz END, cancelling = true
               WHERE tenant_id = $1 AND id = $2 AND status IN ('queued', 'running')";
    state.db.execute_raw(statement(actor.tenant_id, sql, [id.into(), state.clock.now().into()])).await?;
    let import = get(state, actor, id).await?;
    if import.status == ImportStatus::Cancelled {
        throw_away(state, actor.tenant_id, id).await?;
    }
    Ok(import)
}

/// Does for good what a dry run has tried, with the files that were sent for it.
pub async fn apply(state: &State, actor: &Actor, id: Uuid) -> Result<Import, Error> {
    let import = get(state, actor, id).await?;
    may_import_kinds(actor, import.parts.iter().map(|part| part.kind))?;
    let refused = || {
        let detail = "Only a dry run that is done can be applied, within a day. Send the file again, without dryRun.";
        Error::from(Refusal::conflict(Code::Conflict, detail))
    };
    let (inner, tenant_id) = (state.clone(), actor.tenant_id);
    let applied = state.run(async move {
        let transaction = inner.db.begin().await?;
        let sql = "UPDATE import SET status = 'queued', dry_run = false, counts = '[]', pass = 0, row = 0, percent = 0,
                                     attempts = 0, started_at = NULL, finished_at = NULL
                   WHERE tenant_id = $1 AND id = $2 AND status = 'done' AND dry_run
                     AND EXISTS (SELECT FROM import_chunk c WHERE c.tenant_id = $1 AND c.import_id = $2)";
        let begun = transaction.execute_raw(statement(tenant_id, sql, [id.into()])).await?.rows_affected() == 1;
        if begun {
            let sql = "DELETE FROM import_row WHERE tenant_id = $1 AND import_id = $2";
            transaction.execute_raw(statement(tenant_id, sql, [id.into()])).await?;
        }
        transaction.commit().await?;
        Ok::<_, Error>(begun)
    });
    if applied.await? { get(state, actor, id).await } else { Err(refused()) }
}
