//! Is there anything new? Most pulls find nothing, and phones ask at the same time: questions that come while one is being
//! answered wait, and the next statement answers them all. It starts after the last of them was asked, so that
//! every answer tells what was committed before its question: this shares work, and no answer comes from memory.
//!
//! Where a company is quiet its clock stands at the cursor: one statement reads the clocks of all tenants that are asked about.
//! Where colleagues have written since, another looks into the scopes of those who ask, a tenant at a time. A server that has
//! seen the clock beyond the cursor goes there at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{iter, mem};

use futures_util::FutureExt;
use sea_orm::DbErr;
use sea_orm::sqlx::{self, PgConnection, Row};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::cursor::Clock;
use super::rows;
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;

/// Questions in one statement.
const BATCH: usize = 200;
/// Of so many of the pool's connections one is for questions.
const SHARE: u32 = 5;
/// Statements before a connection goes back to the pool, so that nobody waits for it for ever. The pool makes a handshake with
/// each that comes back, which costs as much as a question.
const TURN: usize = 200;
/// How long a lane keeps its connection when nobody asks.
const LINGER: Duration = Duration::from_millis(5);

/// `$1` tenants → their clocks. The list stands in a select of its own, as those below do.
const CLOCKS: &str =
    "SELECT head, epoch, pruned, tenant_id FROM sync_clock WHERE tenant_id = ANY((SELECT $1::uuid[])::uuid[])";

/// `$1` tenant, `$2` users, `$3` since, one each → the clock, and beside it the scopes of which a user has something to
/// hear, with his place in the list; or one row without a scope. `OFFSET 0` keeps each question a look-up of its own:
/// joined as a whole, the grants of all the tenant's users would be read. The lists stand in selects of their own so that the
/// planner cannot count them: else it finds a plan for each list better than the kept one, and plans every time anew (156 µs
/// instead of 29).
const SCOPES: &str = r#"
SELECT c.head, c.epoch, c.pruned, m.asked, m.scope_id
FROM sync_clock c LEFT JOIN (
    SELECT q.asked, s.scope_id
    FROM unnest((SELECT $2::uuid[]), (SELECT $3::bigint[])) WITH ORDINALITY AS q(user_id, since, asked)
    CROSS JOIN LATERAL (
        SELECT g.scope_id
        FROM scope_grant g JOIN scope_head h ON h.tenant_id = $1 AND h.scope_id = g.scope_id
        WHERE g.tenant_id = $1 AND g.user_id = q.user_id
          AND CASE WHEN g.revoked IS NULL THEN h.head > q.since OR g.granted > q.since ELSE g.revoked > q.since END
        OFFSET 0
    ) s
) m ON TRUE
WHERE c.tenant_id = $1
"#;

/// What one statement saw.
pub struct News {
    pub clock: Clock,
    /// The scopes that have something to tell the user since his cursor. Empty: there is nothing new.
    pub scopes: Vec<Uuid>,
}

struct Question {
    tenant_id: Uuid,
    user_id: Uuid,
    since: i64,
    answer: oneshot::Sender<Result<News, DbErr>>,
}

/// What one statement answers: `None` whose clocks have moved, `Some` what is new in the scopes of a tenant.
type Topic = Option<Uuid>;

/// Where questions wait for a lane: a task that answers one topic after the other, on a connection that it keeps as long as
/// questions come.
#[derive(Default)]
pub struct Desk {
    queue: Mutex<Queue>,
    came: Notify,
}

#[derive(Default)]
struct Queue {
    /// The questions that wait. A topic is in it while it waits for its turn or has it.
    asked: HashMap<Topic, Vec<Question>>,
    /// The topics that wait for their turn.
    turns: VecDeque<Topic>,
    /// The furthest that each tenant's clock was seen. It chooses the statement, never the answer: a clock that was set
    /// back by a restore costs a look into the scopes.
    seen: HashMap<Uuid, i64>,
    lanes: usize,
    /// Lanes that have nothing to do.
    idle: usize,
}

impl Queue {
    /// What has come together of the topic that has waited longest. It has its turn until `done`.
    fn take(&mut self) -> Option<(Topic, Vec<Question>)> {
        let topic = self.turns.pop_front()?;
        let questions = self.asked.get_mut(&topic)?;
        let rest = questions.split_off(questions.len().min(BATCH));
        Some((topic, mem::replace(questions, rest)))
    }
}

impl Desk {
    /// What to ask first for a cursor at `since`.
    fn topic(&self, tenant_id: Uuid, since: i64) -> Topic {
        self.queue().seen.get(&tenant_id).is_some_and(|head| *head > since).then_some(tenant_id)
    }

    fn saw(&self, tenant_id: Uuid, head: i64) {
        self.queue().seen.entry(tenant_id).and_modify(|seen| *seen = head.max(*seen)).or_insert(head);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a question; true if it needs another lane, of which there are `most`.
    fn leave(&self, topic: Topic, question: Question, most: usize) -> bool {
        let mut queue = self.queue();
        match queue.asked.entry(topic) {
            Entry::Occupied(mut questions) => questions.get_mut().push(question),
            Entry::Vacant(none) => {
                none.insert(vec![question]);
                queue.turns.push_back(topic);
            }
        }
        if queue.turns.is_empty() {
            return false;
        }
        if queue.idle > 0 {
            self.came.notify_one();
            return false;
        }
        let more = queue.lanes < most;
        queue.lanes += usize::from(more);
        more
    }

    /// The topic is gone, or waits again if it has more questions.
    fn done(&self, topic: Topic) {
        let mut queue = self.queue();
        if queue.asked.get(&topic).is_some_and(Vec::is_empty) {
            queue.asked.remove(&topic);
        } else {
            queue.turns.push_back(topic);
        }
    }

    /// Whose turn it is, and the questions; `None` and the lane is closed if nobody asks for a while.
    async fn next(&self) -> Option<(Topic, Vec<Question>)> {
        loop {
            {
                let mut queue = self.queue();
                if let Some(taken) = queue.take() {
                    return Some(taken);
                }
                queue.idle += 1;
            }
            let came = timeout(LINGER, self.came.notified()).await.is_ok();
            let mut queue = self.queue();
            queue.idle -= 1;
            if !came && queue.turns.is_empty() {
                queue.lanes -= 1;
                return None;
            }
        }
    }
}

/// What is new for this user since `since`, in the state of a moment after the call.
pub async fn news(state: &State, actor: &Actor, since: i64) -> Result<News, Error> {
    let (answer, told) = oneshot::channel();
    let topic = state.news.topic(actor.tenant_id, since);
    ask(state, topic, Question { tenant_id: actor.tenant_id, user_id: actor.user_id, since, answer });
    Ok(told.await.map_err(|_| Error::Internal("a question for news was lost".into()))??)
}

fn ask(state: &State, topic: Topic, question: Question) {
    let most = state.db.get_postgres_connection_pool().options().get_max_connections() / SHARE;
    if state.news.leave(topic, question, most.max(1) as usize) {
        // A task of its own: whoever asked first may hang up, and the others still wait.
        tokio::spawn(lane(state.clone()));
    }
}

/// Answers until nothing has come for a while.
async fn lane(state: State) {
    let (mut kept, mut statements) = (None, 0);
    while let Some((topic, questions)) = state.news.next().await {
        if statements == TURN {
            (kept, statements) = (None, 0);
        }
        if kept.is_none() {
            match state.db.get_postgres_connection_pool().acquire().await {
                Ok(connection) => kept = Some(connection),
                Err(error) => {
                    // Nobody else would fare better, and each would wait as long.
                    let error = rows::failed(error);
                    let others = iter::from_fn(|| state.news.queue().take());
                    for (topic, questions) in iter::once((topic, questions)).chain(others) {
                        refuse(questions, &error);
                        state.news.done(topic);
                    }
                    continue;
                }
            }
        }
        if let Some(connection) = &mut kept {
            statements += 1;
            match AssertUnwindSafe(find(connection, &state.news, topic, &questions)).catch_unwind().await {
                Ok(Ok(answers)) => {
                    for (question, news) in questions.into_iter().zip(answers) {
                        match news {
                            // Who has hung up needs no answer.
                            Some(news) => drop(question.answer.send(Ok(news))),
                            None => ask(&state, Some(question.tenant_id), question),
                        }
                    }
                }
                Ok(Err(error)) => {
                    kept = None;
                    refuse(questions, &error);
                }
                // Whoever asked is told that his question was lost.
                Err(_) => kept = None,
            }
        }
        state.news.done(topic);
    }
}

fn refuse(questions: Vec<Question>, error: &DbErr) {
    questions.into_iter().for_each(|question| drop(question.answer.send(Err(error.clone()))));
}

/// An answer to each question, in their order; `None` where the scopes have to be looked into.
async fn find(
    connection: &mut PgConnection,
    desk: &Desk,
    topic: Topic,
    questions: &[Question],
) -> Result<Vec<Option<News>>, DbErr> {
    match topic {
        None => by_clocks(connection, desk, questions).await,
        Some(tenant_id) => {
            let answers = by_scopes(connection, tenant_id, questions).await?;
            Ok(answers.into_iter().map(Some).collect())
        }
    }
}

/// Every change, grant and revocation moves the clock: where it stands at the cursor, nothing is new.
async fn by_clocks(
    connection: &mut PgConnection,
    desk: &Desk,
    questions: &[Question],
) -> Result<Vec<Option<News>>, DbErr> {
    let tenants: BTreeSet<Uuid> = questions.iter().map(|question| question.tenant_id).collect();
    let query = sqlx::query(CLOCKS).bind(tenants.into_iter().collect::<Vec<_>>());
    let mut clocks = HashMap::new();
    for row in query.fetch_all(connection).await.map_err(rows::failed)? {
        let tenant_id: Uuid = row.try_get(3).map_err(rows::failed)?;
        let clock = rows::clock(&row)?;
        desk.saw(tenant_id, clock.head);
        clocks.insert(tenant_id, clock);
    }
    // Without a clock: the next statement says so, to those of that tenant alone.
    let news = |question: &Question| {
        let clock = *clocks.get(&question.tenant_id)?;
        (clock.head <= question.since).then(|| News { clock, scopes: Vec::new() })
    };
    Ok(questions.iter().map(news).collect())
}

async fn by_scopes(connection: &mut PgConnection, tenant_id: Uuid, questions: &[Question]) -> Result<Vec<News>, DbErr> {
    let users: Vec<Uuid> = questions.iter().map(|question| question.user_id).collect();
    let since: Vec<i64> = questions.iter().map(|question| question.since).collect();
    let query = sqlx::query(SCOPES).bind(tenant_id).bind(users).bind(since);
    let found = query.fetch_all(connection).await.map_err(rows::failed)?;
    let first = found.first().ok_or_else(|| DbErr::RecordNotFound("the tenant has no clock".into()))?;
    let clock = rows::clock(first)?;
    let mut answers: Vec<News> = questions.iter().map(|_| News { clock, scopes: Vec::new() }).collect();
    for row in &found {
        let asked: Option<i64> = row.try_get(3).map_err(rows::failed)?;
        if let Some(news) = asked.and_then(|asked| answers.get_mut(usize::try_from(asked - 1).ok()?)) {
            news.scopes.push(row.try_get(4).map_err(rows::failed)?);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const A: Topic = Some(Uuid::from_u128(1));
    const B: Topic = None;

    fn question() -> Question {
        Question { tenant_id: Uuid::nil(), user_id: Uuid::nil(), since: 0, answer: oneshot::channel().0 }
    }

    async fn next(desk: &Desk) -> Option<(Topic, usize)> {
        desk.next().await.map(|(topic, questions)| (topic, questions.len()))
    }

    #[tokio::test]
    async fn questions_of_a_topic_come_together_and_topics_take_turns() {
        let desk = Desk::default();
        assert!(desk.leave(A, question(), 1), "the first needs a lane");
        for topic in [A, B, B] {
            assert!(!desk.leave(topic, question(), 1), "there is no other");
        }
        assert_eq!(next(&desk).await, Some((A, 2)));
        desk.leave(A, question(), 1);
        assert_eq!(next(&desk).await, Some((B, 2)), "one topic is not answered twice at a time");
        desk.done(B);
        desk.done(A);
        assert_eq!(next(&desk).await, Some((A, 1)));
        desk.done(A);
        assert_eq!(next(&desk).await, None, "nobody asks");
        assert!(desk.leave(A, question(), 1), "the lane was closed");
    }

    #[test]
    fn a_clock_that_was_seen_beyond_the_cursor_is_not_asked_first() {
        let (desk, tenant_id) = (Desk::default(), Uuid::from_u128(1));
        assert_eq!(desk.topic(tenant_id, 5), None, "nothing is known");
        desk.saw(tenant_id, 7);
        desk.saw(tenant_id, 6);
        assert_eq!(desk.topic(tenant_id, 6), Some(tenant_id));
        assert_eq!(desk.topic(tenant_id, 7), None);
        assert_eq!(desk.topic(Uuid::from_u128(2), 0), None, "another tenant");
    }

    #[tokio::test]
    async fn a_lane_with_nothing_to_do_takes_what_comes() {
        let desk = Arc::new(Desk::default());
        assert!(desk.leave(A, question(), 2));
        assert!(desk.leave(B, question(), 2), "there may be two");
        for _ in 0..2 {
            let (topic, _) = desk.next().await.expect("a question");
            desk.done(topic);
        }
        let waiting = tokio::spawn({
            let desk = desk.clone();
            async move { next(&desk).await }
        });
        while desk.queue().idle == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!desk.leave(B, question(), 9), "it needs no lane more");
        assert_eq!(waiting.await.expect("ends"), Some((B, 1)));
    }
}
