//! Slows guessing without letting a stranger lock a user out.
//!
//! Failures are counted three ways, and whichever says wait, waits:
//! - of a user at one place: so that one guesser is slowed at once;
//! - of an address, whatever the user: so that trying one password on many users is slowed;
//! - of a user at all places where he is not known: so that guessing from many addresses is slowed.
//!
//! A place is a device that shows the token of an earlier log-in of the same user, a session that has begun, or else an
//! address. Where the user has logged in before, the first count alone judges: strangers elsewhere cannot keep him out,
//! however long they try, and his phone is known wherever it is. (Device tokens are those of "Slow Down Online Guessing
//! Attacks with Device Cookies", OWASP.) Where a device has to wait, as when somebody guesses with a stolen token, its
//! address is judged as if it had shown none. Every attempt is counted *before* its password is looked at and taken back when
//! it was right, so that a thousand guesses at the same moment are a thousand counted ones.

use chrono::{DateTime, TimeDelta, Utc};
use entity::scalar::Timestamp;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait};
use uuid::Uuid;

use super::address::Address;
use super::secret::{Opaque, Purpose, Secret};
use crate::problem::{Error, Refusal};
use crate::write::hex;

/// Of rows that belong to no tenant: those of an address, and those of unknown tenants.
const NOBODY: Uuid = Uuid::nil();

/// Failures older than this are forgotten, and so is the place where a user has not logged in for so long.
const FORGET: TimeDelta = TimeDelta::days(1);
const FORGET_SUCCESS: TimeDelta = TimeDelta::days(90);
/// A phone refreshes its session for months before it is asked for a password again.
const FORGET_DEVICE: TimeDelta = TimeDelta::days(365);

/// Of a user, those where he logged in last: who never shows a token gets a new one each time.
const MOST_DEVICES: i64 = 20;

/// How a count becomes a wait.
#[derive(Debug)]
struct Limit {
    /// This many failures within the window cost nothing: people mistype.
    free: usize,
    /// The next costs one second, each further one twice as much, until this many.
    longest: i64,
    /// Counting begins anew after so long.
    window: TimeDelta,
}

const USER_AT_PLACE: Limit = Limit { free: 5, longest: 5 * 60, window: TimeDelta::days(1) };
/// An office may sit behind one address.
const ADDRESS: Limit = Limit { free: 30, longest: 5 * 60, window: TimeDelta::hours(1) };
const USER_FROM_STRANGERS: Limit = Limit { free: 20, longest: 15 * 60, window: TimeDelta::days(1) };

impl Limit {
    /// Seconds that failure number `count`, from 1, costs.
    fn delay(&self, count: usize) -> i64 {
        match count.saturating_sub(self.free) {
            0 => 0,
            over => 2_i64.saturating_pow(u32::try_from(over - 1).unwrap_or(u32::MAX)).min(self.longest),
        }
    }

    /// Until when each further failure blocks, from the first to the first that costs the most: the database counts and
    /// picks, so that the arithmetic stays here and the statement atomic.
    fn schedule(&self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let steps = (1..).take_while(|&n| n == 1 || self.delay(n - 1) < self.longest);
        steps.map(|n| now + TimeDelta::seconds(self.delay(n))).collect()
    }
}

/// Who tries, and where.
#[derive(Clone, Debug)]
pub struct Guess {
    tenant_id: Uuid,
    subject: String,
    address: Address,
    /// What `address` holds in the table: the address, a device or a session.
    place: String,
    /// The device that has shown itself; the user is known there.
    device: Option<Secret>,
    /// Whether the place itself says that this is no stranger.
    trusted: bool,
}

impl Guess {
    /// `tenant` is the slug as it was typed; `tenant_id` its id if there is such a tenant. Unknown tenants and users are
    /// slowed like known ones, so that waiting tells nothing.
    pub fn new(tenant: &str, tenant_id: Option<Uuid>, email: &str, address: Address) -> Self {
        let (tenant_id, subject) = match tenant_id {
            Some(tenant_id) => (tenant_id, email.to_owned()),
            None => (NOBODY, format!("{tenant}/{email}")),
        };
        let place = address.as_str().to_owned();
        Guess { tenant_id, subject, address, place, device: None, trusted: false }
    }

    /// Of one who is logged in already.
    pub fn within(self, session_id: Uuid) -> Self {
        Guess { place: format!("session {session_id}"), trusted: true, ..self }
    }

    /// Of a device that shows what `remember` gave it. A token that is not this user's, or has been forgotten, changes nothing.
    pub async fn on(self, db: &impl ConnectionTrait, device: Option<&Secret>) -> Result<Self, Error> {
        let Some(device) = device.and_then(|device| Opaque::parse(Purpose::Device, device.expose())) else {
            return Ok(self);
        };
        let place = place_of(&device);
        let known = db
            .query_one_raw(Statement::from_sql_and_values(
                Postgres,
                "SELECT 1 AS one FROM login_failure \
                 WHERE tenant_id = $1 AND subject = $2 AND address = $3 AND succeeded_at IS NOT NULL",
                [self.tenant_id.into(), self.subject.as_str().into(), place.as_str().into()],
            ))
            .await?;
        Ok(match known {
            Some(_) => Guess { place, device: Some(device.into_secret()), trusted: true, ..self },
            None => self,
        })
    }

    /// Counts an attempt as failed, or refuses it with 429 and the seconds to wait.
    pub async fn begin(self, db: &DatabaseConnection, now: Timestamp) -> Result<Attempt, Error> {
        let tx = db.begin().await?;
        // Every attempt locks its rows in this order: nobody waits in a circle.
        let mut guess = self;
        let mut counted = guess.count_place(&tx, now).await?;
        if guess.device.is_some() && matches!(counted, Counted::Blocked(_)) {
            let place = guess.address.as_str().to_owned();
            guess = Guess { place, device: None, trusted: false, ..guess };
            counted = guess.count_place(&tx, now).await?;
        }
        let counted = match counted {
            Counted::Known => Ok(true),
            Counted::Unknown if guess.trusted => Ok(true),
            Counted::Unknown => guess.count_stranger(&tx, now).await?.map(|()| false),
            Counted::Blocked(until) => Err(until),
        };
        match counted {
            Ok(known) => {
                tx.commit().await?;
                Ok(Attempt { guess, known })
            }
            Err(until) => {
                tx.rollback().await?;
                let seconds = (until - now.0).num_milliseconds().div_euclid(1000) + 1;
                Err(Refusal::too_many_requests(u32::try_from(seconds).unwrap_or(1)).into())
            }
        }
    }

    async fn count_place(&self, tx: &DatabaseTransaction, now: Timestamp) -> Result<Counted, Error> {
        count(tx, self.tenant_id, &self.subject, &self.place, &USER_AT_PLACE, now).await
    }

    /// `Err` holds until when to wait.
    async fn count_stranger(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
    ) -> Result<Result<(), DateTime<Utc>>, Error> {
        let rows =
            [(NOBODY, "", self.address.as_str(), &ADDRESS), (self.tenant_id, &self.subject, "", &USER_FROM_STRANGERS)];
        for (tenant_id, subject, address, limit) in rows {
            if let Counted::Blocked(until) = count(tx, tenant_id, subject, address, limit, now).await? {
                return Ok(Err(until));
            }
        }
        Ok(Ok(()))
    }
}

/// A counted attempt. Dropped, it stays a failure.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    guess: Guess,
    /// Strangers' counts have no part in it.
    known: bool,
}

impl Attempt {
    /// The password was right: this was no failure, and from now on the place is a known one. What others have caused
    /// to wait still waits: else a guesser could end his own wait by logging in as himself. Returns the device, if it has
    /// shown itself and is still known.
    pub async fn succeed(self, db: &DatabaseConnection, now: Timestamp) -> Result<Option<Secret>, Error> {
        let Guess { tenant_id, subject, address, place, device, .. } = self.guess;
        let tx = db.begin().await?;
        let forgiven = tx
            .execute_raw(Statement::from_sql_and_values(
                Postgres,
                "UPDATE login_failure SET failures = 0, blocked_until = $4, succeeded_at = $4 \
                 WHERE tenant_id = $1 AND subject = $2 AND address = $3",
                [tenant_id.into(), subject.as_str().into(), place.into(), now.0.into()],
            ))
            .await?;
        let device = device.filter(|_| forgiven.rows_affected() == 1);
        if device.is_some() {
            tx.execute_raw(Statement::from_sql_and_values(
                Postgres,
                "INSERT INTO login_failure AS f \
                     (tenant_id, subject, address, failures, since, last_at, blocked_until, succeeded_at) \
                 VALUES ($1, $2, $3, 0, $4, $4, $4, $4) \
                 ON CONFLICT (tenant_id, subject, address) DO UPDATE SET last_at = $4, succeeded_at = $4",
                [tenant_id.into(), subject.as_str().into(), address.as_str().into(), now.0.into()],
            ))
            .await?;
        }
        if !self.known {
            for (tenant_id, subject, address) in [(NOBODY, "", address.as_str()), (tenant_id, subject.as_str(), "")] {
                tx.execute_raw(Statement::from_sql_and_values(
                    Postgres,
                    "UPDATE login_failure SET failures = failures - 1 \
                     WHERE tenant_id = $1 AND subject = $2 AND address = $3 AND failures > 0",
                    [tenant_id.into(), subject.into(), address.into()],
                ))
                .await?;
            }
        }
        tx.commit().await?;
        for tenant_id in [NOBODY, tenant_id] {
            forget(db, tenant_id, now).await?;
        }
        Ok(device)
    }
}

/// Makes a device on which the user has just logged in a place where he is known. Returns the token with which it shows
/// itself at the next log-in.
pub async fn remember(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    email: &str,
    now: Timestamp,
) -> Result<Secret, Error> {
    let device = Opaque::generate(Purpose::Device, tenant_id);
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "WITH kept AS ( \
             SELECT address FROM login_failure WHERE tenant_id = $1 AND subject = $2 AND address LIKE 'device %' \
             ORDER BY succeeded_at DESC NULLS LAST LIMIT $5 \
         ), gone AS ( \
             DELETE FROM login_failure WHERE tenant_id = $1 AND subject = $2 AND address LIKE 'device %' \
               AND address NOT IN (SELECT address FROM kept) \
         ) \
         INSERT INTO login_failure (tenant_id, subject, address, failures, since, last_at, blocked_until, succeeded_at) \
         VALUES ($1, $2, $3, 0, $4, $4, $4, $4)",
        [tenant_id.into(), email.into(), place_of(&device).into(), now.0.into(), (MOST_DEVICES - 1).into()],
    ))
    .await?;
    Ok(device.into_secret())
}

fn place_of(device: &Opaque) -> String {
    format!("device {}", hex(&device.hash()))
}

#[derive(Debug)]
enum Counted {
    Known,
    Unknown,
    Blocked(DateTime<Utc>),
}

async fn count(
    tx: &DatabaseTransaction,
    tenant_id: Uuid,
    subject: &str,
    address: &str,
    limit: &Limit,
    now: Timestamp,
) -> Result<Counted, Error> {
    let schedule = limit.schedule(now.0);
    let steps = i32::try_from(schedule.len()).unwrap_or(i32::MAX);
    let counted = tx
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            "INSERT INTO login_failure AS f \
                 (tenant_id, subject, address, failures, since, last_at, blocked_until, succeeded_at) \
             VALUES ($1, $2, $3, 1, $4, $4, ($6::timestamptz[])[1], NULL) \
             ON CONFLICT (tenant_id, subject, address) DO UPDATE SET \
                 failures = CASE WHEN f.since < $5 THEN 1 ELSE f.failures + 1 END, \
                 since = CASE WHEN f.since < $5 THEN $4 ELSE f.since END, \
                 last_at = $4, \
                 blocked_until = ($6::timestamptz[])[CASE WHEN f.since < $5 THEN 1 ELSE least(f.failures + 1, $7) END] \
             WHERE f.blocked_until <= $4 \
             RETURNING succeeded_at",
            [
                tenant_id.into(),
                subject.into(),
                address.into(),
                now.0.into(),
                (now.0 - limit.window).into(),
                schedule.into(),
                steps.into(),
            ],
        ))
        .await?;
    if let Some(row) = counted {
        let succeeded: Option<DateTime<Utc>> = row.try_get("", "succeeded_at")?;
        return Ok(if succeeded.is_some() { Counted::Known } else { Counted::Unknown });
    }
    let blocked = tx
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            "SELECT blocked_until FROM login_failure WHERE tenant_id = $1 AND subject = $2 AND address = $3",
            [tenant_id.into(), subject.into(), address.into()],
        ))
        .await?;
    Ok(Counted::Blocked(blocked.map_or(Ok(now.0), |row| row.try_get("", "blocked_until"))?))
}

/// Removes what no longer matters; run when somebody logs in, which is often enough.
async fn forget(db: &DatabaseConnection, tenant_id: Uuid, now: Timestamp) -> Result<(), Error> {
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "DELETE FROM login_failure \
         WHERE tenant_id = $1 AND last_at < $2 AND blocked_until < $2 \
           AND (succeeded_at IS NULL OR succeeded_at < CASE WHEN address LIKE 'device %' THEN $4 ELSE $3 END)",
        [tenant_id.into(), (now.0 - FORGET).into(), (now.0 - FORGET_SUCCESS).into(), (now.0 - FORGET_DEVICE).into()],
    ))
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let delays = |limit: &Limit| (1..=16).map(|n| limit.delay(n)).collect::<Vec<_>>();
        assert_eq!(delays(&USER_AT_PLACE), [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        for limit in [USER_AT_PLACE, ADDRESS, USER_FROM_STRANGERS] {
            assert_eq!(limit.delay(limit.free), 0);
            assert_eq!(limit.delay(limit.free + 1), 1);
            assert_eq!(limit.delay(usize::MAX), limit.longest);
        }
    }

    #[test]
    fn the_schedule_ends_with_the_longest_wait() {
        let now = DateTime::UNIX_EPOCH;
        for limit in [USER_AT_PLACE, ADDRESS, USER_FROM_STRANGERS] {
            let schedule = limit.schedule(now);
            assert_eq!(schedule[0], now);
            assert_eq!(schedule.last(), Some(&(now + TimeDelta::seconds(limit.longest))));
            for (index, until) in schedule.iter().enumerate() {
                assert_eq!((*until - now).num_seconds(), limit.delay(index + 1));
            }
        }
    }

    /// What the limits are worth against somebody who never tires, in guesses a day.
    #[test]
    fn a_day_of_guessing_buys_little() {
        let a_day = |limit: &Limit| {
            let (mut time, mut guesses) = (0, 0);
            while time < limit.window.num_seconds() {
                guesses += 1;
                time += limit.delay(guesses);
            }
            i64::try_from(guesses).expect("few") * 86_400 / limit.window.num_seconds()
        };
        assert!(a_day(&USER_FROM_STRANGERS) < 150, "{}", a_day(&USER_FROM_STRANGERS));
        assert!(a_day(&USER_AT_PLACE) < 350, "{}", a_day(&USER_AT_PLACE));
        assert!(a_day(&ADDRESS) < 1_400, "{}", a_day(&ADDRESS));
    }
}
