//! Runs simulations in the background and keeps what came of them. A simulation whose server went down is taken up by
//! another after a while.

use std::convert::Infallible;
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{EntryKind, RuleSetStatus, WorkKind};
use entity::rule_set;
use entity::rules::Rules;
use entity::scalar::{Date, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement, Value};
use tokio::time::interval;
use uuid::Uuid;

use super::figures::{Worth, compare};
use super::happened::Written;
use super::read::{Ground, Reader};
use super::replay::{Entry, Known, Replay};
use super::wire::{Simulation, SimulationResult, SimulationStatus, StartSimulation};
use crate::auth::Actor;
use crate::offence;
use crate::offence::judge::Law;
use crate::points::photo::is_weighed_at_all;
use crate::points::score::Scorer;
use crate::problem::{Code, Error, Refusal};
use crate::read as records;
use crate::state::State;

/// Activities that one statement reads.
const CHUNK: usize = 5_000;
/// The longest period, in days.
const LONGEST: i64 = 731;
/// After so many minutes without a sign of life a simulation is taken up by somebody else.
const GIVEN_UP_AFTER: i64 = 5;
/// How often it gives one, however long a statement takes.
const BEATS_EVERY: Duration = Duration::from_secs(30);

pub(super) fn statement(tenant_id: Uuid, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    let values = std::iter::once(tenant_id.into()).chain(values);
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// The day by the tenant's clock.
pub(super) async fn today(state: &State, tenant_id: Uuid) -> Result<Date, Error> {
    let sql = "SELECT ($2::timestamptz AT TIME ZONE time_zone)::date FROM tenant WHERE id = $1";
    let row = state.db.query_one_raw(statement(tenant_id, sql, [state.clock.now().into()])).await?;
    Ok(row.ok_or_else(|| Refusal::not_found("tenant"))?.try_get_by_index(0)?)
}

/// Begins one and answers at once.
pub async fn start(
    state: &State,
    actor: &Actor,
    rule_set_id: Uuid,
    asked: &StartSimulation,
) -> Result<Simulation, Error> {
    let id = begin(state, actor, rule_set_id, asked).await?;
    spawn(state, actor.tenant_id, id);
    get(state, actor, id).await
}

/// Makes one and answers when it has finished.
pub async fn at_once(
    state: &State,
    actor: &Actor,
    rule_set_id: Uuid,
    asked: &StartSimulation,
) -> Result<Simulation, Error> {
    let id = begin(state, actor, rule_set_id, asked).await?;
    finish(state, actor.tenant_id, id).await?;
    get(state, actor, id).await
}

async fn begin(state: &State, actor: &Actor, rule_set_id: Uuid, asked: &StartSimulation) -> Result<Uuid, Error> {
    let rule_set: rule_set::Model = records::get(state, actor, rule_set_id).await?;
    actor.must_be_admin()?;
    let (now, today) = (state.clock.now(), today(state, actor.tenant_id).await?);
    if asked.to > today {
        return Err(
            Refusal::invalid("/to", format!("Must be today, {today}, or before: only the past is replayed.")).into()
        );
    }
    if asked.from > asked.to {
        return Err(Refusal::invalid("/from", format!("Must not lie after {}, the last day.", asked.to)).into());
    }
    if (asked.to.0 - asked.from.0).num_days() >= LONGEST {
        let detail = format!("The period must have at most {LONGEST} days: begin later, or replay it in parts.");
        return Err(Refusal::invalid("/from", detail).into());
    }
    let id = Uuid::now_v7();
    let sql = "INSERT INTO simulation (tenant_id, id, rule_set_id, from_day, to_day, rules, status, done, total,
                                       requested_by, requested_at, beat)
               SELECT $1, $2, $3, $4, $5, $6, 'running', 0, 0, $7, $8, $8
               WHERE NOT EXISTS (SELECT FROM simulation s WHERE s.tenant_id = $1 AND s.status = 'running' AND s.beat > $9)";
    let values: [Value; 8] = [
        id.into(),
        rule_set.id.into(),
        asked.from.into(),
        asked.to.into(),
        serde_json::to_value(&rule_set.rules).expect("rules are plain data").into(),
        actor.user_id.into(),
        now.into(),
        Timestamp(now.0 - TimeDelta::minutes(GIVEN_UP_AFTER)).into(),
    ];
    let made = state.db.execute_raw(statement(actor.tenant_id, sql, values)).await?;
    if made.rows_affected() == 0 {
        let detail = "Another simulation is running. Wait until it has finished, then start this one.";
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    Ok(id)
}

/// One simulation, for admins.
pub async fn get(state: &State, actor: &Actor, id: Uuid) -> Result<Simulation, Error> {
    let sql = "SELECT * FROM simulation WHERE tenant_id = $1 AND id = $2";
    let row = state.db.query_one_raw(statement(actor.tenant_id, sql, [id.into()])).await?;
    let found = row.as_ref().map(simulation).transpose()?.ok_or_else(|| Refusal::not_found("simulation"))?;
    // Only admins see what all reps earn; for others it is not there.
    if actor.must_be_admin().is_err() {
        return Err(Refusal::not_found("simulation").into());
    }
    Ok(found)
}

/// The newest simulation of a rule set.
pub async fn newest(state: &State, actor: &Actor, rule_set_id: Uuid) -> Result<Simulation, Error> {
    records::get::<rule_set::Model>(state, actor, rule_set_id).await?;
    actor.must_be_admin()?;
    let sql = "SELECT * FROM simulation WHERE tenant_id = $1 AND rule_set_id = $2 ORDER BY requested_at DESC, id DESC LIMIT 1";
    let row = state.db.query_one_raw(statement(actor.tenant_id, sql, [rule_set_id.into()])).await?;
    Ok(row.as_ref().map(simulation).transpose()?.ok_or_else(|| Refusal::not_found("simulation"))?)
}

fn simulation(row: &QueryResult) -> Result<Simulation, Error> {
    let status: String = row.try_get("", "status")?;
    Ok(Simulation {
        id: row.try_get("", "id")?,
        rule_set_id: row.try_get("", "rule_set_id")?,
        from: row.try_get("", "from_day")?,
        to: row.try_get("", "to_day")?,
        status: match status.as_str() {
            "running" => SimulationStatus::Running,
            "finished" => SimulationStatus::Finished,
            _ => SimulationStatus::Failed,
        },
        done: row.try_get("", "done")?,
        total: row.try_get("", "total")?,
        requested_by: row.try_get("", "requested_by")?,
        requested_at: row.try_get("", "requested_at")?,
        finished_at: row.try_get("", "finished_at")?,
        result: row.try_get::<Option<SimulationResult>>("", "result")?,
    })
}

/// The entries that a simulation comes to, one by one; what is stored are their sums.
pub async fn replayed(state: &State, tenant_id: Uuid, id: Uuid) -> Result<Vec<Entry>, Error> {
    let order = Order::read(state, tenant_id, id).await?;
    let reader = Reader { db: &state.db, tenant_id };
    let ground = reader.ground(order.to_day).await?;
    entries(&reader, &Progress { state, tenant_id, id: Some(id) }, &order, &ground).await
}

/// Takes up what was left behind by a server that went down.
pub async fn resume(state: &State) -> Result<(), Error> {
    let now = state.clock.now();
    let given_up = Timestamp(now.0 - TimeDelta::minutes(GIVEN_UP_AFTER));
    let left = "SELECT tenant_id, id FROM simulation WHERE status = 'running' AND beat < $1";
    let left = Statement::from_sql_and_values(DbBackend::Postgres, left, [given_up.into()]);
    for row in state.db.query_all_raw(left).await? {
        let (tenant_id, id): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let sql = "UPDATE simulation SET beat = $3, done = 0
                   WHERE tenant_id = $1 AND id = $2 AND status = 'running' AND beat < $4";
        let taken = state.db.execute_raw(statement(tenant_id, sql, [id.into(), now.into(), given_up.into()])).await?;
        if taken.rows_affected() == 1 {
            spawn(state, tenant_id, id);
        }
    }
    Ok(())
}

fn spawn(state: &State, tenant_id: Uuid, id: Uuid) {
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(cause) = finish(&state, tenant_id, id).await {
            tracing::error!("simulation {id} failed: {cause}");
            let sql = "UPDATE simulation SET status = 'failed', finished_at = $3
                       WHERE tenant_id = $1 AND id = $2 AND status = 'running'";
            let failed = statement(tenant_id, sql, [id.into(), state.clock.now().into()]);
            if let Err(cause) = state.db.execute_raw(failed).await {
                tracing::error!("simulation {id} could not be marked: {cause}");
            }
        }
    });
}

/// What is to be replayed.
#[derive(FromQueryResult)]
pub(super) struct Order {
    pub from_day: Date,
    pub to_day: Date,
    pub rules: Rules,
    pub version: i32,
    pub status: RuleSetStatus,
    pub starts_on: Option<Date>,
}

impl Order {
    async fn read(state: &State, tenant_id: Uuid, id: Uuid) -> Result<Self, Error> {
        let sql = "SELECT s.from_day, s.to_day, s.rules, r.version, r.status, r.starts_on FROM simulation s
                   JOIN rule_set r ON r.tenant_id = $1 AND r.id = s.rule_set_id WHERE s.tenant_id = $1 AND s.id = $2";
        let order = Order::find_by_statement(statement(tenant_id, sql, [id.into()])).one(&state.db).await?;
        Ok(order.ok_or_else(|| Refusal::not_found("simulation"))?)
    }
}

async fn finish(state: &State, tenant_id: Uuid, id: Uuid) -> Result<(), Error> {
    let order = Order::read(state, tenant_id, id).await?;
    let progress = Progress { state, tenant_id, id: Some(id) };
    let result = tokio::select! {
        result = replay(&progress, &order) => result?,
        never = progress.beats() => match never {},
    };
    let sql = "UPDATE simulation SET status = 'finished', result = $3, finished_at = $4
               WHERE tenant_id = $1 AND id = $2 AND status = 'running'";
    let result = serde_json::to_value(&result).expect("a result is plain data");
    state.db.execute_raw(statement(tenant_id, sql, [id.into(), result.into(), state.clock.now().into()])).await?;
    Ok(())
}

/// Where a simulation tells how far it is; without an id, nowhere.
pub(super) struct Progress<'a> {
    pub state: &'a State,
    pub tenant_id: Uuid,
    pub id: Option<Uuid>,
}

impl Progress<'_> {
    /// Gives signs of life until it is dropped.
    async fn beats(&self) -> Infallible {
        let mut tick = interval(BEATS_EVERY);
        loop {
            tick.tick().await;
            let Some(id) = self.id else { continue };
            let sql = "UPDATE simulation SET beat = $3 WHERE tenant_id = $1 AND id = $2 AND status = 'running'";
            let beat = statement(self.tenant_id, sql, [id.into(), self.state.clock.now().into()]);
            if let Err(cause) = self.state.db.execute_raw(beat).await {
                tracing::warn!("simulation {id} could not tell that it goes on: {cause}");
            }
        }
    }

    async fn tell(&self, done: usize, total: usize) -> Result<(), sea_orm::DbErr> {
        let Some(id) = self.id else { return Ok(()) };
        let sql = "UPDATE simulation SET done = $3, total = $4, beat = $5 WHERE tenant_id = $1 AND id = $2";
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let values = [id.into(), count(done).into(), count(total).into(), self.state.clock.now().into()];
        self.state.db.execute_raw(statement(self.tenant_id, sql, values)).await.map(drop)
    }
}

/// Replays the order and compares it with what was booked.
pub(super) async fn replay(progress: &Progress<'_>, order: &Order) -> Result<SimulationResult, Error> {
    let (state, tenant_id) = (progress.state, progress.tenant_id);
    let reader = Reader { db: &state.db, tenant_id };
    let period = (order.from_day, order.to_day);
    let ground = reader.ground(order.to_day).await?;
    let worth = |entry: Entry| Worth {
        user_id: entry.user_id,
        points: entry.points,
        money: entry.money.map(|(money, _)| money),
        is_fine: entry.kind == EntryKind::Fine,
    };
    let entries = entries(&reader, progress, order, &ground).await?;
    let simulated: Vec<Worth> = entries.into_iter().map(worth).collect();
    let booked = reader.booked(period).await?;
    let granted = reader.granted(period).await?;
    Ok(compare(&ground.reps, (&ground.then, &booked, &granted), (&order.rules, &simulated), period))
}

/// The entries that these rules would have made for the days of the period. It begins with the books as they stood.
async fn entries(
    reader: &Reader<'_>,
    progress: &Progress<'_>,
    order: &Order,
    ground: &Ground,
) -> Result<Vec<Entry>, Error> {
    let (rules, period) = (&order.rules, (order.from_day, order.to_day));
    let begin = ground.moments(period).0;
    let rewards = |kind| rules.work.iter().any(|work| work.on == kind);
    let activities = reader.activities(ground, period).await?;
    let moves = rewards(WorkKind::StageMove) || !rules.leads.signing_points.0.is_zero();
    let moving = if moves { reader.moving(ground, period).await? } else { Vec::new() };
    let mut cards = Vec::new();
    for rule in &rules.customer {
        cards.push((rule.on, reader.cards(rule.on, begin).await?));
    }
    let total = activities.len() + moving.len() + cards.iter().map(|(_, ids)| ids.len()).sum::<usize>();
    progress.tell(0, total).await?;
    let photos = is_weighed_at_all(rules);
    let (mut written, mut known, mut done) = (Vec::new(), Known::default(), 0);
    for chunk in activities.chunks(CHUNK) {
        written.extend(reader.activities_written(chunk, rewards(WorkKind::Plan), photos, &mut known).await?);
        done += chunk.len();
        progress.tell(done, total).await?;
    }
    for chunk in moving.chunks(CHUNK) {
        written.extend(reader.moves_written(chunk, rules, ground, &mut known).await?);
        done += chunk.len();
        progress.tell(done, total).await?;
    }
    for (on, ids) in cards {
        for chunk in ids.chunks(CHUNK) {
            written.extend(reader.cards_written(on, chunk, begin, ground, &mut known).await?);
            done += chunk.len();
            progress.tell(done, total).await?;
        }
    }
    written.sort_by_key(Written::place);
    let scorer = Scorer { rules, version: order.version, calendar: &ground.calendar };
    let mut ledger = Replay::new(scorer, known);
    let made = written.iter().flat_map(|write| ledger.apply(&write.event));
    let mut entries: Vec<Entry> =
        made.filter(|entry| order.from_day <= entry.day && entry.day <= order.to_day).collect();
    entries.extend(offences(progress.state, progress.tenant_id, order, ground).await?);
    Ok(entries)
}

/// What would have been fined. A rule set that is in force counts from its first day; a draft as if it always had been.
async fn offences(state: &State, tenant_id: Uuid, order: &Order, ground: &Ground) -> Result<Vec<Entry>, Error> {
    let today = ground.calendar.day(state.clock.now());
    let last = order.to_day.min(Date(today.0 - TimeDelta::days(1)));
    let began = order.starts_on.filter(|_| matches!(order.status, RuleSetStatus::Active | RuleSetStatus::Retired));
    let law = Law {
        rules: &order.rules,
        starts_on: began.unwrap_or_default(),
        calendar: &ground.calendar,
        stale_days: &ground.stale_days,
    };
    let reader = offence::read::Reader { connection: &state.db, tenant_id };
    let ids = reader.candidates(&law, order.from_day, last).await?;
    let lines = reader.timelines(&ids, ground.calendar.zone).await?;
    let taken_back = reader.taken_back(order.from_day, last).await?;
    let is_rep = |user_id: Uuid| ground.reps.iter().any(|rep| rep.user_id == user_id);
    let fine = |offence: offence::judge::Offence| {
        let penalty = order.rules.penalties.iter().find(|penalty| penalty.kind == offence.kind)?;
        let money = penalty.money.filter(|money| !money.0.is_zero()).zip(order.rules.currency.clone());
        (is_rep(offence.user_id) && !taken_back.contains(&offence.key())).then(|| Entry {
            user_id: offence.user_id,
            source: offence.source,
            number: 0,
            kind: EntryKind::Fine,
            points: penalty.points,
            money,
            day: offence.due,
            offence: Some(offence.key()),
        })
    };
    Ok(law.offences(&lines, order.from_day, last).into_iter().filter_map(fine).collect())
}
