//! A chunk of rows into the database: one commit each, so that nobody waits for long. What the database refuses is
//! found by halving the chunk, and costs one row.

use std::collections::{BTreeSet, HashSet};

use chrono_tz::Tz;
use entity::kind::Kind;
use entity::{team, user};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::calendar::Calendar;
use super::draft::{Draft, Name};
use super::field::KEY;
use super::mapping::{By, Pass};
use super::resolve::{Names, deleted};
use super::store::{self, Done, Plan};
use crate::auth::Actor;
use crate::captured::Captured;
use crate::change::{Context, prepare};
use crate::database::gather_statistics;
use crate::problem::{Error, Refusal, constraint, is_retryable};
use crate::state::State;
use crate::work::UnitOfWork;

/// How often a chunk is begun again that lost against another transaction.
const TRIES: usize = 4;

/// What became of a row.
#[derive(Clone, Debug)]
pub enum Verdict {
    Done(Done),
    /// It refers to a record of its own kind that may stand further down.
    Waits,
    Refused(String),
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
    pub async fn begin(state: &'a State, tenant_id: Uuid, zone: Tz, dry_run: bool) -> Result<Self, Error> {
        let actor = Actor::system(tenant_id);
        let rehearsal = if dry_run { Some(UnitOfWork::begin(state, &actor).await?) } else { None };
        Ok(Writer { state, actor, zone, rehearsal })
    }

    pub async fn task<'p>(&self, pass: &'p Pass) -> Result<Task<'p>, Error> {
        let fresh = UnitOfWork::begin(self.state, &self.actor).await?;
        Ok(Task { pass, deleted: deleted(&fresh, pass.kind).await? })
    }

    /// A dry run does without: the statistics would outlive rows that never were.
    pub async fn gather_statistics(&self) -> Result<(), Error> {
        if self.rehearsal.is_none() {
            gather_statistics(&self.state.db).await?;
        }
        Ok(())
    }

    /// Writes the rows. With `is_last`, a reference to nothing is refused, whatever may stand further down.
    pub async fn write(
        &mut self,
        task: &Task<'_>,
        drafts: Vec<Draft>,
        is_last: bool,
    ) -> Result<Vec<(Draft, Verdict)>, Error> {
        let mut judged = Vec::with_capacity(drafts.len());
        let mut parts = vec![drafts];
        while let Some(mut part) = parts.pop() {
            match self.attempt(task, &part, is_last).await {
                Ok(verdicts) => judged.extend(part.into_iter().zip(verdicts)),
                Err(Error::Database(cause)) if is_about_data(&cause) => {
                    if part.len() > 1 {
                        let second = part.split_off(part.len() / 2);
                        parts.extend([second, part]);
                    } else {
                        let told = told(&Error::Database(cause).refusal());
                        judged.extend(part.into_iter().map(|draft| (draft, Verdict::Refused(told.clone()))));
                    }
                }
                Err(cause) => return Err(cause),
            }
        }
        Ok(judged)
    }

    async fn attempt(&mut self, task: &Task<'_>, drafts: &[Draft], is_last: bool) -> Result<Vec<Verdict>, Error> {
        if let Some(work) = &mut self.rehearsal {
            let verdicts = stage(work, task, self.zone, drafts, is_last).await?;
            work.rehearse().await?;
            return Ok(verdicts);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let mut work = UnitOfWork::begin(self.state, &self.actor).await?;
            let written = match stage(&mut work, task, self.zone, drafts, is_last).await {
                Ok(verdicts) => work.commit().await.map(|()| verdicts),
                Err(cause) => Err(cause),
            };
            match written {
                Err(Error::Database(cause)) if tries < TRIES && is_retryable(&cause) => {}
                written => return written,
            }
        }
    }
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
    drafts: &[Draft],
    is_last: bool,
) -> Result<Vec<Verdict>, Error> {
    // Nobody's phone vouches for when this was typed; so activities of the past cost nobody points.
    work.captured = Captured { at: work.now, proven: false };
    let kind = task.pass.kind;
    let mut wanted: BTreeSet<Name> = drafts.iter().map(|draft| key(kind, draft)).collect();
    wanted.extend(drafts.iter().flat_map(|draft| draft.references.iter().map(|reference| reference.name.clone())));
    let mut names = Names::find(work, &wanted).await?;
    let plans: Vec<Result<Plan, Verdict>> = drafts.iter().map(|draft| plan(task, draft, &mut names, is_last)).collect();
    let context = load(work, kind, plans.iter().flatten()).await?;

    let calendar = Calendar { zone, formats: &task.pass.dates };
    let mut verdicts = Vec::with_capacity(drafts.len());
    for (draft, plan) in drafts.iter().zip(plans) {
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
            (Kind::Opportunity, Some(context)) => {
                store::opportunity(work, context, &plan, &draft.steps, task.pass.stage.as_ref(), &calendar)
            }
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

fn key(kind: Kind, draft: &Draft) -> Name {
    Name { kind, by: By::ExternalId, text: draft.key.clone() }
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
                let by = if *by == By::Name { "name" } else { KEY };
                return Err(refused(reference.field, &format!("there is no {kind} with the {by} `{text}`")));
            }
        };
        values.insert(reference.field.to_owned(), json!(id));
    }
    let known = names.get(&key(kind, draft)).map_err(|told| refused(KEY, &told))?;
    if known.is_none() && task.deleted.contains(&draft.key) {
        return Err(refused(KEY, "this record was deleted here, and an import does not bring it back"));
    }
    let plan = Plan { id: known.unwrap_or_else(Uuid::now_v7), is_new: known.is_none(), values };
    plan.change(kind).map_err(|refusal| Verdict::Refused(told(&refusal)))?;
    names.add(key(kind, draft), plan.id);
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
