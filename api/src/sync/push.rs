//! Takes what a phone wrote offline: each mutation exactly once, each with a result of its own, and nothing typed lost.
//!
//! The whole push is one transaction. If a constraint stops it, the mutation at fault is found by halving, refused, and the
//! rest applied, so that only the guilty one and those that build on it are refused.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::rejected_write;
use poem_openapi::types::ToJSON;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entry::{Entry, printable};
use super::grace;
use super::mutation::{ClockReading, Mutation};
use super::wire::{MutationResult, Push, ResultStatus};
use crate::auth::Actor;
use crate::captured::Captured;
use crate::change::{Body, Change, Context, Intent, Outcome, apply, prepare};
use crate::custom_field::merge::{MEMBER, retain};
use crate::problem::{Code, Error, Problem, Refusal, constraint, is_retryable};
use crate::state::State;
use crate::work::UnitOfWork;

/// How many mutations one push may hold.
pub const MOST: usize = 500;

/// How often a transaction is begun again that lost against another one.
const TRIES: usize = 5;

/// Mutations at fault up to which a push is applied as a whole.
const FEW: usize = 4;

/// By how much an unproven time may lie back where the batch needs no rule set.
const GRACE: TimeDelta = TimeDelta::hours(72);

/// What becomes of a transaction.
enum End {
    Commit,
    /// The rows are written, so that the database checks them, and taken back.
    Check,
}

/// Mutations that were refused, by the record that they would have made. What was to change a record spoils nothing else:
/// the record is there, as others left it.
type Refused = BTreeMap<Uuid, Uuid>;

/// Applies a push; one result a mutation, in order, each as JSON text.
pub async fn push(state: &State, actor: &Actor, push: Push) -> Result<Vec<String>, Error> {
    if push.mutations.len() > MOST {
        let detail = format!(
            "A push holds at most {MOST} mutations; this one has {}. Send them in parts.",
            push.mutations.len()
        );
        return Err(Refusal::new(Code::TooLarge, detail).into());
    }
    let mut entries = push
        .mutations
        .into_iter()
        .enumerate()
        .map(|(at, sent)| Entry::read(at, sent))
        .collect::<Result<Vec<_>, _>>()?;
    let batch = Batch { state: state.clone(), actor: actor.clone(), device: push.device_id, sent: push.sent };
    state.run(async move { batch.run(&mut entries, &mut Refused::new()).await }).await
}

struct Batch {
    state: State,
    actor: Actor,
    device: Uuid,
    sent: Option<ClockReading>,
}

impl Batch {
    /// Applies the push in one transaction. If a constraint stops it, the mutation at fault is found and refused, and the
    /// rest applied, again as a whole: at no moment is half a push in the database. Only a push with many at fault is
    /// applied in halves, so that no phone waits for ever.
    async fn run(&self, entries: &mut [Entry], refused: &mut Refused) -> Result<Vec<String>, Error> {
        let (mut tries, mut stopped) = (0, 0);
        loop {
            tries += 1;
            let mut fresh = refused.clone();
            match self.attempt(entries, &mut fresh, End::Commit).await {
                Err(Error::Database(error)) if tries < TRIES && passing(&error) => {}
                Err(Error::Database(error)) if stopped == FEW && violation(&error) => {
                    let (early, late) = entries.split_at_mut(entries.len() / 2);
                    let mut results = Box::pin(self.run(early, refused)).await?;
                    results.extend(Box::pin(self.run(late, refused)).await?);
                    return Ok(results);
                }
                Err(Error::Database(error)) if tries < TRIES && violation(&error) => {
                    if let Some((at, refusal)) = self.find(entries, refused).await? {
                        entries[at].stopped = Some(refusal);
                        (tries, stopped) = (0, stopped + 1);
                    }
                }
                result => {
                    *refused = fresh;
                    return result;
                }
            }
        }
    }

    /// The first mutation that a constraint stops, by halving: those before it pass. `None` if all pass by now.
    async fn find(&self, entries: &[Entry], refused: &Refused) -> Result<Option<(usize, Refusal)>, Error> {
        let (mut pass, mut stop) = (0, entries.len());
        let mut stopped = None;
        while stopped.is_none() || stop - pass > 1 {
            let middle = if stopped.is_none() { stop } else { pass.midpoint(stop) };
            match self.attempt(&entries[..middle], &mut refused.clone(), End::Check).await {
                Ok(_) if stopped.is_none() => return Ok(None),
                Ok(_) => pass = middle,
                Err(Error::Database(error)) if passing(&error) => return Ok(None),
                Err(Error::Database(error)) if violation(&error) => {
                    stopped = Some(Error::Database(error).refusal());
                    stop = middle;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stopped.map(|refusal| (stop - 1, refusal)))
    }

    async fn attempt(&self, entries: &[Entry], refused: &mut Refused, end: End) -> Result<Vec<String>, Error> {
        let mut work = UnitOfWork::begin(&self.state, &self.actor).await?;
        work.device = Some(self.device);
        let mut known = receipts(&work, entries).await?;
        let changes: Vec<&Change> = entries
            .iter()
            .filter(|entry| !known.contains_key(&entry.id))
            .filter_map(|entry| entry.read.as_ref().ok().map(|(_, change)| change))
            .collect();
        let sent = self.sent.as_ref();
        let read = || entries.iter().filter_map(|entry| entry.read.as_ref().ok());
        work.earliest = grace::earliest(read().map(|(mutation, _)| mutation), sent, work.now);
        let context = if changes.is_empty() { None } else { Some(prepare(&mut work, &changes).await?) };

        let dated_back = read().any(|(mutation, change)| {
            matches!(change.intent, Intent::Create(Body::Activity(_))) && grace::is_dated_back(mutation, sent, work.now)
        });
        let believed = match context.as_ref().and_then(|context| context.settings.as_ref()) {
            Some(settings) if dated_back => Some(grace::believed(&work, settings.zone).await?),
            _ => None,
        };

        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some((hash, result)) = known.get(&entry.id) {
                results.push(if *hash == entry.hash {
                    result.clone()
                } else {
                    self.reused(&mut work, entry).await?.to_json_string()
                });
                continue;
            }
            let result = self.one(&mut work, context.as_ref(), believed, entry, refused);
            let text = result.to_json_string();
            work.receipt(&entry.id.to_string(), &entry.hash, &text);
            known.insert(entry.id, (entry.hash.clone(), text.clone()));
            results.push(text);
        }
        match end {
            End::Commit => work.commit().await?,
            End::Check => work.check().await?,
        }
        Ok(results)
    }

    /// Decides one mutation and stages what comes of it.
    fn one(
        &self,
        work: &mut UnitOfWork,
        context: Option<&Context>,
        believed: Option<TimeDelta>,
        entry: &Entry,
        refused: &mut Refused,
    ) -> MutationResult {
        let decided = match (&entry.read, context) {
            _ if let Some(refusal) = &entry.stopped => Err(refusal.clone()),
            (Ok((mutation, change)), Some(context)) => {
                work.captured = self.captured(context, believed, mutation, work);
                match depends(change, refused) {
                    Some(refusal) => Err(refusal),
                    None => apply(work, context, change).map(|outcome| (change, outcome)),
                }
            }
            (Err(refusal), _) => Err(refusal.clone()),
            (Ok(_), None) => Err(Refusal::internal()),
        };
        match decided {
            Ok((change, outcome)) => {
                work.keep();
                if !outcome.lost.is_empty() {
                    work.put(self.lost(work, entry, change, &outcome));
                    work.keep();
                }
                applied(entry.id, change, outcome)
            }
            Err(refusal) => {
                work.undo();
                if let Ok((_, change)) = &entry.read
                    && matches!(change.intent, Intent::Create(_))
                {
                    refused.insert(change.id, entry.id);
                }
                work.put(self.rejected(work, entry, &refusal));
                work.keep();
                refused_result(entry, &refusal)
            }
        }
    }

    fn captured(
        &self,
        context: &Context,
        believed: Option<TimeDelta>,
        mutation: &Mutation,
        work: &UnitOfWork,
    ) -> Captured {
        let grace = match (&context.settings, believed) {
            (None, _) => GRACE,
            (Some(settings), believed) => grace::left(&settings.rules.unproven, believed, work),
        };
        grace::typed(mutation, self.sent.as_ref(), work.now, grace)
    }

    /// The same id with something else in it. It has no receipt, so that what was typed is kept under an id that the next
    /// repetition finds again.
    async fn reused(&self, work: &mut UnitOfWork, entry: &Entry) -> Result<MutationResult, DbErr> {
        let refusal = Refusal::conflict(
            Code::MutationReused,
            "This mutationId was used for something else before. Make a new one for each mutation.",
        );
        let mut name = [0; 16];
        name.copy_from_slice(&Sha256::digest(format!("{} {}", entry.id, entry.hash))[..16]);
        let id = uuid::Builder::from_custom_bytes(name).into_uuid();
        work.load::<rejected_write::Model>([id]).await?;
        if work.get::<rejected_write::Model>(id).is_none() {
            let kept = self.rejected(work, entry, &refusal);
            work.put(rejected_write::Model { id, ..kept });
            work.keep();
        }
        Ok(refused_result(entry, &refusal))
    }

    /// The values of a field conflict that did not come through.
    fn lost(&self, work: &UnitOfWork, entry: &Entry, change: &Change, outcome: &Outcome) -> rejected_write::Model {
        let mut values: Map<String, Value> = change.intent.values();
        values.retain(|name, _| name == MEMBER || outcome.lost.contains(name));
        retain(&mut values, |name| outcome.lost.contains(name));
        let cleared: Vec<&String> = change.clear.iter().filter(|name| outcome.lost.contains(name)).collect();
        if !cleared.is_empty() {
            values.insert("clear".into(), json!(cleared));
        }
        with_reason(&mut values, change);
        let names = outcome.lost.join(", ");
        let detail = format!(
            "Somebody else changed {names} since you saw it; that value stayed. Look at it and enter yours again if it is right."
        );
        self.kept(work, entry, Value::Object(values), &Refusal::new(Code::Conflict, detail))
    }

    /// A mutation that was refused, with everything that was typed.
    fn rejected(&self, work: &UnitOfWork, entry: &Entry, refusal: &Refusal) -> rejected_write::Model {
        let values = match &entry.read {
            Ok((_, change)) => {
                let mut values = change.intent.values();
                if !change.clear.is_empty() {
                    values.insert("clear".into(), json!(change.clear));
                }
                with_reason(&mut values, change);
                Value::Object(values)
            }
            Err(_) => entry.sent(),
        };
        self.kept(work, entry, values, refusal)
    }

    fn kept(&self, work: &UnitOfWork, entry: &Entry, fields: Value, refusal: &Refusal) -> rejected_write::Model {
        rejected_write::Model {
            tenant_id: self.actor.tenant_id,
            id: Uuid::now_v7(),
            revision: 0,
            created_at: work.now,
            updated_at: work.now,
            deleted_at: None,
            user_id: self.actor.user_id,
            device_id: Some(self.device),
            mutation_id: entry.id,
            record_kind: entry.text("kind"),
            record_id: entry.record_id().unwrap_or_default(),
            op: entry.text("op"),
            fields: fields.to_string(),
            problem: refusal.code.uri(),
            detail: printable(&refusal.detail).collect(),
        }
    }
}

fn applied(mutation_id: Uuid, change: &Change, outcome: Outcome) -> MutationResult {
    let status = match (&outcome.lost.is_empty(), outcome.stale) {
        (false, _) => ResultStatus::Conflict,
        (true, true) => ResultStatus::Merged,
        (true, false) => ResultStatus::Applied,
    };
    MutationResult {
        mutation_id,
        status,
        record_id: Some(change.id),
        revision: Some(outcome.revision),
        conflicts: Some(outcome.lost).filter(|lost| !lost.is_empty()),
        problem: None,
    }
}

/// What was typed to explain the change belongs to what was typed.
fn with_reason(values: &mut Map<String, Value>, change: &Change) {
    if let Some(reason) = &change.reason {
        values.entry("reason").or_insert_with(|| json!(reason));
    }
}

fn refused_result(entry: &Entry, refusal: &Refusal) -> MutationResult {
    MutationResult {
        mutation_id: entry.id,
        status: ResultStatus::Rejected,
        record_id: entry.record_id(),
        revision: None,
        conflicts: None,
        problem: Some(Problem::from(refusal)),
    }
}

/// A change of what an earlier mutation of this push failed to make, or one that refers to it.
fn depends(change: &Change, refused: &Refused) -> Option<Refusal> {
    let own = (!matches!(change.intent, Intent::Create(_))).then_some(change.id);
    let cause = own.into_iter().chain(change.references()).find_map(|id| refused.get(&id))?;
    let detail =
        format!("This builds on mutation {cause}, which was refused. Mend that one and send both again with new ids.");
    Some(Refusal::conflict(Code::DependencyRefused, detail))
}

/// The results of mutations that were seen before.
async fn receipts(work: &UnitOfWork, entries: &[Entry]) -> Result<BTreeMap<Uuid, (String, String)>, DbErr> {
    let keys: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
    // One look into the index for each key, whatever the planner thinks of the table's size.
    let sql = "SELECT r.key, r.hash, r.result FROM unnest($3::text[]) AS k(key) CROSS JOIN LATERAL (
                   SELECT key, hash, result FROM receipt
                   WHERE tenant_id = $1 AND user_id = $2 AND receipt.key = k.key LIMIT 1) r";
    let rows = work.connection().query_all_raw(work.statement(sql, [work.actor.user_id.into(), keys.into()])).await?;
    rows.iter()
        .map(|row| {
            let key: String = row.try_get_by_index(0)?;
            let id = key.parse().map_err(|_| DbErr::Custom("a receipt of sync has no UUID".into()))?;
            Ok((id, (row.try_get_by_index(1)?, row.try_get_by_index(2)?)))
        })
        .collect()
}

/// A constraint or a value stopped the flush: some mutation of the batch is guilty.
fn violation(error: &DbErr) -> bool {
    constraint(error).is_some_and(|(state, _)| state.starts_with("23") || state.starts_with("22"))
}

/// Not the fault of a mutation: another transaction came first. At the next try its rows are there: the receipts of the
/// same push sent twice, or the balance of a user's first points.
fn passing(error: &DbErr) -> bool {
    let first = |name: &str| ["receipt_pkey", "points_balance_pkey"].contains(&name);
    is_retryable(error) || constraint(error).is_some_and(|(_, name)| name.as_deref().is_some_and(first))
}
