//! `/v1/points/statements`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use std::collections::BTreeMap;

use entity::kind::{ActivityKind, Locale};
use entity::scalar::Date;
use entity::{points_entry, statement, team, user};
use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, OpenApi};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::sheet::{self, Told};
use crate::auth::Actor;
use crate::change::Settings;
use crate::points::book::work_kind;
use crate::points::words;
use crate::problem::{Error, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{GET, LIST};
use crate::state::State;
use crate::tag::Tag;
use crate::work::UnitOfWork;

const SORTS: Sorts = &[("number", "t.number", "integer"), ("month", "t.month", "date")];
const CSV: &str = "text/csv";

/// The same as JSON or as a table, by `Accept`.
pub enum Sheet<T> {
    Json(T),
    Csv(String),
}

impl<T: ToJSON + Send> IntoResponse for Sheet<T> {
    fn into_response(self) -> Response {
        let (content_type, text) = match self {
            Sheet::Json(value) => ("application/json", value.to_json_string()),
            Sheet::Csv(text) => ("text/csv", text),
        };
        Response::builder().content_type(content_type).body(Body::from_string(text))
    }
}

impl<T: Type + ToJSON + Send> ApiResponse for Sheet<T> {
    fn meta() -> MetaResponses {
        let binary = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![
            MetaMediaType { content_type: "application/json", schema: T::schema_ref() },
            MetaMediaType { content_type: CSV, schema: binary },
        ];
        let description = "The answer; with `Accept: text/csv` a table (RFC 4180, UTF-8 with a mark)";
        MetaResponses {
            responses: vec![MetaResponse {
                description,
                status: Some(200),
                status_range: None,
                content,
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

fn wants_csv(accept: &Header<Option<String>>) -> bool {
    accept.0.as_deref().is_some_and(|accept| accept.contains(CSV))
}

pub struct StatementApi;

#[OpenApi]
impl StatementApi {
    /// List the monthly statements that you see
    ///
    /// Of reps and of teams: a team's adds up those of its reps. With `Accept: text/csv` all that match, in the order of
    /// their numbers, for payroll.
    #[oai(path = "/v1/points/statements", method = "get", operation_id = "listStatements", tag = "Tag::Points")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `number`, `month`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Whose; those of teams have no user.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// Of this team and of its reps when the month was closed.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Its first day.
        month: Query<Option<Date>>,
        /// `text/csv` for a table.
        accept: Header<Option<String>>,
    ) -> Result<Sheet<Page<statement::Model>>, Fail<LIST>> {
        let filtered = |listing: Listing| {
            listing.only("t.user_id = ?", user_id.0).only("t.team_id = ?", team_id.0).only("t.month = ?", month.0)
        };
        if !wants_csv(&accept) {
            let listing = filtered(Listing::new(cursor.0, limit.0, sort.0));
            return Ok(Sheet::Json(read::list(&state, &actor, listing, SORTS).await?));
        }
        let found = all(&state, &actor, cursor.0, filtered).await?;
        let work = UnitOfWork::begin(&state, &actor).await?;
        let (users, teams) = names(&work).await?;
        Ok(Sheet::Csv(sheet::statements(&found, &users, &teams)))
    }

    /// Get a monthly statement
    ///
    /// With `Accept: text/csv` its entries, each with the balance after it and explained in your language; a team's are those
    /// of its reps whom you see. As JSON these are listed by `/v1/points/entries?statementId=…`.
    #[oai(path = "/v1/points/statements/:id", method = "get", operation_id = "getStatement", tag = "Tag::Points")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        /// `text/csv` for a table of its entries.
        accept: Header<Option<String>>,
    ) -> Result<Sheet<statement::Model>, Fail<GET>> {
        let statement: statement::Model = read::get(&state, &actor, id.0).await?;
        if !wants_csv(&accept) {
            return Ok(Sheet::Json(statement));
        }
        let of_reps = if statement.user_id.is_some() {
            vec![statement]
        } else {
            // Those that were summed: of the same team when the month was closed.
            let (team_id, month) = (statement.team_id, statement.month);
            let of_team =
                |listing: Listing| listing.only("t.team_id = ?", Some(team_id)).only("t.month = ?", Some(month));
            let found = all(&state, &actor, None, of_team).await?;
            found.into_iter().filter(|statement| statement.user_id.is_some()).collect()
        };
        let work = UnitOfWork::begin(&state, &actor).await?;
        let mut told = Vec::new();
        for statement in of_reps {
            let entries = entries(&work, &statement).await?;
            told.push((statement, entries));
        }
        let (users, _) = names(&work).await?;
        let locale = users.get(&actor.user_id).map_or(Locale::En, |reader| reader.locale);
        let zone = Settings::read(&work).await?.zone;
        Ok(Sheet::Csv(sheet::entries(&told, &users, locale, zone)))
    }
}

/// All that match, in the order of their numbers.
async fn all(
    state: &State,
    actor: &Actor,
    mut cursor: Option<String>,
    filtered: impl Fn(Listing) -> Listing,
) -> Result<Vec<statement::Model>, Error> {
    let mut found = Vec::new();
    loop {
        let listing = filtered(Listing::new(cursor, Some(200), Some("number".into())));
        let page: Page<statement::Model> = read::list(state, actor, listing, SORTS).await?;
        found.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// `$2` user, `$3` first entry, `$4` last → what each is about, in the order of the entries: the account, the kind of an
/// activity, and the name of anything else.
const ABOUT: &str = "
    SELECT (SELECT a.name FROM account a WHERE a.tenant_id = $1 AND a.id = e.account_id),
           (SELECT a.kind FROM activity a WHERE a.tenant_id = $1 AND a.id = e.source_id),
           coalesce((SELECT p.purpose FROM plan p WHERE p.tenant_id = $1 AND p.id = e.source_id),
                    (SELECT o.name FROM opportunity o WHERE o.tenant_id = $1 AND o.id = e.source_id),
                    (SELECT o.name FROM stage_move m JOIN opportunity o ON o.tenant_id = $1 AND o.id = m.opportunity_id
                     WHERE m.tenant_id = $1 AND m.id = e.source_id),
                    (SELECT c.name FROM contact c WHERE c.tenant_id = $1 AND c.id = e.source_id),
                    (SELECT l.name FROM lead l WHERE l.tenant_id = $1 AND l.id = e.source_id))
    FROM points_entry e WHERE e.tenant_id = $1 AND e.user_id = $2 AND e.ordinal BETWEEN $3 AND $4 ORDER BY e.ordinal";

/// The entries that a rep's statement covers.
async fn entries(work: &UnitOfWork, statement: &statement::Model) -> Result<Vec<Told>, Error> {
    let (Some(user), Some(first), Some(last)) = (statement.user_id, statement.first_entry, statement.last_entry) else {
        return Ok(Vec::new());
    };
    let values = || [user.into(), first.into(), last.into()];
    let condition = "user_id = $2 AND ordinal BETWEEN $3 AND $4 ORDER BY ordinal";
    let entries = work.fetch::<points_entry::Model>(condition, values()).await?;
    let about = work.connection().query_all_raw(work.statement(ABOUT, values())).await?;
    let told = |(entry, row): (points_entry::Model, &QueryResult)| -> Result<Told, DbErr> {
        let activity: Option<ActivityKind> = row.try_get_by_index(1)?;
        let kind = activity.map(|activity| words::kind(work_kind(activity)));
        let record = match kind {
            Some((en, _)) => Some(en.to_owned()),
            None => row.try_get_by_index(2)?,
        };
        Ok(Told { entry, account: row.try_get_by_index(0)?, record })
    };
    Ok(entries.into_iter().zip(&about).map(told).collect::<Result<_, _>>()?)
}

async fn names(work: &UnitOfWork) -> Result<(BTreeMap<Uuid, user::Model>, BTreeMap<Uuid, team::Model>), DbErr> {
    let users = work.fetch::<user::Model>("TRUE", []).await?;
    let teams = work.fetch::<team::Model>("TRUE", []).await?;
    Ok((
        users.into_iter().map(|user| (user.id, user)).collect(),
        teams.into_iter().map(|team| (team.id, team)).collect(),
    ))
}
