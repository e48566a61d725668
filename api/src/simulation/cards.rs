//! What was written on customer cards, and when their accounts were visited first: what rules for cards look at.

use std::collections::{HashMap, HashSet};

use entity::kind::{ActivityKind, CardKind, EntrySource, Kind};
use entity::scalar::Timestamp;
use entity::{account, contact, points_entry};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::happened::Written;
use super::read::{Ground, Reader};
use super::replay::{CardChange, Event, Known, Step};
use crate::points::card::standing;
use crate::points::field::{Filled, filled_account, filled_contact};
use crate::problem::Error;

/// `$2` accounts → what was said about the time of visits to them, in order.
const VISITS: &str = "
    SELECT a.account_id, a.id, h.seq, h.captured, h.op,
        CASE h.op WHEN 'create' THEN h.changes::jsonb ->> 'kind' ELSE h.changes::jsonb -> 'kind' ->> 1 END,
        (CASE h.op WHEN 'create' THEN h.changes::jsonb ->> 'occurred' ELSE h.changes::jsonb -> 'occurred' ->> 1 END)::timestamptz
    FROM activity a
    JOIN record_history h ON h.tenant_id = $1 AND h.record_id = a.id AND h.kind = 'activity'
    WHERE a.tenant_id = $1 AND a.account_id = ANY($2)
      AND (h.op <> 'update' OR h.changes LIKE '%\"occurred\":[%' OR h.changes LIKE '%\"kind\":[%')
    ORDER BY h.seq, h.captured, h.record_id, h.revision";

/// Cards that came out of leads when these were converted: nobody earns by what was copied.
const COPIED: &str = "
    SELECT l.contact_id FROM lead l
    WHERE l.tenant_id = $1 AND l.status = 'converted' AND l.contact_id = ANY($2)
    UNION ALL
    SELECT l.account_id FROM lead l
    JOIN account a ON a.tenant_id = $1 AND a.id = l.account_id
    JOIN opportunity o ON o.tenant_id = $1 AND o.id = l.opportunity_id
    WHERE l.tenant_id = $1 AND l.status = 'converted' AND l.account_id = ANY($2) AND a.created_at = o.created_at";

impl Reader<'_> {
    /// The cards that were written since a period began.
    pub async fn cards(&self, on: CardKind, begin: Timestamp) -> Result<Vec<Uuid>, Error> {
        let table = kinds(on).0;
        let sql = format!("SELECT id FROM {table} WHERE tenant_id = $1 AND updated_at >= $2 ORDER BY 1");
        let rows = self.rows(&sql, [begin.into()]).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// What was written on these cards since the period began; where they stood then goes to `known`.
    pub async fn cards_written(
        &self,
        on: CardKind,
        ids: &[Uuid],
        begin: Timestamp,
        ground: &Ground,
        known: &mut Known,
    ) -> Result<Vec<Written>, Error> {
        let (kind, source) = kinds(on);
        let sql = "SELECT * FROM points_entry WHERE tenant_id = $1 AND source_id = ANY($2) AND created_at < $3";
        let before = self.statement(sql, [ids.to_vec().into(), begin.into()]);
        let mut entries: HashMap<Uuid, Vec<points_entry::Model>> = HashMap::new();
        for entry in points_entry::Model::find_by_statement(before).all(self.db).await? {
            entries.entry(entry.source_id).or_default().push(entry);
        }
        known.cards.extend(entries.into_iter().map(|(id, entries)| (id, standing(entries.iter()))));
        let mut made = self.made(source, ids, true, known).await?;
        // Those of one write have one moment.
        made.values_mut().for_each(|entries| {
            let mut sorted: Vec<_> = entries.drain(..).filter(|(at, _)| *at >= begin).collect();
            sorted.sort();
            sorted.dedup_by_key(|(at, _)| *at);
            *entries = sorted.into();
        });
        let copied: HashSet<Uuid> = self
            .rows(COPIED, [ids.to_vec().into()])
            .await?
            .iter()
            .map(|row| row.try_get_by_index(0))
            .collect::<Result<_, _>>()?;
        let writes = self.writes(kind, ids, &mut made).await?;
        let mut written = Vec::new();
        let (mut filled, mut of) = (Filled::new(), Uuid::nil());
        for write in &writes {
            let before = if of == write.id { std::mem::take(&mut filled) } else { Filled::new() };
            of = write.id;
            let (after, account_id) = match on {
                CardKind::Account => (filled_account(&write.read::<account::Model>(kind)?), write.id),
                CardKind::Contact => {
                    let contact: contact::Model = write.read(kind)?;
                    (filled_contact(&contact), contact.account_id)
                }
            };
            let after = if write.step == Step::Deleted { Filled::new() } else { after };
            filled.clone_from(&after);
            if write.received < begin || (write.step == Step::Created && copied.contains(&write.id)) {
                continue;
            }
            let author = ground.earners.contains(&write.actor_id).then_some(write.actor_id);
            let captured = write.captured;
            let change = CardChange { on, id: write.id, account_id, before, after, author, captured, visited: None };
            written.push(write.written(Event::Card(Box::new(change))));
        }
        self.visited(&mut written).await?;
        Ok(written)
    }

    /// When the accounts of these cards were visited first, by what was known at each write.
    async fn visited(&self, written: &mut [Written]) -> Result<(), Error> {
        let accounts: HashSet<Uuid> = written.iter().filter_map(|written| account_of(&written.event)).collect();
        let accounts: Vec<Uuid> = accounts.into_iter().collect();
        let mut said: HashMap<Uuid, Vec<SaidOf>> = HashMap::new();
        for row in self.rows(VISITS, [accounts.into()]).await? {
            let op: String = row.try_get_by_index(4)?;
            let kind: Option<String> = row.try_get_by_index(5)?;
            let said_now = Said {
                is_gone: op == "delete",
                is_visit: kind.map(|kind| kind == ActivityKind::Visit.as_str()),
                occurred: row.try_get_by_index(6)?,
            };
            let at = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            said.entry(row.try_get_by_index(0)?).or_default().push((at, row.try_get_by_index(1)?, said_now));
        }
        for written in written {
            let at = (written.seq, written.typed);
            let Event::Card(change) = &mut written.event else { continue };
            let mut known: HashMap<Uuid, Said> = HashMap::new();
            for (_, id, said) in said.get(&change.account_id).into_iter().flatten().filter(|(then, ..)| *then <= at) {
                let known = known.entry(*id).or_default();
                known.is_gone |= said.is_gone;
                known.is_visit = said.is_visit.or(known.is_visit);
                known.occurred = said.occurred.or(known.occurred);
            }
            let visits = known.values().filter(|known| !known.is_gone && known.is_visit == Some(true));
            change.visited = visits.filter_map(|known| known.occurred).min();
        }
        Ok(())
    }
}

/// Of which activity, in the order of writes.
type SaidOf = ((i64, Timestamp), Uuid, Said);

/// What a write says about an activity.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    is_gone: bool,
    is_visit: Option<bool>,
    occurred: Option<Timestamp>,
}

fn account_of(event: &Event) -> Option<Uuid> {
    match event {
        Event::Card(change) => Some(change.account_id),
        _ => None,
    }
}

fn kinds(on: CardKind) -> (Kind, EntrySource) {
    match on {
        CardKind::Account => (Kind::Account, EntrySource::Account),
        CardKind::Contact => (Kind::Contact, EntrySource::Contact),
    }
}
