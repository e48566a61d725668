//! Which external ids of a batch others have already. The database has the last word; but what it refuses costs the search for
//! the change at fault, so that whatever can be known before is refused before.

use std::collections::{BTreeMap, HashMap};

use entity::kind::Kind;
use entity::{account, activity, contact, lead, opportunity, product};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{Body, Change, Intent};
use crate::problem::{Code, FieldError, Refusal};
use crate::record::Record;
use crate::work::UnitOfWork;

/// By kind and external id: the live record that had it when the batch began.
#[derive(Default)]
pub struct Taken(BTreeMap<Kind, HashMap<String, Uuid>>);

/// A record that another system may know by an id of its own.
trait Known: Record {
    fn external_id(&self) -> Option<&str>;
}

macro_rules! known {
    ($($table:ident),*) => {
        $(impl Known for $table::Model {
            fn external_id(&self) -> Option<&str> {
                self.external_id.as_deref()
            }
        })*
    };
}
known!(account, contact, opportunity, activity, product, lead);

impl Taken {
    /// Reads who has the external ids that the changes set; one statement a kind that sets any.
    pub async fn read(work: &UnitOfWork, changes: &[&Change]) -> Result<Self, DbErr> {
        let mut wanted: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for change in changes {
            wanted.entry(change.kind).or_default().extend(set_by(change));
        }
        let mut taken = Taken::default();
        for (kind, ids) in wanted.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let holders = match kind {
                Kind::Account => holders::<account::Model>(work, ids).await?,
                Kind::Contact => holders::<contact::Model>(work, ids).await?,
                Kind::Opportunity => holders::<opportunity::Model>(work, ids).await?,
                Kind::Activity => holders::<activity::Model>(work, ids).await?,
                Kind::Product => holders::<product::Model>(work, ids).await?,
                Kind::Lead => holders::<lead::Model>(work, ids).await?,
                _ => HashMap::new(),
            };
            taken.0.insert(kind, holders);
        }
        Ok(taken)
    }

    /// Refuses the change, which is staged, if it gave its record an external id that another one has.
    pub fn check(&self, work: &UnitOfWork, change: &Change) -> Result<(), Refusal> {
        let Some(wanted) = set_by(change) else { return Ok(()) };
        let is_taken = match change.kind {
            Kind::Account => self.has::<account::Model>(work, change.id, &wanted),
            Kind::Contact => self.has::<contact::Model>(work, change.id, &wanted),
            Kind::Opportunity => self.has::<opportunity::Model>(work, change.id, &wanted),
            Kind::Activity => self.has::<activity::Model>(work, change.id, &wanted),
            Kind::Product => self.has::<product::Model>(work, change.id, &wanted),
            Kind::Lead => self.has::<lead::Model>(work, change.id, &wanted),
            _ => false,
        };
        if is_taken {
            let detail = format!("Another {} has this external id.", change.kind.as_str());
            return Err(Refusal::fields(Code::Duplicate, vec![FieldError::new("/externalId", detail)]));
        }
        Ok(())
    }

    fn has<M: Known>(&self, work: &UnitOfWork, id: Uuid, wanted: &str) -> bool {
        // Where somebody else's value stayed, nothing was given.
        if work.get::<M>(id).and_then(Known::external_id) != Some(wanted) {
            return false;
        }
        // A holder that is here may have lost it meanwhile, or be gone.
        let elsewhere = self.0.get(&M::KIND).and_then(|holders| holders.get(wanted));
        elsewhere.is_some_and(|holder| *holder != id && work.get::<M>(*holder).is_none())
            || work.live::<M>().any(|other| other.id() != id && other.external_id() == Some(wanted))
    }
}

async fn holders<M: Known>(work: &UnitOfWork, ids: Vec<String>) -> Result<HashMap<String, Uuid>, DbErr> {
    let rows = work.fetch::<M>("external_id = ANY($2)", [ids.into()]).await?;
    Ok(rows.iter().filter_map(|row| Some((row.external_id()?.to_owned(), row.id()))).collect())
}

/// The external id that the change means to set.
fn set_by(change: &Change) -> Option<String> {
    let (Intent::Create(body) | Intent::Update(body)) = &change.intent else { return None };
    match body {
        Body::Account(fields) => fields.external_id.clone(),
        Body::Contact(fields) => fields.external_id.clone(),
        Body::Opportunity(fields) => fields.external_id.clone(),
        Body::Activity(fields) => fields.external_id.clone(),
        Body::Product(fields) => fields.external_id.clone(),
        Body::Lead(fields) => fields.external_id.clone(),
        Body::Plan(_) | Body::Appeal(_) | Body::Attachment(_) => None,
    }
    .map(String::from)
}
