//! The addresses, which the database knows by their hash alone, and what stands at one: the plans of its user.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use entity::kind::{Locale, PlanStatus, Role};
use entity::scalar::{Line, Timestamp};
use poem_openapi::Object;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::ical::{Event, calendar};
use crate::auth::Actor;
use crate::auth::secret::{Opaque, Purpose};
use crate::problem::{Code, Error, Refusal};
use crate::read::visible;
use crate::state::State;

/// Feeds that one user may have at a time.
const MOST: i64 = 10;
/// Days back from which plans are told.
const BACK: u64 = 90;
/// Plans that are told.
const PLANS: i64 = 2_000;
/// `lastUsedAt` is written at most so often.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::hours(1);

/// An address at which a calendar fetches plans, without the address.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CalendarFeed {
    pub id: Uuid,
    pub name: String,
    pub created_at: Timestamp,
    /// To the hour.
    pub last_used_at: Option<Timestamp>,
}

/// The caller's calendar feeds.
#[derive(Clone, Debug, Object)]
pub struct CalendarFeedList {
    /// The newest first.
    pub items: Vec<CalendarFeed>,
}

/// A feed to be made.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct CreateCalendarFeed {
    /// What it is for, such as the calendar program that will fetch it.
    pub name: Line,
}

/// A feed just made.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CreatedCalendarFeed {
    pub feed: CalendarFeed,
    /// Whoever knows it reads the plans: keep it as a password. It is not to be had again.
    pub url: String,
}

fn statement(tenant_id: Uuid, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, std::iter::once(tenant_id.into()).chain(values))
}

/// Plans are those of reps and managers.
fn plans(actor: &Actor) -> Result<(), Refusal> {
    match actor.role {
        Role::Rep | Role::Manager => Ok(()),
        _ => Err(Refusal::forbidden("Only reps and managers have plans.")),
    }
}

pub async fn create(state: &State, actor: &Actor, wanted: CreateCalendarFeed) -> Result<CreatedCalendarFeed, Error> {
    plans(actor)?;
    let (token, now) = (Opaque::generate(Purpose::Calendar, actor.tenant_id), state.clock.now());
    let feed = CalendarFeed { id: Uuid::now_v7(), name: wanted.name.0, created_at: now, last_used_at: None };
    let sql = "INSERT INTO calendar_feed (tenant_id, id, user_id, name, hash, created_at)
               SELECT c.tenant_id, $2, $3, $4, $5, $6 FROM sync_clock c WHERE c.tenant_id = $1
                 AND (SELECT count(*) FROM calendar_feed f WHERE f.tenant_id = $1 AND f.user_id = $3 AND f.revoked_at IS NULL) < $7";
    let values: [sea_orm::Value; 6] =
        [feed.id.into(), actor.user_id.into(), feed.name.as_str().into(), token.hash().into(), now.into(), MOST.into()];
    if state.db.execute_raw(statement(actor.tenant_id, sql, values)).await?.rows_affected() == 0 {
        let detail = format!("There may be {MOST} calendar feeds at a time. Delete one that is not used any more.");
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    let url = format!("{}/v1/calendars/{}", state.identity.issuer, token.into_secret().expose());
    Ok(CreatedCalendarFeed { feed, url })
}

pub async fn list(state: &State, actor: &Actor) -> Result<CalendarFeedList, Error> {
    plans(actor)?;
    let sql = "SELECT id, name, created_at, last_used_at FROM calendar_feed
               WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL ORDER BY id DESC";
    let rows = state.db.query_all_raw(statement(actor.tenant_id, sql, [actor.user_id.into()])).await?;
    let item = |row: &QueryResult| {
        Ok(CalendarFeed {
            id: row.try_get("", "id")?,
            name: row.try_get("", "name")?,
            created_at: row.try_get("", "created_at")?,
            last_used_at: row.try_get("", "last_used_at")?,
        })
    };
    Ok(CalendarFeedList { items: rows.iter().map(item).collect::<Result<_, Error>>()? })
}

/// Its address is gone at once.
pub async fn delete(state: &State, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let sql = "UPDATE calendar_feed SET revoked_at = $4 WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND revoked_at IS NULL";
    let values = [id.into(), actor.user_id.into(), state.clock.now().into()];
    match state.db.execute_raw(statement(actor.tenant_id, sql, values)).await?.rows_affected() {
        0 => Err(Refusal::not_found("calendar feed").into()),
        _ => Ok(()),
    }
}

/// The calendar at an address; 404 for one that is revoked, or whose user may no longer log in.
pub async fn read(state: &State, token: &str) -> Result<String, Error> {
    let token = token.strip_suffix(".ics").unwrap_or(token);
    let unknown = || Error::from(Refusal::not_found("calendar"));
    let token = Opaque::parse(Purpose::Calendar, token).ok_or_else(unknown)?;
    let (tenant_id, now) = (token.tenant_id, state.clock.now());
    let sql = r#"SELECT f.id, f.user_id, f.last_used_at, u.name, u.locale, t.time_zone FROM calendar_feed f
                 JOIN "user" u ON u.tenant_id = $1 AND u.id = f.user_id JOIN tenant t ON t.id = f.tenant_id
                 WHERE f.tenant_id = $1 AND f.hash = $2 AND f.revoked_at IS NULL
                   AND u.disabled_at IS NULL AND u.deleted_at IS NULL AND u.role IN ('rep', 'manager')"#;
    let row = state.db.query_one_raw(statement(tenant_id, sql, [token.hash().into()])).await?.ok_or_else(unknown)?;
    let (id, user_id): (Uuid, Uuid) = (row.try_get("", "id")?, row.try_get("", "user_id")?);
    let used: Option<Timestamp> = row.try_get("", "last_used_at")?;
    if used.is_none_or(|used| now.0 - used.0 >= USE_NOTED_EVERY) {
        let sql = "UPDATE calendar_feed SET last_used_at = $3 WHERE tenant_id = $1 AND id = $2";
        state.db.execute_raw(statement(tenant_id, sql, [id.into(), now.into()])).await?;
    }
    let locale = Locale::parse(&row.try_get::<String>("", "locale")?).unwrap_or(Locale::En);
    let (name, zone): (String, String) = (row.try_get("", "name")?, row.try_get("", "time_zone")?);
    let today = now.0.with_timezone(&zone.parse().unwrap_or(chrono_tz::Tz::UTC)).date_naive();
    let from = today.checked_sub_days(Days::new(BACK)).unwrap_or(today);
    let events = events(state, (tenant_id, user_id), from, locale).await?;
    let title = match locale {
        Locale::En => format!("Visits of {name}"),
        Locale::Zh => format!("{name}的拜访计划"),
    };
    Ok(calendar(&title, &events))
}

async fn events(
    state: &State,
    (tenant_id, user_id): (Uuid, Uuid),
    from: NaiveDate,
    locale: Locale,
) -> Result<Vec<Event>, Error> {
    // What left the user's view is not told; calendars then drop it.
    let sql = format!(
        "SELECT t.id, t.planned_on, t.updated_at, t.revision, t.purpose, t.status, t.cancel_reason, a.name, a.phone,
                a.address->>'street' AS street, a.address->>'city' AS city, a.address->>'region' AS region, p.name AS person
         FROM plan t JOIN account a ON a.tenant_id = $1 AND a.id = t.account_id
         LEFT JOIN contact p ON p.tenant_id = $1 AND p.id = t.contact_id AND p.deleted_at IS NULL
         WHERE t.tenant_id = $1 AND t.owner_id = $2 AND t.deleted_at IS NULL AND t.planned_on >= $3 AND {}
         ORDER BY t.planned_on DESC, t.id LIMIT $4",
        visible(entity::kind::Kind::Plan)
    );
    let asked = statement(tenant_id, &sql, [user_id.into(), from.into(), PLANS.into()]);
    let rows = state.db.query_all_raw(asked).await?;
    rows.iter().map(|row| event(row, locale)).collect()
}

fn event(row: &QueryResult, locale: Locale) -> Result<Event, Error> {
    let text = |name: &str| row.try_get::<Option<String>>("", name).map(Option::unwrap_or_default);
    let t = |en: &str, zh: &str| if locale == Locale::En { en.to_owned() } else { zh.to_owned() };
    let id: Uuid = row.try_get("", "id")?;
    let status = PlanStatus::parse(&row.try_get::<String>("", "status")?);
    let (account, purpose): (String, String) = (text("name")?, text("purpose")?);
    let mark = match status {
        Some(PlanStatus::Fulfilled) => "✓ ",
        Some(PlanStatus::Cancelled | PlanStatus::Missed) => "✗ ",
        _ => "",
    };
    let lines = [
        (String::new(), purpose.clone()),
        (t("Contact: ", "联系人："), text("person")?),
        (t("Phone: ", "电话："), text("phone")?),
        (t("Cancelled: ", "取消原因："), text("cancel_reason")?),
    ];
    let lines = lines.into_iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| label + &text);
    let place = [text("street")?, text("city")?, text("region")?];
    let changed: DateTime<Utc> = row.try_get("", "updated_at")?;
    Ok(Event {
        uid: format!("plan-{id}@waypost"),
        day: row.try_get("", "planned_on")?,
        changed,
        sequence: row.try_get::<i32>("", "revision")? - 1,
        summary: if purpose.is_empty() { format!("{mark}{account}") } else { format!("{mark}{account}: {purpose}") },
        description: lines.collect::<Vec<_>>().join("\n"),
        location: place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
        is_cancelled: status == Some(PlanStatus::Cancelled),
    })
}
