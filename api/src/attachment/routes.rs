//! `/v1/attachments`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::attachment;
use entity::kind::{AttachmentKind, AttachmentState};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::multipart::Upload;
use poem_openapi::{Multipart, OpenApi};
use uuid::Uuid;

use super::content::{FileAnswer, ThumbnailAnswer, Wanted};
use super::{AttachmentFields, Spooled, content, open, take};
use crate::auth::Actor;
use crate::problem::{ApiResult, Code, E400, E403, E404, E409, E413, E415, E416, E422, Fail, Refusal};
use crate::read::{self, Listing, Page};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;

/// Statuses of sending a file.
const SEND: u32 = E400 | E403 | E404 | E409 | E413 | E415 | E422;

/// A file.
#[derive(Multipart)]
struct FileForm {
    /// The bytes. Name and type that the form may say are not looked at.
    file: Upload,
}

pub struct AttachmentApi;

#[OpenApi]
impl AttachmentApi {
    /// Create an attachment
    ///
    /// It says which file is to come. The file follows, now or days later: by `PUT …/content`, or in parts that can be
    /// resumed by the tus protocol at `/v1/uploads`.
    #[oai(path = "/v1/attachments", method = "post", operation_id = "createAttachment", tag = "Tag::Attachments")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<AttachmentFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<attachment::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/attachments", body.0, key).await?)
    }

    /// List the attachments that you see
    #[oai(path = "/v1/attachments", method = "get", operation_id = "listAttachments", tag = "Tag::Attachments")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the file name.
        search: Query<Option<String>>,
        #[oai(name = "accountId")] account_id: Query<Option<Uuid>>,
        #[oai(name = "activityId")] activity_id: Query<Option<Uuid>>,
        #[oai(name = "contactId")] contact_id: Query<Option<Uuid>>,
        #[oai(name = "opportunityId")] opportunity_id: Query<Option<Uuid>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        kind: Query<Option<AttachmentKind>>,
        /// Whether the file is there.
        #[oai(name = "state")]
        file_state: Query<Option<AttachmentState>>,
    ) -> ApiResult<Page<attachment::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.account_id = ?", account_id.0)
            .only("t.activity_id = ?", activity_id.0)
            .only("t.contact_id = ?", contact_id.0)
            .only("t.opportunity_id = ?", opportunity_id.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.kind = ?", kind.0.map(AttachmentKind::as_str))
            .only("t.state = ?", file_state.0.map(AttachmentState::as_str));
        Ok(Json(read::list(&state, &actor, listing, &[]).await?))
    }

    /// Get an attachment
    #[oai(path = "/v1/attachments/:id", method = "get", operation_id = "getAttachment", tag = "Tag::Attachments")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<attachment::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change the name of an attachment
    #[oai(path = "/v1/attachments/:id", method = "patch", operation_id = "updateAttachment", tag = "Tag::Attachments")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<AttachmentFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<attachment::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete an attachment
    ///
    /// Its file can no longer be got; it is removed when the tombstone is, 90 days later.
    #[oai(path = "/v1/attachments/:id", method = "delete", operation_id = "deleteAttachment", tag = "Tag::Attachments")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<attachment::Model>(&state, &actor, id.0, etag, None).await?)
    }

    /// Send the file of an attachment
    ///
    /// The whole file in one request. A file that breaks off is sent again from its beginning; on a bad link use the tus
    /// protocol at `/v1/uploads`. Size, checksum and type are checked by content; a file that cannot be taken is refused,
    /// which the record says too.
    #[oai(
        path = "/v1/attachments/:id/content",
        method = "put",
        operation_id = "putAttachmentContent",
        tag = "Tag::Attachments"
    )]
    async fn put_content(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        form: FileForm,
    ) -> Result<Found<attachment::Model>, Fail<SEND>> {
        let attachment = open(&state, &actor, id.0).await?;
        let most = state.files()?.most_bytes;
        if form.file.size() as i64 > most {
            return Err(Refusal::new(Code::TooLarge, format!("A file may have at most {most} bytes.")).into());
        }
        let file = Spooled::new(form.file.into_file().into_std().await).await?;
        Ok(Found::of(take(&state, &actor, &attachment, file, None).await?))
    }

    /// Get the file of an attachment
    ///
    /// Who sent it, and an admin, get it as it was sent. Everybody else gets it without what its maker did not mean
    /// to tell, such as where it was taken; so its length and checksum may differ from those of the record. `Range` gets
    /// a part (206), `If-None-Match` with the `ETag` gets 304 while nothing has changed.
    #[oai(
        path = "/v1/attachments/:id/content",
        method = "get",
        operation_id = "getAttachmentContent",
        tag = "Tag::Attachments"
    )]
    async fn get_content(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        wanted: Wanted,
    ) -> Result<FileAnswer, Fail<{ GET | E409 | E416 }>> {
        Ok(content::of(&state, &actor, id.0, wanted).await?)
    }

    /// Get the small picture of a photo
    ///
    /// A JPEG of at most 480 pixels a side, the right way up, if `hasThumbnail` says that there is one.
    #[oai(
        path = "/v1/attachments/:id/thumbnail",
        method = "get",
        operation_id = "getAttachmentThumbnail",
        tag = "Tag::Attachments"
    )]
    async fn get_thumbnail(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<ThumbnailAnswer, Fail<GET>> {
        Ok(content::thumbnail_of(&state, &actor, id.0).await?)
    }
}
