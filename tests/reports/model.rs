//! The funnel counted the slow way: opportunity by opportunity, from the same moves, without SQL.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use entity::kind::{AccountKind, AccountTier, StageKey};
use entity::scalar::{Date, Money};
use rust_decimal::Decimal;
use uuid::Uuid;
use waypost::report::told::Known;
use waypost::report::{
    Cohort, CohortGroup, CohortStage, CurrencyAmount, FunnelQuery, LostFrom, Snapshot, SnapshotGroup, SnapshotStage,
    SplitBy,
};

const WAY: [StageKey; 4] = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation, StageKey::Signed];

pub type Time = DateTime<Utc>;

#[derive(Clone, Debug)]
pub struct Owner {
    pub id: Uuid,
    pub name: String,
    /// The team that he is in, and those above it.
    pub teams: Vec<Team>,
    /// Until when he was in another, and those above it.
    pub before: Option<(Time, Vec<Team>)>,
}

#[derive(Clone, Debug)]
pub struct Team {
    pub id: Uuid,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Account {
    pub id: Uuid,
    pub kind: AccountKind,
    pub tier: Option<AccountTier>,
    pub region: Option<&'static str>,
    /// Until when it had another kind, tier and region.
    pub before: Option<(Time, AccountKind, Option<AccountTier>, Option<&'static str>)>,
    /// Who sees what is under it.
    pub members: Vec<Uuid>,
}

#[derive(Clone, Debug)]
pub struct Product {
    pub id: Uuid,
    pub name: String,
}

/// In the order of their numbers.
#[derive(Clone, Debug)]
pub struct Move {
    pub from: Option<StageKey>,
    pub to: StageKey,
    pub occurred: Time,
}

/// What it is worth from a moment on.
#[derive(Clone, Debug)]
pub struct Worth {
    pub told: Time,
    pub amount: Option<Decimal>,
    pub currency: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Opportunity {
    pub id: Uuid,
    pub owner: Owner,
    pub account: Option<Account>,
    pub product: Option<Product>,
    pub source: Option<String>,
    /// Until when it was another's, of another product and source.
    pub before: Option<(Time, Owner, Option<Product>, Option<String>)>,
    pub deleted: Option<Time>,
    pub moves: Vec<Move>,
    /// In the order of time; the first came with the creation.
    pub worth: Vec<Worth>,
}

/// Name, id, and what has no id.
type Key = (Option<String>, Option<Uuid>, Option<String>);

impl Opportunity {
    pub fn scopes(&self) -> Vec<Uuid> {
        self.account.as_ref().map_or_else(|| vec![self.owner.id], |account| account.members.clone())
    }

    fn key(&self, by: SplitBy, zone: Tz) -> Key {
        let named =
            |named: Option<(&String, Uuid)>| (named.map(|(name, _)| name.clone()), named.map(|(_, id)| id), None);
        let text = |text: Option<String>| (None, None, text);
        let account = self.account.as_ref();
        match by {
            SplitBy::None => (None, None, None),
            SplitBy::Team => named(Some((&self.owner.teams[0].name, self.owner.teams[0].id))),
            SplitBy::User => named(Some((&self.owner.name, self.owner.id))),
            SplitBy::Product => named(self.product.as_ref().map(|product| (&product.name, product.id))),
            SplitBy::AccountKind => text(account.map(|account| account.kind.to_string())),
            SplitBy::Tier => text(account.and_then(|account| account.tier).map(|tier| tier.to_string())),
            SplitBy::Source => text(self.source.clone()),
            SplitBy::Region => text(account.and_then(|account| account.region).map(str::to_owned)),
            SplitBy::Month => {
                text(self.first_came(StageKey::Intent).map(|at| at.with_timezone(&zone).format("%Y-%m").to_string()))
            }
        }
    }

    /// When the server was told of each move: never before it was told of the one before.
    pub fn received(&self) -> Vec<Time> {
        let mut latest = None;
        let told =
            self.moves.iter().map(|m| *latest.insert(latest.map_or(m.occurred, |last: Time| last.max(m.occurred))));
        told.collect()
    }

    pub fn first_came(&self, stage: StageKey) -> Option<Time> {
        self.moves.iter().filter(|m| m.to != StageKey::Lost && m.to >= stage).map(|m| m.occurred).min()
    }

    /// Where it was lost, if it is.
    fn lost_from(&self) -> Option<StageKey> {
        self.moves.last().filter(|m| m.to == StageKey::Lost).and_then(|m| m.from)
    }
}

/// Those that the reader sees, deleted ones among them. `scopes` are those that he reads; `None` sees everything.
pub fn seen<'a>(all: &'a [Opportunity], scopes: Option<&BTreeSet<Uuid>>) -> Vec<&'a Opportunity> {
    all.iter().filter(|o| scopes.is_none_or(|seen| o.scopes().iter().any(|scope| seen.contains(scope)))).collect()
}

/// Which of them the query is about.
fn picked(all: impl Iterator<Item = Opportunity>, query: &FunnelQuery) -> Vec<Opportunity> {
    all.filter(|o| query.team_id.is_none_or(|id| o.owner.teams.iter().any(|team| team.id == id)))
        .filter(|o| query.user_id.is_none_or(|id| o.owner.id == id))
        .filter(|o| query.product_id.is_none_or(|id| o.product.as_ref().is_some_and(|p| p.id == id)))
        .filter(|o| query.account_kind.is_none_or(|kind| o.account.as_ref().is_some_and(|a| a.kind == kind)))
        .filter(|o| query.source.as_ref().is_none_or(|source| o.source.as_ref() == Some(&source.0)))
        .collect()
}

/// Of which day it is told, and how.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    pub as_of: Option<NaiveDate>,
    pub known: Known,
    pub zone: Tz,
}

/// What they were on that day: of those that were there, each with the moves and the worth that it had, the ones that the query
/// is about.
pub fn told(opportunities: &[&Opportunity], query: &FunnelQuery, telling: Telling) -> Vec<Opportunity> {
    let by_then = |at: Time| telling.as_of.is_none_or(|day| at.with_timezone(&telling.zone).date_naive() <= day);
    let then = telling.as_of.is_some() && telling.known == Known::Then;
    let there = opportunities.iter().filter(|o| o.deleted.is_none_or(|at| then && !by_then(at)));
    let told = there.map(|&o| {
        let moves = o.moves.iter().zip(o.received());
        let moves = moves.filter(|(m, received)| by_then(m.occurred) && (!then || by_then(*received)));
        let worth = match telling.as_of {
            None => o.worth.clone(),
            Some(_) => {
                o.worth.iter().rev().find(|w| by_then(w.told)).or(o.worth.first()).cloned().into_iter().collect()
            }
        };
        let mut told = Opportunity { moves: moves.map(|(m, _)| m.clone()).collect(), worth, ..o.clone() };
        if let Some((_, owner, product, source)) = told.before.take().filter(|(until, ..)| !by_then(*until)) {
            (told.owner, told.product, told.source) = (owner, product, source);
        }
        if let Some((_, teams)) = told.owner.before.take().filter(|(until, _)| !by_then(*until)) {
            told.owner.teams = teams;
        }
        if let Some(account) = &mut told.account
            && let Some((_, kind, tier, region)) = account.before.take().filter(|(until, ..)| !by_then(*until))
        {
            (account.kind, account.tier, account.region) = (kind, tier, region);
        }
        told
    });
    picked(told, query)
}

/// By key, in the order of the answer, leaving out those that `counts` does not say yes to.
fn grouped(
    opportunities: &[Opportunity],
    by: SplitBy,
    zone: Tz,
    counts: impl Fn(&Opportunity) -> bool,
) -> Vec<(Key, Vec<&Opportunity>)> {
    let mut groups: BTreeMap<_, Vec<&Opportunity>> = BTreeMap::new();
    if by != SplitBy::None {
        for opportunity in opportunities.iter().filter(|o| counts(o)) {
            let key = opportunity.key(by, zone);
            groups.entry((key.1.is_none() && key.2.is_none(), key)).or_default().push(opportunity);
        }
    }
    groups.into_iter().map(|((_, key), members)| (key, members)).collect()
}

/// Kind, tier and name of a group.
fn named(by: SplitBy, (name, _, text): &Key) -> (Option<AccountKind>, Option<AccountTier>, Option<String>) {
    match by {
        SplitBy::AccountKind => (text.as_deref().and_then(AccountKind::parse), None, None),
        SplitBy::Tier => (None, text.as_deref().and_then(AccountTier::parse), None),
        _ => (None, None, name.clone().or_else(|| text.clone())),
    }
}

fn amounts<'a>(worth: impl Iterator<Item = &'a Worth>) -> Vec<CurrencyAmount> {
    let mut sums: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
    for worth in worth {
        if let Some(amount) = worth.amount {
            *sums.entry(worth.currency.clone()).or_default() += amount;
        }
    }
    sums.into_iter().map(|(currency, sum)| CurrencyAmount { currency, amount: Money(sum.normalize()) }).collect()
}

/// Linear interpolation between the neighbours.
pub fn percentile(days: &[f64], share: f64) -> Option<f64> {
    let place = share * (days.len().checked_sub(1)? as f64);
    let (low, high) = (days[place.floor() as usize], days[place.ceil() as usize]);
    Some(low + place.fract() * (high - low))
}

pub fn cohort(opportunities: &[&Opportunity], query: &FunnelQuery, zone: Tz) -> Cohort {
    let as_of = query.as_of.map(|day| day.0);
    let told = |known, by| entered(&self::told(opportunities, query, Telling { as_of, known, zone }), query, by, zone);
    let now = told(query.known, query.split_by);
    let then = told(Known::Then, query.split_by);
    let is_past = query.as_of.is_some() && query.known == Known::Now;
    Cohort {
        as_of: query.as_of,
        known_then: Some(then.stages).filter(|then| is_past && *then != now.stages),
        groups_known_then: Some(then.groups).filter(|then| is_past && *then != now.groups),
        ..now
    }
}

fn entered(opportunities: &[Opportunity], query: &FunnelQuery, by: SplitBy, zone: Tz) -> Cohort {
    let (from, to) = (query.from.expect("given").0, query.to.expect("given").0);
    let within = |o: &Opportunity, stage| {
        o.first_came(stage).is_some_and(|at| (from..=to).contains(&at.with_timezone(&zone).date_naive()))
    };
    let stages = |members: &[&Opportunity]| {
        let of_stage = |(place, stage): (usize, StageKey)| {
            let entered: Vec<_> = members.iter().filter(|o| within(o, stage)).collect();
            let next = WAY.get(place + 1).copied();
            let count =
                |meets: &dyn Fn(&Opportunity) -> bool| next.map(|_| entered.iter().filter(|o| meets(o)).count() as i64);
            let goes_on = |o: &Opportunity| next.and_then(|next| o.first_came(next));
            let advanced = count(&|o| goes_on(o).is_some());
            let mut days: Vec<f64> = entered
                .iter()
                .filter_map(|o| Some((goes_on(o)? - o.first_came(stage)?).num_milliseconds() as f64 / 86_400_000.0))
                .collect();
            days.sort_by(f64::total_cmp);
            CohortStage {
                stage,
                entered: entered.len() as i64,
                advanced,
                lost: count(&|o| o.lost_from() == Some(stage)),
                open: count(&|o| goes_on(o).is_none() && o.lost_from().is_none()),
                conversion: advanced.filter(|_| !entered.is_empty()).map(|n| n as f64 / entered.len() as f64),
                median_days: percentile(&days, 0.5),
                p90_days: percentile(&days, 0.9),
                amounts: amounts(entered.iter().filter_map(|o| o.worth.last())),
            }
        };
        WAY.into_iter().enumerate().map(of_stage).collect::<Vec<_>>()
    };
    let groups = grouped(opportunities, by, zone, |o| WAY.into_iter().any(|stage| within(o, stage)))
        .into_iter()
        .map(|(key, members)| {
            let (account_kind, tier, name) = named(by, &key);
            CohortGroup { id: key.1, account_kind, tier, name, stages: stages(&members) }
        })
        .collect();
    let all: Vec<&Opportunity> = opportunities.iter().collect();
    Cohort {
        from: Date(from),
        to: Date(to),
        as_of: None,
        stages: stages(&all),
        known_then: None,
        groups,
        groups_known_then: None,
    }
}

pub fn snapshot(opportunities: &[&Opportunity], query: &FunnelQuery, zone: Tz) -> Snapshot {
    let as_of = query.as_of.expect("a day").0;
    let told = |known, by| {
        stood(&self::told(opportunities, query, Telling { as_of: Some(as_of), known, zone }), by, zone, as_of)
    };
    let now = told(query.known, query.split_by);
    let then = told(Known::Then, query.split_by);
    let is_now = query.known == Known::Now;
    Snapshot {
        known_then: Some(then.stages).filter(|then| is_now && *then != now.stages),
        groups_known_then: Some(then.groups).filter(|then| is_now && *then != now.groups),
        ..now
    }
}

fn stood(opportunities: &[Opportunity], by: SplitBy, zone: Tz, as_of: NaiveDate) -> Snapshot {
    let stages = |members: &[&Opportunity]| {
        let stood = |at: &dyn Fn(&Move) -> bool| {
            let there: Vec<_> = members.iter().filter(|o| o.moves.last().is_some_and(at)).collect();
            (there.len() as i64, amounts(there.iter().filter_map(|o| o.worth.last())))
        };
        let lost_from = WAY[..3].iter().map(|&stage| {
            let (count, amounts) = stood(&|m| m.to == StageKey::Lost && m.from == Some(stage));
            LostFrom { stage, count, amounts }
        });
        let lost_from: Vec<_> = lost_from.collect();
        let of_stage = |stage| {
            let (count, amounts) = stood(&|m| m.to == stage);
            SnapshotStage { stage, count, amounts, lost_from: (stage == StageKey::Lost).then(|| lost_from.clone()) }
        };
        WAY.into_iter().chain([StageKey::Lost]).map(of_stage).collect::<Vec<_>>()
    };
    let groups = grouped(opportunities, by, zone, |o| !o.moves.is_empty())
        .into_iter()
        .map(|(key, members)| {
            let (account_kind, tier, name) = named(by, &key);
            SnapshotGroup { id: key.1, account_kind, tier, name, stages: stages(&members) }
        })
        .collect();
    let all: Vec<&Opportunity> = opportunities.iter().collect();
    Snapshot { as_of: Date(as_of), stages: stages(&all), known_then: None, groups, groups_known_then: None }
}
