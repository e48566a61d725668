//! Mails summaries. A summary has one row that says what became of its mail; a server takes it on lease, so two never send
//! the same at one time. Should a server die between the mail server's yes and its own note of it, the mail is sent again,
//! under the same Message-ID.

use std::time::SystemTime;

use chrono::TimeDelta;
use entity::kind::Locale;
use entity::scalar::Timestamp;
use entity::weekly_digest::DigestFigures;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::letter::{Letter, PICTURE};
use super::{gather, png};
use crate::mailer::Mailer;
use crate::problem::Error;
use crate::report::Words;
use crate::state::State;

/// A summary that no mail server has got for so long is old news.
const FRESH: TimeDelta = TimeDelta::days(2);
/// Longer than one attempt can take.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// Minutes to wait after each failure; after the last it is given up.
const WAITS: [i64; 8] = [1, 5, 15, 60, 120, 240, 480, 480];

/// `$1` now, `$2` since when summaries are fresh: gives each that has none its row.
const NOTE: &str = "
    INSERT INTO digest_mail (tenant_id, digest_id, status, attempts, next_attempt_at)
    SELECT d.tenant_id, d.id, CASE WHEN o.user_id IS NULL THEN 'waiting' ELSE 'unwanted' END, 0, $1::timestamptz
    FROM weekly_digest d LEFT JOIN digest_opt_out o ON o.tenant_id = d.tenant_id AND o.user_id = d.user_id
    WHERE d.created_at > $2 AND d.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM digest_mail m WHERE m.tenant_id = d.tenant_id AND m.digest_id = d.id)
    ON CONFLICT DO NOTHING";

const DUE: &str = "
    SELECT tenant_id, digest_id FROM digest_mail
    WHERE status = 'waiting' AND next_attempt_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
    ORDER BY next_attempt_at, digest_id LIMIT 100";

/// `$1` tenant, `$2` summary, `$3` now, `$4` end of the lease.
const LEASED: &str = "
    UPDATE digest_mail SET leased_until = $4, attempts = attempts + 1
    WHERE tenant_id = $1 AND digest_id = $2 AND status = 'waiting' AND next_attempt_at <= $3
      AND (leased_until IS NULL OR leased_until <= $3)
    RETURNING attempts";

/// `$1` tenant, `$2` summary.
const ADDRESSED: &str = "
    SELECT u.id, u.email, u.name, u.disabled_at IS NOT NULL OR u.deleted_at IS NOT NULL OR u.role <> 'manager', d.locale, d.figures
    FROM weekly_digest d JOIN \"user\" u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
    WHERE d.tenant_id = $1 AND d.id = $2";

/// `$1` tenant, `$2` summary, `$3` status, `$4` when to try again, `$5` end, `$6` error.
const ENDED: &str = "
    UPDATE digest_mail SET status = $3, next_attempt_at = $4, leased_until = NULL, ended_at = $5, error = $6
    WHERE tenant_id = $1 AND digest_id = $2 AND status = 'waiting'";

fn ask<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// Sends what is due; nothing without a mail server. Returns how many were taken.
///
/// # Errors
/// What the database refuses; what the mail server refuses is kept with the mail and tried again.
pub async fn send(state: &State) -> Result<usize, Error> {
    let Some(mailer) = &state.mailer else { return Ok(0) };
    let now = state.clock.now();
    state.db.execute_raw(ask(NOTE, [now.into(), Timestamp::from(now.0 - FRESH).into()])).await?;
    let mut sent = 0;
    for row in state.db.query_all_raw(ask(DUE, [now.into()])).await? {
        let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        sent += usize::from(serve(state, mailer, key).await?);
    }
    Ok(sent)
}

async fn serve(state: &State, mailer: &Mailer, (tenant_id, id): (Uuid, Uuid)) -> Result<bool, Error> {
    let now = state.clock.now();
    let until = Timestamp::from(now.0 + LEASE);
    let leased = ask(LEASED, [tenant_id.into(), id.into(), now.into(), until.into()]);
    let Some(row) = state.db.query_one_raw(leased).await? else { return Ok(false) };
    let attempts: i32 = row.try_get_by_index(0)?;
    let outcome = match compose(state, mailer, (tenant_id, id)).await? {
        Some(message) => mailer.send(message).await.map(|()| "sent"),
        None => Ok("unwanted"),
    };
    let later = |minutes: i64| Timestamp::from(now.0 + TimeDelta::minutes(minutes));
    let (status, next, end, error) = match outcome {
        Ok(status) => (status, now, Some(now), None),
        Err(told) => {
            tracing::warn!(tenant = %tenant_id, digest = %id, attempts, "a summary was not mailed: {told}");
            let wait = usize::try_from(attempts - 1).ok().and_then(|at| WAITS.get(at));
            match wait {
                Some(minutes) => ("waiting", later(*minutes), None, Some(told)),
                None => ("failed", now, Some(now), Some(told)),
            }
        }
    };
    let values = [tenant_id.into(), id.into(), status.into(), next.into(), end.into(), error.into()];
    state.db.execute_raw(ask(ENDED, values)).await?;
    Ok(status == "sent")
}

/// The mail; none for who leads nobody any more.
async fn compose(state: &State, mailer: &Mailer, (tenant_id, id): (Uuid, Uuid)) -> Result<Option<Message>, Error> {
    let row = state.db.query_one_raw(ask(ADDRESSED, [tenant_id.into(), id.into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let (user_id, email, name): (Uuid, String, String) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    if row.try_get_by_index(3)? {
        return Ok(None);
    }
    let (locale, figures): (Locale, DigestFigures) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
    let actor = gather::manager(tenant_id, user_id);
    let words = Words::load(state, &actor, locale).await?;
    let url = state.identity.issuer.trim_end_matches('/');
    let letter = Letter { words: &words, figures: &figures, url, in_mail: true };
    let picture = png(state, &actor, locale, &figures).await?;
    let broken = |what: &dyn std::fmt::Display| Error::Internal(format!("a summary cannot be written: {what}"));
    let address = email.parse().map_err(|error| broken(&error))?;
    let at = std::time::Duration::from_millis(state.clock.now().0.timestamp_millis().unsigned_abs());
    let own = |name| HeaderName::new_from_ascii_str(name);
    let image = ContentType::parse("image/png").map_err(|error| broken(&error))?;
    let html = MultiPart::related()
        .singlepart(SinglePart::html(letter.html(&name)))
        .singlepart(Attachment::new_inline(PICTURE.to_owned()).body(picture, image));
    let message = Message::builder()
        .from(mailer.from.clone())
        .to(Mailbox::new(Some(name.clone()), address))
        .subject(letter.subject())
        .date(SystemTime::UNIX_EPOCH + at)
        .message_id(Some(format!("<weekly-digest-{id}@{}>", mailer.from.email.domain())))
        .raw_header(HeaderValue::new(own("Auto-Submitted"), "auto-generated".into()))
        .raw_header(HeaderValue::new(own("List-Unsubscribe"), format!("<{url}/digest>")))
        .multipart(MultiPart::alternative().singlepart(SinglePart::plain(letter.text())).multipart(html));
    message.map(Some).map_err(|error| broken(&error))
}
