//! Holds: awards that wait for a manager's review instead of an accusation. What makes one wait is `detect`; who decides,
//! and what that books, is `decide`; what nobody looks at is released by `due`.

pub mod decide;
pub mod detect;
pub mod due;
pub mod routes;
pub mod similarity;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use entity::kind::{HoldStatus, Role};
use entity::rules::Holds;
use entity::scalar::{Date, Points, Timestamp};
use entity::shape::{Evidence, Finding};
use entity::{activity, hold};
use sea_orm::DbErr;
use uuid::Uuid;

use self::detect::{RECENT_DAYS, Sighting, compares, is_on};
use crate::change::{Body, Change, Intent, Settings};
use crate::work::UnitOfWork;
pub use routes::HoldApi;

/// How far back, in days from now, entries are compared at the most: what is older earns nothing any more.
const OLDEST_DAYS: i64 = 120;

/// What the reps of a batch entered lately; empty where the rules compare nothing.
#[derive(Default)]
pub struct Lately {
    known: BTreeMap<Uuid, Vec<Sighting>>,
    /// Those of this batch, by revision: each is looked at once.
    fresh: Mutex<BTreeMap<Uuid, (i32, Arc<Sighting>)>>,
}

impl Lately {
    /// Reads what the authors of these activities entered around their times, in one statement.
    pub async fn read(work: &UnitOfWork, holds: &Holds, changes: &[Change]) -> Result<Self, DbErr> {
        if !compares(holds) || !looks(work) {
            return Ok(Lately::default());
        }
        let (mut owners, mut earliest): (BTreeSet<Uuid>, Option<Timestamp>) = (BTreeSet::new(), None);
        for change in changes {
            let (Intent::Create(Body::Activity(fields)) | Intent::Update(Body::Activity(fields))) = &change.intent
            else {
                continue;
            };
            let before = work.get::<activity::Model>(change.id);
            owners.insert(before.map(|activity| activity.owner_id).or(fields.owner_id).unwrap_or(work.actor.user_id));
            let moments = [fields.occurred, before.map(|activity| activity.occurred), earliest];
            earliest = moments.into_iter().flatten().min();
        }
        let Some(earliest) = earliest else { return Ok(Lately::default()) };
        let since = (earliest.0 - TimeDelta::days(RECENT_DAYS)).max(work.now.0 - TimeDelta::days(OLDEST_DAYS));
        let owners: Vec<Uuid> = owners.into_iter().collect();
        let rows = work
            .fetch::<activity::Model>(
                "owner_id = ANY($2) AND occurred >= $3",
                [owners.into(), Timestamp::from(since).into()],
            )
            .await?;
        let mut known: BTreeMap<Uuid, Vec<Sighting>> = BTreeMap::new();
        for activity in rows {
            known.entry(activity.owner_id).or_default().push(Sighting::of(&activity));
        }
        Ok(Lately { known, fresh: Mutex::default() })
    }

    fn sighting(&self, activity: &activity::Model) -> Arc<Sighting> {
        let mut fresh = self.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match fresh.get(&activity.id) {
            Some((revision, sighting)) if *revision == activity.revision => sighting.clone(),
            _ => {
                let sighting = Arc::new(Sighting::of(activity));
                fresh.insert(activity.id, (activity.revision, sighting.clone()));
                sighting
            }
        }
    }

    /// What stands out about an activity of this unit of work.
    pub fn findings(&self, work: &UnitOfWork, settings: &Settings, activity: &activity::Model) -> Vec<Finding> {
        let holds = &settings.rules.holds;
        if !is_on(holds) || !looks(work) {
            return Vec::new();
        }
        let here: Vec<Arc<Sighting>> = if compares(holds) {
            let of_owner = |other: &&activity::Model| other.owner_id == activity.owner_id;
            work.live::<activity::Model>().filter(of_owner).map(|other| self.sighting(other)).collect()
        } else {
            Vec::new()
        };
        // As they stand here, if they are here: changed, deleted, or as they were.
        let elsewhere = |other: &&Sighting| work.get::<activity::Model>(other.id).is_none();
        let known = self.known.get(&activity.owner_id).into_iter().flatten().filter(elsewhere);
        let others = known.chain(here.iter().map(Arc::as_ref));
        detect::detect(holds, &self.sighting(activity), others, settings.zone)
    }
}

/// What people type is looked at; imports and programs have no haste and no phone.
fn looks(work: &UnitOfWork) -> bool {
    matches!(work.actor.role, Role::Rep | Role::Manager)
}

/// The open holds of an activity, the newest first.
pub fn open(work: &UnitOfWork, activity_id: Uuid) -> Vec<hold::Model> {
    let mut holds: Vec<hold::Model> = work
        .live::<hold::Model>()
        .filter(|hold| hold.activity_id == activity_id && hold.status == HoldStatus::Open)
        .cloned()
        .collect();
    holds.sort_by_key(|hold| std::cmp::Reverse((hold.created_at, hold.id)));
    holds
}

/// Puts the points of an entry on the held side under a hold: the open one of this activity, or a new one.
pub fn raise(
    work: &mut UnitOfWork,
    settings: &Settings,
    activity: &activity::Model,
    entry_id: Uuid,
    points: Points,
    findings: Vec<Finding>,
) {
    if let Some(hold) = open(work, activity.id).into_iter().next() {
        let mut evidence = hold.evidence.clone();
        for finding in findings {
            evidence.findings.retain(|known| known.reason != finding.reason);
            evidence.findings.push(finding);
        }
        work.put(hold::Model { points: Points(hold.points.0 + points.0), evidence, ..hold });
        return;
    }
    let today = work.now.0.with_timezone(&settings.zone).date_naive();
    work.put(hold::Model {
        tenant_id: work.actor.tenant_id,
        id: Uuid::now_v7(),
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        user_id: activity.owner_id,
        entry_id,
        activity_id: activity.id,
        points,
        evidence: Evidence { findings },
        status: HoldStatus::Open,
        release_on: Date(today + TimeDelta::days(settings.rules.holds.release_after_days.into())),
        decided_by: None,
        decided_at: None,
        decision: None,
    });
}

/// Takes points that a correction or a deletion cost from the open holds of an activity. One with nothing left has
/// nothing to be decided.
pub fn lower(work: &mut UnitOfWork, activity_id: Uuid, points: Points) {
    let mut left = points.0;
    for hold in open(work, activity_id) {
        let taken = left.min(hold.points.0);
        left -= taken;
        let points = Points(hold.points.0 - taken);
        let next = hold::Model { points, ..hold };
        if points.0.is_zero() {
            let (status, decided_at) = (HoldStatus::Released, Some(work.now));
            let decision = Some("Nothing is left to be decided: the activity was changed or deleted.".to_owned());
            work.put(hold::Model { status, decided_at, decision, ..next });
        } else if !taken.is_zero() {
            work.put(next);
        }
    }
}
