//! Reads the writes of records as they followed each other: from `record_history`, each with the record as it stood after
//! it and what puts it in its place among all others. A statement a kind and chunk, whatever the number of records.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use entity::kind::{EntrySource, Kind, StageKey};
use entity::rules::{Explanation, Rules};
use entity::scalar::{Date, Timestamp};
use entity::{activity, opportunity, plan, stage_move};
use poem_openapi::types::ParseFromJSON;
use sea_orm::FromQueryResult;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::photos::{Photos, Turn};
use super::read::{Ground, Reader};
use super::replay::{Event, Known, Moved, Step};
use crate::change::earned::CONTRIBUTORS;
use crate::points::moves::arrives;
use crate::problem::Error;

const HISTORY: &str = "
    SELECT record_id, op, changes, captured, received, actor_id, seq FROM record_history
    WHERE tenant_id = $1 AND record_id = ANY($2) AND kind = $3 ORDER BY record_id, revision";

/// What was booked about these records beside offences and what people decided: in which order, and how it was explained,
/// where that is needed.
const ENTRIES: &str = "
    SELECT source_id, created_at, ordinal, CASE WHEN number = 1 OR $4 THEN explanation END FROM points_entry
    WHERE tenant_id = $1 AND source_id = ANY($2) AND source_kind = $3 AND offence IS NULL AND entry_id IS NULL
    ORDER BY source_id, number, user_id";

/// `$2` begin of the first day, `$3` end of the last: opportunities that moved meanwhile.
const OPPORTUNITIES: &str = "
    SELECT DISTINCT opportunity_id FROM stage_move
    WHERE tenant_id = $1 AND number > 1 AND occurred >= $2 AND occurred < $3 ORDER BY 1";

/// An event in its place.
pub struct Written {
    pub event: Event,
    pub seq: i64,
    pub ordinal: i64,
    pub typed: Timestamp,
    pub id: Uuid,
}

/// One write of one record.
pub(super) struct Write {
    pub id: Uuid,
    pub step: Step,
    /// As it stood after it.
    document: Map<String, Json>,
    /// The members that it set.
    set: HashSet<String>,
    pub captured: Timestamp,
    pub received: Timestamp,
    pub actor_id: Uuid,
    seq: i64,
    ordinal: i64,
    /// `captured`, or that of an earlier revision of the same commit where it is later: revisions keep their order.
    typed: Timestamp,
}

fn broken(kind: Kind, id: Uuid, what: impl std::fmt::Display) -> Error {
    Error::Internal(format!("the history of {kind} {id} is unreadable: {what}"))
}

impl Write {
    pub fn read<M: ParseFromJSON>(&self, kind: Kind) -> Result<M, Error> {
        let read = M::parse_from_json(Some(Json::Object(self.document.clone())));
        read.map_err(|error| broken(kind, self.id, error.into_message()))
    }

    fn at(&self) -> (i64, Timestamp) {
        (self.seq, self.captured)
    }

    pub fn written(&self, event: Event) -> Written {
        Written { event, seq: self.seq, ordinal: self.ordinal, typed: self.typed, id: self.id }
    }
}

impl Turn {
    /// As a write of the activity that changes nothing in it.
    fn write(&self, writes: &mut Vec<Write>, made: &mut Made) {
        let Some(before) = writes.last().filter(|before| before.id == self.activity_id) else { return };
        if before.step == Step::Deleted {
            return;
        }
        let ordinal = ordinal(made, self.activity_id, self.received, Some(before));
        let earlier = if before.seq == self.seq { before.typed } else { self.captured };
        let write = Write {
            id: self.activity_id,
            step: Step::Changed,
            document: before.document.clone(),
            set: HashSet::new(),
            captured: self.captured,
            received: self.received,
            actor_id: self.actor_id,
            seq: self.seq,
            ordinal,
            typed: earlier.max(self.captured),
        };
        writes.push(write);
    }
}

/// The entries that were booked for a record: when, and which of their user's they are.
pub(super) type Made = HashMap<Uuid, VecDeque<(Timestamp, i64)>>;

/// Where what was written at this moment stands among the entries: where the one that it made does, else beside the write
/// before.
fn ordinal(made: &mut Made, id: Uuid, received: Timestamp, before: Option<&Write>) -> i64 {
    let entries = made.entry(id).or_default();
    if entries.front().is_some_and(|(at, _)| *at == received)
        && let Some((_, ordinal)) = entries.pop_front()
    {
        return ordinal;
    }
    before.map_or(i64::MAX, |before| before.ordinal)
}

/// A plan as it stood from a write on, and when it was last set to its day.
type PlanAt = ((i64, Timestamp), (Box<plan::Model>, Option<Timestamp>));

/// The last that was so at a place in the order of writes.
fn last_at<T>(line: &[((i64, Timestamp), T)], at: (i64, Timestamp)) -> Option<&T> {
    line[..line.partition_point(|(then, _)| *then <= at)].last().map(|(_, value)| value)
}

impl Written {
    /// In the order of commits; within one, as it was booked, then as it was typed.
    pub fn place(&self) -> (i64, i64, Timestamp, Uuid) {
        (self.seq, self.ordinal, self.typed, self.id)
    }
}

impl Reader<'_> {
    /// All writes of these records, in the order of records and revisions. What made an entry stands where the entry does;
    /// else it stands beside the write before.
    pub(super) async fn writes(&self, kind: Kind, ids: &[Uuid], made: &mut Made) -> Result<Vec<Write>, Error> {
        self.writes_and(kind, ids, &Photos::default(), made).await
    }

    /// The same, and the photos that came and went between them as writes that change nothing else.
    async fn writes_and(
        &self,
        kind: Kind,
        ids: &[Uuid],
        photos: &Photos,
        made: &mut Made,
    ) -> Result<Vec<Write>, Error> {
        let mut writes: Vec<Write> = Vec::new();
        if ids.is_empty() {
            return Ok(writes);
        }
        let mut turns = photos.turns();
        for row in self.rows(HISTORY, [ids.to_vec().into(), kind.as_str().into()]).await? {
            let (id, op, changes): (Uuid, String, String) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let changes: Map<String, Json> = serde_json::from_str(&changes).map_err(|error| broken(kind, id, error))?;
            let (captured, received): (Timestamp, Timestamp) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
            let (actor_id, seq): (Uuid, i64) = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
            if let Some(before) = writes.last().map(|before| before.id) {
                // Those of the record before have no write behind them.
                let until = if before == id { Some((seq, captured)) } else { None };
                turns.until(before, until, &mut |turn| turn.write(&mut writes, made));
            }
            let before = writes.last().filter(|before| before.id == id);
            let set = changes.keys().cloned().collect();
            let (step, document) = match (op.as_str(), before) {
                ("create", _) => (Step::Created, changes),
                (_, None) => continue,
                (op, Some(before)) => {
                    let mut document = before.document.clone();
                    for (field, change) in changes {
                        document.insert(field, change.get(1).cloned().unwrap_or_default());
                    }
                    (if op == "delete" { Step::Deleted } else { Step::Changed }, document)
                }
            };
            let ordinal = ordinal(made, id, received, before);
            let earlier = before.filter(|before| before.seq == seq).map_or(captured, |before| before.typed);
            let typed = earlier.max(captured);
            writes.push(Write { id, step, document, set, captured, received, actor_id, seq, ordinal, typed });
        }
        if let Some(last) = writes.last().map(|last| last.id) {
            turns.until(last, None, &mut |turn| turn.write(&mut writes, made));
        }
        Ok(writes)
    }

    /// What was booked about these records. `all`: every explanation, not only that of the first entry.
    pub(super) async fn made(
        &self,
        kind: EntrySource,
        ids: &[Uuid],
        all: bool,
        known: &mut Known,
    ) -> Result<Made, Error> {
        let mut made = Made::new();
        if ids.is_empty() {
            return Ok(made);
        }
        for row in self.rows(ENTRIES, [ids.to_vec().into(), kind.as_str().into(), all.into()]).await? {
            let (id, at): (Uuid, Timestamp) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            made.entry(id).or_default().push_back((at, row.try_get_by_index::<i32>(2)?.into()));
            if let Some(explanation) = row.try_get_by_index::<Option<Explanation>>(3)? {
                known.explained.entry(id).or_default().push(explanation);
            }
        }
        Ok(made)
    }

    /// All writes of these activities, each with its plan as it stood then, if these rules reward plans; and where a photo
    /// came or went, if they ask for photos.
    pub async fn activities_written(
        &self,
        ids: &[Uuid],
        plans: bool,
        photos: bool,
        known: &mut Known,
    ) -> Result<Vec<Written>, Error> {
        let mut made = self.made(EntrySource::Activity, ids, false, known).await?;
        let seen = if photos { self.photos(ids).await? } else { Photos::default() };
        let writes = self.writes_and(Kind::Activity, ids, &seen, &mut made).await?;
        let activities: Vec<activity::Model> =
            writes.iter().map(|write| write.read(Kind::Activity)).collect::<Result<_, _>>()?;
        let planned = if plans { self.plans(&activities, known).await? } else { HashMap::new() };
        let of = |(write, activity): (&Write, activity::Model)| {
            let plan = activity.plan_id.and_then(|id| last_at(planned.get(&id)?, write.at())).cloned();
            let photo = seen.at(write.id, write.at());
            let own = write.actor_id == activity.owner_id;
            write.written(Event::Activity { step: write.step, own, activity: Box::new(activity), photo, plan })
        };
        Ok(writes.iter().zip(activities).map(of).collect())
    }

    /// The plans of these activities as they stood after each write, with when they were last set to their day.
    async fn plans(
        &self,
        activities: &[activity::Model],
        known: &mut Known,
    ) -> Result<HashMap<Uuid, Vec<PlanAt>>, Error> {
        let ids: HashSet<Uuid> = activities.iter().filter_map(|activity| activity.plan_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        self.made(EntrySource::Plan, &ids, true, known).await?;
        let mut lines: HashMap<Uuid, Vec<PlanAt>> = HashMap::new();
        for write in self.writes(Kind::Plan, &ids, &mut Made::new()).await? {
            let line = lines.entry(write.id).or_default();
            let before = line.last().and_then(|(_, (_, planned))| *planned);
            let sets = write.step == Step::Created || write.set.contains("plannedOn");
            let planned = if sets { before.max(Some(write.captured)) } else { before };
            let mut plan: plan::Model = write.read(Kind::Plan)?;
            plan.deleted_at = (write.step == Step::Deleted).then_some(write.received);
            line.push((write.at(), (Box::new(plan), planned)));
        }
        lines.values_mut().for_each(|line| line.sort_by_key(|(at, _)| *at));
        Ok(lines)
    }

    /// The opportunities that moved in the period.
    pub async fn moving(&self, ground: &Ground, (from, to): (Date, Date)) -> Result<Vec<Uuid>, Error> {
        let (begin, end) = ground.moments((from, to));
        let rows = self.rows(OPPORTUNITIES, [begin.into(), end.into()]).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// All moves of these opportunities, and their ends.
    pub async fn moves_written(
        &self,
        ids: &[Uuid],
        rules: &Rules,
        ground: &Ground,
        known: &mut Known,
    ) -> Result<Vec<Written>, Error> {
        let sql = "SELECT * FROM stage_move WHERE tenant_id = $1 AND opportunity_id = ANY($2) ORDER BY opportunity_id, number";
        let moves =
            stage_move::Model::find_by_statement(self.statement(sql, [ids.to_vec().into()])).all(self.db).await?;
        let mut histories: BTreeMap<Uuid, Vec<stage_move::Model>> = BTreeMap::new();
        let move_ids: Vec<Uuid> = moves.iter().map(|moved| moved.id).collect();
        moves.into_iter().for_each(|moved| histories.entry(moved.opportunity_id).or_default().push(moved));
        let mut made = self.made(EntrySource::Opportunity, ids, false, known).await?;
        let of_moves = self.made(EntrySource::StageMove, &move_ids, false, known).await?;
        for (opportunity_id, history) in &histories {
            let mut entries: Vec<_> =
                history.iter().filter_map(|moved| of_moves.get(&moved.id)).flatten().copied().collect();
            entries.extend(made.remove(opportunity_id).into_iter().flatten());
            entries.sort();
            entries.dedup_by_key(|(at, _)| *at);
            made.insert(*opportunity_id, entries.into());
        }
        let mut written = Vec::new();
        // How many moves the opportunity has made.
        let mut count = (Uuid::nil(), 0);
        for write in self.writes(Kind::Opportunity, ids, &mut made).await? {
            let none = Vec::new();
            let history = histories.get(&write.id).unwrap_or(&none);
            if write.step == Step::Deleted {
                let moves = history.iter().map(|moved| moved.id).collect();
                written.push(write.written(Event::Gone { opportunity_id: write.id, moves }));
                continue;
            }
            if write.step == Step::Created {
                count = (write.id, 0);
            } else if !write.set.contains("stage") {
                continue;
            }
            count.1 += 1;
            let Some(moved) = history.iter().find(|moved| moved.number == count.1) else { continue };
            let opportunity: opportunity::Model = write.read(Kind::Opportunity)?;
            let earns = ground.earners.contains(&moved.actor_id) && arrives(moved, history);
            let moved = Moved { moved: moved.clone(), opportunity, earns, contributor: None };
            written.push(write.written(Event::Move(Box::new(moved))));
        }
        if rules.leads.contributor_percent > 0 {
            self.contributors(&mut written).await?;
        }
        Ok(written)
    }

    /// Who documented the accounts of what was signed, as of that moment.
    async fn contributors(&self, written: &mut [Written]) -> Result<(), Error> {
        let mut signed: Vec<(i64, &mut Moved)> = written
            .iter_mut()
            .filter_map(|written| match &mut written.event {
                Event::Move(moved) if moved.moved.to_stage == StageKey::Signed => Some((written.seq, moved.as_mut())),
                _ => None,
            })
            .filter(|(_, moved)| moved.opportunity.account_id.is_some())
            .collect();
        if signed.is_empty() {
            return Ok(());
        }
        let of = |value: fn(&Moved) -> Uuid| signed.iter().map(|(_, moved)| value(moved)).collect::<Vec<_>>();
        let values = [
            of(|moved| moved.opportunity.id).into(),
            of(|moved| moved.opportunity.account_id.unwrap_or_default()).into(),
            of(|moved| moved.opportunity.owner_id).into(),
            signed.iter().map(|(_, moved)| moved.moved.received.0).collect::<Vec<_>>().into(),
            signed.iter().map(|(seq, _)| *seq).collect::<Vec<_>>().into(),
        ];
        let mut found: HashMap<(Uuid, i64), Uuid> = HashMap::new();
        for row in self.rows(CONTRIBUTORS, values).await? {
            found.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?), row.try_get_by_index(2)?);
        }
        for (seq, moved) in &mut signed {
            moved.contributor = found.get(&(moved.opportunity.id, *seq)).copied();
        }
        Ok(())
    }
}
