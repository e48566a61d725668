//! What a tenant sets: zone, calendar, stages, own fields and the rule sets that a batch is judged by. Every write needs it and
//! it seldom changes, so that it is read again only when it may have changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use entity::kind::{RuleSetStatus, StageKey, WorkKind};
use entity::rules::Rules;
use entity::scalar::Date;
use entity::shape::{SpecialDays, Week};
use moka::sync::Cache;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::calendar::Calendar;
use crate::points::photo;
use crate::points::score::Scorer;
use crate::points::totals::{Place, Totals};
use crate::work::UnitOfWork;

/// How many tenants' settings a server remembers.
const REMEMBERED: u64 = 1_000;

/// What a tenant sets, for one batch.
#[derive(Clone, Debug)]
pub struct Settings {
    pub zone: Tz,
    pub calendar: Arc<Calendar>,
    pub stages: Arc<BTreeMap<StageKey, entity::stage::Model>>,
    /// The rules of today.
    pub rules: Arc<Rules>,
    pub rule_set_version: i32,
    /// Rules under which records of the batch were entered, by version.
    pub former: BTreeMap<i32, Arc<Rules>>,
    /// Whether cards earn anything by any rule set that ever was in force.
    pub has_cards: bool,
    /// The fields that the tenant defined itself.
    pub custom: Arc<Vec<entity::custom_field::Model>>,
}

/// What tenants had set when it was read last. It is never stale: each use asks the database for its mark first. Only who sets
/// something by SQL, past the unit of work, has to start the servers anew.
pub struct Known(Cache<Uuid, Arc<Set>>);

impl Default for Known {
    fn default() -> Self {
        Known(Cache::new(REMEMBERED))
    }
}

/// All that one tenant set.
struct Set {
    mark: Mark,
    zone: Tz,
    calendar: Arc<Calendar>,
    stages: Arc<BTreeMap<StageKey, entity::stage::Model>>,
    rule_sets: Vec<RuleSet>,
    has_cards: bool,
    custom: Arc<Vec<entity::custom_field::Model>>,
}

/// Settings with one mark are the same: the zone, and the number of the last change that everybody in the tenant sees. What is
/// set are records that everybody sees, so that no change of them leaves the number as it was.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark {
    pub zone: String,
    pub head: i64,
}

/// The columns of a mark, of a tenant `t` that is `$1`.
pub const MARK: &str =
    "t.time_zone, coalesce((SELECT h.head FROM scope_head h WHERE h.tenant_id = $1 AND h.scope_id = $1), 0)";

/// What a mark stands for, beside it.
const SET: &str = "
    (SELECT json_build_object('week', k.week, 'holidays', k.holidays, 'working_days', k.working_days)::text
     FROM calendar k WHERE k.tenant_id = $1 AND k.id = $1),
    (SELECT json_agg(json_build_object('version', r.version, 'status', r.status, 'starts_on', r.starts_on,
                                       'rules', r.rules))::text
     FROM rule_set r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL AND r.status <> 'draft'),
    (SELECT json_agg(to_json(s))::text FROM stage s WHERE s.tenant_id = $1 AND s.deleted_at IS NULL),
    (SELECT json_agg(to_json(f))::text FROM custom_field f WHERE f.tenant_id = $1 AND f.deleted_at IS NULL)";

#[derive(Deserialize)]
struct RuleSet {
    version: i32,
    status: RuleSetStatus,
    starts_on: Option<Date>,
    #[serde(deserialize_with = "shared")]
    rules: Arc<Rules>,
}

fn shared<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Rules>, D::Error> {
    Rules::deserialize(from).map(Arc::new)
}

#[derive(Deserialize)]
struct Days {
    week: Week,
    holidays: SpecialDays,
    working_days: SpecialDays,
}

impl Known {
    async fn set(&self, work: &UnitOfWork) -> Result<Arc<Set>, DbErr> {
        let tenant_id = work.actor.tenant_id;
        if work.has_rehearsed_settings() {
            return Ok(Arc::new(Set::of(work, &row(work, SET).await?)?));
        }
        let mark = match work.settings_mark() {
            Some(mark) => mark.clone(),
            None => Mark::of(work, &row(work, "NULL").await?)?,
        };
        if let Some(set) = self.0.get(&tenant_id).filter(|set| set.mark == mark) {
            return Ok(set);
        }
        let set = Arc::new(Set::of(work, &row(work, SET).await?)?);
        self.0.insert(tenant_id, set.clone());
        Ok(set)
    }
}

/// The mark, and more columns, of one moment.
async fn row(work: &UnitOfWork, more: &str) -> Result<QueryResult, DbErr> {
    let sql = format!("SELECT {MARK}, {more} FROM tenant t WHERE t.id = $1");
    let row = work.connection().query_one_raw(work.statement(&sql, [])).await?;
    row.ok_or_else(|| broken(work, "no row"))
}

fn broken(work: &UnitOfWork, what: &str) -> DbErr {
    DbErr::Custom(format!("tenant {} has {what}", work.actor.tenant_id))
}

impl Mark {
    fn of(work: &UnitOfWork, row: &QueryResult) -> Result<Self, DbErr> {
        let zone = row.try_get_by_index::<Option<String>>(0)?.ok_or_else(|| broken(work, "no zone"))?;
        Ok(Mark { zone, head: row.try_get_by_index(1)? })
    }
}

impl Set {
    fn of(work: &UnitOfWork, row: &QueryResult) -> Result<Self, DbErr> {
        let text = |index: usize, what: &str| -> Result<String, DbErr> {
            row.try_get_by_index::<Option<String>>(index)?.ok_or_else(|| broken(work, what))
        };
        let mark = Mark::of(work, row)?;
        let zone: Tz = mark.zone.parse().map_err(|_| broken(work, "a time zone that is not known"))?;
        let days: Days = read(&text(2, "no calendar")?)?;
        let rule_sets: Vec<RuleSet> = read(&text(3, "no active rule set")?)?;
        let stages: Vec<entity::stage::Model> = read(&text(4, "no stages")?)?;
        let custom: Option<String> = row.try_get_by_index(5)?;
        Ok(Set {
            mark,
            zone,
            calendar: Arc::new(Calendar::new(zone, &days.week, &days.holidays, &days.working_days)),
            stages: Arc::new(stages.into_iter().map(|stage| (stage.stage, stage)).collect()),
            has_cards: rule_sets.iter().any(|set| !set.rules.customer.is_empty()),
            rule_sets,
            custom: Arc::new(custom.as_deref().map(read).transpose()?.unwrap_or_default()),
        })
    }
}

impl Settings {
    /// What is set today.
    pub async fn read(work: &UnitOfWork) -> Result<Self, DbErr> {
        Self::read_with(work, &[]).await
    }

    /// What is set today, and the rules of these versions.
    pub async fn read_with(work: &UnitOfWork, versions: &[i32]) -> Result<Self, DbErr> {
        let set = work.known_settings().set(work).await?;
        let today = Date(work.now.0.with_timezone(&set.zone).date_naive());
        let in_force = in_force(&set.rule_sets, today).ok_or_else(|| broken(work, "no active rule set"))?;
        let of_batch = |set: &&RuleSet| set.status == RuleSetStatus::Active || versions.contains(&set.version);
        Ok(Settings {
            zone: set.zone,
            calendar: set.calendar.clone(),
            stages: set.stages.clone(),
            rules: in_force.rules.clone(),
            rule_set_version: in_force.version,
            former: set.rule_sets.iter().filter(of_batch).map(|set| (set.version, set.rules.clone())).collect(),
            has_cards: set.has_cards,
            custom: set.custom.clone(),
        })
    }

    /// The scorer of today, or of the version under which something was entered: rules that came later do not bite it.
    pub fn scorer(&self, version: Option<i32>) -> Scorer<'_> {
        let former = version.and_then(|version| self.former.get(&version).map(|rules| (&**rules, version)));
        let (rules, version) = former.unwrap_or((&*self.rules, self.rule_set_version));
        Scorer { rules, version, calendar: &self.calendar }
    }

    /// The tenant's day of a moment.
    pub fn day(&self, at: entity::scalar::Timestamp) -> Date {
        self.calendar.day(at)
    }

    /// Whether work of this kind earns anything by any rules of the batch.
    pub fn rewards(&self, kind: WorkKind) -> bool {
        self.former.values().any(|rules| rules.work.iter().any(|rule| rule.on == kind))
    }

    /// Whether any rules of the batch ask for photos.
    pub fn asks_for_photos(&self) -> bool {
        std::iter::once(&self.rules).chain(self.former.values()).any(|rules| photo::is_weighed_at_all(rules))
    }

    /// Whether any rules of the batch cap anything.
    pub fn has_caps(&self) -> bool {
        std::iter::once(&self.rules).chain(self.former.values()).any(|rules| is_capped(rules))
    }

    /// What the caps of `scorer` leave for one source, by the entries that the unit of work holds.
    pub fn room(&self, work: &UnitOfWork, scorer: &Scorer<'_>, place: Place) -> Option<rust_decimal::Decimal> {
        if !is_capped(scorer.rules) {
            return None;
        }
        Totals::of(work.live::<entity::points_entry::Model>()).room(&scorer.rules.caps, place)
    }

    /// What the caps of today leave beside all that was earned, also by the same source.
    pub fn room_beside(&self, work: &UnitOfWork, place: Place) -> Option<rust_decimal::Decimal> {
        if !is_capped(&self.rules) {
            return None;
        }
        Totals::of(work.live::<entity::points_entry::Model>()).room_beside(&self.rules.caps, place)
    }
}

fn is_capped(rules: &Rules) -> bool {
    rules.caps != entity::rules::Caps::default()
}

/// Of those whose day has come, the one that came last. Before the first one's day it is the first.
fn in_force(rule_sets: &[RuleSet], today: Date) -> Option<&RuleSet> {
    let active = || rule_sets.iter().filter(|set| set.status == RuleSetStatus::Active);
    let started = active().filter(|set| set.starts_on.is_none_or(|day| day <= today));
    started
        .max_by_key(|set| (set.starts_on, set.version))
        .or_else(|| active().min_by_key(|set| (set.starts_on, set.version)))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DbErr> {
    serde_json::from_str(text).map_err(|cause| DbErr::Json(cause.to_string()))
}
