//! What nobody asks for: files that are whole and were left by a server that died are taken, uploads that nobody goes on
//! with are given up, and the files of attachments whose tombstones are gone are removed. Each step can be done twice.

use chrono::TimeDelta;
use entity::scalar::Timestamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use uuid::Uuid;

use super::{LEFT_AFTER, Upload, end, finish, statement};
use crate::attachment::{Arrival, give_up};
use crate::auth::Actor;
use crate::files;
use crate::problem::Error;
use crate::state::State;
use crate::sync::expire::KEPT_DAYS;

/// What one run looks at of each.
const AT_ONCE: i64 = 200;

/// Does what is due.
pub async fn run(state: &State) -> Result<(), Error> {
    let now = state.clock.now();
    let left =
        "SELECT * FROM upload WHERE received = bytes AND ended_at IS NULL AND touched_at < $1 AND expires_at > $2
                ORDER BY touched_at LIMIT $3";
    for upload in found(state, left, (now.0 - LEFT_AFTER).into(), now).await? {
        match finish(state, &Actor::system(upload.tenant_id), &upload).await {
            // The record says why.
            Ok(()) | Err(Error::Refusal(_)) => {}
            // The others do not wait for it.
            Err(cause) => tracing::error!(%cause, upload = %upload.id, "an upload could not be taken"),
        }
    }
    let over = "SELECT * FROM upload WHERE expires_at <= $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3";
    for upload in found(state, over, now, now).await? {
        if let Err(cause) = expire(state, &upload).await {
            tracing::error!(%cause, upload = %upload.id, "an upload could not be given up");
        }
    }
    remove(state, Timestamp::from(now.0 - TimeDelta::days(KEPT_DAYS))).await
}

async fn found(state: &State, sql: &str, first: Timestamp, second: Timestamp) -> Result<Vec<Upload>, Error> {
    let values = [first.into(), second.into(), AT_ONCE.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Upload::find_by_statement(statement).all(&state.db).await?)
}

async fn expire(state: &State, upload: &Upload) -> Result<(), Error> {
    if upload.ended_at.is_none() && !has_others(state, upload).await? {
        let detail = format!(
            "The upload was given up at {} of {} bytes, as nobody went on with it. Send the file again.",
            upload.received, upload.bytes
        );
        give_up(state, upload.tenant_id, upload.attachment_id, Arrival::Expired { detail }).await?;
    }
    end(state, upload).await
}

/// Whether the file is on its way by another upload, too.
async fn has_others(state: &State, upload: &Upload) -> Result<bool, Error> {
    let sql =
        "SELECT 1 FROM upload WHERE tenant_id = $1 AND attachment_id = $2 AND id <> $3 AND ended_at IS NULL LIMIT 1";
    let others = statement(upload.tenant_id, sql, [upload.attachment_id.into(), upload.id.into()]);
    Ok(state.db.query_one_raw(others).await?.is_some())
}

/// The files of attachments that were deleted before this moment.
async fn remove(state: &State, before: Timestamp) -> Result<(), Error> {
    let sql = "SELECT f.tenant_id, f.attachment_id FROM attachment_file f
               JOIN attachment a ON a.tenant_id = f.tenant_id AND a.id = f.attachment_id
               WHERE a.deleted_at < $1 ORDER BY a.deleted_at LIMIT $2";
    let gone = Statement::from_sql_and_values(DbBackend::Postgres, sql, [before.into(), AT_ONCE.into()]);
    for row in state.db.query_all_raw(gone).await? {
        let (tenant_id, attachment_id): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        state.files()?.clear(&files::of_attachment(tenant_id, attachment_id)).await?;
        let sql = "DELETE FROM attachment_file WHERE tenant_id = $1 AND attachment_id = $2";
        state.db.execute_raw(statement(tenant_id, sql, [attachment_id.into()])).await?;
    }
    Ok(())
}
