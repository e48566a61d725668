//! A rep's days: visits, calls and the rest, and the plans that some of the visits were.

use chrono::NaiveDate;
use entity::kind::{ActivityKind, Kind};
use entity::scalar::{Date, Timestamp};
use entity::shape::{Check, Position};
use uuid::Uuid;

use super::customers::{Customer, degrees};
use super::sales::Sale;
use super::{Diary, minutes_after};
use crate::activity::ActivityFields;
use crate::change::{Body, Intent};
use crate::demo::phrases::{CANCELLATIONS, NEXT_STEPS, OUTCOMES, PURPOSES, say, summary};
use crate::demo::{line, text};
use crate::plan::{CancelPlan, PlanFields};

/// Activities a working day, and how often.
const A_DAY: [(usize, u32); 4] = [(0, 18), (1, 36), (2, 31), (3, 15)];
const KINDS: [(ActivityKind, u32); 5] = [
    (ActivityKind::Visit, 50),
    (ActivityKind::Call, 22),
    (ActivityKind::Meeting, 10),
    (ActivityKind::Email, 10),
    (ActivityKind::Note, 8),
];
/// Share of the activities that concern a sale, and of the visits that were planned and of those that were moved.
const ON_A_SALE: f64 = 0.6;
const PLANNED: f64 = 0.35;
const MOVED: f64 = 0.1;
/// Plans a rep that come to nothing: forgotten, cancelled, and those still to be done.
const MISSED: usize = 12;
const CANCELLED: usize = 6;
const UPCOMING: usize = 5;

/// How a check-in turns out, and how often.
#[derive(Clone, Copy)]
enum Fix {
    There,
    Elsewhere,
    Stale,
    None,
}
const FIXES: [(Fix, u32); 4] = [(Fix::There, 86), (Fix::Elsewhere, 7), (Fix::Stale, 3), (Fix::None, 4)];

/// A piece of work on a customer.
struct Job<'a> {
    customer: &'a Customer,
    sale: Option<&'a Sale>,
}

/// Enters activities and plans.
pub fn visits(diary: &mut Diary, customers: &[Customer], sales: &[Sale]) {
    let days = diary.calendar.working_days();
    for (number, &day) in days.iter().enumerate() {
        let mut minute = diary.dice.within(8 * 60 + 40..10 * 60);
        for _ in 0..diary.dice.weighted(&A_DAY) {
            let occurred = diary.calendar.at(day, minute);
            if let Some(job) = job(diary, customers, sales, occurred) {
                activity(diary, &job, occurred, &days[..number]);
            }
            minute += diary.dice.within(100..200);
        }
    }
    // Far enough from both ends that there are customers, and that the day is over.
    for _ in 0..MISSED {
        let number = diary.dice.within(15..days.len() as i64) as usize;
        unfulfilled(diary, customers, sales, days[number - 3], days[number]);
    }
    for _ in 0..CANCELLED {
        let number = diary.dice.within(15..days.len() as i64 - 1) as usize;
        if let Some((id, planned)) = unfulfilled(diary, customers, sales, days[number - 3], days[number]) {
            let reason = line(say(&mut diary.dice, &CANCELLATIONS, diary.rep.english));
            let next_day = diary.calendar.later(diary.calendar.local(planned).0, 1);
            let when = diary.at_work(next_day);
            diary.enter(when, Kind::Plan, id, Intent::Cancel(CancelPlan { reason }));
        }
    }
    for _ in 0..UPCOMING {
        let typed = days[days.len() - 1 - diary.dice.within(0..4) as usize];
        let day = diary.calendar.later(diary.calendar.today, diary.dice.within(0..12));
        unfulfilled(diary, customers, sales, typed, day);
    }
}

/// Somebody to work on at that moment, and mostly because of a sale.
fn job<'a>(diary: &mut Diary, customers: &'a [Customer], sales: &'a [Sale], at: Timestamp) -> Option<Job<'a>> {
    let begun = &sales[..sales.partition_point(|sale| sale.known < at)];
    let open: Vec<&Sale> = begun.iter().filter(|sale| at <= sale.until).collect();
    if !open.is_empty() && diary.dice.chance(ON_A_SALE) {
        let sale = *diary.dice.pick(&open);
        return Some(Job { customer: &customers[sale.customer], sale: Some(sale) });
    }
    let known = &customers[..customers.partition_point(|customer| customer.known < at)];
    (!known.is_empty()).then(|| Job { customer: diary.dice.pick(known), sale: None })
}

fn activity(diary: &mut Diary, job: &Job, occurred: Timestamp, before: &[NaiveDate]) {
    let kind = diary.dice.weighted(&KINDS);
    let visit = kind == ActivityKind::Visit;
    let plan_id = if visit && diary.dice.chance(PLANNED) { plan_before(diary, job, occurred, before) } else { None };
    // Entries also get fuller over the year.
    let care = 0.62 + 0.3 * diary.calendar.age(occurred);
    let english = diary.rep.english;
    let duration = match kind {
        ActivityKind::Visit | ActivityKind::Meeting => Some(diary.dice.within(20..110)),
        ActivityKind::Call => Some(diary.dice.within(3..30)),
        ActivityKind::Email | ActivityKind::Note => None,
    };
    let check_in = if visit { check(diary, job.customer.position, occurred) } else { None };
    let next = kind != ActivityKind::Note && diary.dice.chance(care - 0.1);
    let mut fields = ActivityFields {
        kind: Some(kind),
        occurred: Some(occurred),
        contact_id: diary.dice.chance(care).then(|| *diary.dice.pick(&job.customer.contacts)),
        opportunity_id: job.sale.map(|sale| sale.id),
        duration_minutes: duration.map(|minutes| minutes as i32),
        summary: diary.dice.chance(care + 0.08).then(|| text(summary(&mut diary.dice, kind, english))),
        outcome: (kind != ActivityKind::Note && diary.dice.chance(care))
            .then(|| text(say(&mut diary.dice, &OUTCOMES, english))),
        next_step: next.then(|| text(say(&mut diary.dice, &NEXT_STEPS, english))),
        next_step_on: (next && diary.dice.chance(care)).then(|| soon(diary, occurred)),
        check_in,
        check_out: check_in.zip(duration).filter(|_| diary.dice.chance(care)).map(|(check, minutes)| Check {
            at: minutes_after(check.at, minutes),
            fixed_at: None,
            ..check
        }),
        external_id: None,
        entry_seconds: None,
        custom: None,
        account_id: Some(job.customer.id),
        plan_id,
        owner_id: None,
    };
    fields.entry_seconds = Some(seconds(&fields));
    let typed = diary.typed(occurred);
    let id = diary.dice.id(typed);
    // Nobody types before it is over.
    let typed = typed.max(minutes_after(occurred, duration.unwrap_or_default()));
    diary.enter(typed, Kind::Activity, id, Intent::Create(Body::Activity(fields)));
}

/// What it takes to type all that: a form to open, fields to choose, and three characters a second.
fn seconds(fields: &ActivityFields) -> i32 {
    let texts = [&fields.summary, &fields.outcome, &fields.next_step];
    let characters: usize = texts.into_iter().flatten().map(|text| text.0.chars().count()).sum();
    let chosen = [fields.contact_id.is_some(), fields.opportunity_id.is_some(), fields.next_step_on.is_some()];
    let chosen = chosen.into_iter().filter(|is_chosen| *is_chosen).count();
    i32::try_from(8 + 4 * chosen + characters / 3).unwrap_or(i32::MAX)
}

fn soon(diary: &mut Diary, after: Timestamp) -> Date {
    let days = diary.dice.within(1..15);
    Date(diary.calendar.later(diary.calendar.local(after).0, days))
}

/// Where the phone was at the start of a visit.
fn check(diary: &mut Diary, account: Option<Position>, at: Timestamp) -> Option<Check> {
    let fix = diary.dice.weighted(&FIXES);
    let (Some(place), false) = (account, matches!(fix, Fix::None)) else {
        // The button was pressed, but the phone found no position.
        return diary.dice.chance(0.5).then_some(Check {
            at,
            latitude: None,
            longitude: None,
            accuracy: None,
            fixed_at: None,
        });
    };
    // A thousandth of a degree of latitude is 111 metres.
    let away =
        if matches!(fix, Fix::Elsewhere) { diary.dice.between(0.006..0.04) } else { diary.dice.between(0.0..0.0012) };
    let bearing = diary.dice.between(0.0..std::f64::consts::TAU);
    let fixed = if matches!(fix, Fix::Stale) { diary.dice.within(-60..-10) } else { 0 };
    Some(Check {
        at,
        latitude: Some(degrees(place.latitude + away * bearing.sin())),
        longitude: Some(degrees(place.longitude + away * bearing.cos())),
        accuracy: Some(diary.dice.within(5..60) as f64),
        fixed_at: Some(minutes_after(at, fixed)),
    })
}

/// A plan made some days before, for a visit that takes place; the visit's day at last, if it was moved.
fn plan_before(diary: &mut Diary, job: &Job, occurred: Timestamp, before: &[NaiveDate]) -> Option<Uuid> {
    let made_on = before.len().checked_sub(diary.dice.within(1..6) as usize)?;
    let made = diary.at_work(before[made_on]);
    if made <= job.customer.known || job.sale.is_some_and(|sale| made <= sale.known) {
        return None;
    }
    let day = diary.calendar.local(occurred).0;
    let moved = before.len() - made_on >= 3 && diary.dice.chance(MOVED);
    let first = if moved { before[before.len() - 1] } else { day };
    let id = plan(diary, job, made, first);
    if moved {
        let fields = PlanFields { planned_on: Some(Date(day)), ..PlanFields::default() };
        diary.enter(minutes_after(made, 10), Kind::Plan, id, Intent::Update(Body::Plan(fields)));
    }
    Some(id)
}

/// A plan for a visit that does not take place, or not yet; with the moment at which it was made.
fn unfulfilled(
    diary: &mut Diary,
    customers: &[Customer],
    sales: &[Sale],
    typed: NaiveDate,
    day: NaiveDate,
) -> Option<(Uuid, Timestamp)> {
    let made = diary.at_work(typed);
    let job = job(diary, customers, sales, made)?;
    Some((plan(diary, &job, made, day), made))
}

fn plan(diary: &mut Diary, job: &Job, made: Timestamp, day: NaiveDate) -> Uuid {
    let fields = PlanFields {
        planned_on: Some(Date(day)),
        contact_id: diary.dice.chance(0.7).then(|| *diary.dice.pick(&job.customer.contacts)),
        opportunity_id: job.sale.map(|sale| sale.id),
        purpose: Some(text(say(&mut diary.dice, &PURPOSES, diary.rep.english))),
        account_id: Some(job.customer.id),
        owner_id: None,
    };
    let id = diary.dice.id(made);
    diary.enter(made, Kind::Plan, id, Intent::Create(Body::Plan(fields)));
    id
}
