//! When a mutation was typed, and how far wall clocks are believed in one month. Each unproven activity of a rep takes from the month what it was dated
//! back; when nothing is left, it counts as typed at its receipt.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use entity::activity;
use entity::rules::Grace;
use entity::scalar::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};

use super::mutation::{ClockReading, Mutation};
use crate::captured::{Captured, Reading, Readings, captured};
use crate::work::UnitOfWork;

/// By how much an unproven time may lie back at the most, whatever the rules.
const LONGEST: TimeDelta = TimeDelta::days(30);

/// When it was typed, by the clocks that it and its push brought.
pub fn typed(mutation: &Mutation, sent: Option<&ClockReading>, now: Timestamp, grace: TimeDelta) -> Captured {
    let readings: Option<(Reading, Reading)> =
        mutation.captured.as_ref().zip(sent).map(|(captured, sent)| (captured.reading(), sent.reading()));
    let readings = readings.as_ref().map(|(captured, sent)| Readings { captured, sent });
    captured(readings, now, grace)
}

/// The earliest moment at which one of these may have been typed, however far unproven clocks are believed.
pub fn earliest<'a>(
    mutations: impl Iterator<Item = &'a Mutation>,
    sent: Option<&ClockReading>,
    now: Timestamp,
) -> Timestamp {
    mutations.map(|mutation| typed(mutation, sent, now, LONGEST).at).min().unwrap_or(now)
}

/// Whether only the wall clock says that it was typed before now.
pub fn is_dated_back(mutation: &Mutation, sent: Option<&ClockReading>, now: Timestamp) -> bool {
    let typed = typed(mutation, sent, now, LONGEST);
    !typed.proven && typed.at < now
}

const SQL: &str = "
    SELECT (coalesce(extract(epoch FROM sum(received - captured)), 0) * 1000)::bigint FROM activity
    WHERE tenant_id = $1 AND owner_id = $2 AND NOT captured_proven AND received >= $3";

/// By how much the actor's entries of this month are dated back already. What was deleted since counts too.
pub async fn believed(work: &UnitOfWork, zone: Tz) -> Result<TimeDelta, DbErr> {
    let values = [work.actor.user_id.into(), first_of_month(work.now, zone).into()];
    let row = work.connection().query_one_raw(work.statement(SQL, values)).await?;
    let milliseconds: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(TimeDelta::milliseconds(milliseconds))
}

/// By how much the next entry may be dated back. `believed`: what the database knows of this month, where the batch has
/// entries that are dated back; those of the batch come to it.
pub fn left(rules: &Grace, believed: Option<TimeDelta>, work: &UnitOfWork) -> TimeDelta {
    let entry = TimeDelta::hours(rules.hours_per_entry.into());
    let Some(believed) = believed else { return entry };
    let batch: TimeDelta = work
        .slots::<activity::Model>()
        .filter(|slot| slot.found.is_none() && !slot.now.captured_proven)
        .map(|slot| slot.now.received.0 - slot.now.captured.0)
        .sum();
    entry.min(TimeDelta::hours(rules.hours_per_month.into()) - believed - batch).max(TimeDelta::zero())
}

fn first_of_month(now: Timestamp, zone: Tz) -> Timestamp {
    let today = now.0.with_timezone(&zone).date_naive();
    let first = NaiveDate::from_ymd_opt(today.year(), today.month(), 1).unwrap_or(today).and_time(NaiveTime::MIN);
    // Where the clocks leap over midnight, the month begins with the leap; a moment earlier is of no consequence.
    zone.from_local_datetime(&first).earliest().map_or(first.and_utc(), |at| at.to_utc()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_where_the_tenant_is() {
        let now = Timestamp::parse("2026-03-31T16:30:00Z").unwrap();
        assert_eq!(first_of_month(now, Tz::Asia__Shanghai), Timestamp::parse("2026-03-31T16:00:00Z").unwrap());
        assert_eq!(first_of_month(now, Tz::UTC), Timestamp::parse("2026-03-01T00:00:00Z").unwrap());
    }
}
