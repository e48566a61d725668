//! `GET /v1/accounts/{id}/overview`: what a manager or a rep wants to know before a call, in one answer. The records are
//! those that lists show, asked for at once; what is worth a look is decided in `attention`.

mod attention;

use entity::kind::StageKey;
use entity::scalar::{Date, Timestamp};
use entity::{account, activity, contact, opportunity, plan, stage, stage_move};
use poem_openapi::{Enum, Object};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::Error;
use crate::read::{self, Listing};
use crate::record::Record;
use crate::state::State;

/// How many of each kind are read.
const MOST: i32 = 200;
/// How many entries the timeline has.
const TIMELINE: usize = 100;

/// An account with everything around it.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AccountOverview {
    pub account: account::Model,
    /// The people in it, the newest 200.
    pub contacts: Vec<contact::Model>,
    /// Opportunities that are neither signed nor lost.
    pub open_opportunities: Vec<opportunity::Model>,
    /// Those that are.
    pub past_opportunities: Vec<opportunity::Model>,
    /// Visits still to be done.
    pub plans: Vec<plan::Model>,
    /// What happened, the newest first: up to 100 activities and stage moves.
    pub timeline: Vec<TimelineEntry>,
    /// What is worth a look, the most urgent first.
    pub attention: Vec<AttentionPoint>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TimelineKind {
    Activity,
    StageMove,
}

/// One thing that happened; the member that `kind` names is there.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct TimelineEntry {
    pub kind: TimelineKind,
    /// When it took place.
    pub occurred: Timestamp,
    pub activity: Option<activity::Model>,
    pub stage_move: Option<stage_move::Model>,
}

/// What a point of attention is about. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
#[oai(rename_all = "snake_case")]
pub enum AttentionKind {
    /// A planned visit whose day has passed.
    OverduePlan,
    /// The next step that an activity named was due, and nothing was done since.
    OverdueStep,
    /// An open opportunity whose day of signature has passed.
    OverdueSignature,
    /// An open opportunity that stands in its stage beyond the stage's limit.
    StaleStage,
    /// An open opportunity without an amount.
    NoAmount,
    /// Nobody spoke to the account for 30 days, or ever.
    NoContact,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct AttentionPoint {
    pub kind: AttentionKind,
    /// The plan, activity or opportunity; absent for the account itself.
    pub record_id: Option<Uuid>,
    /// Since when: the day that has passed, or that of the last contact; absent where there was none.
    pub since: Option<Date>,
}

/// # Errors
/// 404 for an account that is not there or not visible.
pub async fn overview(state: &State, actor: &Actor, id: Uuid) -> Result<AccountOverview, Error> {
    let (account, contacts, opportunities, plans, activities, moves, stages, today) = tokio::try_join!(
        read::get::<account::Model>(state, actor, id),
        under::<contact::Model>(state, actor, id, "-createdAt"),
        under::<opportunity::Model>(state, actor, id, "-createdAt"),
        under::<plan::Model>(state, actor, id, "-createdAt"),
        newest::<activity::Model>(state, actor, id, "activity"),
        newest::<stage_move::Model>(state, actor, id, "stage_move"),
        stages(state, actor),
        today(state, actor),
    )?;
    let (open, past): (Vec<_>, Vec<_>) = opportunities
        .into_iter()
        .partition(|opportunity| !matches!(opportunity.stage, StageKey::Signed | StageKey::Lost));
    let plans: Vec<_> = plans.into_iter().filter(|plan| plan.status == entity::kind::PlanStatus::Planned).collect();
    let facts = attention::Facts { today, now: state.clock.now(), stages: &stages };
    let attention = attention::attention(&facts, &open, &plans, &activities);
    let mut timeline: Vec<TimelineEntry> = activities.into_iter().map(TimelineEntry::from).collect();
    timeline.extend(moves.into_iter().map(TimelineEntry::from));
    timeline.sort_by_key(|entry| std::cmp::Reverse(entry.occurred));
    timeline.truncate(TIMELINE);
    Ok(AccountOverview {
        account,
        contacts,
        open_opportunities: open,
        past_opportunities: past,
        plans,
        timeline,
        attention,
    })
}

impl From<activity::Model> for TimelineEntry {
    fn from(activity: activity::Model) -> Self {
        let (kind, occurred) = (TimelineKind::Activity, activity.occurred);
        TimelineEntry { kind, occurred, activity: Some(activity), stage_move: None }
    }
}

impl From<stage_move::Model> for TimelineEntry {
    fn from(moved: stage_move::Model) -> Self {
        let (kind, occurred) = (TimelineKind::StageMove, moved.occurred);
        TimelineEntry { kind, occurred, activity: None, stage_move: Some(moved) }
    }
}

/// Those under the account that the actor sees.
async fn under<M: Record>(state: &State, actor: &Actor, id: Uuid, sort: &str) -> Result<Vec<M>, Error> {
    let listing = Listing::new(None, Some(MOST), Some(sort.to_owned())).only("t.account_id = ?", Some(id));
    Ok(read::list(state, actor, listing, &[]).await?.items)
}

/// The newest by when they occurred.
async fn newest<M: Record>(state: &State, actor: &Actor, id: Uuid, table: &str) -> Result<Vec<M>, Error> {
    let seen = if actor.sees_all() { "$2::uuid IS NOT NULL".to_owned() } else { read::visible(M::KIND) };
    let sql = format!(
        "SELECT t.* FROM {table} t WHERE t.tenant_id = $1 AND t.account_id = $3 AND t.deleted_at IS NULL AND {seen}
         ORDER BY t.occurred DESC, t.id DESC LIMIT {TIMELINE}"
    );
    let values = [actor.tenant_id.into(), actor.user_id.into(), id.into()];
    Ok(M::find_by_statement(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).all(&state.db).await?)
}

async fn stages(state: &State, actor: &Actor) -> Result<Vec<stage::Model>, Error> {
    Ok(read::list(state, actor, Listing::new(None, None, None), &[]).await?.items)
}

/// The day that it is in the tenant's time zone.
async fn today(state: &State, actor: &Actor) -> Result<Date, Error> {
    let sql = "SELECT ($2::timestamptz AT TIME ZONE time_zone)::date AS today FROM tenant WHERE id = $1";
    let values = [actor.tenant_id.into(), state.clock.now().into()];
    let row = state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let row = row.ok_or_else(|| Error::Internal(format!("there is no tenant {}", actor.tenant_id)))?;
    Ok(row.try_get("", "today")?)
}
