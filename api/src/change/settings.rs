//! What a tenant sets, read in one statement: zone, calendar, stages and the rule sets that a batch is judged by.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use entity::kind::{RuleSetStatus, StageKey, WorkKind};
use entity::rules::Rules;
use entity::scalar::Date;
use entity::shape::{SpecialDays, Week};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Deserialize;

use crate::calendar::Calendar;
use crate::points::photo;
use crate::points::score::Scorer;
use crate::points::totals::{Place, Totals};
use crate::work::UnitOfWork;

/// What a tenant sets.
#[derive(Clone, Debug)]
pub struct Settings {
    pub zone: Tz,
    pub calendar: Calendar,
    pub stages: BTreeMap<StageKey, entity::stage::Model>,
    /// The rules of today.
    pub rules: Rules,
    pub rule_set_version: i32,
    /// Rules under which records of the batch were entered, by version.
    pub former: BTreeMap<i32, Rules>,
    /// Whether cards earn anything by any rule set that ever was in force.
    pub has_cards: bool,
    /// The fields that the tenant defined itself; read only if a change of the batch gives them values.
    pub custom: Vec<entity::custom_field::Model>,
}

/// `$1` tenant, `$2` versions that are asked for beside those in force, `$3` whether the tenant's own fields are asked for.
const SQL: &str = "
    SELECT t.time_zone,
        (SELECT json_build_object('week', k.week, 'holidays', k.holidays, 'working_days', k.working_days)::text
         FROM calendar k WHERE k.tenant_id = $1 AND k.id = $1),
        (SELECT json_agg(json_build_object('version', r.version, 'status', r.status, 'starts_on', r.starts_on,
                                           'rules', r.rules))::text
         FROM rule_set r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL
             AND (r.status = 'active' OR r.version = ANY($2))),
        (SELECT json_agg(to_json(s))::text FROM stage s WHERE s.tenant_id = $1 AND s.deleted_at IS NULL),
        (SELECT count(*) FROM rule_set r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL AND r.status <> 'draft'
             AND jsonb_array_length(r.rules -> 'customer') > 0),
        CASE WHEN $3 THEN (SELECT json_agg(to_json(f))::text FROM custom_field f
                           WHERE f.tenant_id = $1 AND f.deleted_at IS NULL) END
    FROM tenant t WHERE t.id = $1";

#[derive(Deserialize)]
struct RuleSet {
    version: i32,
    status: RuleSetStatus,
    starts_on: Option<Date>,
    rules: Rules,
}

#[derive(Deserialize)]
struct Days {
    week: Week,
    holidays: SpecialDays,
    working_days: SpecialDays,
}

impl Settings {
    /// Reads what is set today.
    pub async fn read(work: &UnitOfWork) -> Result<Self, DbErr> {
        Self::read_with(work, Vec::new(), false).await
    }

    /// Reads what is set today, the rules of these versions and, where asked, the tenant's own fields.
    pub async fn read_with(work: &UnitOfWork, versions: Vec<i32>, custom: bool) -> Result<Self, DbErr> {
        let tenant_id = work.actor.tenant_id;
        let broken = |what: &str| DbErr::Custom(format!("tenant {tenant_id} has {what}"));
        let row = work.connection().query_one_raw(work.statement(SQL, [versions.into(), custom.into()])).await?;
        let row = row.ok_or_else(|| broken("no row"))?;
        let text = |index: usize, what: &str| -> Result<String, DbErr> {
            row.try_get_by_index::<Option<String>>(index)?.ok_or_else(|| broken(what))
        };
        let zone: Tz = text(0, "no zone")?.parse().map_err(|_| broken("a time zone that is not known"))?;
        let days: Days = read(&text(1, "no calendar")?)?;
        let rule_sets: Vec<RuleSet> = read(&text(2, "no active rule set")?)?;
        let stages: Vec<entity::stage::Model> = read(&text(3, "no stages")?)?;
        let carded: i64 = row.try_get_by_index(4)?;
        let custom: Option<String> = row.try_get_by_index(5)?;
        let today = Date(work.now.0.with_timezone(&zone).date_naive());
        let in_force = in_force(&rule_sets, today).ok_or_else(|| broken("no active rule set"))?;
        let (rules, rule_set_version) = (in_force.rules.clone(), in_force.version);
        Ok(Settings {
            zone,
            calendar: Calendar::new(zone, &days.week, &days.holidays, &days.working_days),
            stages: stages.into_iter().map(|stage| (stage.stage, stage)).collect(),
            rules,
            rule_set_version,
            former: rule_sets.into_iter().map(|set| (set.version, set.rules)).collect(),
            has_cards: carded > 0,
            custom: custom.as_deref().map(read).transpose()?.unwrap_or_default(),
        })
    }

    /// The scorer of today, or of the version under which something was entered: rules that came later do not bite it.
    pub fn scorer(&self, version: Option<i32>) -> Scorer<'_> {
        let former = version.and_then(|version| self.former.get(&version).map(|rules| (rules, version)));
        let (rules, version) = former.unwrap_or((&self.rules, self.rule_set_version));
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
        std::iter::once(&self.rules).chain(self.former.values()).any(photo::is_weighed_at_all)
    }

    /// Whether any rules of the batch cap anything.
    pub fn has_caps(&self) -> bool {
        std::iter::once(&self.rules).chain(self.former.values()).any(is_capped)
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
