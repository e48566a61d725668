//! One intended write of one record, whoever asks: REST, sync push and import all come through here.
//!
//! `prepare` loads what a batch of changes refers to, a statement a kind; `apply` then decides each in memory. What a kind
//! means by a change stands in its own folder (`account`, `opportunity`, …).

pub mod earned;
mod fields;
mod history;
mod prepare;
mod settings;
mod taken;

use entity::kind::Kind;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::account::AccountFields;
use crate::activity::ActivityFields;
use crate::appeal::AppealFields;
use crate::attachment::{Arrival, AttachmentFields};
use crate::contact::ContactFields;
use crate::lead::{self, Act, BuyRights, LeadFields};
use crate::ledger::payout::{self, PayOut};
use crate::ledger::review::Ruling;
use crate::opportunity::{AdvanceOpportunity, OpportunityFields};
use crate::plan::{CancelPlan, PlanFields};
use crate::problem::Refusal;
use crate::product::ProductFields;
use crate::record::Record;
use crate::work::{UnitOfWork, document, present};
use crate::write::at_revision;
use crate::{account, activity, appeal, attachment, contact, custom_field, hold, opportunity, plan, points, product};
pub use fields::{Fields, camel, is_camel};
pub use prepare::{Context, prepare};
pub use settings::{Known as KnownSettings, MARK, Mark, Settings};

/// A write as it was asked for.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: Kind,
    pub id: Uuid,
    /// The id was made here for this very change: no record can have it, so none is looked for.
    pub fresh: bool,
    pub intent: Intent,
    /// The revision that the author saw. With a device set in the unit of work, what others changed since is kept.
    pub base: Option<i32>,
    /// The revision that the record must have now (If-Match).
    pub expected: Option<i32>,
    /// Fields to empty, by their names on the wire.
    pub clear: Vec<String>,
    /// Why, where the rules ask for a reason; kept in the history.
    pub reason: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Intent {
    Create(Body),
    Update(Body),
    Delete,
    Advance(AdvanceOpportunity),
    Cancel(CancelPlan),
    /// Releases a hold; grants an appeal.
    Pass(Ruling),
    /// Denies a hold; rejects an appeal.
    Refuse(Ruling),
    /// Of the entry's points, to its user.
    PayOut(PayOut),
    Lead(Act),
    /// Of the balance of the user who buys.
    BuyRights(BuyRights),
    /// Of the file that an attachment is the record of.
    Arrive(Arrival),
}

/// The values, by kind.
#[derive(Clone, Debug)]
pub enum Body {
    Account(AccountFields),
    Contact(ContactFields),
    Opportunity(OpportunityFields),
    Plan(PlanFields),
    Activity(ActivityFields),
    Product(ProductFields),
    Appeal(AppealFields),
    Lead(LeadFields),
    Attachment(AttachmentFields),
}

/// What came of a change that was not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub revision: i32,
    /// Somebody else changed the record since the author saw it; what his own device wrote does not count.
    pub stale: bool,
    /// Fields that somebody else changed meanwhile: the server's value stayed.
    pub lost: Vec<String>,
}

macro_rules! body_from {
    ($($variant:ident($fields:ty)),* $(,)?) => {
        $(impl From<$fields> for Body {
            fn from(fields: $fields) -> Self {
                Body::$variant(fields)
            }
        })*
    };
}
body_from!(
    Account(AccountFields),
    Contact(ContactFields),
    Opportunity(OpportunityFields),
    Plan(PlanFields),
    Activity(ActivityFields),
    Product(ProductFields),
    Appeal(AppealFields),
    Lead(LeadFields),
    Attachment(AttachmentFields),
);

impl Change {
    /// A record to be made, with nothing beside its values.
    pub fn create(kind: Kind, id: Uuid, body: Body) -> Self {
        Change {
            kind,
            id,
            fresh: false,
            intent: Intent::Create(body),
            base: None,
            expected: None,
            clear: Vec::new(),
            reason: None,
        }
    }

    /// The records that the values refer to.
    pub fn references(&self) -> Vec<Uuid> {
        match &self.intent {
            Intent::Create(body) | Intent::Update(body) => body.references().into_iter().map(|(_, id)| id).collect(),
            Intent::Lead(act) => act.references().into_iter().map(|(_, id)| id).collect(),
            Intent::PayOut(payout) => vec![payout.user_id],
            _ => Vec::new(),
        }
    }
}

impl Body {
    /// Hands the typed values to whoever can work with any of them.
    pub fn values(&self) -> Map<String, Value> {
        match self {
            Body::Account(fields) => present(fields),
            Body::Contact(fields) => present(fields),
            Body::Opportunity(fields) => present(fields),
            Body::Plan(fields) => present(fields),
            Body::Activity(fields) => present(fields),
            Body::Product(fields) => present(fields),
            Body::Appeal(fields) => present(fields),
            Body::Lead(fields) => present(fields),
            Body::Attachment(fields) => present(fields),
        }
    }

    fn references(&self) -> Vec<(Kind, Uuid)> {
        match self {
            Body::Account(fields) => fields.references(),
            Body::Contact(fields) => fields.references(),
            Body::Opportunity(fields) => fields.references(),
            Body::Plan(fields) => fields.references(),
            Body::Activity(fields) => fields.references(),
            Body::Product(fields) => fields.references(),
            Body::Appeal(fields) => fields.references(),
            Body::Lead(fields) => fields.references(),
            Body::Attachment(fields) => fields.references(),
        }
    }
}

impl Intent {
    /// What the author typed, by names on the wire.
    pub fn values(&self) -> Map<String, Value> {
        match self {
            Intent::Create(body) | Intent::Update(body) => body.values(),
            Intent::Delete => Map::new(),
            Intent::Advance(advance) => present(advance),
            Intent::Cancel(cancel) => present(cancel),
            Intent::Pass(ruling) | Intent::Refuse(ruling) => present(ruling),
            Intent::PayOut(payout) => present(payout),
            Intent::Lead(act) => act.values(),
            Intent::BuyRights(body) => present(body),
            // Nobody types it.
            Intent::Arrive(_) => Map::new(),
        }
    }

    /// The name of the operation on the wire.
    pub fn op(&self) -> &'static str {
        match self {
            Intent::Create(_) => "create",
            Intent::Update(_) => "update",
            Intent::Delete => "delete",
            Intent::Advance(_) => "advance",
            Intent::Cancel(_) => "cancel",
            Intent::Pass(_) => "pass",
            Intent::Refuse(_) => "refuse",
            Intent::PayOut(_) => "pay_out",
            Intent::Lead(act) => act.op(),
            Intent::BuyRights(_) => "buy_rights",
            Intent::Arrive(_) => "arrive",
        }
    }
}

/// Decides one change and stages it. A refusal leaves rows staged: call `undo` on it, `keep` otherwise.
pub fn apply(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    if !work.actor.may_write {
        return Err(Refusal::forbidden("This API key may only read. Use a key with the scope `write`."));
    }
    let before = points::cards::snapshot(work, change.kind, change.id);
    let outcome = decide(work, context, change)?;
    context.taken.check(work, change)?;
    points::cards::follow(work, context, change.kind, change.id, before)?;
    Ok(outcome)
}

/// The same for what is copied from another record: nobody earns by filling a card.
pub fn copy(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    decide(work, context, change)
}

fn decide(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    work.reason = change.reason.clone();
    let checked = custom_field::check::checked(work, context, change)?;
    let change: &Change = &checked;
    match (&change.intent, change.kind) {
        (Intent::Create(Body::Account(fields)), _) => account::create::create(work, change, fields),
        (Intent::Update(Body::Account(fields)), _) => account::update(work, context, change, fields),
        (Intent::Delete, Kind::Account) => account::delete::delete(work, context, change),

        (Intent::Create(Body::Contact(fields)), _) => contact::create(work, change, fields),
        (Intent::Update(Body::Contact(fields)), _) => update(work, context, change, fields, |_, _, _| Ok(())),
        (Intent::Delete, Kind::Contact) => delete::<entity::contact::Model>(work, change, |work, contact| {
            attachment::bury_of(work, contact.id);
            Ok(())
        }),

        (Intent::Create(Body::Opportunity(fields)), _) => opportunity::create::create(work, context, change, fields),
        (Intent::Update(Body::Opportunity(fields)), _) => opportunity::update::update(work, context, change, fields),
        (Intent::Advance(advance), _) => opportunity::advance::advance(work, context, change, advance),
        (Intent::Delete, Kind::Opportunity) => opportunity::delete::delete(work, change),

        (Intent::Create(Body::Plan(fields)), _) => plan::create(work, change, fields),
        (Intent::Update(Body::Plan(fields)), _) => plan::update(work, context, change, fields),
        (Intent::Cancel(cancel), _) => plan::cancel(work, change, cancel),
        (Intent::Delete, Kind::Plan) => delete(work, change, plan::deletable),

        (Intent::Create(Body::Activity(fields)), _) => activity::create::create(work, context, change, fields),
        (Intent::Update(Body::Activity(fields)), _) => activity::update::update(work, context, change, fields),
        (Intent::Delete, Kind::Activity) => activity::delete::delete(work, context, change),

        (Intent::Create(Body::Product(fields)), _) => product::create(work, change, fields),
        (Intent::Update(Body::Product(fields)), _) => product::update(work, context, change, fields),
        (Intent::Delete, Kind::Product) => delete(work, change, product::deletable),

        (Intent::Create(Body::Appeal(fields)), _) => appeal::create(work, change, fields),
        (Intent::Update(Body::Appeal(_)), _) => {
            Err(Refusal::forbidden("An appeal stays as it was made; whoever decides reads it."))
        }
        (Intent::PayOut(body), _) => payout::pay(work, context, change, body),
        (Intent::Pass(ruling), Kind::Appeal) => appeal::decide::decide(work, change, true, ruling),
        (Intent::Refuse(ruling), Kind::Appeal) => appeal::decide::decide(work, change, false, ruling),
        (Intent::Pass(ruling), Kind::Hold) => hold::decide::decide(work, change, true, ruling),
        (Intent::Refuse(ruling), Kind::Hold) => hold::decide::decide(work, change, false, ruling),
        (Intent::Pass(_) | Intent::Refuse(_), kind) => {
            Err(Refusal::invalid("/kind", format!("Nobody decides about a {kind}.")))
        }
        (Intent::Create(Body::Lead(fields)), _) => lead::create::create(work, context, change, fields),
        (Intent::Update(Body::Lead(fields)), _) => lead::update::update(work, context, change, fields),
        (Intent::Delete, Kind::Lead) => lead::update::delete(work, change),
        (Intent::Lead(act), _) => lead::act(work, context, change, act),
        (Intent::BuyRights(body), _) => lead::rights::buy(work, context, body),

        (Intent::Create(Body::Attachment(fields)), _) => attachment::create::create(work, change, fields),
        (Intent::Update(Body::Attachment(fields)), _) => attachment::update(work, context, change, fields),
        (Intent::Delete, Kind::Attachment) => attachment::delete(work, context, change),
        (Intent::Arrive(arrival), _) => attachment::arrive(work, context, change, arrival),

        (Intent::Delete, Kind::RejectedWrite) => delete(work, change, crate::sync::dismissable),
        (Intent::Delete, kind) => Err(Refusal::invalid("/kind", format!("A {kind} cannot be deleted this way."))),
    }
}

/// A new record: the id is not taken, and what a creation must give is there.
pub fn creatable<F: Fields>(work: &UnitOfWork, change: &Change, fields: &F) -> Result<(), Refusal> {
    if work.get::<F::Record>(change.id).is_some() {
        // The same answer whether or not the actor may see the record that has this id.
        return Err(Refusal::fields(
            crate::problem::Code::Duplicate,
            vec![crate::problem::FieldError::new("/id", "This id is taken. Make a new UUIDv7.")],
        ));
    }
    let missing: Vec<_> = F::REQUIRED
        .iter()
        .filter(|name| !fields.has(name))
        .map(|name| crate::problem::FieldError::new(format!("/{name}"), "Required to create this record."))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(crate::problem::Code::Validation, missing)) }
}

/// The record, if the actor sees it and it is at the revision that If-Match names.
pub fn current<M: Record>(work: &UnitOfWork, change: &Change) -> Result<M, Refusal> {
    let row = work.visible::<M>(change.id)?;
    at_revision(&row, change.expected)?;
    Ok(row)
}

/// Applies what is present, field by field; `guard` sees the row before and after and may refuse or complete it.
pub fn update<F: Fields>(
    work: &mut UnitOfWork,
    context: &Context,
    change: &Change,
    fields: &F,
    guard: impl FnOnce(&mut UnitOfWork, &F::Record, &mut F::Record) -> Result<(), Refusal>,
) -> Result<Outcome, Refusal> {
    let before: F::Record = current(work, change)?;
    if let Some(name) = fields.fixed(&before) {
        return Err(Refusal::invalid(format!("/{}", camel(name)), "Is set at creation and cannot be changed."));
    }
    let mut values = present(fields);
    let shown = document(&before);
    let touched = context.touched(change);
    let mut lost: Vec<String> = values
        .iter()
        .filter(|(name, value)| touched.contains(name.as_str()) && shown.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    lost.extend(
        change.clear.iter().filter(|name| touched.contains(name.as_str()) && shown.contains_key(*name)).cloned(),
    );
    lost.extend(custom_field::merge::lost(&values, &shown, &touched));
    let mut after = before.clone();
    if lost.is_empty() {
        fields.apply(&mut after);
    } else {
        values.retain(|name, _| !lost.contains(name));
        custom_field::merge::retain(&mut values, |name| !lost.contains(name));
        let kept = F::parse_from_json(Some(Value::Object(values)))
            .map_err(|_| Refusal::invalid("", "The values that were not in conflict could not be read again."))?;
        kept.apply(&mut after);
    }
    for name in change.clear.iter().filter(|name| !lost.contains(name)) {
        F::clear(name, &mut after)?;
    }
    guard(work, &before, &mut after)?;
    let revision = work.put(after);
    Ok(Outcome { revision, stale: !touched.is_empty(), lost })
}

/// Buries a record that the actor sees, if `guard` agrees.
pub fn delete<M: Record>(
    work: &mut UnitOfWork,
    change: &Change,
    guard: impl FnOnce(&mut UnitOfWork, &M) -> Result<(), Refusal>,
) -> Result<Outcome, Refusal> {
    let row = current::<M>(work, change)?;
    guard(work, &row)?;
    Ok(Outcome { revision: work.bury::<M>(change.id), ..Outcome::default() })
}
