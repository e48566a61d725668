//! A rep's opportunities and their way through the pipeline: most are decided, some go back, some lie still.

use chrono::TimeDelta;
use entity::kind::{Kind, LostReason, StageKey};
use entity::scalar::{Currency, Date, Line, Timestamp};
use uuid::Uuid;

use super::customers::Customer;
use super::{Diary, Product, minutes_after, offer};
use crate::change::{Body, Intent};
use crate::demo::phrases::{LOSS_NOTES, LOSSES, REOPENINGS, SALES, SETBACKS, SOURCES, say};
use crate::demo::{line, text};
use crate::opportunity::stage::WAY;
use crate::opportunity::{AdvanceOpportunity, OpportunityFields};

/// Opportunities of a rep: those that he brings along in the first weeks, and the others.
const FIRST: usize = 12;
const MORE: usize = 90;
/// Of the decided ones, the share that is signed: at the start of the year, and what is added by its end.
const SIGNED: f64 = 0.50;
const LEARNED: f64 = 0.07;
/// Days from the beginning to the decision, whichever it is: else one quarter would see more of the quick ones.
const LASTING: std::ops::Range<i64> = 18..70;
/// Shares of those that nobody works on any more, that go back a stage or leave one out, and of the lost ones that
/// are reopened.
const STALE: f64 = 0.06;
const BACKWARD: f64 = 0.06;
const QUICK: f64 = 0.12;
const REOPENED: f64 = 0.05;
/// Stages that a lost or stale one went through, and how often.
const REACHED: [(usize, u32); 3] = [(0, 35), (1, 40), (2, 25)];

/// An opportunity as the rep's other work knows it.
pub struct Sale {
    pub id: Uuid,
    /// Place in the list of customers.
    pub customer: usize,
    /// From its entry until nothing moves any more.
    pub known: Timestamp,
    pub until: Timestamp,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Signed,
    Lost,
    Still,
}

/// Enters them; in the order in which they began.
pub fn sales(diary: &mut Diary, customers: &[Customer], products: &[Product]) -> Vec<Sale> {
    let days = diary.calendar.working_days();
    let mut begins: Vec<Timestamp> = Vec::new();
    for number in 0..FIRST + MORE {
        let last = if number < FIRST { 25 } else { days.len() as i64 };
        let day = days[diary.dice.within(9..last) as usize];
        begins.push(diary.at_work(day));
    }
    begins.sort();
    // Who signs is dealt out, not rolled, so that the rate rises by what it should and not by luck. Each rep starts with
    // another share of the first one, else all would sign their first at the same time.
    let mut owed = diary.dice.share();
    begins
        .into_iter()
        .map(|at| {
            let mut fate = Fate::Still;
            if !diary.dice.chance(STALE) {
                let decided = minutes_after(at, (LASTING.start + LASTING.end) / 2 * 24 * 60);
                owed += SIGNED + LEARNED * diary.calendar.age(decided);
                fate = if owed >= 1.0 { Fate::Signed } else { Fate::Lost };
            }
            if fate == Fate::Signed {
                owed -= 1.0;
            }
            sale(diary, customers, products, at, fate)
        })
        .collect()
}

fn sale(diary: &mut Diary, customers: &[Customer], products: &[Product], at: Timestamp, fate: Fate) -> Sale {
    let known = customers.partition_point(|customer| customer.known < at);
    let customer = diary.dice.within(0..known as i64) as usize;
    let Customer { id: account_id, ref name, ref contacts, .. } = customers[customer];
    let product = diary.dice.pick(products);
    let amount = diary.dice.chance(0.7).then(|| offer(&mut diary.dice, product));
    let lasting = diary.dice.within(LASTING);
    let expected = lasting + diary.dice.within(-10..20);
    let about = say(&mut diary.dice, &SALES, diary.rep.english);
    let fields = OpportunityFields {
        name: Some(line(format!("{name} · {about}"))),
        account_id: Some(account_id),
        contact_id: diary.dice.chance(0.8).then(|| *diary.dice.pick(contacts)),
        product_id: Some(product.id),
        amount,
        currency: amount.map(|_| Currency("CNY".to_owned())),
        expected_on: Some(day_after(diary, at, expected)),
        source: Some(line(*diary.dice.pick(&SOURCES))),
        ..OpportunityFields::default()
    };
    let id = diary.dice.id(at);
    diary.enter(at, Kind::Opportunity, id, Intent::Create(Body::Opportunity(fields)));

    let route = route(diary, fate);
    let moves = route.iter().position(|stage| *stage == StageKey::Lost).map_or(route.len(), |lost| lost + 1);
    let (mut typed, mut until) = (at, at);
    for (number, &stage) in route.iter().enumerate() {
        let from = if number == 0 { StageKey::Intent } else { route[number - 1] };
        // The moves share the time until the decision; a reopening comes three weeks after it.
        let days = match from {
            StageKey::Lost => lasting + 21,
            _ => lasting * (number as i64 + 1) / moves as i64,
        };
        let day = diary.calendar.later(diary.calendar.local(at).0, days);
        let occurred = diary.at_work(day);
        typed = diary.typed(occurred).max(minutes_after(typed, 1));
        let mut advance = step(diary, from, stage, occurred);
        if amount.is_none() && matches!(stage, StageKey::Negotiation | StageKey::Signed) {
            advance.amount = Some(offer(&mut diary.dice, product));
            advance.currency = Some(Currency("CNY".to_owned()));
        }
        diary.enter(typed, Kind::Opportunity, id, Intent::Advance(advance));
        until = occurred;
    }
    if fate == Fate::Still || until == at {
        until = minutes_after(until, 14 * 24 * 60);
    }
    Sale { id, customer, known: at, until }
}

/// The stages that it comes to, one after the other.
fn route(diary: &mut Diary, fate: Fate) -> Vec<StageKey> {
    let reached = diary.dice.weighted(&REACHED);
    match fate {
        Fate::Still => WAY[1..=reached].to_vec(),
        Fate::Signed if diary.dice.chance(QUICK) => vec![StageKey::Negotiation, StageKey::Signed],
        Fate::Signed if diary.dice.chance(BACKWARD) => {
            let again = [StageKey::PreSale, StageKey::Negotiation];
            [again.as_slice(), &again, &[StageKey::Signed]].concat()
        }
        Fate::Signed => WAY[1..].to_vec(),
        Fate::Lost => {
            let mut route = [&WAY[1..=reached], &[StageKey::Lost]].concat();
            if diary.dice.chance(REOPENED) {
                route.push(WAY[reached]);
            }
            route
        }
    }
}

/// What is typed for a move.
fn step(diary: &mut Diary, from: StageKey, stage: StageKey, occurred: Timestamp) -> AdvanceOpportunity {
    let english = diary.rep.english;
    let reason: Option<Line> = match (from, stage) {
        (_, StageKey::Lost) => None,
        (StageKey::Lost, _) => Some(line(say(&mut diary.dice, &REOPENINGS, english))),
        _ if stage < from => Some(line(say(&mut diary.dice, &SETBACKS, english))),
        _ => None,
    };
    let lost_reason = (stage == StageKey::Lost).then(|| diary.dice.weighted(&LOSSES));
    let noted = lost_reason == Some(LostReason::Other);
    AdvanceOpportunity {
        stage,
        occurred: Some(occurred),
        reason,
        lost_reason,
        lost_note: noted.then(|| text(say(&mut diary.dice, &LOSS_NOTES, english))),
        amount: None,
        currency: None,
        expected_on: (stage == StageKey::Negotiation).then(|| day_after(diary, occurred, 20)),
        signed_on: (stage == StageKey::Signed).then(|| day_after(diary, occurred, 0)),
    }
}

fn day_after(diary: &Diary, at: Timestamp, days: i64) -> Date {
    Date(diary.calendar.local(at).0 + TimeDelta::days(days))
}
