//! What makes an award wait for a review. Decides only: it sees the entry and the same rep's others, and shows what it
//! saw; it accuses nobody.

use chrono::TimeDelta;
use chrono_tz::Tz;
use entity::activity;
use entity::kind::{ActivityKind, HoldReason, Verdict};
use entity::rules::{Burst, Holds};
use entity::scalar::{Text, Timestamp};
use entity::shape::{Check, Finding, Position};
use uuid::Uuid;

use super::similarity::Trigrams;
use crate::activity::verdict::distance_metres;
use crate::points::words::{moment, plain};

/// Days in which another summary counts as recent.
pub const RECENT_DAYS: i64 = 30;
/// Two visits in one place are no journey; a kilometre is more than a phone may err.
const JOURNEY_METRES: f64 = 1_000.0;
/// Others that a finding names at the most.
const NAMED: usize = 20;

/// An activity as far as these rules look at it.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub id: Uuid,
    pub occurred: Timestamp,
    pub captured: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// The start of a visit, where the phone proves the place.
    pub place: Option<Place>,
    /// Metres, of the check-in's position.
    pub accuracy: Option<f64>,
    pub summary: Trigrams,
}

/// Where a phone was, from when to when.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub position: Position,
    pub accuracy: f64,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Sighting {
    pub fn of(activity: &activity::Model) -> Self {
        let check_in = activity.check_in.as_ref().filter(|_| activity.kind == ActivityKind::Visit);
        let left = activity.check_out.as_ref().map(|check| check.at);
        let planned = TimeDelta::minutes(activity.duration_minutes.unwrap_or(0).into());
        let ended = left.unwrap_or((activity.occurred.0 + planned).into()).max(activity.occurred);
        let place = check_in.filter(|_| activity.verdict == Some(Verdict::Verified)).and_then(|check| {
            let Check { at, latitude, longitude, accuracy, .. } = *check;
            let position = Position { latitude: latitude?, longitude: longitude? };
            Some(Place { position, accuracy: accuracy.unwrap_or(0.0), from: at, to: left.unwrap_or(at).max(at) })
        });
        Sighting {
            id: activity.id,
            occurred: activity.occurred,
            captured: activity.captured,
            ended,
            place,
            accuracy: check_in.and_then(|check| check.accuracy),
            summary: Trigrams::of(activity.summary.as_deref().unwrap_or_default()),
        }
    }
}

/// Whether these rules look for anything.
pub fn is_on(holds: &Holds) -> bool {
    let Holds { burst, similarity_percent, speed_kmh, accuracy_metres, future_minutes, release_after_days: _ } = holds;
    burst.is_some()
        || [similarity_percent, speed_kmh, accuracy_metres, future_minutes].iter().any(|rule| rule.is_some())
}

/// Whether they look at anything beside the entry itself.
pub fn compares(holds: &Holds) -> bool {
    holds.burst.is_some() || holds.similarity_percent.is_some() || holds.speed_kmh.is_some()
}

/// All that stands out about `entry` beside `others` of the same rep, in words of his `zone`.
pub fn detect<'a>(
    holds: &Holds,
    entry: &Sighting,
    others: impl Iterator<Item = &'a Sighting> + Clone,
    zone: Tz,
) -> Vec<Finding> {
    let others = others.filter(|other| other.id != entry.id);
    let mut findings = Vec::new();
    findings.extend(holds.burst.and_then(|rule| burst(rule, entry, others.clone(), zone)));
    findings.extend(holds.similarity_percent.and_then(|least| near_identical(least, entry, others.clone(), zone)));
    findings.extend(holds.speed_kmh.and_then(|most| impossible_travel(most, entry, others, zone)));
    findings.extend(holds.accuracy_metres.and_then(|most| poor_accuracy(most, entry)));
    findings.extend(holds.future_minutes.and_then(|most| future(most, entry, zone)));
    findings
}

/// A span of the rule's minutes that holds so many entries, this one among them.
fn burst<'a>(rule: Burst, entry: &Sighting, others: impl Iterator<Item = &'a Sighting>, zone: Tz) -> Option<Finding> {
    let span = TimeDelta::minutes(rule.minutes.into());
    let mut near: Vec<&Sighting> = others.filter(|other| (other.captured.0 - entry.captured.0).abs() <= span).collect();
    near.push(entry);
    near.sort_by_key(|sighting| (sighting.captured, sighting.id));
    // The fullest span: each begins with an entry, and this one lies in it.
    let spans = near.iter().enumerate().map(|(at, first)| {
        let inside = near[at..].iter().take_while(|other| other.captured.0 - first.captured.0 <= span).count();
        &near[at..at + inside]
    });
    let fullest = spans.filter(|inside| inside.iter().any(|s| s.id == entry.id)).max_by_key(|inside| inside.len())?;
    let (count, minutes) = (fullest.len(), rule.minutes);
    if count < usize::try_from(rule.entries).unwrap_or(usize::MAX) {
        return None;
    }
    let (from, to) = (moment(fullest.first()?.captured, zone), moment(fullest.last()?.captured, zone));
    Some(Finding {
        reason: HoldReason::Burst,
        activity_ids: fullest.iter().map(|other| other.id).filter(|id| *id != entry.id).take(NAMED).collect(),
        en: Text(format!(
            "{count} activities were typed within {minutes} min, from {from} to {to} ({zone}); from {} on, a review looks at them.",
            rule.entries
        )),
        zh: Text(format!(
            "{minutes} 分钟内录入了 {count} 条活动，自 {from} 至 {to}（{zone}）；达到 {} 条即需复核。",
            rule.entries
        )),
    })
}

/// The most similar summary of the last days.
fn near_identical<'a>(
    least: i32,
    entry: &Sighting,
    others: impl Iterator<Item = &'a Sighting>,
    zone: Tz,
) -> Option<Finding> {
    let recent = TimeDelta::days(RECENT_DAYS);
    let mut alike: Vec<(i32, &Sighting)> = others
        .filter(|other| (entry.occurred.0 - other.occurred.0).abs() <= recent)
        .map(|other| (entry.summary.similarity_percent(&other.summary), other))
        .filter(|(percent, _)| *percent >= least)
        .collect();
    alike.sort_by_key(|(percent, other)| (-percent, other.occurred, other.id));
    let (percent, other) = *alike.first()?;
    let (when, count) = (moment(other.occurred, zone), alike.len());
    Some(Finding {
        reason: HoldReason::NearIdentical,
        activity_ids: alike.iter().map(|(_, other)| other.id).take(NAMED).collect(),
        en: Text(format!(
            "The summary is {percent} % the same as that of {when} ({zone}); {count} within {RECENT_DAYS} days are at least {least} % the same."
        )),
        zh: Text(format!(
            "摘要与 {when}（{zone}）的活动相似度为 {percent}%；{RECENT_DAYS} 天内有 {count} 条相似度不低于 {least}%。"
        )),
    })
}

/// The fastest journey from or to another verified visit, if nobody travels so fast. Accuracies count in the rep's favour.
fn impossible_travel<'a>(
    most: i32,
    entry: &Sighting,
    others: impl Iterator<Item = &'a Sighting>,
    zone: Tz,
) -> Option<Finding> {
    let here = entry.place?;
    let mut fastest: Option<(f64, f64, f64, &Sighting, Place)> = None;
    for other in others {
        let Some(there) = other.place else { continue };
        let metres = distance_metres(here.position, there.position) - here.accuracy - there.accuracy;
        let (earlier, later) = if there.from <= here.from { (there, here) } else { (here, there) };
        let hours = (later.from.0 - earlier.to.0).max(TimeDelta::zero()).as_seconds_f64() / 3600.0;
        // No time at all for a journey is faster than anything.
        let speed = if hours > 0.0 { metres / 1000.0 / hours } else { f64::INFINITY };
        if metres > JOURNEY_METRES && speed > f64::from(most) && fastest.is_none_or(|(known, ..)| speed > known) {
            fastest = Some((speed, metres / 1000.0, hours * 60.0, other, there));
        }
    }
    let (speed, kilometres, minutes, other, there) = fastest?;
    let when = moment(there.from, zone);
    let (kilometres, minutes) = (kilometres.round(), minutes.round());
    let (fast_en, fast_zh) = if speed.is_finite() {
        (format!("{} km/h", speed.round()), format!("时速 {} 公里", speed.round()))
    } else {
        ("no time for the way".to_owned(), "没有路途时间".to_owned())
    };
    Some(Finding {
        reason: HoldReason::ImpossibleTravel,
        activity_ids: vec![other.id],
        en: Text(format!(
            "The verified visit of {when} ({zone}) lies {kilometres} km and {minutes} min away: {fast_en}; up to {most} km/h is believed."
        )),
        zh: Text(format!(
            "与 {when}（{zone}）已验证的拜访相距 {kilometres} 公里、{minutes} 分钟：{fast_zh}；可信上限为时速 {most} 公里。"
        )),
    })
}

/// An activity that its author moved to a later time. The rules cannot turn this off: without it a fine would be optional.
pub fn redated(before: Timestamp, now: Timestamp, zone: Tz) -> Finding {
    let (before, now) = (moment(before, zone), moment(now, zone));
    Finding {
        reason: HoldReason::Redated,
        activity_ids: Vec::new(),
        en: Text(format!(
            "Its author moved its time from {before} to {now} ({zone}); what that gains waits until somebody has looked at it."
        )),
        zh: Text(format!("录入人将发生时间由 {before} 改为 {now}（{zone}）；由此增加的分数须经复核。")),
    }
}

fn poor_accuracy(most: i32, entry: &Sighting) -> Option<Finding> {
    let metres = entry.accuracy.filter(|metres| *metres > f64::from(most))?.round();
    Some(Finding {
        reason: HoldReason::PoorAccuracy,
        activity_ids: Vec::new(),
        en: Text(format!("The position of the check-in is accurate to {metres} m only; up to {most} m is believed.")),
        zh: Text(format!("签到位置精度仅为 {metres} 米；可信上限为 {most} 米。")),
    })
}

fn future(most: i32, entry: &Sighting, zone: Tz) -> Option<Finding> {
    let ahead = (entry.ended.0 - entry.captured.0).num_minutes();
    if ahead <= i64::from(most) {
        return None;
    }
    let (ended, captured) = (moment(entry.ended, zone), moment(entry.captured, zone));
    let ahead = plain(ahead.into());
    Some(Finding {
        reason: HoldReason::Future,
        activity_ids: Vec::new(),
        en: Text(format!(
            "It was typed at {captured} and over at {ended} ({zone}): {ahead} min ahead; up to {most} min is usual."
        )),
        zh: Text(format!("录入时间 {captured}，结束时间 {ended}（{zone}）：提前 {ahead} 分钟；允许 {most} 分钟以内。")),
    })
}

#[cfg(test)]
mod tests;
