//! What the unit of work must know about a table to store, version and publish its rows. One line a kind, below.

use entity::kind::{Kind, RuleSetStatus};
use entity::scalar::Timestamp;
use entity::*;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use sea_orm::{EntityTrait, FromQueryResult};
use serde::Serialize;
use uuid::Uuid;

/// Who a record is visible to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Every member of this account.
    Account(Uuid),
    /// Everybody who reads this one scope: a user, a team, or the whole tenant.
    Scope(Uuid),
}

/// A row that phones sync.
pub trait Record:
    FromQueryResult + Serialize + ParseFromJSON + ToJSON + Clone + PartialEq + Send + Sync + 'static
{
    type Table: EntityTrait<Model = Self>;
    const KIND: Kind;
    /// Whether changes go to `record_history`. Rows that are only ever added are their own history.
    const HISTORY: bool;
    /// Whether the application only ever adds rows (`database::app_role`): they are read without a lock, for whoever may
    /// not change a row may not lock it either.
    const FIXED: bool = matches!(Self::KIND, Kind::PointsEntry | Kind::Statement);
    /// The column that a search looks in.
    const SEARCH: Option<&'static str>;

    fn id(&self) -> Uuid;
    fn revision(&self) -> i32;
    fn deleted(&self) -> bool;
    fn visibility(&self) -> Visibility;
    fn stamp(&mut self, tenant_id: Uuid, revision: i32, created_at: Timestamp, updated_at: Timestamp);
    fn created_at(&self) -> Timestamp;
    fn updated_at(&self) -> Timestamp;
    fn bury(&mut self, at: Timestamp);
}

macro_rules! record {
    ($table:ident, $kind:ident, history: $history:literal, search: $search:expr, $visibility:expr) => {
        impl Record for $table::Model {
            type Table = $table::Entity;
            const KIND: Kind = Kind::$kind;
            const HISTORY: bool = $history;
            const SEARCH: Option<&'static str> = $search;

            fn id(&self) -> Uuid {
                self.id
            }
            fn revision(&self) -> i32 {
                self.revision
            }
            fn deleted(&self) -> bool {
                self.deleted_at.is_some()
            }
            fn visibility(&self) -> Visibility {
                let of: fn(&$table::Model) -> Visibility = $visibility;
                of(self)
            }
            fn stamp(&mut self, tenant_id: Uuid, revision: i32, created_at: Timestamp, updated_at: Timestamp) {
                self.tenant_id = tenant_id;
                self.revision = revision;
                self.created_at = created_at;
                self.updated_at = updated_at;
            }
            fn created_at(&self) -> Timestamp {
                self.created_at
            }
            fn updated_at(&self) -> Timestamp {
                self.updated_at
            }
            fn bury(&mut self, at: Timestamp) {
                self.deleted_at = Some(at);
            }
        }
    };
}

use Visibility::{Account, Scope};
record!(team, Team, history: true, search: Some("name"), |r| Scope(r.tenant_id));
record!(user, User, history: true, search: Some("name"), |r| Scope(r.tenant_id));
record!(product, Product, history: true, search: Some("name"), |r| Scope(r.tenant_id));
record!(stage, Stage, history: true, search: None, |r| Scope(r.tenant_id));
record!(custom_field, CustomField, history: true, search: Some("key"), |r| Scope(r.tenant_id));
// A draft is in a scope of its own that nobody reads: the admins see it, as they see everything.
record!(rule_set, RuleSet, history: true, search: None, |r| Scope(if r.status == RuleSetStatus::Draft { r.id } else { r.tenant_id }));
record!(account, Account, history: true, search: Some("name"), |r| Account(r.id));
record!(account_member, AccountMember, history: true, search: None, |r| Account(r.account_id));
record!(contact, Contact, history: true, search: Some("name"), |r| Account(r.account_id));
record!(opportunity, Opportunity, history: true, search: Some("name"), |r| r.account_id.map_or(Scope(r.owner_id), Account));
record!(stage_move, StageMove, history: false, search: None, |r| r.account_id.map_or(Scope(r.owner_id), Account));
record!(plan, Plan, history: true, search: None, |r| Account(r.account_id));
record!(activity, Activity, history: true, search: Some("summary"), |r| Account(r.account_id));
record!(attachment, Attachment, history: true, search: Some("file_name"), |r| Account(r.account_id));
record!(points_entry, PointsEntry, history: false, search: None, |r| Scope(r.user_id));
record!(points_balance, PointsBalance, history: false, search: None, |r| Scope(r.id));
record!(calendar, Calendar, history: true, search: None, |r| Scope(r.tenant_id));
record!(lead, Lead, history: true, search: Some("name"), |r| Scope(r.owner_id.unwrap_or(r.tenant_id)));
record!(lead_draft, LeadDraft, history: true, search: None, |r| Scope(r.tenant_id));
record!(hold, Hold, history: true, search: None, |r| Scope(r.user_id));
record!(appeal, Appeal, history: true, search: None, |r| Scope(r.user_id));
record!(statement, Statement, history: false, search: None, |r| Scope(r.user_id.unwrap_or(r.team_id)));
record!(weekly_digest, WeeklyDigest, history: true, search: None, |r| Scope(r.user_id));
record!(rejected_write, RejectedWrite, history: false, search: None, |r| Scope(r.user_id));
