//! Is there anything new? Most pulls find nothing, and phones of one tenant ask at the same time: questions that come while
//! one is being answered wait, and the next statement answers them all. It starts after the last of them was asked, so that
//! every answer tells what was committed before its question: this shares work, it remembers nothing.

use std::collections::HashMap;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use sea_orm::DbErr;
use sea_orm::sqlx::{PgConnection, Row};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::cursor::Clock;
use super::rows;
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;

/// Questions in one statement.
const BATCH: usize = 200;
/// Statements before the connection goes back to the pool, so that busy tenants do not keep those of the others.
const TURN: usize = 50;

/// `$1` tenant, `$2` users, `$3` since, one each → the clock, and beside it the scopes of which a user has something to
/// hear, with his place in the list; or one row without a scope. `OFFSET 0` keeps each question a look-up of its own:
/// joined as a whole, the grants of all the tenant's users would be read. The lists stand in selects of their own so that the
/// planner cannot count them: else it finds a plan for each list better than the kept one, and plans every time anew (156 µs
/// instead of 29).
const SQL: &str = r#"
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
    user_id: Uuid,
    since: i64,
    answer: oneshot::Sender<Result<News, DbErr>>,
}

/// The questions that wait, by tenant. A tenant is in it while somebody answers for it.
#[derive(Default)]
pub struct Desk(Mutex<HashMap<Uuid, Vec<Question>>>);

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Question>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a question; true if nobody is there to answer it.
    fn leave(&self, tenant_id: Uuid, question: Question) -> bool {
        let mut waiting = self.waiting();
        let alone = !waiting.contains_key(&tenant_id);
        waiting.entry(tenant_id).or_default().push(question);
        alone
    }

    /// What has come together; `None` and the tenant is gone if there is nothing.
    fn take(&self, tenant_id: Uuid) -> Option<Vec<Question>> {
        let mut waiting = self.waiting();
        let questions = waiting.get_mut(&tenant_id)?;
        if questions.is_empty() {
            waiting.remove(&tenant_id);
            return None;
        }
        let rest = questions.split_off(questions.len().min(BATCH));
        Some(mem::replace(questions, rest))
    }
}

/// What is new for this user since `since`, in the state of a moment after the call.
pub async fn news(state: &State, actor: &Actor, since: i64) -> Result<News, Error> {
    let (answer, told) = oneshot::channel();
    let (tenant_id, user_id) = (actor.tenant_id, actor.user_id);
    if state.news.leave(tenant_id, Question { user_id, since, answer }) {
        // A task of its own: whoever asked first may hang up, and the others still wait.
        tokio::spawn(serve(state.clone(), tenant_id));
    }
    Ok(told.await.map_err(|_| Error::Internal("a question for news was lost".into()))??)
}

/// Answers for one tenant until nobody asks any more.
async fn serve(state: State, tenant_id: Uuid) {
    let answering = async { while turn(&state, tenant_id).await {} };
    if AssertUnwindSafe(answering).catch_unwind().await.is_err() {
        // Whoever waits is told that his question was lost, and the next one starts anew.
        state.news.waiting().remove(&tenant_id);
    }
}

/// Some statements on one connection; false if nobody asks any more. A kept connection saves the pool's handshake at each.
async fn turn(state: &State, tenant_id: Uuid) -> bool {
    let mut connection = state.db.get_postgres_connection_pool().acquire().await.map_err(rows::failed);
    for _ in 0..TURN {
        let Some(questions) = state.news.take(tenant_id) else { return false };
        let answers = match &mut connection {
            Ok(connection) => ask(connection, tenant_id, &questions).await,
            Err(error) => Err(error.clone()),
        };
        let failed = answers.is_err();
        // Who has hung up needs no answer.
        match answers {
            Ok(answers) => {
                questions.into_iter().zip(answers).for_each(|(question, news)| drop(question.answer.send(Ok(news))));
            }
            Err(error) => {
                questions.into_iter().for_each(|question| drop(question.answer.send(Err(error.clone()))));
            }
        }
        if failed {
            break;
        }
    }
    true
}

async fn ask(connection: &mut PgConnection, tenant_id: Uuid, questions: &[Question]) -> Result<Vec<News>, DbErr> {
    let users: Vec<Uuid> = questions.iter().map(|question| question.user_id).collect();
    let since: Vec<i64> = questions.iter().map(|question| question.since).collect();
    let query = sea_orm::sqlx::query(SQL).bind(tenant_id).bind(users).bind(since);
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
