//! Loads what a batch of changes refers to: one statement a kind, accounts first, each in the order of ids. Since every
//! write under an account holds the account, two batches never wait for each other in a circle.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use entity::kind::Kind;
use entity::scalar::{Date, Timestamp};
use entity::{
    account, activity, attachment, contact, lead, opportunity, plan, points_entry, product, rejected_write, user,
};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::earned;
use super::history::History;
use super::settings::Settings;
use super::taken::Taken;
use super::{Body, Change, Intent};
use crate::hold::Lately;
use crate::lead::Act;
use crate::lead::facts::{self as lead_facts, LeadFacts};
use crate::ledger;
use crate::work::UnitOfWork;

/// What the verbs of one batch may know beside the loaded rows.
pub struct Context {
    history: History,
    /// The tenant's rules; read only if a change in the batch needs them.
    pub settings: Option<Settings>,
    /// What the authors of activities entered lately, where the rules compare that.
    pub lately: Lately,
    /// How many live records of each kind stand under an account that is to be deleted.
    pub in_use: BTreeMap<Uuid, BTreeMap<Kind, i64>>,
    /// When accounts were visited first, where cards earn points.
    pub first_visits: BTreeMap<Uuid, Timestamp>,
    /// When plans were last set to their day, where plans earn points.
    pub planned: BTreeMap<Uuid, Timestamp>,
    /// By opportunity that is to be signed: who documented its account before it was reassigned.
    pub contributors: BTreeMap<Uuid, Uuid>,
    /// The external ids of the batch that others have.
    pub taken: Taken,
    /// Read only if a change in the batch is about leads.
    leads: LeadFacts,
}

impl Context {
    /// The fields of the change's record that others wrote since its author saw it.
    pub fn touched(&self, change: &Change) -> BTreeSet<&str> {
        self.history.touched(change)
    }

    /// What a batch about leads may know of them.
    pub fn leads(&self) -> &LeadFacts {
        &self.leads
    }

    /// The settings; a batch with an opportunity or an activity in it has them.
    pub fn settings(&self) -> &Settings {
        self.settings.as_ref().expect("prepare reads the settings for kinds that need them")
    }
}

/// `$1` tenant, `$2` ids of existing records → the accounts that they are under.
const ACCOUNTS: &str = "
    SELECT account_id FROM contact WHERE tenant_id = $1 AND id = ANY($2)
    UNION SELECT account_id FROM opportunity WHERE tenant_id = $1 AND id = ANY($2) AND account_id IS NOT NULL
    UNION SELECT account_id FROM plan WHERE tenant_id = $1 AND id = ANY($2)
    UNION SELECT account_id FROM activity WHERE tenant_id = $1 AND id = ANY($2)
    UNION SELECT account_id FROM attachment WHERE tenant_id = $1 AND id = ANY($2)
    UNION SELECT account_id FROM lead WHERE tenant_id = $1 AND id = ANY($2) AND account_id IS NOT NULL";

/// `$1` tenant, `$2` accounts → how many live records of which kind stand under each.
const IN_USE: &str = "
    SELECT account_id, 'contact' AS kind, count(*) FROM contact
        WHERE tenant_id = $1 AND account_id = ANY($2) AND deleted_at IS NULL GROUP BY account_id
    UNION ALL SELECT account_id, 'opportunity', count(*) FROM opportunity
        WHERE tenant_id = $1 AND account_id = ANY($2) AND deleted_at IS NULL GROUP BY account_id
    UNION ALL SELECT account_id, 'plan', count(*) FROM plan
        WHERE tenant_id = $1 AND account_id = ANY($2) AND deleted_at IS NULL GROUP BY account_id
    UNION ALL SELECT account_id, 'activity', count(*) FROM activity
        WHERE tenant_id = $1 AND account_id = ANY($2) AND deleted_at IS NULL GROUP BY account_id
    UNION ALL SELECT account_id, 'attachment', count(*) FROM attachment
        WHERE tenant_id = $1 AND account_id = ANY($2) AND deleted_at IS NULL GROUP BY account_id";

/// `$1` tenant, `$2` attachments → the activities that they are of.
const SHOWN: &str = "
    SELECT activity_id FROM attachment WHERE tenant_id = $1 AND id = ANY($2) AND activity_id IS NOT NULL";

/// Loads and locks; call it once, before the first `apply`.
pub async fn prepare<C: Borrow<Change>>(work: &mut UnitOfWork, changes: &[C]) -> Result<Context, DbErr> {
    let changes: Vec<&Change> = changes.iter().map(Borrow::borrow).collect();
    load(work, &changes).await
}

async fn load(work: &mut UnitOfWork, changes: &[&Change]) -> Result<Context, DbErr> {
    let mut wanted: BTreeMap<Kind, BTreeSet<Uuid>> = BTreeMap::new();
    for change in changes {
        let ids = wanted.entry(change.kind).or_default();
        if !change.fresh {
            ids.insert(change.id);
        }
        let references = match &change.intent {
            Intent::Create(body) | Intent::Update(body) => body.references(),
            Intent::Lead(act) => act.references(),
            Intent::PayOut(payout) => vec![(Kind::User, payout.user_id)],
            _ => Vec::new(),
        };
        for (kind, id) in references {
            wanted.entry(kind).or_default().insert(id);
        }
    }
    let existing: Vec<Uuid> =
        changes.iter().filter(|change| !matches!(change.intent, Intent::Create(_))).map(|change| change.id).collect();
    if !existing.is_empty() {
        let rows = work.connection().query_all_raw(work.statement(ACCOUNTS, [existing.clone().into()])).await?;
        for row in rows {
            wanted.entry(Kind::Account).or_default().insert(row.try_get_by_index(0)?);
        }
    }
    let coming: Vec<Uuid> = changes.iter().filter(|change| moves_file(change)).map(|change| change.id).collect();
    if !coming.is_empty() {
        for row in work.connection().query_all_raw(work.statement(SHOWN, [coming.into()])).await? {
            wanted.entry(Kind::Activity).or_default().insert(row.try_get_by_index(0)?);
        }
    }
    let ids = |kind: Kind| wanted.get(&kind).into_iter().flatten().copied().collect::<Vec<_>>();
    work.load::<account::Model>(ids(Kind::Account)).await?;
    // Everybody refers to the same few products and users: only who changes one holds it alone.
    work.load_shared::<user::Model>(ids(Kind::User)).await?;
    let products = changes.iter().filter(|change| change.kind == Kind::Product).map(|change| change.id);
    work.load::<product::Model>(products.collect::<Vec<_>>()).await?;
    work.load_shared::<product::Model>(ids(Kind::Product)).await?;
    work.load::<contact::Model>(ids(Kind::Contact)).await?;
    work.load::<opportunity::Model>(ids(Kind::Opportunity)).await?;
    work.load::<activity::Model>(ids(Kind::Activity)).await?;
    let fulfilled: Vec<Uuid> = work.live::<activity::Model>().filter_map(|activity| activity.plan_id).collect();
    work.load::<plan::Model>(ids(Kind::Plan).into_iter().chain(fulfilled)).await?;
    work.load::<attachment::Model>(ids(Kind::Attachment)).await?;
    load_attached(work, changes).await?;
    work.load::<lead::Model>(ids(Kind::Lead)).await?;
    let owners = lead_facts::owners(work, changes);
    work.load_shared::<user::Model>(owners.iter().copied()).await?;
    work.load::<rejected_write::Model>(ids(Kind::RejectedWrite)).await?;
    // An opportunity that was moved to another account between the question above and its lock: that account must be
    // held as well, or somebody who becomes its member at this moment would miss the write. Out of order, so that two
    // such batches may end in a deadlock, which is tried again.
    let moved: Vec<Uuid> = work.live::<opportunity::Model>().filter_map(|opportunity| opportunity.account_id).collect();
    work.load::<account::Model>(moved.iter().copied()).await?;
    wanted.entry(Kind::Account).or_default().extend(moved);
    wanted.entry(Kind::User).or_default().extend(owners);

    load_moves(work, &existing).await?;
    load_members(work, changes).await?;
    load_points(work, &wanted).await?;
    let ids = |kind: Kind| wanted.get(&kind).into_iter().flatten().copied().collect::<Vec<_>>();
    ledger::review::load(work, ids(Kind::Hold), ids(Kind::Appeal), ids(Kind::PointsEntry)).await?;
    let paid: Vec<Uuid> = ledger::payout::users(changes);
    ledger::load(work, paid.iter().copied()).await?;
    ledger::load_about(work, paid.iter().copied()).await?;
    work.look(wanted.values().flatten().copied().collect::<Vec<_>>()).await?;

    let about_leads = lead_facts::needed(changes);
    let needs_settings = [Kind::Opportunity, Kind::Activity].iter().any(|kind| wanted.contains_key(kind))
        || changes.iter().any(|change| matches!(change.kind, Kind::Account | Kind::Contact))
        || about_leads
        || !paid.is_empty();
    let settings = if needs_settings { Some(Settings::read_with(work, &versions(work)).await?) } else { None };
    let mut earned = earned::Earned::default();
    if let Some(settings) = &settings {
        load_photos(work, settings).await?;
        earned = earned::load(work, settings, changes).await?;
        if settings.has_caps() {
            load_days(work, settings, changes).await?;
        }
    }
    let leads = match &settings {
        Some(settings) if about_leads => LeadFacts::read(work, changes, settings).await?,
        _ => LeadFacts::default(),
    };
    let history = History::read(work, changes).await?;
    let lately = match &settings {
        Some(settings) => Lately::read(work, &settings.rules.holds, changes).await?,
        None => Lately::default(),
    };
    let in_use = in_use(work, changes).await?;
    let taken = Taken::read(work, changes).await?;
    let earned::Earned { first_visits, planned, contributors } = earned;
    Ok(Context { history, settings, lately, in_use, first_visits, planned, contributors, taken, leads })
}

/// Whether the change may make a file come or go.
fn moves_file(change: &Change) -> bool {
    change.kind == Kind::Attachment && matches!(change.intent, Intent::Delete | Intent::Arrive(_))
}

/// What is attached to records that are to go.
async fn load_attached(work: &mut UnitOfWork, changes: &[&Change]) -> Result<(), DbErr> {
    let bears = |kind: Kind| matches!(kind, Kind::Activity | Kind::Contact | Kind::Opportunity);
    let going = changes.iter().filter(|change| bears(change.kind) && matches!(change.intent, Intent::Delete));
    let going: Vec<Uuid> = going.map(|change| change.id).collect();
    if going.is_empty() {
        return Ok(());
    }
    let condition = "(activity_id = ANY($2) OR contact_id = ANY($2) OR opportunity_id = ANY($2))";
    work.load_where::<attachment::Model>(condition, [going.into()]).await
}

/// The photos of activities that exist, if any rules of the batch ask for photos.
async fn load_photos(work: &mut UnitOfWork, settings: &Settings) -> Result<(), DbErr> {
    let activities: Vec<Uuid> = work.live::<activity::Model>().map(|activity| activity.id).collect();
    if activities.is_empty() || !settings.asks_for_photos() {
        return Ok(());
    }
    let condition = "activity_id = ANY($2) AND kind = 'photo' AND state = 'ready'";
    work.load_where::<attachment::Model>(condition, [activities.into()]).await
}

/// The moves of opportunities that exist: the next one needs its number, and all follow the opportunity's account.
async fn load_moves(work: &mut UnitOfWork, existing: &[Uuid]) -> Result<(), DbErr> {
    let moving: Vec<Uuid> = work
        .live::<opportunity::Model>()
        .map(|opportunity| opportunity.id)
        .filter(|id| existing.contains(id))
        .collect();
    if moving.is_empty() {
        return Ok(());
    }
    work.load_where::<entity::stage_move::Model>("opportunity_id = ANY($2)", [moving.into()]).await
}

/// The members of accounts whose opportunities get an owner, and of accounts that are to go.
async fn load_members(work: &mut UnitOfWork, changes: &[&Change]) -> Result<(), DbErr> {
    let mut accounts = BTreeSet::new();
    for change in changes {
        match &change.intent {
            Intent::Create(Body::Opportunity(fields)) | Intent::Update(Body::Opportunity(fields)) => {
                let current = work.get::<opportunity::Model>(change.id).and_then(|opportunity| opportunity.account_id);
                if fields.owner_id.is_some() || fields.account_id.is_some() {
                    accounts.extend(fields.account_id.or(current));
                }
            }
            Intent::Create(Body::Plan(fields)) if fields.owner_id.is_some() => accounts.extend(fields.account_id),
            Intent::Delete if change.kind == Kind::Account => {
                accounts.insert(change.id);
            }
            Intent::Lead(Act::Convert(body)) => {
                accounts.extend(body.account_id);
                accounts.extend(work.get::<lead::Model>(change.id).and_then(|lead| lead.account_id));
            }
            _ => {}
        }
    }
    if accounts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = accounts.into_iter().collect();
    work.load_where::<entity::account_member::Model>("account_id = ANY($2)", [accounts.into()]).await
}

/// The balances that activities move, and the entries of those that change: in this order, so that whoever holds the
/// balance sees all entries.
async fn load_points(work: &mut UnitOfWork, wanted: &BTreeMap<Kind, BTreeSet<Uuid>>) -> Result<(), DbErr> {
    if !wanted.contains_key(&Kind::Activity) {
        return Ok(());
    }
    let mut owners: Vec<Uuid> = work.live::<activity::Model>().map(|activity| activity.owner_id).collect();
    let ids: Vec<Uuid> =
        work.live::<activity::Model>().flat_map(|activity| [Some(activity.id), activity.plan_id]).flatten().collect();
    owners.push(work.actor.user_id);
    owners.extend(wanted.get(&Kind::User).into_iter().flatten());
    ledger::load(work, owners).await?;
    ledger::load_about(work, ids).await
}

/// The versions of the rules under which the activities of the batch were entered.
fn versions(work: &UnitOfWork) -> Vec<i32> {
    let versions: BTreeSet<i32> =
        work.live::<points_entry::Model>().map(|entry| entry.explanation.rule_set_version).collect();
    versions.into_iter().collect()
}

/// What the users of the batch have earned on its days, for the caps.
async fn load_days(work: &mut UnitOfWork, settings: &Settings, changes: &[&Change]) -> Result<(), DbErr> {
    let mut users: BTreeSet<Uuid> = work.live::<activity::Model>().map(|activity| activity.owner_id).collect();
    users.insert(work.actor.user_id);
    let mut days: BTreeSet<Date> =
        work.live::<activity::Model>().map(|activity| settings.day(activity.occurred)).collect();
    for change in changes {
        match &change.intent {
            Intent::Create(Body::Activity(fields)) | Intent::Update(Body::Activity(fields)) => {
                users.extend(fields.owner_id);
                days.extend(fields.occurred.map(|occurred| settings.day(occurred)));
            }
            Intent::Advance(advance) => days.extend(advance.occurred.map(|occurred| settings.day(occurred))),
            _ => {}
        }
    }
    // What bears no time of its own counts for the day on which it was typed.
    let (first, last) = (settings.day(work.earliest), settings.day(work.now));
    days.extend(first.0.iter_days().take_while(|day| *day <= last.0).map(Date));
    let (users, days): (Vec<Uuid>, Vec<Date>) = (users.into_iter().collect(), days.into_iter().collect());
    let condition = "user_id = ANY($2) AND source_id IN (SELECT d.source_id FROM points_entry d
                     WHERE d.tenant_id = $1 AND d.user_id = ANY($2) AND d.day = ANY($3))";
    work.load_where::<points_entry::Model>(condition, [users.into(), days.into()]).await
}

async fn in_use(work: &UnitOfWork, changes: &[&Change]) -> Result<BTreeMap<Uuid, BTreeMap<Kind, i64>>, DbErr> {
    let mut counts: BTreeMap<Uuid, BTreeMap<Kind, i64>> = BTreeMap::new();
    let accounts: Vec<Uuid> = changes
        .iter()
        .filter(|change| change.kind == Kind::Account && matches!(change.intent, Intent::Delete))
        .map(|change| change.id)
        .collect();
    if !accounts.is_empty() {
        for row in work.connection().query_all_raw(work.statement(IN_USE, [accounts.into()])).await? {
            let (account, kind, count): (Uuid, String, i64) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            counts.entry(account).or_default().extend(Kind::parse(&kind).map(|kind| (kind, count)));
        }
    }
    Ok(counts)
}
