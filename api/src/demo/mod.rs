//! The demo tenant: a company with a year behind it, told by the same verbs that serve requests, at the times at which
//! it would have happened. One seed and one `today` give the same year again. What the banner shows of it: `guide`.

mod calendar;
mod dice;
pub mod guide;
mod incentives;
mod names;
mod phrases;
mod places;
mod replay;
mod staff;
mod year;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use chrono_tz::Tz;
use entity::kind::Kind;
use entity::scalar::{Date, Line, Text, Timestamp};
use sea_orm::TransactionTrait;
use uuid::Uuid;

use self::calendar::Calendar;
use self::dice::Dice;
use self::incentives::Market;
use crate::auth::token::Keys;
use crate::auth::{Identity, Secret, credential};
use crate::clock::Clock;
use crate::problem::Error;
use crate::rule_set::bundle;
use crate::state::State;
use crate::tenant;
use crate::tenant::create::{NewTenant, create};

/// What demo users type to log in.
pub const TENANT: &str = "demo";
/// Every demo user's password: there is nothing to protect.
pub const PASSWORD: &str = "waypost-demo";
pub const REP: &str = "rep1@demo.example";
pub const MANAGER: &str = "manager1@demo.example";
pub const ADMIN: &str = "admin@demo.example";

/// Reps of the demo. With fewer, for tests, each of them still has a whole year.
pub const REPS: usize = 35;

const NAME: &str = "Waypost Demo 光通";
const ZONE: Tz = Tz::Asia__Shanghai;
const SEED: u64 = 0x05ea_5a17;

/// The day that it is in the demo's company.
pub fn today(now: Timestamp) -> Date {
    Date(now.0.with_timezone(&ZONE).date_naive())
}

/// What was told: how many changes of each kind, new records and others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub created: BTreeMap<Kind, u64>,
    pub changed: BTreeMap<Kind, u64>,
}

/// Makes the demo tenant with its year up to yesterday, unless it is there: then `None`. `progress` hears how many
/// changes of how many are done.
///
/// It is built under another slug and gets its own at the very end, so that a process that dies on the way leaves no
/// half a demo: the next start builds anew. What the dead one left is a tenant that nobody can log in to.
pub async fn fill(
    state: &State,
    today: Date,
    reps: usize,
    progress: impl Fn(u64, u64),
) -> Result<Option<Summary>, Error> {
    if credential::tenant(&state.db, TENANT).await?.is_some() {
        return Ok(None);
    }
    tracing::info!("Making up a company and its last year, which takes a while …");
    let calendar = Calendar::until(today, ZONE);
    // Everything before the first day was set up the evening before.
    let clock = Clock::fixed(calendar.start().0 - TimeDelta::hours(6));
    let keys = Keys::generate().map_err(|cause| Error::Internal(cause.to_string()))?;
    // It proves nobody and signs nothing, so any key will do.
    let past = State::new(state.db.clone(), clock, Identity::new(keys, "", "", Vec::new()));

    let slug = format!("{TENANT}-unfinished-{}", Uuid::new_v4().simple());
    let tenant_id = create(&past, NewTenant::parse(&slug, NAME, ZONE.name())?).await?.tenant.id;
    let mut dice = Dice::new(SEED, 0);
    let staff = staff::hire(&past, tenant_id, &mut dice, reps).await?;
    let products = replay::products(&past, tenant_id, &mut dice).await?;
    let years = staff
        .reps
        .iter()
        .enumerate()
        .map(|(number, rep)| year::year(&calendar, Dice::new(SEED, 1 + number as u64), rep, &products))
        .collect();
    let market = Market::new(&past, tenant_id, &staff, &calendar, Dice::new(SEED, 1_000));
    let summary = replay::replay(market, years, progress).await?;
    open(state, tenant_id, &staff.everybody).await?;
    // With a key that this server publishes.
    bundle::renew_all(state).await?;
    Ok(Some(summary))
}

/// Lets everybody in, under the slug that they know.
async fn open(state: &State, tenant_id: Uuid, users: &[Uuid]) -> Result<(), Error> {
    // One hash for all: it takes its time on purpose, and the password is no secret.
    let hash = state.identity.hasher.hash(&Secret::new(PASSWORD)).await?;
    let tx = state.db.begin().await?;
    credential::store(&tx, tenant_id, users, &hash, state.clock.now()).await?;
    tenant::rename_slug(&tx, tenant_id, TENANT).await?;
    Ok(tx.commit().await?)
}

/// Our own texts are short and of one line.
fn line(text: impl Into<String>) -> Line {
    Line(text.into())
}

fn text(text: impl Into<String>) -> Text {
    Text(text.into())
}
