//! Books what a change of a card brings, by `card`.

use entity::kind::{CardKind, EntryKind, EntrySource, Kind};
use entity::rules::{CustomerRule, Explanation};
use entity::scalar::{Points, Text, Timestamp};
use entity::{account, activity, contact, points_entry};
use uuid::Uuid;

use super::card::{self, Step};
use super::field::{self, Filled, filled_account, filled_contact};
use super::moves::earns;
use super::score::{Booking, Scorer, bracket};
use super::source::{Source, add};
use super::totals::Place;
use super::words;
use crate::change::{Context, Settings};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// A card as it stands in the unit of work: what is filled, the account that it is about.
#[derive(Clone, Debug)]
pub struct Snapshot {
    filled: Filled,
    account_id: Uuid,
}

/// The card before or after a change; `None` for what is no card or has none.
pub fn snapshot(work: &UnitOfWork, kind: Kind, id: Uuid) -> Option<Snapshot> {
    match kind {
        Kind::Account => {
            let account = work.get::<account::Model>(id).filter(|account| account.deleted_at.is_none())?;
            Some(Snapshot { filled: filled_account(account), account_id: id })
        }
        Kind::Contact => {
            let contact = work.get::<contact::Model>(id).filter(|contact| contact.deleted_at.is_none())?;
            Some(Snapshot { filled: filled_contact(contact), account_id: contact.account_id })
        }
        _ => None,
    }
}

/// Books the difference between the card as it was and as it is now.
pub fn follow(
    work: &mut UnitOfWork,
    context: &Context,
    kind: Kind,
    id: Uuid,
    before: Option<Snapshot>,
) -> Result<(), Refusal> {
    let (on, source) = match kind {
        Kind::Account => (CardKind::Account, EntrySource::Account),
        Kind::Contact => (CardKind::Contact, EntrySource::Contact),
        _ => return Ok(()),
    };
    let Some(settings) = context.settings.as_ref().filter(|settings| settings.has_cards) else { return Ok(()) };
    let after = snapshot(work, kind, id);
    let Some(account_id) = after.as_ref().or(before.as_ref()).map(|snapshot| snapshot.account_id) else {
        return Ok(());
    };
    let filled = |snapshot: Option<Snapshot>| snapshot.map(|snapshot| snapshot.filled).unwrap_or_default();
    let (before, after) = (filled(before), filled(after));
    let rule = settings.rules.customer.iter().find(|rule| rule.on == on);
    let card = card::standing(work.live::<points_entry::Model>().filter(|entry| entry.source_id == id));
    let visited = first_visit(work, context, account_id);
    let timeliness = Timeliness::of(&settings.scorer(None), rule, visited, work.captured.at, &[]);
    let day = settings.day(work.captured.at);
    let of = |user_id| Source { kind: source, id, user_id, account_id: Some(account_id), day };
    let author = earns(work).then_some(work.actor.user_id);
    let room = |user_id| {
        let place = Place { user_id, kind: source, source_id: id, account_id: Some(account_id), day };
        // What the card has brought before on the day stays beside what it brings now.
        settings.room_beside(work, place)
    };
    let steps = card::steps(rule, &card, (&before, &after), author, timeliness.percent, room);
    for step in steps {
        let explanation = timeliness.explain(work, settings, rule, on, &after, &step);
        let kind = if step.earns { EntryKind::Award } else { EntryKind::Reversal };
        let booking = Booking { points: step.points(), money: None, kind, explanation };
        add(work, &of(step.user_id), booking)?;
    }
    Ok(())
}

/// When the account was visited first, as far as anybody has said by now.
fn first_visit(work: &UnitOfWork, context: &Context, account_id: Uuid) -> Option<Timestamp> {
    let here = work
        .live::<activity::Model>()
        .filter(|activity| activity.account_id == account_id && activity.kind == entity::kind::ActivityKind::Visit);
    here.map(|visit| visit.occurred).chain(context.first_visits.get(&account_id).copied()).min()
}

/// How timely a card is filled at one moment.
pub struct Timeliness {
    visited: Option<Timestamp>,
    delay_minutes: Option<i64>,
    within_hours: Option<i32>,
    /// What it leaves of the base.
    pub percent: i32,
}

impl Timeliness {
    /// Before the first visit nothing is late; after every bracket nothing is earned. `before`: what was booked for the
    /// card, whose delays were reckoned with the calendar of their day.
    pub fn of(
        scorer: &Scorer<'_>,
        rule: Option<&CustomerRule>,
        visited: Option<Timestamp>,
        at: Timestamp,
        before: &[Explanation],
    ) -> Self {
        let hours = scorer.rules.hours;
        let delay_minutes = visited.map(|visited| {
            let judged = before.iter().find_map(|before| Scorer::judged(before, visited, at, hours));
            judged.map_or_else(|| scorer.calendar.minutes(visited, at, hours), i64::from)
        });
        let bracket = rule.and_then(|rule| bracket(&rule.brackets, delay_minutes.unwrap_or(0)));
        Timeliness {
            visited,
            delay_minutes,
            within_hours: bracket.map(|bracket| bracket.within_hours),
            percent: bracket.map_or(0, |bracket| bracket.percent),
        }
    }

    fn explain(
        &self,
        work: &UnitOfWork,
        settings: &Settings,
        rule: Option<&CustomerRule>,
        on: CardKind,
        after: &Filled,
        step: &Step,
    ) -> Explanation {
        let weights = rule.map_or(&[][..], |rule| &rule.weights);
        let names: Vec<_> = step.fields.iter().map(|field| field.field.clone()).collect();
        let (fields_en, fields_zh) = words::fields(&names);
        let (card_en, card_zh) = match on {
            CardKind::Account => ("Account card", "客户资料"),
            CardKind::Contact => ("Contact card", "联系人资料"),
        };
        let moment = words::moment(work.captured.at, settings.zone);
        let parts: Vec<_> = step.fields.iter().filter_map(|field| field.points).map(words::points).collect();
        let sum = words::points(step.points());
        let base = rule.map_or(Points::default(), |rule| rule.base);
        let arithmetic = match (step.earns, parts.len()) {
            (true, 1) => parts.join(" + "),
            (true, _) => format!("{} = {sum}", parts.join(" + ")),
            (false, _) => format!("0.00 − {} = {sum}", parts.join(" − ")),
        };
        let (en, zh) = if step.earns {
            let (since_en, since_zh) = self.since(settings);
            let (whole, percent) = (words::plain(base.0), self.percent);
            (
                format!(
                    "{card_en}: {fields_en} filled {moment}, {since_en}. Each earns {percent} % of its share of {whole} \
                     points: {arithmetic}."
                ),
                format!(
                    "{card_zh}：{moment} 填写{fields_zh}，{since_zh}。每项得其在 {whole} 分中所占份额的 {percent}%：{arithmetic}。"
                ),
            )
        } else {
            (
                format!("{card_en}: {fields_en} no longer filled; what was earned by it is taken back: {arithmetic}."),
                format!("{card_zh}：{fields_zh}已清空，所得分数予以冲销：{arithmetic}。"),
            )
        };
        let missing = field::of_card(on).iter().map(|field| field.name);
        let is_weighed = |name: &&str| weights.iter().any(|weight| weight.field.0 == *name);
        Explanation {
            occurred: self.visited,
            captured: Some(work.captured.at),
            captured_proven: Some(work.captured.proven),
            received: Some(work.now),
            hours: Some(settings.rules.hours),
            delay_minutes: self.delay_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX)),
            base: Some(base),
            within_hours: self.within_hours.filter(|_| step.earns),
            percent: Some(self.percent).filter(|_| step.earns),
            weight_filled: step.fields.iter().filter(|field| field.filled).map(|field| field.weight).sum(),
            weight_total: weights.iter().map(|weight| weight.weight).sum(),
            missing: missing
                .filter(is_weighed)
                .filter(|name| !after.contains_key(name))
                .map(|name| entity::scalar::Line(name.to_owned()))
                .collect(),
            weights: step.fields.clone(),
            arithmetic: Text(arithmetic),
            en: Text(en),
            zh: Text(zh),
            ..Explanation::bare(settings.rule_set_version)
        }
    }

    /// How long after the first visit, in words.
    fn since(&self, settings: &Settings) -> (String, String) {
        let (Some(visited), Some(minutes)) = (self.visited, self.delay_minutes) else {
            return ("before any visit".to_owned(), "尚无拜访".to_owned());
        };
        let minutes = i32::try_from(minutes).unwrap_or(i32::MAX);
        let visited = words::moment(visited, settings.zone);
        let (en, zh) = match settings.rules.hours {
            entity::kind::Hours::Working => (words::worked_en(minutes), words::worked_zh(minutes)),
            entity::kind::Hours::Calendar => (words::span_en(minutes), words::span_zh(minutes)),
        };
        (format!("{en} after the first visit of {visited}"), format!("首次拜访（{visited}）后 {zh}"))
    }
}
