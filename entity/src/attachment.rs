use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::{AttachmentKind, AttachmentReason, AttachmentState};
use crate::scalar::Timestamp;

/// A photo, a voice note or a document. It belongs to the one of `activityId`, `contactId` and `opportunityId` that is
/// given, else to the account itself. The record may be there long before its file.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "attachment")]
#[oai(rename = "Attachment", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    #[oai(skip)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts the changes of this record; it is its `ETag`.
    pub revision: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Set when the record was deleted; clients see a tombstone instead.
    #[oai(skip)]
    pub deleted_at: Option<Timestamp>,
    pub account_id: Uuid,
    pub contact_id: Option<Uuid>,
    pub opportunity_id: Option<Uuid>,
    pub activity_id: Option<Uuid>,
    /// Who made it, and sends the file.
    pub owner_id: Uuid,
    pub kind: AttachmentKind,
    pub file_name: String,
    /// Of the file as its owner sent it.
    pub bytes: Option<i64>,
    /// SHA-256 of the file as its owner sent it, in lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// The media type that the content was found to have, once the file is there.
    pub content_type: Option<String>,
    pub state: AttachmentState,
    /// When the file was there.
    pub ready_at: Option<Timestamp>,
    /// Whether there is a small picture of it.
    pub has_thumbnail: bool,
    /// Why there is no file.
    pub reason: Option<AttachmentReason>,
    /// The same in words, with what to do.
    pub detail: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
