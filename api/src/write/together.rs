//! Group commit. The commits of one tenant follow each other, since each holds the tenant's clock until it is on the disk.
//! So whatever REST is asked to write while a commit is on its way goes into the next one together: one transaction and
//! one flush for all who wait. Each is decided by itself; if the database refuses the lot, each is done alone.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::{Body, Change, Intent, apply, prepare};
use crate::problem::{Error, Refusal};
use crate::record::Record;
use crate::state::State;
use crate::work::{UnitOfWork, text};

/// How many are committed together at most.
const MOST: usize = 64;
/// Who waits longer than this to be begun does not wait for the one before any more: it may itself wait for a lock.
const PATIENCE: Duration = Duration::from_millis(25);

/// Those who wait, by tenant.
#[derive(Default)]
pub struct Queue(Mutex<HashMap<Uuid, Line>>);

/// A tenant's; there is one while somebody works for it.
#[derive(Default)]
struct Line {
    jobs: Vec<Job>,
    workers: usize,
}

/// A record of whatever kind.
type Row = Box<dyn Any + Send>;
/// Takes from the unit of work the row that a change made, and its document.
type Stored = fn(&UnitOfWork, Uuid) -> Result<(Row, String), Refusal>;

struct Job {
    actor: Actor,
    change: Change,
    /// Of the receipt, and the hash of what was asked.
    key: Option<(String, String)>,
    stored: Stored,
    /// Gets nothing if it must be done alone.
    reply: oneshot::Sender<Option<Result<Row, Error>>>,
}

/// Whether this may be committed with others' writes: work under an account, which changes nobody's view of anything.
pub fn joins(change: &Change) -> bool {
    matches!(
        change.intent,
        Intent::Create(Body::Activity(_) | Body::Contact(_) | Body::Plan(_))
            | Intent::Update(Body::Activity(_) | Body::Contact(_) | Body::Plan(_))
    )
}

/// Makes the change with whoever else writes now. `None`: it has to be made alone.
pub async fn submit<M: Record>(
    state: &State,
    actor: &Actor,
    change: &Change,
    key: Option<(String, String)>,
) -> Option<Result<M, Error>> {
    let (reply, mut answer) = oneshot::channel();
    let job = Job { actor: actor.clone(), change: change.clone(), key, stored: stored::<M>, reply };
    if state.writes.join(actor.tenant_id, job) {
        tokio::spawn(work_for(state.clone(), actor.tenant_id));
    }
    let answer = match tokio::time::timeout(PATIENCE, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => {
            if state.writes.overtake(actor.tenant_id) {
                tokio::spawn(work_for(state.clone(), actor.tenant_id));
            }
            answer.await
        }
    };
    // Whoever worked for it is gone only if he panicked.
    let result = answer.ok().flatten()?;
    Some(result.and_then(|row| {
        row.downcast().map(|row| *row).map_err(|_| Error::Internal("an answer is of another kind".into()))
    }))
}

fn stored<M: Record>(work: &UnitOfWork, id: Uuid) -> Result<(Row, String), Refusal> {
    let row: M = work.stored(id)?;
    let document = text(&row);
    Ok((Box::new(row), document))
}

impl Queue {
    fn lines(&self) -> MutexGuard<'_, HashMap<Uuid, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits in line; true if nobody works for it yet.
    fn join(&self, tenant_id: Uuid, job: Job) -> bool {
        let mut lines = self.lines();
        let line = lines.entry(tenant_id).or_default();
        line.jobs.push(job);
        let is_first = line.workers == 0;
        line.workers += usize::from(is_first);
        is_first
    }

    /// True if there are still some waiting, for whom one more is to work.
    fn overtake(&self, tenant_id: Uuid) -> bool {
        let mut lines = self.lines();
        let line = lines.get_mut(&tenant_id).filter(|line| !line.jobs.is_empty());
        line.map(|line| line.workers += 1).is_some()
    }

    /// Those to be done next; none, and the worker is released, if nobody waits.
    fn next(&self, tenant_id: Uuid) -> Vec<Job> {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&tenant_id) else { return Vec::new() };
        let some = line.jobs.len().min(MOST);
        let jobs: Vec<Job> = line.jobs.drain(..some).collect();
        if jobs.is_empty() {
            line.workers -= 1;
            if line.workers == 0 {
                lines.remove(&tenant_id);
            }
        }
        jobs
    }
}

async fn work_for(state: State, tenant_id: Uuid) {
    loop {
        let jobs = state.writes.next(tenant_id);
        if jobs.is_empty() {
            return;
        }
        // A task of its own: a panic in it ends the batch, not the worker.
        let _ = tokio::spawn(batch(state.clone(), jobs)).await;
    }
}

async fn batch(state: State, jobs: Vec<Job>) {
    // Whose fault it was is found by doing each alone.
    let results = attempt(&state, &jobs).await.unwrap_or_default();
    let mut results = results.into_iter();
    for job in jobs {
        // Nobody listens any more if the client hung up.
        let _ = job.reply.send(results.next().flatten());
    }
}

/// Decides each by itself and commits what was not refused; nothing for one that was answered before.
async fn attempt(state: &State, jobs: &[Job]) -> Result<Vec<Option<Result<Row, Error>>>, Error> {
    let actors: Vec<Actor> = jobs.iter().map(|job| job.actor.clone()).collect();
    let mut work = UnitOfWork::begin_for(state, actors).await?;
    let keys = jobs.iter().filter_map(|job| job.key.as_ref().map(|(key, _)| (job.actor.user_id, key.clone())));
    let known = super::answered(&work, keys.collect()).await?;
    let is_new =
        |job: &&Job| job.key.as_ref().is_none_or(|(key, _)| !known.contains(&(job.actor.user_id, key.clone())));
    let changes: Vec<&Change> = jobs.iter().filter(is_new).map(|job| &job.change).collect();
    let context = prepare(&mut work, &changes).await?;
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        if !is_new(&job) {
            results.push(None);
            continue;
        }
        work.act_as(&job.actor);
        let done = apply(&mut work, &context, &job.change).and_then(|_| (job.stored)(&work, job.change.id));
        results.push(Some(match done {
            Ok((row, document)) => {
                work.keep();
                if let Some((key, hash)) = &job.key {
                    work.receipt(key, hash, &document);
                }
                Ok(row)
            }
            Err(refusal) => {
                work.undo();
                Err(refusal.into())
            }
        }));
    }
    work.commit().await?;
    Ok(results)
}
