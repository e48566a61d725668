//! Leads that nobody works: their owners are warned, then they return to the pool. Can be late, run twice or on two
//! servers: a lead is locked, looked at again and moved once. Nobody loses a lead without having been warned.

use entity::kind::LeadStatus;
use entity::lead;
use entity::scalar::Date;
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::facts::LeadFacts;
use super::keep::returned;
use crate::auth::Actor;
use crate::change::Settings;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write;

/// Leads of one tenant that one commit moves at the most, so that nobody waits for long.
const BATCH: usize = 500;

/// Days ahead within which a warning can be due, whatever the calendar: the most working days, and the holidays between.
const HORIZON_DAYS: i64 = 120;

/// `$1` now, `$2` days ahead → tenants with leads that may be due.
const TENANTS: &str = "
    SELECT t.id FROM tenant t
    WHERE EXISTS (SELECT FROM lead l WHERE l.tenant_id = t.id AND l.status = 'claimed' AND l.worked_at IS NULL
                  AND l.deleted_at IS NULL
                  AND l.due_on <= ($1::timestamptz AT TIME ZONE t.time_zone)::date + $2::integer)";

/// What is to be done about a lead that was not worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    Warn,
    /// The warning is late: it comes with a new last day.
    WarnLate,
    Return,
}

/// What is due today. `warn_up_to`: the last day that is near enough to be warned of; `None` if the rules ask for no
/// warning.
pub fn step(due_on: Date, is_warned: bool, today: Date, warn_up_to: Option<Date>) -> Step {
    match warn_up_to {
        Some(_) if !is_warned && due_on < today => Step::WarnLate,
        Some(up_to) if !is_warned && due_on <= up_to => Step::Warn,
        _ if due_on < today => Step::Return,
        _ => Step::Nothing,
    }
}

/// Warns and returns in every tenant. Returns how many leads were moved.
pub async fn run(state: &State) -> Result<usize, Error> {
    let values = [state.clock.now().into(), (HORIZON_DAYS as i32).into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, values);
    let mut moved = 0;
    for row in state.db.query_all_raw(statement).await? {
        moved += run_in(state, row.try_get_by_index(0)?).await?;
    }
    Ok(moved)
}

/// Likewise in one tenant.
pub async fn run_in(state: &State, tenant_id: Uuid) -> Result<usize, Error> {
    let mut moved = 0;
    loop {
        let count = write::whole(state, &Actor::system(tenant_id), |work| batch(work).boxed()).await?;
        moved += count;
        if count < BATCH {
            return Ok(moved);
        }
    }
}

async fn batch(work: &mut UnitOfWork) -> Result<usize, Error> {
    let settings = Settings::read(work).await?;
    let facts = LeadFacts::of(work, Default::default(), Default::default(), &settings).await?;
    let (today, rules) = (facts.today, &settings.rules.leads);
    let warned = (rules.warn_before_days > 0).then_some(rules.warn_before_days);
    let up_to = warned.map(|days| facts.working_days_after(today, days)).transpose()?;
    let condition = format!(
        "status = 'claimed' AND worked_at IS NULL AND (due_on < $2 OR (warned_at IS NULL AND due_on <= $3)) \
         ORDER BY due_on, id LIMIT {BATCH}"
    );
    let due = work.fetch::<lead::Model>(&condition, [today.into(), up_to.into()]).await?;
    let ids: Vec<Uuid> = due.iter().map(|lead| lead.id).collect();
    work.load::<lead::Model>(ids).await?;
    let held: Vec<lead::Model> = work
        .live::<lead::Model>()
        .filter(|lead| lead.status == LeadStatus::Claimed && lead.worked_at.is_none())
        .cloned()
        .collect();
    for lead in held {
        let Some(due_on) = lead.due_on else { continue };
        let now = Some(work.now);
        let next = match step(due_on, lead.warned_at.is_some(), today, up_to) {
            Step::Nothing => continue,
            Step::Warn => lead::Model { warned_at: now, ..lead },
            Step::WarnLate => lead::Model { warned_at: now, due_on: up_to, ..lead },
            Step::Return => {
                work.reason = Some(format!("Not worked by {due_on}"));
                returned(lead, today, rules.cool_down_days)
            }
        };
        work.put(next);
        work.reason = None;
    }
    Ok(due.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warned_first_then_returned() {
        let day = |text| Date::parse(text).expect("a day");
        let (monday, tuesday, wednesday) = (day("2026-03-02"), day("2026-03-03"), day("2026-03-04"));
        for (due_on, is_warned, today, up_to, expected) in [
            (wednesday, false, monday, Some(tuesday), Step::Nothing),
            (tuesday, false, monday, Some(tuesday), Step::Warn),
            (tuesday, true, monday, Some(tuesday), Step::Nothing),
            (tuesday, true, tuesday, Some(wednesday), Step::Nothing),
            (tuesday, true, wednesday, Some(day("2026-03-05")), Step::Return),
            (monday, false, wednesday, Some(day("2026-03-05")), Step::WarnLate),
            (monday, false, monday, None, Step::Nothing),
            (monday, false, tuesday, None, Step::Return),
        ] {
            assert_eq!(step(due_on, is_warned, today, up_to), expected, "{due_on} {is_warned} {today} {up_to:?}");
        }
    }
}
