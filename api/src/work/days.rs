//! What each rep did on each day of the tenant's zone, kept for reports in `activity_day`: what an activity adds to its day,
//! and what it takes from it once it is changed or deleted. Sums commute, so that two who write the same day need not know of
//! each other. A year of a million activities is a few thousand of these rows.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::{account, activity};
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use super::{Slot, UnitOfWork};

/// The steps by which delays are counted, in minutes: each begins where the one before it ends, the first at none; what took
/// longer than the last one counts as that.
const STEPS: [i32; 27] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440, 2160, 2880, 4320, 5760,
    7200, 10080, 20160, 43200,
];

/// As arrays of Postgres, where each step begins and where it ends.
pub fn steps() -> (String, String) {
    let text = |steps: &[i32]| steps.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
    let ends = text(&STEPS);
    (format!("{{0,{ends}}}"), format!("{{{ends},{}}}", STEPS[STEPS.len() - 1]))
}

/// The SQL that counts what `rows` answers: see `days.sql`.
pub fn counted(rows: &str) -> String {
    let each = |term: fn(usize) -> String| (1..=STEPS.len() + 1).map(term).collect::<Vec<_>>().join(", ");
    include_str!("days.sql")
        .replace("{delays}", &each(|step| format!("coalesce(sum(sign) FILTER (WHERE step = {step}), 0)")))
        .replace("{delay_minutes}", &each(|step| format!("coalesce(sum(sign * late) FILTER (WHERE step = {step}), 0)")))
        .replace("{steps}", &steps().0)
        .replace("{longest}", &STEPS[STEPS.len() - 1].to_string())
        .replace("{rows}", rows)
}

/// One array of the sums of `column`'s elements, over rows of `activity_day`.
pub fn summed(column: &str) -> String {
    let sums: Vec<String> = (1..=STEPS.len() + 1).map(|step| format!("sum({column}[{step}])::bigint")).collect();
    format!("ARRAY[{}]", sums.join(", "))
}

/// The tenant's zone, which stays as it is until the end of the transaction: whoever changes it waits, and then counts anew.
const ZONE: &str = "WITH zone AS MATERIALIZED (SELECT time_zone FROM tenant WHERE id = $1 FOR SHARE)";

/// `$2` to `$9` activities as they were and as they are, `$10` and `$11` accounts whose tier changes, and the tier that they
/// had: `TURNED` takes these from the one to the other.
const MOVED: &str = "
    SELECT u.sign, u.owner_id, (u.occurred AT TIME ZONE zone.time_zone)::date AS day, u.kind, u.verdict,
           nullif(u.minutes, -1) AS minutes, CASE WHEN t.id IS NULL THEN a.tier ELSE t.tier END AS tier,
           u.captured - u.occurred AS delay
    FROM zone
    CROSS JOIN unnest($2::integer[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::text[], $9::integer[])
        AS u(sign, account_id, owner_id, occurred, captured, kind, verdict, minutes)
    JOIN account a ON a.tenant_id = $1 AND a.id = u.account_id
    LEFT JOIN unnest($10::uuid[], $11::text[]) AS t(id, tier) ON t.id = u.account_id";

/// `$2` accounts whose tier changes, `$3` the tier that they had. Whoever writes an activity holds its account, so that none
/// is missed.
const TURNED: &str = "
    SELECT s.sign, x.owner_id, (x.occurred AT TIME ZONE zone.time_zone)::date AS day, x.kind, x.verdict,
           x.duration_minutes AS minutes, CASE s.sign WHEN 1 THEN a.tier ELSE t.tier END AS tier, x.captured - x.occurred AS delay
    FROM zone
    CROSS JOIN unnest($2::uuid[], $3::text[]) AS t(id, tier)
    JOIN account a ON a.tenant_id = $1 AND a.id = t.id
    JOIN activity x ON x.tenant_id = $1 AND x.account_id = t.id
    CROSS JOIN (VALUES (1), (-1)) AS s(sign)
    WHERE x.deleted_at IS NULL";

/// All that the tenant has.
const ALL: &str = "
    SELECT 1 AS sign, x.owner_id, (x.occurred AT TIME ZONE zone.time_zone)::date AS day, x.kind, x.verdict,
           x.duration_minutes AS minutes, a.tier, x.captured - x.occurred AS delay
    FROM zone
    JOIN activity x ON x.tenant_id = $1
    JOIN account a ON a.tenant_id = $1 AND a.id = x.account_id
    WHERE x.deleted_at IS NULL";

const SUMS: [&str; 10] = [
    "activities",
    "visits",
    "verified",
    "outside",
    "within_day",
    "untimed",
    "minutes",
    "key_minutes",
    "ordinary_minutes",
    "potential_minutes",
];
const ARRAYS: [&str; 2] = ["delays", "delay_minutes"];

/// The statement that adds what `rows` answers to what is there, in the order of the rows, so that two never wait for each
/// other in a circle.
fn added(rows: &str) -> String {
    let sums = SUMS.iter().map(|sum| format!("{sum} = d.{sum} + excluded.{sum}"));
    let arrays = ARRAYS.iter().map(|array| {
        let terms = (1..=STEPS.len() + 1).map(|step| format!("d.{array}[{step}] + excluded.{array}[{step}]"));
        format!("{array} = ARRAY[{}]", terms.collect::<Vec<_>>().join(", "))
    });
    format!(
        "{ZONE} INSERT INTO activity_day AS d (tenant_id, owner_id, day, {}, {}) SELECT $1::uuid, c.* FROM ({}) c ORDER BY owner_id, day \
         ON CONFLICT (tenant_id, owner_id, day) DO UPDATE SET {}",
        SUMS.join(", "),
        ARRAYS.join(", "),
        counted(rows),
        sums.chain(arrays).collect::<Vec<_>>().join(", ")
    )
}

/// What of an activity counts.
type Counts<'a> = (Uuid, Uuid, DateTime<Utc>, DateTime<Utc>, &'a str, Option<&'a str>, Option<i32>);

fn counts(row: &activity::Model) -> Option<Counts<'_>> {
    let verdict = row.verdict.map(|verdict| verdict.as_str());
    row.deleted_at.is_none().then_some((
        row.account_id,
        row.owner_id,
        row.occurred.0,
        row.captured.0,
        row.kind.as_str(),
        verdict,
        row.duration_minutes,
    ))
}

impl UnitOfWork {
    /// What brings the days up to the activities and accounts that were written.
    pub(super) fn days(&self) -> Vec<(&'static str, Vec<Value>)> {
        static OF_MOVED: LazyLock<String> = LazyLock::new(|| added(MOVED));
        static OF_TURNED: LazyLock<String> = LazyLock::new(|| added(TURNED));
        let changed = self.slots::<activity::Model>().filter_map(|Slot { found, now, .. }| {
            let (was, is) = (found.as_ref().and_then(counts), counts(now));
            (was != is).then_some([(-1, was), (1, is)])
        });
        let rows: Vec<(i32, Counts<'_>)> =
            changed.flatten().filter_map(|(sign, counts)| Some((sign, counts?))).collect();
        let (turned, had): (Vec<Uuid>, Vec<String>) = self
            .slots::<account::Model>()
            .filter_map(|Slot { found, now, .. }| {
                let found = found.as_ref().filter(|found| found.tier != now.tier)?;
                Some((now.id, found.tier.map_or_else(String::new, |tier| tier.to_string())))
            })
            .unzip();
        let mut statements = Vec::new();
        if !rows.is_empty() {
            let texts = |of: fn(&Counts<'_>) -> String| rows.iter().map(|(_, row)| of(row)).collect::<Vec<_>>();
            statements.push((
                OF_MOVED.as_str(),
                vec![
                    rows.iter().map(|(sign, _)| *sign).collect::<Vec<_>>().into(),
                    rows.iter().map(|(_, row)| row.0).collect::<Vec<_>>().into(),
                    rows.iter().map(|(_, row)| row.1).collect::<Vec<_>>().into(),
                    rows.iter().map(|(_, row)| row.2).collect::<Vec<_>>().into(),
                    rows.iter().map(|(_, row)| row.3).collect::<Vec<_>>().into(),
                    texts(|row| row.4.to_owned()).into(),
                    texts(|row| row.5.unwrap_or_default().to_owned()).into(),
                    rows.iter().map(|(_, row)| row.6.unwrap_or(-1)).collect::<Vec<_>>().into(),
                    turned.clone().into(),
                    had.clone().into(),
                ],
            ));
        }
        if !turned.is_empty() {
            statements.push((OF_TURNED.as_str(), vec![turned.into(), had.into()]));
        }
        statements
    }

    /// Makes all days of the tenant anew: for a change of its zone, which must have been written before, so that no other
    /// transaction is at work on them.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn count_days_anew(&self) -> Result<(), DbErr> {
        self.tx.execute_raw(self.statement("DELETE FROM activity_day WHERE tenant_id = $1", [])).await?;
        self.tx.execute_raw(self.statement(&added(ALL), [])).await.map(drop)
    }
}
