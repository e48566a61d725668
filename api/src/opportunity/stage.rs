//! The one rule by which an opportunity moves between stages, whoever asks: REST, sync, import or an administrator.
//! It decides and touches nothing; writing the move and its history is the verb's work.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::{LostReason, Role, StageKey};

/// The stages on the way to a signature, in order.
pub const WAY: [StageKey; 4] = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation, StageKey::Signed];

/// What a signature needs, whatever else the tenant asks.
const TERMS: [&str; 3] = ["amount", "currency", "signedOn"];

/// All that the decision may know.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Where the opportunity stands; `None` while it is being created.
    pub current: Option<StageKey>,
    /// For a lost one, the stage that it was lost from.
    pub lost_from: Option<StageKey>,
    /// The fields that the tenant asks for to enter a stage, by their names on the wire.
    pub required: &'a BTreeMap<StageKey, Vec<String>>,
    /// Names on the wire of the fields that are filled once the values of this request are applied.
    pub filled: &'a BTreeSet<&'a str>,
    /// Why it goes backward or is reopened, as this request says; white space is no reason.
    pub reason: Option<&'a str>,
    /// Why it is lost, as this request says.
    pub lost_reason: Option<LostReason>,
    /// Why it is lost, in words, as this request says.
    pub lost_note: Option<&'a str>,
    /// Who asks. Admins and integrations may do what managers may.
    pub role: Role,
}

/// A move that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub from: Option<StageKey>,
    pub to: StageKey,
    /// The stages that it enters, in order; the last is `to`. Only a way forward has others before it.
    pub passed: Vec<StageKey>,
    pub kind: TransitionKind,
}

/// Which of the five kinds a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    Created,
    Forward,
    Backward,
    Lost,
    Reopened,
}

/// A field that a stage asks for and that is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Its name on the wire.
    pub field: String,
    /// The first stage on the way that asks for it.
    pub stage: StageKey,
}

/// Why a move or an edit is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It stands there already.
    Unmoved { stage: StageKey },
    /// Fields are empty: all of them, of all stages on the way.
    Missing { to: StageKey, fields: Vec<Missing> },
    /// Going backward, reopening, and touching a signed opportunity need a reason.
    ReasonMissing,
    /// It is signed, and a rep asked.
    Locked,
    /// Only what is open can be lost: not what is signed, and not what does not exist yet (`None`).
    NotOpen { from: Option<StageKey> },
    /// A lost one can be reopened only to where it was.
    ReopensElsewhere { lost_from: StageKey },
}

/// Which kind a move is that was or will be allowed.
pub fn kind(from: Option<StageKey>, to: StageKey) -> TransitionKind {
    match from {
        None => TransitionKind::Created,
        Some(StageKey::Lost) => TransitionKind::Reopened,
        Some(_) if to == StageKey::Lost => TransitionKind::Lost,
        Some(from) if from < to => TransitionKind::Forward,
        Some(_) => TransitionKind::Backward,
    }
}

/// Decides whether the opportunity may move to `to`.
pub fn decide(to: StageKey, facts: &Facts<'_>) -> Result<Transition, Refusal> {
    let from = facts.current;
    if from == Some(to) {
        return Err(Refusal::Unmoved { stage: to });
    }
    if from == Some(StageKey::Signed) && facts.role == Role::Rep {
        return Err(Refusal::Locked);
    }
    if matches!(from, None | Some(StageKey::Signed)) && to == StageKey::Lost {
        return Err(Refusal::NotOpen { from });
    }
    let kind = kind(from, to);
    let passed = match kind {
        TransitionKind::Created | TransitionKind::Forward => {
            WAY.into_iter().filter(|stage| from.is_none_or(|from| from < *stage) && *stage <= to).collect()
        }
        TransitionKind::Backward | TransitionKind::Lost | TransitionKind::Reopened => vec![to],
    };
    match kind {
        TransitionKind::Created | TransitionKind::Forward | TransitionKind::Lost => {
            let fields = missing(&passed, facts);
            if !fields.is_empty() {
                return Err(Refusal::Missing { to, fields });
            }
        }
        TransitionKind::Reopened => {
            // Where nobody knows where it was lost, it starts over.
            let lost_from = facts.lost_from.unwrap_or(StageKey::Intent);
            if to != lost_from {
                return Err(Refusal::ReopensElsewhere { lost_from });
            }
            has_reason(facts.reason)?;
        }
        TransitionKind::Backward => has_reason(facts.reason)?,
    }
    Ok(Transition { from, to, passed, kind })
}

/// Whether the fields of an opportunity that stands in `stage` may be edited: a signed one is locked except to a
/// manager (or whoever acts as one) with a reason.
pub fn may_edit(stage: StageKey, role: Role, reason: Option<&str>) -> Result<(), Refusal> {
    match (stage, role) {
        (StageKey::Signed, Role::Rep) => Err(Refusal::Locked),
        (StageKey::Signed, Role::Manager | Role::Admin | Role::Integration) => has_reason(reason),
        _ => Ok(()),
    }
}

/// Whether an edit leaves a signed opportunity what a signature needs. `filled` is what is filled after the edit.
/// In other stages a field may be emptied again: what a stage asks is asked on entry.
pub fn keeps_terms(stage: StageKey, filled: &BTreeSet<&str>) -> Result<(), Refusal> {
    let fields: Vec<_> = TERMS
        .into_iter()
        .filter(|field| stage == StageKey::Signed && !filled.contains(field))
        .map(|field| Missing { field: field.to_owned(), stage })
        .collect();
    if fields.is_empty() { Ok(()) } else { Err(Refusal::Missing { to: stage, fields }) }
}

fn has_reason(reason: Option<&str>) -> Result<(), Refusal> {
    if is_text(reason) { Ok(()) } else { Err(Refusal::ReasonMissing) }
}

fn is_text(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

/// What is empty of all that `stages` ask for, each field once.
fn missing(stages: &[StageKey], facts: &Facts<'_>) -> Vec<Missing> {
    let is_filled = |field: &str| match field {
        // Those that an earlier loss left behind say nothing about this one.
        "lostReason" => facts.lost_reason.is_some(),
        "lostNote" => is_text(facts.lost_note),
        _ => facts.filled.contains(field),
    };
    let mut missing: Vec<Missing> = Vec::new();
    for &stage in stages {
        let always: &[&str] = match stage {
            StageKey::Signed => &TERMS,
            StageKey::Lost if facts.lost_reason == Some(LostReason::Other) => &["lostReason", "lostNote"],
            StageKey::Lost => &["lostReason"],
            StageKey::Intent | StageKey::PreSale | StageKey::Negotiation => &[],
        };
        let by_tenant = facts.required.get(&stage).into_iter().flatten().map(String::as_str);
        for field in always.iter().copied().chain(by_tenant) {
            if !is_filled(field) && missing.iter().all(|known| known.field != field) {
                missing.push(Missing { field: field.to_owned(), stage });
            }
        }
    }
    missing
}

impl Refusal {
    /// What is wrong and what to do about it, in English.
    pub fn sentence(&self) -> String {
        match self {
            Refusal::Unmoved { stage } => format!(
                "The opportunity stands in stage {stage} already: choose another stage, or change its fields with an \
                 update."
            ),
            Refusal::Missing { to, fields } => {
                let asked: Vec<_> =
                    fields.iter().map(|m| format!("{} (asked by stage {})", m.field, m.stage)).collect();
                let asked = and(&asked);
                format!(
                    "Stage {to} needs fields that are empty: fill in {asked}. They may be sent in the same request."
                )
            }
            Refusal::ReasonMissing => "Going back to an earlier stage, reopening, and changing a signed opportunity \
                                       need a reason: say why in reason."
                .to_owned(),
            Refusal::Locked => "The opportunity is signed and therefore locked: ask a manager, who may change it or \
                                move it back with a reason."
                .to_owned(),
            Refusal::NotOpen { from: None } => "A new opportunity cannot be lost yet: create it in the stage that it \
                                                reached, then move it to lost."
                .to_owned(),
            Refusal::NotOpen { from: Some(from) } => format!(
                "Only an open opportunity can be lost, and this one is {from}: move it back to an earlier stage with \
                 a reason first."
            ),
            Refusal::ReopensElsewhere { lost_from } => format!(
                "A lost opportunity is reopened where it was lost: move it to {lost_from} with a reason, and on from \
                 there."
            ),
        }
    }

    /// What is wrong with which member of the request: JSON pointers below the opportunity's fields, each with a
    /// message. Empty where no member of the request can mend it.
    pub fn pointers(&self) -> Vec<(String, String)> {
        let stage = |message: String| vec![("/stage".to_owned(), message)];
        match self {
            Refusal::Unmoved { .. } => stage("must be another stage".to_owned()),
            Refusal::Missing { fields, .. } => {
                let entry = |m: &Missing| (format!("/{}", m.field), format!("must be filled for stage {}", m.stage));
                fields.iter().map(entry).collect()
            }
            Refusal::ReasonMissing => vec![("/reason".to_owned(), "must say why".to_owned())],
            Refusal::Locked => Vec::new(),
            Refusal::NotOpen { .. } => stage("must be a stage on the way to a signature".to_owned()),
            Refusal::ReopensElsewhere { lost_from } => stage(format!("must be {lost_from}")),
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests;
