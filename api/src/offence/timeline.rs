//! What happened to a record, by the time at which it happened or was typed, not by that at which it arrived: a phone that
//! was offline is told the same as one that was not. Pure.

use std::collections::BTreeMap;

use entity::kind::StageKey;
use entity::scalar::{Date, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

/// One write of a record.
#[derive(Clone, Debug)]
pub struct Write {
    pub captured: Timestamp,
    pub op: Op,
}

#[derive(Clone, Debug)]
pub enum Op {
    /// The whole document.
    Create(Map<String, Value>),
    /// `{field: [from, to]}`
    Update(Map<String, Value>),
    Delete,
}

/// The writes of one record, in the order of its revisions.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub writes: Vec<Write>,
}

impl History {
    /// The document as it had been typed before this moment; `None` where there was none yet, or none any more.
    pub fn before(&self, moment: Timestamp) -> Option<Map<String, Value>> {
        let mut document: Option<Map<String, Value>> = None;
        for write in self.writes.iter().filter(|write| write.captured < moment) {
            match &write.op {
                Op::Create(whole) => document = Some(whole.clone()),
                Op::Delete => document = None,
                Op::Update(changes) => {
                    for (field, change) in changes {
                        let to = change.get(1).cloned().unwrap_or_default();
                        if let Some(document) = &mut document {
                            document.insert(field.clone(), to);
                        }
                    }
                }
            }
        }
        document
    }

    /// Every moment at which this field came to a value of its own, with the value.
    pub fn values(&self, field: &str) -> Vec<(Timestamp, Value)> {
        let of = |write: &Write| match &write.op {
            Op::Create(whole) => whole.get(field).cloned(),
            Op::Update(changes) => changes.get(field).and_then(|change| change.get(1)).cloned(),
            Op::Delete => None,
        };
        self.writes.iter().filter_map(|write| Some((write.captured, of(write)?))).collect()
    }
}

/// The user whom a document names as its owner.
pub fn owner(document: &Map<String, Value>) -> Option<Uuid> {
    document.get("ownerId")?.as_str()?.parse().ok()
}

/// What a document calls its record.
pub fn name(document: &Map<String, Value>) -> String {
    document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The account that a document stands under.
pub fn account(document: &Map<String, Value>) -> Option<Uuid> {
    document.get("accountId")?.as_str()?.parse().ok()
}

/// A planned visit.
#[derive(Clone, Debug, Default)]
pub struct PlanLine {
    pub history: History,
    /// The day of the visit that it led to.
    pub visited: Option<Date>,
}

/// A move between stages.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub number: i32,
    pub to: StageKey,
    pub at: Timestamp,
}

/// An opportunity.
#[derive(Clone, Debug, Default)]
pub struct OpportunityLine {
    pub history: History,
    pub moves: Vec<Moved>,
    /// Days of work for it, or for its account without naming another opportunity.
    pub worked: Vec<Date>,
}

impl OpportunityLine {
    /// Where it stood before this moment.
    pub fn stood(&self, moment: Timestamp) -> Option<Moved> {
        self.moves.iter().filter(|moved| moved.at < moment).max_by_key(|moved| moved.number).copied()
    }
}

/// The timelines of all records that a judgement is about.
#[derive(Clone, Debug, Default)]
pub struct Timelines {
    pub plans: BTreeMap<Uuid, PlanLine>,
    pub opportunities: BTreeMap<Uuid, OpportunityLine>,
    pub accounts: BTreeMap<Uuid, History>,
}
