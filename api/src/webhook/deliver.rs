//! Sends what is due. An endpoint gets one event at a time, in order; one that fails waits longer and longer, over three days,
//! and everything behind it waits too. A server takes an endpoint on lease, so two never send to one at the same time; if it
//! dies, another goes on from the last event that was taken. At least once, then: receivers know repetitions by the id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use entity::scalar::Timestamp;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use super::event::{self, Event};
use super::log::Outcome;
use super::reach::{FORBIDDEN, Reach, told};
use super::{Cursor, sign, statement};
use crate::auth::address::Network;
use crate::digest::event::illustrated;
use crate::problem::Error;
use crate::state::State;

/// Events of one turn; then others have theirs.
const BATCH: i64 = 100;

/// How long a turn goes on with another event: one of a slow receiver is over long before all of these.
const TURN: Duration = Duration::from_secs(5);

/// Endpoints that are served at the same time; nearly all of that time is waiting for their answers.
const AT_ONCE: usize = 64;

/// As many of them may be of one tenant, however many of its endpoints hang.
const OF_ONE_TENANT: usize = 8;

/// Longer than one attempt can take.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// How long to wait after each failure, as the Standard Webhooks specification suggests, in seconds. After the last of them
/// the endpoint is disabled.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// A receiver that asks for more is asked again after a day, in seconds.
const LONGEST_REST: i64 = 86_400;

/// What a server needs to send.
pub struct Outbox {
    pub reach: Reach,
    turns: Arc<Turns>,
}

impl Outbox {
    /// `allowed`: private networks that may be reached.
    pub fn new(allowed: Vec<Network>) -> Self {
        Outbox { reach: Reach::new(allowed), turns: Arc::default() }
    }
}

/// How many turns go on, by tenant.
#[derive(Default)]
struct Turns(Mutex<HashMap<Uuid, usize>>);

/// One of them, until it is dropped.
struct Turn {
    turns: Arc<Turns>,
    tenant_id: Uuid,
}

impl Turns {
    fn begin(self: &Arc<Self>, tenant_id: Uuid) -> Option<Turn> {
        let mut going_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = going_on.get(&tenant_id).copied().unwrap_or_default();
        if own == OF_ONE_TENANT || going_on.values().sum::<usize>() == AT_ONCE {
            return None;
        }
        going_on.insert(tenant_id, own + 1);
        Some(Turn { turns: self.clone(), tenant_id })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut going_on = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        match going_on.get_mut(&self.tenant_id) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(going_on.remove(&self.tenant_id)),
        }
    }
}

/// Serves all that are due and that there is room for, without waiting for them.
pub async fn send(state: &State) -> Result<(), Error> {
    for key in due(state).await? {
        let Some(turn) = state.outbox.turns.begin(key.0) else { continue };
        let state = state.clone();
        tokio::spawn(async move {
            if let Err(cause) = serve(&state, key).await {
                tracing::warn!(webhook = %key.1, "sending webhooks: {cause}");
            }
            drop(turn);
        });
    }
    Ok(())
}

/// The endpoints of all tenants for which there is something, by tenant and id.
pub async fn due(state: &State) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let sql = "
        SELECT w.tenant_id, w.id FROM webhook w JOIN sync_clock c ON c.tenant_id = w.tenant_id
        WHERE w.disabled_at IS NULL AND w.next_attempt_at <= $1 AND (w.leased_until IS NULL OR w.leased_until <= $1)
          AND (w.seq, w.record_id) < (c.head, $2)
        ORDER BY w.next_attempt_at LIMIT 1000";
    let now = state.clock.now();
    let asked =
        sea_orm::Statement::from_sql_and_values(sea_orm::DbBackend::Postgres, sql, [now.into(), Uuid::max().into()]);
    let rows = state.db.query_all_raw(asked).await?;
    let keys = rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
    keys.collect()
}

/// An endpoint on lease, as it stood when it was leased or had an event last.
struct Endpoint {
    tenant_id: Uuid,
    id: Uuid,
    url: String,
    kinds: Vec<String>,
    ops: Vec<String>,
    secrets: Vec<String>,
    at: Cursor,
    failures: i32,
}

/// Sends one endpoint its turn of events; returns how many it took.
pub async fn serve(state: &State, (tenant_id, id): (Uuid, Uuid)) -> Result<usize, Error> {
    let Some(mut endpoint) = lease(state, tenant_id, id).await? else { return Ok(0) };
    // Read before the events: whatever it counts is committed and will be among them.
    let head = statement(tenant_id, "SELECT head FROM sync_clock WHERE tenant_id = $1", []);
    let head: i64 = state.db.query_one_raw(head).await?.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let events = events(state, &endpoint, head).await?;
    let mut all = events.len() < BATCH as usize;
    let (mut taken, begun) = (0, Instant::now());
    for event in events {
        if begun.elapsed() > TURN {
            all = false;
            break;
        }
        let outcome = attempt(state, &endpoint, &event).await;
        let Some(next) = outcome.record(state, &endpoint, &event).await? else { return Ok(taken) };
        if !outcome.goes_on() {
            return Ok(taken);
        }
        taken += usize::from(outcome.delivered());
        let is_asked_for = (&next.kinds, &next.ops) == (&endpoint.kinds, &endpoint.ops);
        endpoint = next;
        // An admin asks for other events than were read.
        if !is_asked_for {
            all = false;
            break;
        }
    }
    let end = if all { Cursor::behind(head) } else { endpoint.at.clone() };
    let sql = format!(
        "UPDATE webhook SET seq = $3, record_id = $4, kind = $5, revision = $6, leased_until = NULL, next_attempt_at = $11
         WHERE {UNMOVED}"
    );
    let mut values = vec![id.into(), end.seq.into(), end.record_id.into(), end.kind.into(), end.revision.into()];
    values.extend(place(&endpoint.at));
    // Behind those that wait since before.
    values.push(state.clock.now().into());
    state.db.execute_raw(statement(tenant_id, &sql, values)).await?;
    Ok(taken)
}

/// That nobody moved the endpoint meanwhile, by replaying, say. `$1` tenant, `$2` endpoint, `$7` to `$10` where it stood.
const UNMOVED: &str = "tenant_id = $1 AND id = $2 AND seq = $7 AND record_id = $8 AND kind = $9 AND revision = $10";

fn place(cursor: &Cursor) -> [sea_orm::Value; 4] {
    [cursor.seq.into(), cursor.record_id.into(), cursor.kind.clone().into(), cursor.revision.into()]
}

async fn lease(state: &State, tenant_id: Uuid, id: Uuid) -> Result<Option<Endpoint>, Error> {
    let sql = format!(
        "UPDATE webhook SET leased_until = $4
         WHERE tenant_id = $1 AND id = $2 AND disabled_at IS NULL AND next_attempt_at <= $3
           AND (leased_until IS NULL OR leased_until <= $3)
         RETURNING {ENDPOINT}"
    );
    let now = state.clock.now();
    let until: Timestamp = (now.0 + LEASE).into();
    let asked = statement(tenant_id, &sql, [id.into(), now.into(), until.into()]);
    let Some(row) = state.db.query_one_raw(asked).await? else { return Ok(None) };
    Ok(Some(Endpoint::read(&row, (tenant_id, id), now)?))
}

/// What an `Endpoint` is read from.
const ENDPOINT: &str = "url, kinds, ops, secret, former_secret, former_until, seq, record_id, kind, revision, failures";

impl Endpoint {
    fn read(row: &QueryResult, (tenant_id, id): (Uuid, Uuid), now: Timestamp) -> Result<Self, Error> {
        let former: Option<String> = row.try_get("", "former_secret")?;
        let until: Option<Timestamp> = row.try_get("", "former_until")?;
        let former = former.filter(|_| until.is_some_and(|until| until > now));
        Ok(Endpoint {
            tenant_id,
            id,
            url: row.try_get("", "url")?,
            kinds: row.try_get("", "kinds")?,
            ops: row.try_get("", "ops")?,
            secrets: std::iter::once(row.try_get("", "secret")?).chain(former).collect(),
            at: Cursor {
                seq: row.try_get("", "seq")?,
                record_id: row.try_get("", "record_id")?,
                kind: row.try_get("", "kind")?,
                revision: row.try_get("", "revision")?,
            },
            failures: row.try_get("", "failures")?,
        })
    }
}

async fn events(state: &State, endpoint: &Endpoint, head: i64) -> Result<Vec<Event>, Error> {
    let mut values = place(&endpoint.at).to_vec();
    values.extend([head.into(), endpoint.kinds.clone().into(), endpoint.ops.clone().into(), BATCH.into()]);
    let rows = state.db.query_all_raw(statement(endpoint.tenant_id, event::SQL, values)).await?;
    Ok(rows.iter().map(Event::read).collect::<Result<_, _>>()?)
}

async fn attempt(state: &State, endpoint: &Endpoint, event: &Event) -> Outcome {
    let Some(body) = &event.body else {
        let error = Some("left out: what is kept of this change cannot be read");
        return Outcome { status: None, error, millis: 0, rest: 0, left_out: true };
    };
    let begun = Instant::now();
    let answer = post(state, endpoint, event, body).await;
    let millis = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);
    match answer {
        Ok((status, rest)) => Outcome { status: Some(status), error: None, millis, rest, left_out: false },
        Err(error) => Outcome { status: None, error: Some(error), millis, rest: 0, left_out: false },
    }
}

/// The answer's status and how long the receiver asks to be left alone, or why there was no answer, in words that hold nothing of
/// the address.
async fn post(
    state: &State,
    endpoint: &Endpoint,
    event: &Event,
    body: &str,
) -> Result<(StatusCode, i64), &'static str> {
    let url = state.outbox.reach.check(&endpoint.url).map_err(|_| FORBIDDEN)?;
    let body = illustrated(state, endpoint.tenant_id, &event.cursor.kind, body).await.map_err(|cause| {
        tracing::error!(%cause, event = event.id, "an event has no picture");
        "the picture could not be drawn"
    })?;
    let client = state.outbox.reach.client().map_err(|_| "this server has no certificates to check others with")?;
    let now = state.clock.now();
    let at = now.0.timestamp();
    let secrets = endpoint.secrets.iter().map(String::as_str);
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &event.id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", sign::signature(secrets, &event.id, at, &body))
        .body(body);
    let answer = request.send().await.map_err(|error| told(&error))?;
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok((answer.status(), asked.map_or(0, |asked| rest(asked, now.0))))
}

/// What `Retry-After` asks for, in seconds (RFC 9110: a number of them, or a date), as far as we go along with it.
fn rest(asked: &str, now: DateTime<Utc>) -> i64 {
    let asked = asked.trim();
    let seconds = if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        asked.parse().unwrap_or(LONGEST_REST)
    } else {
        DateTime::parse_from_rfc2822(asked).map_or(0, |until| (until.to_utc() - now).num_seconds())
    };
    seconds.clamp(0, LONGEST_REST)
}

impl Outcome {
    fn delivered(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }

    /// Whether what follows has its turn.
    fn goes_on(&self) -> bool {
        self.left_out || self.delivered()
    }

    /// Keeps it in the log and moves the endpoint on, or makes it wait; the endpoint as it stands then, with what an admin has
    /// changed about it. `None` if it was moved by somebody else or is gone: then its turn is over.
    async fn record(&self, state: &State, endpoint: &Endpoint, event: &Event) -> Result<Option<Endpoint>, Error> {
        let now = state.clock.now();
        let later = |seconds: i64| Timestamp::from(now.0 + TimeDelta::seconds(seconds));
        let failures = if self.goes_on() { 0 } else { endpoint.failures + 1 };
        let (to, next, lease, disabled) = if self.goes_on() {
            (&event.cursor, now, Some(Timestamp::from(now.0 + LEASE)), None)
        } else if self.status == Some(StatusCode::GONE) {
            (&endpoint.at, now, None, Some("The endpoint answered 410: it is gone."))
        } else {
            match usize::try_from(failures - 1).ok().and_then(|at| WAITS.get(at)) {
                Some(wait) => (&endpoint.at, later(self.rest.max(*wait)), None, None),
                None => (&endpoint.at, now, None, Some("It failed for three days.")),
            }
        };
        let sql = format!(
            "WITH moved AS (
                UPDATE webhook SET seq = $3, record_id = $4, kind = $5, revision = $6, failures = $11, next_attempt_at = $12,
                                   leased_until = $13, disabled_at = CASE WHEN $14::text IS NULL THEN NULL ELSE $15::timestamptz END,
                                   disabled_reason = $14
                WHERE {UNMOVED} RETURNING tenant_id, {ENDPOINT}
            ), told AS (
                INSERT INTO webhook_delivery
                    (tenant_id, id, webhook_id, event_id, type, attempt, attempted_at, status, error, millis)
                SELECT tenant_id, $16, $2, $17, $18, $19, $15, $20, $21, $22 FROM moved
            )
            SELECT {ENDPOINT} FROM moved"
        );
        let mut values = vec![endpoint.id.into()];
        values.extend(place(to));
        values.extend(place(&endpoint.at));
        values.extend([
            failures.into(),
            next.into(),
            lease.into(),
            disabled.map(str::to_owned).into(),
            now.into(),
            Uuid::now_v7().into(),
            event.id.clone().into(),
            event.kind.clone().into(),
            (endpoint.failures + 1).into(),
            self.status.map(|status| i32::from(status.as_u16())).into(),
            self.error.map(str::to_owned).into(),
            self.millis.into(),
        ]);
        let row = state.db.query_one_raw(statement(endpoint.tenant_id, &sql, values)).await?;
        row.map(|row| Endpoint::read(&row, (endpoint.tenant_id, endpoint.id), now)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_takes_all_turns_and_one_that_ends_makes_room() {
        let turns = Arc::new(Turns::default());
        let mut going_on: Vec<Turn> = (0..20).filter_map(|_| turns.begin(Uuid::from_u128(1))).collect();
        assert_eq!(going_on.len(), OF_ONE_TENANT);
        going_on.extend((2..200).filter_map(|tenant| turns.begin(Uuid::from_u128(tenant))));
        assert_eq!(going_on.len(), AT_ONCE);
        assert!(turns.begin(Uuid::from_u128(200)).is_none());
        going_on.remove(0);
        assert!(turns.begin(Uuid::from_u128(200)).is_some_and(|turn| turn.tenant_id == Uuid::from_u128(200)));
        going_on.clear();
        assert!(turns.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_and_no_longer_than_a_day() {
        let now = "2026-03-02T09:00:00Z".parse().expect("a time");
        for (asked, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 90 ", 90),
            ("86400", 86_400),
            ("86401", 86_400),
            ("99999999999999999999999", 86_400),
            ("Mon, 02 Mar 2026 10:00:00 GMT", 3_600),
            ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
            ("Tue, 02 Mar 2027 09:00:00 GMT", 86_400),
            ("", 0),
            ("-5", 0),
            ("1.5", 0),
            ("soon", 0),
        ] {
            assert_eq!(rest(asked, now), seconds, "{asked:?}");
        }
    }
}
