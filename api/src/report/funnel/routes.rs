//! The route of the funnel.

use entity::kind::{AccountKind, Locale};
use entity::scalar::{Date, Line};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{Comparison, Funnel, FunnelQuery, FunnelView, SplitBy, compared, funnel};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E422, Fail};
use crate::report::chart::Theme;
use crate::report::told::Known;
use crate::report::{Answer, Asked, ReportFormat};
use crate::state::State;
use crate::tag::Tag;

pub struct ReportApi;

#[OpenApi]
impl ReportApi {
    /// Read the funnel
    ///
    /// How many opportunities came to each stage, how many went on, how long that took and what they are worth: as a
    /// cohort (`from`, `to`) or as a snapshot of a day. With `asOf` either is told as of a past day; `knownThen` then shows
    /// what the server had not been told by that day. Counted are the opportunities that the caller sees, of a rep his own; a filter that
    /// names something else finds none. With one of `compareFrom`, `compareTo`, `compareAsOf` and
    /// `compareTeamId` the same is told for another period or team too.
    #[oai(path = "/v1/reports/funnel", method = "get", operation_id = "getFunnel", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn funnel(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// `cohort` if absent.
        view: Query<Option<FunnelView>>,
        /// First day of the cohort's period, in the tenant's time zone; twelve months up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the cohort's period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// The day at whose end it is told, in the tenant's time zone; absent: now. A cohort's period ends then too if `to` is absent.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// Only of owners who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        #[oai(name = "productId")] product_id: Query<Option<Uuid>>,
        #[oai(name = "accountKind")] account_kind: Query<Option<AccountKind>>,
        /// Only those that came from there, such as `fair`.
        source: Query<Option<Line>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// Gives the figures for each group too; `none` if absent.
        #[oai(name = "splitBy")]
        split_by: Query<Option<SplitBy>>,
        /// First day of the other period.
        #[oai(name = "compareFrom")]
        compare_from: Query<Option<Date>>,
        /// Last day of the other period.
        #[oai(name = "compareTo")]
        compare_to: Query<Option<Date>>,
        /// The other day.
        #[oai(name = "compareAsOf")]
        compare_as_of: Query<Option<Date>>,
        /// The other team.
        #[oai(name = "compareTeamId")]
        compare_team_id: Query<Option<Uuid>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Funnel>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let query = FunnelQuery {
            view: view.0.unwrap_or_default(),
            from: from.0,
            to: to.0,
            as_of: as_of.0,
            team_id: team_id.0,
            user_id: user_id.0,
            product_id: product_id.0,
            account_kind: account_kind.0,
            source: source.0,
            split_by: split_by.0.unwrap_or_default(),
            known: known.0.unwrap_or_default(),
        };
        let with =
            Comparison { from: compare_from.0, to: compare_to.0, as_of: compare_as_of.0, team_id: compare_team_id.0 };
        let is_compared = with.from.is_some() || with.to.is_some() || with.as_of.is_some() || with.team_id.is_some();
        let report = if is_compared {
            compared(&state, &actor, &query, &with).await?
        } else {
            funnel(&state, &actor, &query).await?
        };
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
