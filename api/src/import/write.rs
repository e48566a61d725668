//! A chunk of rows into the database: one commit each, so that nobody waits for long. What the database refuses is
//! found by halving the chunk, and costs one row. What became of the rows is kept with them (`journal`).

use std::collections::{BTreeSet, HashSet};

use chrono_tz::Tz;
use entity::kind::Kind;
use entity::{team, user};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::calendar::Calendar;
use super::draft::{Draft, Name};
use super::field::{ID, KEY};
use super::journal::{Journal, Outcome, Verdict};
use super::mapping::{By, Pass};
use super::resolve::{Names, deleted};
use super::run::Stopped;
use super::store::{self, Plan};
use crate::auth::Actor;
use crate::captured::Captured;
use crate::change::{Context, prepare};
use crate::database::gather_statistics;
use crate::problem::{Error, Refusal, constraint, is_retryable};
use crate::state::State;
use crate::tenant::create::{NewTenant, stage_in};
use crate::work::UnitOfWork;

/// How often a chunk is begun again that lost against another transaction.
const TRIES: usize = 4;

/// A row on its way.
pub struct Item {
    pub line: u64,
    /// Which row of its file it is, from 1.
    pub place: u64,
    /// The row as it stood in the file.
    pub cells: Vec<String>,
    /// What it says, or what became of it before anybody asked the database.
    pub found: Result<Draft, Verdict>,
}

/// Writes for one tenant.
pub struct Writer<'a> {
    state: &'a State,
    actor: Actor,
    zone: Tz,
    /// For a dry run: the transaction that is never committed.
    rehearsal: Option<UnitOfWork>,
}

/// What holds for all chunks of a pass.
pub struct Task<'a> {
    pub pass: &'a Pass,
    /// External ids of records that were deleted here.
    pub deleted: HashSet<String>,
}

impl<'a> Writer<'a> {
    /// `made_up`: the tenant, if only the rehearsal has it.
    pub async fn begin(
        state: &'a State,
        actor: Actor,
        zone: Tz,
        dry_run: bool,
        made_up: Option<&NewTenant>,
    ) -> Result<Self, Error> {
        let mut rehearsal = if dry_run { Some(UnitOfWork::begin(state, &actor).await?) } else { None };
        if let (Some(work), Some(new)) = (&mut rehearsal, made_up) {
            stage_in(work, state, new).await?;
            work.rehearse().await?;
        }
        Ok(Writer { state, actor, zone, rehearsal })
    }

    pub async fn task<'p>(&self, pass: &'p Pass) -> Result<Task<'p>, Error> {
        let fresh = UnitOfWork::begin(self.state, &self.actor).await?;
        Ok(Task { pass, deleted: deleted(&fresh, pass.kind, pass.fields.contains_key(ID)).await? })
    }

    /// A dry run does without: the statistics would outlive rows that never were.
    pub async fn gather_statistics(&self) -> Result<(), Error> {
        if self.rehearsal.is_none() {
            gather_statistics(&self.state.db).await?;
        }
        Ok(())
    }

    /// Writes the rows, in order. With `is_last`, a reference to nothing is refused, whatever may stand further down.
    pub async fn write(
        &mut self,
        task: &Task<'_>,
        items: Vec<Item>,
        is_last: bool,
        journal: &mut Journal,
    ) -> Result<(), Stopped> {
        let mut parts = vec![items];
        while let Some(mut part) = parts.pop() {
            match self.attempt(task, &mut part, is_last, journal).await {
                Ok(outcomes) => journal.written(outcomes)?,
                Err(Stopped::Failed(Error::Database(cause))) if is_about_data(&cause) => {
                    if part.len() > 1 {
                        let second = part.split_off(part.len() / 2);
                        parts.extend([second, part]);
                    } else {
                        // Alone, and refused once more, if it is the journal that cannot be written.
                        let told = Verdict::Refused(told(&Error::Database(cause).refusal()));
                        let Some(mut item) = part.pop().filter(|item| item.found.is_ok()) else {
                            return Err(Stopped::Failed(Error::Internal("the journal refuses a row".into())));
                        };
                        item.found = Err(told);
                        parts.push(vec![item]);
                    }
                }
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }

    async fn attempt(
        &mut self,
        task: &Task<'_>,
        items: &mut [Item],
        is_last: bool,
        journal: &Journal,
    ) -> Result<Vec<Outcome>, Stopped> {
        if let Some(work) = &mut self.rehearsal {
            let verdicts = stage(work, task, self.zone, items, is_last).await?;
            work.rehearse().await.map_err(Error::from)?;
            let outcomes = outcomes(items, verdicts);
            // Not in the transaction that is taken back.
            journal.keep(&self.state.db, &outcomes).await?;
            return Ok(outcomes);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.commit(task, items, is_last, journal).await {
                Err(Stopped::Failed(Error::Database(cause))) if tries < TRIES && is_retryable(&cause) => {}
                written => return written,
            }
        }
    }

    async fn commit(
        &self,
        task: &Task<'_>,
        items: &[Item],
        is_last: bool,
        journal: &Journal,
    ) -> Result<Vec<Outcome>, Stopped> {
        let mut work = UnitOfWork::begin(self.state, &self.actor).await.map_err(Error::from)?;
        let verdicts = stage(&mut work, task, self.zone, items, is_last).await?;
        let outcomes = outcomes(items, verdicts);
        journal.keep(work.connection(), &outcomes).await?;
        work.commit().await?;
        Ok(outcomes)
    }
}

/// `verdicts`: of the drafts among the items.
fn outcomes(items: &[Item], verdicts: Vec<Verdict>) -> Vec<Outcome> {
    let mut verdicts = verdicts.into_iter();
    let outcome = |item: &Item| {
        let verdict = match &item.found {
            Ok(_) => verdicts.next()?,
            Err(verdict) => verdict.clone(),
        };
        // Only those cells are kept that somebody will look at again.
        let kept = matches!(verdict, Verdict::Refused(_));
        let cells = if kept { item.cells.clone() } else { Vec::new() };
        Some(Outcome { line: item.line, place: item.place, cells, verdict })
    };
    items.iter().filter_map(outcome).collect()
}

/// Whether the database refused values, not service: classes 22 (data exception) and 23 (integrity constraint).
fn is_about_data(cause: &sea_orm::DbErr) -> bool {
    constraint(cause).is_some_and(|(state, _)| state.starts_with("22") || state.starts_with("23"))
}

/// The reason as it stands beside a refused row.
fn told(refusal: &Refusal) -> String {
    refusal.detail.trim_start_matches([':', '/', ' ']).to_owned()
}

async fn stage(
    work: &mut UnitOfWork,
    task: &Task<'_>,
    zone: Tz,
    items: &[Item],
    is_last: bool,
) -> Result<Vec<Verdict>, Error> {
    let drafts: Vec<&Draft> = items.iter().filter_map(|item| item.found.as_ref().ok()).collect();
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    // Nobody's phone vouches for when this was typed; so activities of the past cost nobody points.
    work.captured = Captured { at: work.now, proven: false };
    let kind = task.pass.kind;
    let mut wanted: BTreeSet<Name> = drafts.iter().flat_map(|draft| draft.names(kind)).collect();
    wanted.extend(drafts.iter().flat_map(|draft| draft.references.iter().map(|reference| reference.name.clone())));
    let mut names = Names::find(work, &wanted).await?;
    let plans: Vec<Result<Plan, Verdict>> = drafts.iter().map(|draft| plan(task, draft, &mut names, is_last)).collect();
    let context = load(work, kind, plans.iter().flatten()).await?;

    let calendar = Calendar { zone, formats: &task.pass.dates };
    let mut verdicts = Vec::with_capacity(drafts.len());
    for (draft, plan) in drafts.into_iter().zip(plans) {
        let plan = match plan {
            Ok(plan) => plan,
            Err(verdict) => {
                verdicts.push(verdict);
                continue;
            }
        };
        work.reason = None;
        let done = match (kind, &context) {
            (Kind::Team, _) => store::team(work, &plan),
            (Kind::User, _) => store::user(work, &plan),
            (Kind::Opportunity, Some(context)) => store::opportunity(work, context, &plan, draft, &calendar),
            (_, Some(context)) => store::record(work, context, kind, &plan),
            (_, None) => Err(Refusal::internal()),
        };
        verdicts.push(match done {
            Ok(done) => {
                work.keep();
                Verdict::Done(done)
            }
            Err(refusal) => {
                work.undo();
                Verdict::Refused(told(&refusal))
            }
        });
    }
    Ok(verdicts)
}

/// Names become ids. Rows further down may refer to what this one makes.
fn plan(task: &Task<'_>, draft: &Draft, names: &mut Names, is_last: bool) -> Result<Plan, Verdict> {
    let kind = task.pass.kind;
    let mut values = Map::new();
    for (name, value) in &draft.values {
        match name.split_once('.') {
            None => {
                values.insert(name.clone(), value.clone());
            }
            Some((whole, part)) => {
                let whole = values.entry(whole).or_insert_with(|| json!({}));
                whole[part] = value.clone();
            }
        }
    }
    for reference in &draft.references {
        let id = match names.get(&reference.name).map_err(|told| refused(reference.field, &told))? {
            Some(id) => id,
            None if reference.name.kind == kind && !is_last => return Err(Verdict::Waits),
            None => {
                let Name { kind, by, text } = &reference.name;
                let by = match by {
                    By::Name => "name",
                    By::Id => ID,
                    By::ExternalId | By::Any => KEY,
                };
                let told = format!(
                    "there is no {kind} with the {by} `{text}`: import it first; a mapping can also find it `by` id or name"
                );
                return Err(refused(reference.field, &told));
            }
        };
        values.insert(reference.field.to_owned(), json!(id));
    }
    let mut known = None;
    for name in draft.names(kind) {
        let found = names.get(&name).map_err(|told| refused(KEY, &told))?;
        match (known, found) {
            (Some(known), Some(found)) if known != found => {
                return Err(refused(KEY, "another record has it than the one with this id"));
            }
            _ => known = known.or(found),
        }
        if found.is_none() && task.deleted.contains(&name.text) {
            return Err(refused(KEY, "this record was deleted here, and an import does not bring it back"));
        }
    }
    let id = known.or(draft.id).unwrap_or_else(Uuid::now_v7);
    let plan = Plan { id, is_new: known.is_none(), values };
    plan.change(kind).map_err(|refusal| Verdict::Refused(told(&refusal)))?;
    for name in draft.names(kind) {
        names.add(name, plan.id);
    }
    names.add(Name { kind, by: By::Id, text: plan.id.to_string() }, plan.id);
    if let Some(name) = plan.values.get("name").and_then(Value::as_str) {
        names.add(Name { kind, by: By::Name, text: name.to_owned() }, plan.id);
    }
    Ok(plan)
}

fn refused(field: &str, told: &str) -> Verdict {
    Verdict::Refused(format!("{field}: {told}"))
}

/// Loads and locks what the plans touch, one statement a kind.
async fn load(
    work: &mut UnitOfWork,
    kind: Kind,
    plans: impl Iterator<Item = &Plan> + Clone,
) -> Result<Option<Context>, Error> {
    match kind {
        Kind::Team | Kind::User => {
            work.lock_teams().await?;
            work.load_where::<team::Model>("TRUE", []).await?;
            if kind == Kind::User {
                work.load::<user::Model>(plans.map(|plan| plan.id).collect::<Vec<_>>()).await?;
            }
            Ok(None)
        }
        _ => {
            let changes: Vec<_> = plans.filter_map(|plan| plan.change(kind).ok().flatten()).collect();
            Ok(Some(prepare(work, &changes).await?))
        }
    }
}
