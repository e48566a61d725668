//! The values that a change gives to fields of the tenant's: each is of a field that there is, is not archived and is of the
//! field's type; and each is put into its one spelling. A change without such values costs nothing here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use entity::custom::Custom;
use entity::custom_field::Model;
use entity::kind::CustomKind;

use super::{MEMBER, PREFIX, customizable, named, value};
use crate::change::{Body, Change, Context, Intent};
use crate::problem::{Code, FieldError, Refusal};
use crate::work::UnitOfWork;

/// Values that one change may give: more than any kind can have fields.
const MOST: usize = 200;

/// What it says: the kind and the values by key; an empty text empties, as `custom.<key>` in `clear` does.
fn asked(change: &Change) -> Option<(CustomKind, BTreeMap<&str, &str>)> {
    let (Intent::Create(body) | Intent::Update(body)) = &change.intent else { return None };
    let kind = customizable(change.kind)?;
    let given = body.custom().into_iter().flat_map(|custom| &custom.0).map(|(key, text)| (key.as_str(), text.as_str()));
    let cleared = change.clear.iter().filter_map(|name| name.strip_prefix(PREFIX)).map(|key| (key, ""));
    let values: BTreeMap<&str, &str> = given.chain(cleared).collect();
    (!values.is_empty()).then_some((kind, values))
}

/// The change as it is to be decided.
pub fn checked<'a>(work: &UnitOfWork, context: &Context, change: &'a Change) -> Result<Cow<'a, Change>, Refusal> {
    let Some((kind, values)) = asked(change) else { return Ok(Cow::Borrowed(change)) };
    if values.len() > MOST {
        return Err(Refusal::invalid(format!("/{MEMBER}"), format!("Holds more than {MOST} values. Send fewer.")));
    }
    let held = held(work, kind, change);
    let (mut custom, mut faults) = (Custom::default(), Vec::new());
    for (key, text) in values {
        // What a record holds may come back with what was changed, whatever became of the field since.
        let spelled = if held.is_some_and(|held| held.0.get(key).is_some_and(|held| held == text)) {
            Ok(text.to_owned())
        } else {
            spelled(&context.settings().custom, kind, key, text)
        };
        match spelled {
            Ok(spelled) => drop(custom.0.insert(key.to_owned(), spelled)),
            Err(told) => faults.push(FieldError::new(pointer(key), told)),
        }
    }
    if !faults.is_empty() {
        faults.truncate(20);
        return Err(Refusal::fields(Code::Validation, faults));
    }
    let mut change = change.clone();
    change.clear.retain(|name| !name.starts_with(PREFIX));
    if let Intent::Create(body) | Intent::Update(body) = &mut change.intent {
        body.set_custom(custom);
    }
    Ok(Cow::Owned(change))
}

fn spelled(defined: &[Model], kind: CustomKind, key: &str, text: &str) -> Result<String, String> {
    let field = named(defined, kind, key)?;
    if field.archived_at.is_some() {
        Err("This field was archived: it can be read, but no longer changed.".to_owned())
    } else if text.is_empty() {
        Ok(String::new())
    } else {
        value::spelled(field, text)
    }
}

/// What the record holds, if the actor sees it.
fn held<'a>(work: &'a UnitOfWork, kind: CustomKind, change: &Change) -> Option<&'a Custom> {
    if matches!(change.intent, Intent::Create(_)) {
        return None;
    }
    match kind {
        CustomKind::Account => work.seen::<entity::account::Model>(change.id)?.custom.as_ref(),
        CustomKind::Contact => work.seen::<entity::contact::Model>(change.id)?.custom.as_ref(),
        CustomKind::Opportunity => work.seen::<entity::opportunity::Model>(change.id)?.custom.as_ref(),
        CustomKind::Activity => work.seen::<entity::activity::Model>(change.id)?.custom.as_ref(),
    }
}

/// Of a key in the body (RFC 6901).
fn pointer(key: &str) -> String {
    format!("/{MEMBER}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Body {
    /// The values of fields that the tenant defined.
    pub fn custom(&self) -> Option<&Custom> {
        match self {
            Body::Account(fields) => fields.custom.as_ref(),
            Body::Contact(fields) => fields.custom.as_ref(),
            Body::Opportunity(fields) => fields.custom.as_ref(),
            Body::Activity(fields) => fields.custom.as_ref(),
            _ => None,
        }
    }

    fn set_custom(&mut self, values: Custom) {
        match self {
            Body::Account(fields) => fields.custom = Some(values),
            Body::Contact(fields) => fields.custom = Some(values),
            Body::Opportunity(fields) => fields.custom = Some(values),
            Body::Activity(fields) => fields.custom = Some(values),
            _ => {}
        }
    }
}
