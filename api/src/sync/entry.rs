//! One mutation on its way through a push: as it was sent, and as it was read.

use std::sync::LazyLock;

use poem_openapi::types::ParseFromJSON;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::mutation::Mutation;
use crate::app;
use crate::change::Change;
use crate::http::{Contract, explain};
use crate::problem::{Code, Refusal};
use crate::write::hex;

/// A mutation on its way.
pub struct Entry {
    pub id: Uuid,
    pub hash: String,
    /// What was sent, as JSON text with its members in order.
    text: String,
    pub read: Result<(Mutation, Change), Refusal>,
    /// Set once the database refused to store it.
    pub stopped: Option<Refusal>,
}

impl Entry {
    pub fn read(at: usize, mut sent: Value) -> Result<Self, Refusal> {
        let id = sent.get("mutationId").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or_else(|| {
            Refusal::malformed(format!("/mutations/{at}/mutationId: must be a UUID. Nothing of this push was applied."))
        })?;
        sent.sort_all_objects();
        let text = sent.to_string();
        let hash = hex(&Sha256::digest(&text));
        let read = Mutation::parse_from_json(Some(sent))
            .map_err(|_| unreadable(&parsed(&text)))
            .and_then(|mutation| mutation.change().map(|change| (mutation, change)));
        Ok(Entry { id, hash, text, read, stopped: None })
    }

    /// Read again only for what is refused.
    pub fn sent(&self) -> Value {
        parsed(&self.text)
    }

    /// The record that it names, if it can be told.
    pub fn record_id(&self) -> Option<Uuid> {
        self.sent().get("recordId").and_then(Value::as_str).and_then(|id| id.parse().ok())
    }

    /// A member of what was sent, as far as a column can hold it.
    pub fn text(&self, member: &str) -> String {
        printable(self.sent().get(member).and_then(Value::as_str).unwrap_or_default()).take(100).collect()
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("it was written from a value")
}

/// Which members of a mutation are not of the published form, and what would be.
fn unreadable(sent: &Value) -> Refusal {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(app::spec()));
    match explain::faults(&CONTRACT, &json!({ "$ref": "#/components/schemas/Mutation" }), sent) {
        faults if faults.is_empty() => Refusal::new(Code::Validation, "The mutation is not of the documented form."),
        faults => Refusal::fields(Code::Validation, faults),
    }
}

/// Postgres keeps no NUL, and a refusal that quotes one must be kept all the same.
pub fn printable(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| *c != '\0')
}
