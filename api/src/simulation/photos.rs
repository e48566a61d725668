//! When the photos of activities came and went: what a rule set that asks for photos looks at beside the activities'
//! own writes. Read from the history of attachments, in the order of commits.

use std::collections::{HashMap, VecDeque};

use entity::kind::AttachmentState;
use entity::scalar::Timestamp;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::read::Reader;
use crate::problem::Error;

/// `$2` activities → what was said about the files of their photos, in order.
const PHOTOS: &str = "
    SELECT a.activity_id, a.id, h.op, h.changes, h.seq, h.captured, h.received, h.actor_id
    FROM attachment a
    JOIN record_history h ON h.tenant_id = $1 AND h.record_id = a.id AND h.kind = 'attachment'
    WHERE a.tenant_id = $1 AND a.activity_id = ANY($2) AND a.kind = 'photo'
      AND (h.op = 'delete' OR h.changes LIKE '%\"state\":[%')
    ORDER BY h.seq, h.captured, h.record_id, h.revision";

/// An activity got its first photo, or lost its last.
#[derive(Clone, Debug)]
pub struct Turn {
    pub activity_id: Uuid,
    pub seq: i64,
    pub captured: Timestamp,
    pub received: Timestamp,
    pub actor_id: Uuid,
    /// Whether it has one from then on.
    pub has: bool,
}

/// By activity, in order.
#[derive(Default)]
pub struct Photos(HashMap<Uuid, Vec<Turn>>);

/// The turns that were not handed out yet.
pub struct Turns<'a>(HashMap<Uuid, VecDeque<&'a Turn>>);

impl Photos {
    /// Whether the activity had a photo at this place in the order of writes.
    pub fn at(&self, activity_id: Uuid, at: (i64, Timestamp)) -> bool {
        let turns = self.0.get(&activity_id).into_iter().flatten();
        turns.take_while(|turn| (turn.seq, turn.captured) <= at).last().is_some_and(|turn| turn.has)
    }

    pub fn turns(&self) -> Turns<'_> {
        Turns(self.0.iter().map(|(id, turns)| (*id, turns.iter().collect())).collect())
    }
}

impl Turns<'_> {
    /// Hands out those of the activity that come before this place; all, where there is none.
    pub fn until(&mut self, activity_id: Uuid, before: Option<(i64, Timestamp)>, take: &mut impl FnMut(&Turn)) {
        let Some(turns) = self.0.get_mut(&activity_id) else { return };
        while turns.front().is_some_and(|turn| before.is_none_or(|before| (turn.seq, turn.captured) < before)) {
            if let Some(turn) = turns.pop_front() {
                take(turn);
            }
        }
    }
}

impl Reader<'_> {
    /// When photos of these activities came and went.
    pub async fn photos(&self, ids: &[Uuid]) -> Result<Photos, Error> {
        let mut photos = Photos::default();
        // By activity, the attachments whose files are there.
        let mut there: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for row in self.rows(PHOTOS, [ids.to_vec().into()]).await? {
            let (activity_id, id, op): (Uuid, Uuid, String) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let changes: String = row.try_get_by_index(3)?;
            let changes: Map<String, Json> = serde_json::from_str(&changes)
                .map_err(|error| Error::Internal(format!("the history of attachment {id} is unreadable: {error}")))?;
            let ready = AttachmentState::Ready.as_str();
            let comes = op != "delete" && changes.get("state").and_then(|change| change.get(1)) == Some(&ready.into());
            let of = there.entry(activity_id).or_default();
            let had = !of.is_empty();
            of.retain(|known| *known != id);
            if comes {
                of.push(id);
            }
            let has = !of.is_empty();
            if has != had {
                photos.0.entry(activity_id).or_default().push(Turn {
                    activity_id,
                    seq: row.try_get_by_index(4)?,
                    captured: row.try_get_by_index(5)?,
                    received: row.try_get_by_index(6)?,
                    actor_id: row.try_get_by_index(7)?,
                    has,
                });
            }
        }
        Ok(photos)
    }
}
