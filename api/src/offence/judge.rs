//! Which offences fell due on which day, and whether one still stands in the light of what arrived since. Pure: the same
//! timelines give the same offences, whenever and however often they are judged; a simulation judges by the same rule.
//!
//! An offence falls due on the last day on which it could have been avoided, and is known once that day is over. Nothing
//! counts from before the rule set began: whoever was idle then has the whole time again. A new owner has it too.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use entity::kind::{CardKind, EntrySource, PenaltyKind, StageKey};
use entity::rules::{CustomerRule, Penalty, Rules, Weight};
use entity::scalar::{Date, Line, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::timeline::{History, OpportunityLine, PlanLine, Timelines, account, name, owner};
use crate::calendar::Calendar;
use crate::points::field::{Field, Filled, of_card};
use crate::points::score::counts;

/// The rules of a time, with what they are read with.
#[derive(Clone, Copy, Debug)]
pub struct Law<'a> {
    pub rules: &'a Rules,
    /// The first day of the rule set.
    pub starts_on: Date,
    pub calendar: &'a Calendar,
    /// Days after which each stage is stale.
    pub stale_days: &'a BTreeMap<StageKey, i32>,
}

/// Something that is to be fined.
#[derive(Clone, Debug, PartialEq)]
pub struct Offence {
    pub kind: PenaltyKind,
    pub source: (EntrySource, Uuid),
    pub account_id: Option<Uuid>,
    /// Who answered for the record when it fell due.
    pub user_id: Uuid,
    /// What the record was called.
    pub name: String,
    /// The day from which the time was counted.
    pub since: Date,
    pub due: Date,
    /// For a stale stage.
    pub stage: Option<(i32, StageKey)>,
    /// For a card: how complete it was, in per cent, and what was missing.
    pub card: Option<(i32, Vec<Line>)>,
}

impl Offence {
    /// Names it within the tenant, so that it is booked once.
    pub fn key(&self) -> String {
        let (kind, id) = (self.kind, self.source.1);
        match (self.kind, self.stage) {
            (PenaltyKind::IncompleteAccount, _) => format!("{kind}:{id}"),
            (PenaltyKind::MissedPlan, _) => format!("{kind}:{id}:{}", self.due),
            (_, Some((number, _))) => format!("{kind}:{id}:{}:{number}", self.since),
            _ => format!("{kind}:{id}:{}", self.since),
        }
    }
}

fn later(day: Date, days: i32) -> Option<Date> {
    day.0.checked_add_days(Days::new(u64::try_from(days).ok()?)).map(Date)
}

impl Law<'_> {
    fn penalty(&self, kind: PenaltyKind) -> Option<&Penalty> {
        self.rules.penalties.iter().find(|penalty| penalty.kind == kind)
    }

    /// The moment at which a day is over.
    fn end(&self, day: Date) -> Timestamp {
        self.calendar.begins(later(day, 1).unwrap_or(day))
    }

    /// Every offence that fell due from `from` to `to`, by day.
    pub fn offences(&self, lines: &Timelines, from: Date, to: Date) -> Vec<Offence> {
        let mut found = Vec::new();
        for (id, plan) in &lines.plans {
            found.extend(self.missed(*id, plan));
        }
        for (id, opportunity) in &lines.opportunities {
            found.extend(self.idle(*id, opportunity));
            found.extend(self.stale(*id, opportunity));
        }
        for (id, history) in &lines.accounts {
            found.extend(self.incomplete(*id, history));
        }
        found.retain(|offence| from <= offence.due && offence.due <= to && self.starts_on <= offence.due);
        found.sort_by_key(|offence| (offence.due, offence.key()));
        found
    }

    fn missed(&self, id: Uuid, plan: &PlanLine) -> Vec<Offence> {
        if self.penalty(PenaltyKind::MissedPlan).is_none() {
            return Vec::new();
        }
        let days = plan.history.values("plannedOn");
        let days: BTreeSet<Date> = days.iter().filter_map(|(_, day)| Date::parse(day.as_str()?).ok()).collect();
        days.into_iter().filter_map(|day| self.missed_on(id, plan, day)).collect()
    }

    fn missed_on(&self, id: Uuid, plan: &PlanLine, day: Date) -> Option<Offence> {
        let document = plan.history.before(self.end(day))?;
        let is_planned = document.get("plannedOn").and_then(Value::as_str) == Some(&day.to_string());
        let is_cancelled = document.get("status").and_then(Value::as_str) == Some("cancelled");
        let is_done = plan.visited.is_some_and(|visited| visited <= day);
        (is_planned && !is_cancelled && !is_done).then_some(())?;
        Some(Offence {
            kind: PenaltyKind::MissedPlan,
            source: (EntrySource::Plan, id),
            account_id: account(&document),
            user_id: owner(&document)?,
            name: document.get("purpose").and_then(Value::as_str).unwrap_or_default().to_owned(),
            since: day,
            due: day,
            stage: None,
            card: None,
        })
    }

    /// The days from which an owner's time counts: those on which he got it, and the first of the rules.
    fn owned_since(&self, history: &History) -> Vec<(Timestamp, Date)> {
        let taken = history.values("ownerId").into_iter().map(|(at, _)| (at, self.calendar.day(at)));
        taken.chain([(self.calendar.begins(self.starts_on), self.starts_on)]).collect()
    }

    fn idle(&self, id: Uuid, line: &OpportunityLine) -> Vec<Offence> {
        let Some(after) = self.penalty(PenaltyKind::IdleOpportunity).and_then(|penalty| penalty.after_days) else {
            return Vec::new();
        };
        let moved = line.moves.iter().map(|moved| self.calendar.day(moved.at));
        let taken = self.owned_since(&line.history).into_iter().map(|(_, day)| day);
        let begins: BTreeSet<Date> = line.worked.iter().copied().chain(moved).chain(taken).collect();
        let begins = begins.into_iter().filter(|day| *day >= self.starts_on);
        begins
            .filter_map(|since| self.idle_since(id, line, since, self.calendar.add_working_days(since, after)))
            .collect()
    }

    fn idle_since(&self, id: Uuid, line: &OpportunityLine, since: Date, due: Date) -> Option<Offence> {
        let within = |day: Date| since < day && day <= due;
        let moved = || line.moves.iter().map(|moved| self.calendar.day(moved.at));
        let taken = || self.owned_since(&line.history).into_iter().map(|(_, day)| day);
        let is_broken = line.worked.iter().copied().chain(moved()).chain(taken()).any(within);
        (!is_broken).then_some(())?;
        self.open(PenaltyKind::IdleOpportunity, id, line, since, due)
    }

    fn stale(&self, id: Uuid, line: &OpportunityLine) -> Vec<Offence> {
        if self.penalty(PenaltyKind::StaleStage).is_none() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for moved in &line.moves {
            let Some(limit) = self.stale_days.get(&moved.to).copied() else { continue };
            let entered = self.calendar.day(moved.at);
            let taken = self.owned_since(&line.history).into_iter().map(|(_, day)| day).filter(|day| *day > entered);
            let begins: BTreeSet<Date> = taken.chain([entered]).filter(|day| *day >= self.starts_on).collect();
            for since in begins {
                let due = later(since, limit);
                found.extend(due.and_then(|due| self.stale_since(id, line, moved.number, since, due)));
            }
        }
        found
    }

    fn stale_since(&self, id: Uuid, line: &OpportunityLine, number: i32, since: Date, due: Date) -> Option<Offence> {
        let taken = self.owned_since(&line.history).into_iter().map(|(_, day)| day);
        let is_handed_on = taken.into_iter().any(|day| since < day && day <= due);
        let stood = line.stood(self.end(due)).filter(|stood| stood.number == number && !is_handed_on)?;
        let offence = self.open(PenaltyKind::StaleStage, id, line, since, due)?;
        Some(Offence { stage: Some((number, stood.to)), ..offence })
    }

    /// An offence of an opportunity that was there and open at the end of the day.
    fn open(&self, kind: PenaltyKind, id: Uuid, line: &OpportunityLine, since: Date, due: Date) -> Option<Offence> {
        let document = line.history.before(self.end(due))?;
        let stood = line.stood(self.end(due))?;
        (!matches!(stood.to, StageKey::Signed | StageKey::Lost)).then_some(())?;
        Some(Offence {
            kind,
            source: (EntrySource::Opportunity, id),
            account_id: account(&document),
            user_id: owner(&document)?,
            name: name(&document),
            since,
            due,
            stage: None,
            card: None,
        })
    }

    fn incomplete(&self, id: Uuid, history: &History) -> Option<Offence> {
        let penalty = self.penalty(PenaltyKind::IncompleteAccount)?;
        let created = history.writes.first().map(|write| self.calendar.day(write.captured))?;
        let since = created.max(self.starts_on);
        self.incomplete_on(id, history, since, later(since, penalty.after_days?)?)
    }

    fn incomplete_on(&self, id: Uuid, history: &History, since: Date, due: Date) -> Option<Offence> {
        let asked = self.penalty(PenaltyKind::IncompleteAccount)?.below_percent?;
        let card = self.rules.customer.iter().find(|rule| rule.on == CardKind::Account)?;
        let document = history.before(self.end(due))?;
        let (percent, missing) = completeness(card, &document);
        (percent < asked).then_some(())?;
        Some(Offence {
            kind: PenaltyKind::IncompleteAccount,
            source: (EntrySource::Account, id),
            account_id: Some(id),
            user_id: owner(&document)?,
            name: name(&document),
            since,
            due,
            stage: None,
            card: Some((percent, missing)),
        })
    }

    /// Whether an offence that was booked under this key and fell due on that day is one by what is known now.
    pub fn stands(&self, lines: &Timelines, key: &str, due: Date) -> bool {
        let mut parts = key.split(':');
        let kind = parts.next().and_then(PenaltyKind::parse);
        let id = parts.next().and_then(|id| id.parse::<Uuid>().ok());
        let since = parts.next().and_then(|day| Date::parse(day).ok()).unwrap_or(due);
        let number = parts.next().and_then(|number| number.parse().ok());
        // What cannot be read is left as it was booked.
        let (Some(kind), Some(id)) = (kind, id) else { return true };
        let opportunity = || lines.opportunities.get(&id);
        match kind {
            PenaltyKind::LateEntry => true,
            PenaltyKind::MissedPlan => lines.plans.get(&id).is_none_or(|plan| self.missed_on(id, plan, due).is_some()),
            PenaltyKind::IdleOpportunity => {
                opportunity().is_none_or(|line| self.idle_since(id, line, since, due).is_some())
            }
            PenaltyKind::StaleStage => {
                let number = number.unwrap_or_default();
                opportunity().is_none_or(|line| self.stale_since(id, line, number, since, due).is_some())
            }
            PenaltyKind::IncompleteAccount => {
                lines.accounts.get(&id).is_none_or(|history| self.incomplete_on(id, history, since, due).is_some())
            }
        }
    }
}

/// How complete a card is, in whole per cent, and which of its weighed fields do not count.
pub fn completeness(rule: &CustomerRule, document: &Map<String, Value>) -> (i32, Vec<Line>) {
    let characters = |field: &Field| match document.get(field.name) {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) if field.is_text => text.trim().chars().count(),
        Some(_) => usize::MAX,
    };
    let fields = of_card(CardKind::Account).iter().map(|field| (field.name, characters(field)));
    let filled: Filled = fields.filter(|(_, characters)| *characters > 0).collect();
    let counts = |weight: &&Weight| counts(weight, &filled);
    let sum = |filled: bool| -> i32 {
        rule.weights.iter().filter(|weight| !filled || counts(weight)).map(|weight| weight.weight).sum()
    };
    let missing = rule.weights.iter().filter(|weight| !counts(weight)).map(|weight| weight.field.clone()).collect();
    let percent = if sum(false) == 0 { 100 } else { sum(true) * 100 / sum(false) };
    (percent, missing)
}

#[cfg(test)]
mod tests;
