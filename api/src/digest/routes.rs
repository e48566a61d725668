//! `/v1/reports/digest`.

use entity::kind::Locale;
use entity::scalar::Date;
use entity::weekly_digest::{self, DigestFigures};
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::gather::gather;
use super::letter::Letter;
use super::{monday, must_lead, opt_out};
use crate::auth::{Actor, me};
use crate::problem::{ApiResult, E400, E403, Error};
use crate::read::{self, Listing, Page, Sorts};
use crate::report::Words;
use crate::rest::LIST;
use crate::state::State;
use crate::tag::Tag;

const SORTS: Sorts = &[("monday", "t.monday", "date")];

/// What would be sent if it were sent now.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct DigestPreview {
    /// The Monday of this week, as whose summary it is told.
    pub monday: Date,
    /// In which language, the caller's own.
    pub locale: Locale,
    /// Whether the caller gets it by mail, as far as he chose.
    pub is_mailed: bool,
    /// Whether this server has a mail server to send through.
    pub can_mail: bool,
    pub subject: String,
    /// The mail without its HTML.
    pub text: String,
    pub figures: DigestFigures,
}

/// Whether the caller wants the mail.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct DigestMail {
    pub is_mailed: bool,
}

/// What the caller would be told now.
///
/// # Errors
/// 403 for reps.
pub async fn preview(state: &State, actor: &Actor) -> Result<DigestPreview, Error> {
    must_lead(actor)?;
    let who = me(state, actor).await?;
    let zone = who.tenant.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let monday = monday(state.clock.now(), zone);
    let figures = gather(state, actor, monday).await?;
    let locale = who.user.locale;
    let words = Words::load(state, actor, locale).await?;
    let url = state.identity.issuer.trim_end_matches('/');
    let letter = Letter { words: &words, figures: &figures, url, in_mail: true };
    let (subject, text) = (letter.subject(), letter.text());
    let is_mailed = opt_out::is_mailed(state, actor.tenant_id, actor.user_id).await?;
    Ok(DigestPreview { monday, locale, is_mailed, can_mail: state.mailer.is_some(), subject, text, figures })
}

pub struct DigestApi;

#[OpenApi]
impl DigestApi {
    /// Read this week's summary as it would be sent now
    ///
    /// For managers and administrators: the week that ended on Sunday, the funnel, the forecast, what needs somebody, and
    /// the top of the leaderboard, of what the caller may see. Managers get it on Monday when work begins.
    #[oai(path = "/v1/reports/digest", method = "get", operation_id = "previewWeeklyDigest", tag = "Tag::Reports")]
    async fn preview(&self, actor: Actor, state: Data<&State>) -> ApiResult<DigestPreview, { E400 | E403 }> {
        Ok(Json(preview(&state, &actor).await?))
    }

    /// Choose whether you get the summary by mail
    #[oai(path = "/v1/reports/digest/mail", method = "put", operation_id = "setDigestMail", tag = "Tag::Reports")]
    async fn mail(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<DigestMail>,
    ) -> ApiResult<DigestMail, { E400 | E403 }> {
        must_lead(&actor)?;
        opt_out::set(&state, &actor, body.is_mailed).await.map_err(Error::from)?;
        Ok(body)
    }

    /// List the summaries that you see
    ///
    /// Your own and, for managers, those of the managers below you, as they were told.
    #[oai(path = "/v1/reports/digests", method = "get", operation_id = "listWeeklyDigests", tag = "Tag::Reports")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `monday`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Whose.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
    ) -> ApiResult<Page<weekly_digest::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0).only("t.user_id = ?", user_id.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }
}
