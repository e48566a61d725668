//! A new tenant, ready to work: its clock, its top team, its pipeline and its first rule set, all or nothing.

use chrono_tz::Tz;
use entity::kind::{RuleSetStatus, StageKey};
use entity::scalar::{Date, Line, Timestamp};
use entity::shape::TimePolicy;
use entity::shape::{Names, Shift, SpecialDays, Week};
use entity::{calendar, rule_set, stage, team, tenant};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::auth::Actor;
use crate::points::rules::first_rule_set;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::rule_set::bundle;
use crate::state::State;
use crate::work::UnitOfWork;

/// Most characters of a slug: those of a DNS label.
const LONGEST_SLUG: usize = 63;

/// What distinguishes a tenant at first, checked.
#[derive(Clone, Debug)]
pub struct NewTenant {
    slug: String,
    name: Line,
    time_zone: Tz,
}

impl NewTenant {
    /// `slug`: 1 to 63 lower-case letters, digits and inner hyphens. `name`: one line. `time_zone`: IANA.
    pub fn parse(slug: &str, name: &str, time_zone: &str) -> Result<Self, Refusal> {
        let parsed_slug = parse_slug(slug);
        let parsed_name = Line::parse(name);
        let parsed_zone = time_zone.parse::<Tz>();
        match (parsed_slug, parsed_name, parsed_zone) {
            (Ok(slug), Ok(name), Ok(time_zone)) => Ok(NewTenant { slug, name, time_zone }),
            (slug, name, zone) => {
                let zone = zone.map_err(|_| format!("`{time_zone}` is no IANA time zone such as Asia/Shanghai."));
                let faults = [
                    slug.err().map(|fault| FieldError::new("/slug", fault)),
                    name.err().map(|fault| FieldError::new("/name", fault)),
                    zone.err().map(|fault| FieldError::new("/timeZone", fault)),
                ];
                Err(Refusal::fields(Code::Validation, faults.into_iter().flatten().collect()))
            }
        }
    }

    /// As it is once it was made.
    pub fn tenant(&self, id: Uuid, now: Timestamp) -> tenant::Model {
        tenant::Model {
            id,
            slug: self.slug.clone(),
            name: self.name.0.clone(),
            time_zone: self.time_zone.name().to_owned(),
            created_at: now,
            time_policy: TimePolicy::default(),
        }
    }
}

fn parse_slug(text: &str) -> Result<String, String> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let edges = !text.starts_with('-') && !text.ends_with('-');
    if (1..=LONGEST_SLUG).contains(&text.len()) && edges && text.bytes().all(inner) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` must be 1 to {LONGEST_SLUG} lower-case letters, digits and hyphens, such as acme-china."))
    }
}

/// A tenant that was made, and the team above all others, which carries its name.
#[derive(Clone, Debug)]
pub struct Created {
    pub tenant: tenant::Model,
    pub top_team: Uuid,
}

/// Makes the tenant. A slug that is taken is refused as a duplicate.
pub async fn create(state: &State, new: NewTenant) -> Result<Created, Error> {
    let owned = state.clone();
    state.run(async move { write(&owned, new).await }).await
}

async fn write(state: &State, new: NewTenant) -> Result<Created, Error> {
    let mut work = UnitOfWork::begin(state, &Actor::system(Uuid::now_v7())).await?;
    let created = stage_in(&mut work, state, &new).await?;
    work.commit().await?;
    Ok(created)
}

/// Stages the tenant that the unit of work is of.
pub async fn stage_in(work: &mut UnitOfWork, state: &State, new: &NewTenant) -> Result<Created, Error> {
    let tenant_id = work.actor.tenant_id;
    let tenant = new.tenant(tenant_id, work.now);
    for (sql, values) in [
        (
            "INSERT INTO tenant (id, slug, name, time_zone, created_at) VALUES ($1, $2, $3, $4, $5)",
            vec![
                tenant.slug.clone().into(),
                tenant.name.clone().into(),
                tenant.time_zone.clone().into(),
                tenant.created_at.into(),
            ],
        ),
        ("INSERT INTO sync_clock (tenant_id, head, epoch, pruned) VALUES ($1, 0, 1, 0)", Vec::new()),
    ] {
        work.connection().execute_raw(work.statement(sql, values)).await?;
    }
    let top_team = Uuid::now_v7();
    let now = work.now;
    work.put(team::Model {
        tenant_id,
        id: top_team,
        revision: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        name: tenant.name.clone(),
        parent_id: None,
        external_id: None,
    });
    for Setting { stage, en, zh, probability, required, stale_days } in PIPELINE {
        work.put(stage::Model {
            tenant_id,
            id: Uuid::now_v7(),
            revision: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            stage,
            names: Names { en: Line(en.to_owned()), zh: Line(zh.to_owned()) },
            probability,
            required_fields: required.iter().map(|&field| field.to_owned()).collect(),
            stale_days,
        });
    }
    work.put(calendar::Model {
        tenant_id,
        id: tenant_id,
        revision: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        week: office_hours(),
        holidays: SpecialDays::default(),
        working_days: SpecialDays::default(),
    });
    let mut rules = rule_set::Model {
        tenant_id,
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        version: 1,
        status: RuleSetStatus::Active,
        starts_on: Some(Date(now.0.with_timezone(&new.time_zone).date_naive())),
        ended_on: None,
        bundle: None,
        rules: first_rule_set(),
    };
    rules.bundle = Some(bundle::sign(work, state, &rules).await?);
    work.put(rules);
    Ok(Created { tenant, top_team })
}

/// Monday to Friday, nine to six.
fn office_hours() -> Week {
    let shift = |weekday| Shift { weekday, from: "09:00".to_owned(), to: "18:00".to_owned() };
    Week { shifts: (1..=5).map(shift).collect() }
}

/// How one stage is set at first.
struct Setting {
    stage: StageKey,
    en: &'static str,
    zh: &'static str,
    /// Per cent.
    probability: i32,
    /// What must be filled to enter.
    required: &'static [&'static str],
    stale_days: Option<i32>,
}

#[rustfmt::skip] // a table
const PIPELINE: [Setting; 5] = [
    Setting { stage: StageKey::Intent, en: "Intent", zh: "意向", probability: 10, required: &[], stale_days: Some(30) },
    Setting { stage: StageKey::PreSale, en: "Pre-sale", zh: "售前", probability: 30, required: &[], stale_days: Some(30) },
    Setting { stage: StageKey::Negotiation, en: "Negotiation", zh: "谈判", probability: 60, required: &["amount", "currency"], stale_days: Some(45) },
    Setting { stage: StageKey::Signed, en: "Signed", zh: "签约", probability: 100, required: &["amount", "currency", "signedOn"], stale_days: None },
    Setting { stage: StageKey::Lost, en: "Lost", zh: "丢单", probability: 0, required: &[], stale_days: None },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let refused = NewTenant::parse("Acme!", " ", "Shanghai").expect_err("three faults");
        let pointers: Vec<&str> = refused.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/slug", "/name", "/timeZone"]);
    }

    #[test]
    fn a_slug_is_a_label() {
        for good in ["a", "7", "acme", "acme-china-2", &"x".repeat(63)] {
            assert!(parse_slug(good).is_ok(), "{good}");
        }
        for bad in ["", "-", "-a", "a-", "Acme", "a_b", "a b", "客户", &"x".repeat(64)] {
            assert!(parse_slug(bad).is_err(), "{bad}");
        }
    }
}
