//! How far a device has read the feed. Opaque to clients; it holds nothing secret, and forging one shows a user nothing but
//! what his own grants show.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::Refusal;

/// A place in the feed of one user of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "t")]
    pub tenant_id: Uuid,
    #[serde(rename = "u")]
    pub user_id: Uuid,
    #[serde(rename = "e")]
    pub epoch: i64,
    /// Everything up to this number is on the device.
    #[serde(rename = "s")]
    pub since: i64,
    /// In the middle of a pull: where the pages stand.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
}

/// A pull that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// The head at the first page: the pull ends there.
    #[serde(rename = "n")]
    pub upto: i64,
    /// The scope and the number of the last row sent.
    #[serde(rename = "o")]
    pub scope_id: Uuid,
    #[serde(rename = "q")]
    pub seq: i64,
}

impl Cursor {
    /// Before the first pull.
    pub fn start(actor: &Actor) -> Self {
        Cursor { tenant_id: actor.tenant_id, user_id: actor.user_id, epoch: 0, since: 0, paging: None }
    }

    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor is plain data"))
    }

    /// Reads a cursor that this actor was given; 410 for somebody else's.
    pub fn read(text: &str, actor: &Actor) -> Result<Self, Refusal> {
        let cursor: Cursor =
            URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(
                || Refusal::malformed("cursor: not a cursor of this server. Pull again without a cursor."),
            )?;
        if (cursor.tenant_id, cursor.user_id) == (actor.tenant_id, actor.user_id) {
            Ok(cursor)
        } else {
            Err(Refusal::cursor_expired())
        }
    }

    /// Whether the database can still answer: the same epoch, and no tombstone gone that the device needs.
    pub fn holds(&self, clock: &Clock) -> bool {
        let first = self.since == 0;
        let place = self.paging.map_or(self.since, |paging| paging.upto);
        let same = (first && self.paging.is_none()) || self.epoch == clock.epoch;
        same && place <= clock.head && (first || self.since >= clock.pruned) && (place == 0 || place >= clock.pruned)
    }
}

/// The tenant's clock as one statement saw it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub head: i64,
    pub epoch: i64,
    /// Tombstones up to this number may be gone.
    pub pruned: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::kind::Role;

    fn actor() -> Actor {
        Actor { tenant_id: Uuid::from_u128(1), user_id: Uuid::from_u128(2), role: Role::Rep, may_write: true }
    }

    #[test]
    fn a_cursor_reads_back_and_only_for_its_user() {
        let cursor = Cursor {
            epoch: 3,
            since: 17,
            paging: Some(Paging { upto: 99, scope_id: Uuid::from_u128(7), seq: 42 }),
            ..Cursor::start(&actor())
        };
        assert_eq!(Cursor::read(&cursor.encode(), &actor()), Ok(cursor.clone()));
        let other = Actor { user_id: Uuid::from_u128(9), ..actor() };
        assert_eq!(Cursor::read(&cursor.encode(), &other).unwrap_err().code.status(), 410);
        assert_eq!(Cursor::read("not a cursor", &actor()).unwrap_err().code.status(), 400);
    }

    #[test]
    fn an_old_cursor_does_not_hold() {
        let at = |since, epoch| Cursor { since, epoch, ..Cursor::start(&actor()) };
        let clock = Clock { head: 100, epoch: 2, pruned: 40 };
        for (cursor, holds) in [
            (at(0, 0), true),
            (at(40, 2), true),
            (at(100, 2), true),
            (at(39, 2), false),
            (at(101, 2), false),
            (at(50, 1), false),
        ] {
            assert_eq!(cursor.holds(&clock), holds, "{cursor:?}");
        }
        let paging = |upto| Cursor { paging: Some(Paging { upto, scope_id: Uuid::nil(), seq: 1 }), ..at(0, 2) };
        assert!(paging(50).holds(&clock));
        assert!(!paging(30).holds(&clock), "deletions after its first page are forgotten");
    }
}
