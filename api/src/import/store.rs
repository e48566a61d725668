//! One planned row becomes a record, by the verbs that serve REST. What differs is only what a file knows more than a
//! request: when an opportunity entered its stages, and who works an account.

use entity::kind::{Kind, MemberRole, StageKey};
use entity::scalar::{Date, Line, Text};
use entity::{account, activity, contact, lead, opportunity, product, team, user};
use poem_openapi::types::ParseFromJSON;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::calendar::Calendar;
use super::draft::Draft;
use super::steps::{Step, remaining};
use crate::account::member;
use crate::change::{Body, Change, Context, Intent, apply};
use crate::custom_field::check::checked;
use crate::custom_field::value::spelled;
use crate::custom_field::{MEMBER, customizable, find};
use crate::opportunity::advance::advance_at;
use crate::opportunity::create::create_in;
use crate::opportunity::moves::not_in_the_future;
use crate::opportunity::{AdvanceOpportunity, OpportunityFields};
use crate::plan::is_member;
use crate::problem::Refusal;
use crate::record::Record;
use crate::work::{UnitOfWork, document};

/// Why imported changes were made, where the rules or the history ask.
const REASON: &str = "Imported from a file";

/// A row whose references are ids.
#[derive(Clone, Debug)]
pub struct Plan {
    pub id: Uuid,
    pub is_new: bool,
    /// By name in the API; parts of a field are nested.
    pub values: Map<String, Value>,
}

/// What was done about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    Unchanged,
}

impl Done {
    /// Of a record that was at one revision and is at another now: the write itself knows whether anything changed.
    fn since(was: i32, is: i32) -> Self {
        if was == is { Done::Unchanged } else { Done::Updated }
    }
}

impl Plan {
    /// All that the row says as one change, for `prepare` to load what it refers to; `None` for kinds that have no
    /// changes: teams and users.
    pub fn change(&self, kind: Kind) -> Result<Option<Change>, Refusal> {
        let Some(body) = body(kind, &self.values)? else { return Ok(None) };
        let intent = if self.is_new { Intent::Create(body) } else { Intent::Update(body) };
        Ok(Some(self.of(kind, intent)))
    }

    fn of(&self, kind: Kind, intent: Intent) -> Change {
        let reason = Some(REASON.to_owned());
        Change { kind, id: self.id, fresh: false, intent, base: None, expected: None, clear: Vec::new(), reason }
    }

    /// Changes what differs from the record as it stands, at the revision `was`.
    fn update(
        &self,
        work: &mut UnitOfWork,
        context: &Context,
        kind: Kind,
        differs: &Map<String, Value>,
        was: i32,
    ) -> Result<Done, Refusal> {
        match body(kind, differs)? {
            Some(body) if !differs.is_empty() => {
                let outcome = apply(work, context, &self.of(kind, Intent::Update(body)))?;
                Ok(Done::since(was, outcome.revision))
            }
            _ => Ok(Done::Unchanged),
        }
    }

    /// The values, those of fields that the tenant defined itself in their one spelling; what is no value stays as it is, to
    /// be refused by name.
    fn spelled(&self, context: &Context, kind: Kind) -> Map<String, Value> {
        let mut values = self.values.clone();
        if let (Some(kind), Some(Value::Object(own))) = (customizable(kind), values.get_mut(MEMBER)) {
            for (key, value) in own {
                let field = find(&context.settings().custom, kind, key).zip(value.as_str());
                if let Some(Ok(text)) = field.map(|(field, text)| spelled(field, text)) {
                    *value = json!(text);
                }
            }
        }
        values
    }
}

/// Stores an account, a contact, a product, an activity or a lead.
pub fn record(work: &mut UnitOfWork, context: &Context, kind: Kind, plan: &Plan) -> Result<Done, Refusal> {
    let current = match kind {
        Kind::Account => current::<account::Model>(work, plan.id),
        Kind::Contact => current::<contact::Model>(work, plan.id),
        Kind::Product => current::<product::Model>(work, plan.id),
        Kind::Lead => current::<lead::Model>(work, plan.id),
        _ => current::<activity::Model>(work, plan.id),
    };
    let Some((current, was)) = current else {
        if let Some(change) = plan.change(kind)? {
            apply(work, context, &change)?;
        }
        return Ok(Done::Created);
    };
    let mut differs = difference(&current, &plan.spelled(context, kind));
    if kind == Kind::Account {
        // Who answers for it was decided here since.
        differs.remove("ownerId");
    }
    plan.update(work, context, kind, &differs, was)
}

/// The record as it stands, and its revision.
fn current<M: Record>(work: &UnitOfWork, id: Uuid) -> Option<(Map<String, Value>, i32)> {
    work.get::<M>(id).map(|row| (document(row), row.revision()))
}

/// Stores an opportunity and the moves that the row tells of. Moves that were made already stay as they are.
pub fn opportunity(
    work: &mut UnitOfWork,
    context: &Context,
    plan: &Plan,
    draft: &Draft,
    calendar: &Calendar<'_>,
) -> Result<Done, Refusal> {
    let steps = &draft.steps;
    let signed_on = steps.last().filter(|last| last.stage == StageKey::Signed).and_then(|last| last.on);
    let Some(before) = work.get::<opportunity::Model>(plan.id).cloned() else {
        let [first, further @ ..] = steps.as_slice() else {
            return Err(Refusal::invalid("stage", "The row names no stage."));
        };
        let mut fields: OpportunityFields = read(&plan.values)?;
        if first.stage == StageKey::Signed {
            fields.signed_on = fields.signed_on.or(signed_on);
        }
        if let (Some(account_id), Some(owner_id)) = (fields.account_id, fields.owner_id) {
            works(work, account_id, owner_id)?;
        }
        let occurred = first.on.map_or(work.now, |day| calendar.midnight(day));
        not_in_the_future(work, occurred, "Only what has happened is history.")?;
        let change = plan.of(Kind::Opportunity, Intent::Create(Body::Opportunity(fields)));
        let change = checked(work, context, &change)?;
        let Intent::Create(Body::Opportunity(fields)) = &change.intent else { return Err(Refusal::internal()) };
        create_in(work, context, &change, fields, first.stage, occurred, first.assumed)?;
        advance(work, context, plan, further, draft, calendar)?;
        return Ok(Done::Created);
    };
    let further = remaining(before.stage, steps).map_err(|told| Refusal::invalid("stage", told))?;
    let mut values = plan.spelled(context, Kind::Opportunity);
    if let (StageKey::Signed, [], Some(day)) = (before.stage, further, signed_on) {
        values.entry("signedOn").or_insert_with(|| json!(day));
    }
    let differs = difference(&document(&before), &values);
    if differs.contains_key("ownerId") || differs.contains_key("accountId") {
        let fields: OpportunityFields = read(&differs)?;
        if let Some(account_id) = fields.account_id.or(before.account_id) {
            works(work, account_id, fields.owner_id.unwrap_or(before.owner_id))?;
        }
    }
    let done = plan.update(work, context, Kind::Opportunity, &differs, before.revision)?;
    advance(work, context, plan, further, draft, calendar)?;
    Ok(if further.is_empty() { done } else { Done::Updated })
}

fn advance(
    work: &mut UnitOfWork,
    context: &Context,
    plan: &Plan,
    steps: &[Step],
    draft: &Draft,
    calendar: &Calendar<'_>,
) -> Result<(), Refusal> {
    for step in steps {
        let lost = draft.loss.as_ref().filter(|_| step.stage == StageKey::Lost);
        let signed_on: Option<Date> = step.on.filter(|_| step.stage == StageKey::Signed);
        let advance = AdvanceOpportunity {
            stage: step.stage,
            occurred: Some(step.on.map_or(work.now, |day| calendar.midnight(day))),
            // None: an import goes forward. What would need a reason is for a person to do.
            reason: None::<Line>,
            lost_reason: lost.map(|loss| loss.reason),
            lost_note: lost.and_then(|loss| loss.note.clone()).map(Text),
            amount: None,
            currency: None,
            expected_on: None,
            signed_on,
        };
        let change = plan.of(Kind::Opportunity, Intent::Advance(advance.clone()));
        work.reason = None;
        advance_at(work, context, &change, &advance, step.assumed)?;
    }
    Ok(())
}

/// Whoever owns an opportunity of an account works the account.
fn works(work: &mut UnitOfWork, account_id: Uuid, user_id: Uuid) -> Result<(), Refusal> {
    if is_member(work, user_id, account_id).is_err() {
        member::set(work, account_id, user_id, MemberRole::Member)?;
    }
    Ok(())
}

/// Stores a team. All teams are loaded. A new one without a parent stands below the one above all others.
pub fn team(work: &mut UnitOfWork, plan: &Plan) -> Result<Done, Refusal> {
    let given = plan.values.get("parentId").and_then(|id| id.as_str()?.parse::<Uuid>().ok());
    let top = work.live::<team::Model>().find(|team| team.parent_id.is_none()).map(|team| team.id);
    let mut plan = plan.clone();
    if let (true, None, Some(top)) = (plan.is_new, given, top) {
        plan.values.insert("parentId".to_owned(), json!(top));
    }
    if given.is_some() && top == Some(plan.id) {
        return Err(Refusal::invalid("/parentId", "The team above all others stays there."));
    }
    let mut above = given;
    while let Some(id) = above {
        let team =
            work.visible::<team::Model>(id).map_err(|_| Refusal::invalid("/parentId", "There is no such team."))?;
        if id == plan.id {
            return Err(Refusal::invalid("/parentId", "A team cannot be moved under itself."));
        }
        above = team.parent_id;
    }
    whole::<team::Model>(work, &plan)
}

/// Stores a user. He has no password: an admin invites him. His team is loaded.
pub fn user(work: &mut UnitOfWork, plan: &Plan) -> Result<Done, Refusal> {
    let team = plan.values.get("teamId").and_then(|id| id.as_str()?.parse::<Uuid>().ok());
    if let Some(id) = team {
        work.visible::<team::Model>(id).map_err(|_| Refusal::invalid("/teamId", "There is no such team."))?;
    }
    whole::<user::Model>(work, plan)
}

/// Puts the record with the row's values in it.
fn whole<M: Record>(work: &mut UnitOfWork, plan: &Plan) -> Result<Done, Refusal> {
    let born = json!({ "id": plan.id, "revision": 0, "createdAt": work.now, "updatedAt": work.now, "locale": "en" });
    let (mut next, was) = match current::<M>(work, plan.id) {
        Some((current, was)) => (current, Some(was)),
        None => (born.as_object().cloned().unwrap_or_default(), None),
    };
    next.extend(plan.values.clone());
    let record =
        M::parse_from_json(Some(Value::Object(next))).map_err(|cause| Refusal::invalid("", cause.into_message()))?;
    work.reason = Some(REASON.to_owned());
    let is = work.put(record);
    Ok(was.map_or(Done::Created, |was| Done::since(was, is)))
}

/// The values that the record does not have, parts of a field joined with those that it has.
fn difference(current: &Map<String, Value>, values: &Map<String, Value>) -> Map<String, Value> {
    let mut differs = Map::new();
    for (name, value) in values {
        let known = current.get(name);
        let next = match (known, value) {
            (Some(Value::Object(known)), Value::Object(parts)) => {
                let mut whole = known.clone();
                whole.extend(parts.clone());
                Value::Object(whole)
            }
            _ => value.clone(),
        };
        if known != Some(&next) {
            differs.insert(name.clone(), next);
        }
    }
    differs
}

fn body(kind: Kind, values: &Map<String, Value>) -> Result<Option<Body>, Refusal> {
    Ok(Some(match kind {
        Kind::Account => Body::Account(read(values)?),
        Kind::Contact => Body::Contact(read(values)?),
        Kind::Product => Body::Product(read(values)?),
        Kind::Opportunity => Body::Opportunity(read(values)?),
        Kind::Activity => Body::Activity(read(values)?),
        Kind::Lead => Body::Lead(read(values)?),
        _ => return Ok(None),
    }))
}

/// The values as a request would have brought them, checked likewise.
fn read<F: ParseFromJSON>(values: &Map<String, Value>) -> Result<F, Refusal> {
    F::parse_from_json(Some(Value::Object(values.clone()))).map_err(|cause| Refusal::invalid("", cause.into_message()))
}
