//! Activities: work done. Entering one earns points, see `points`.

pub mod create;
pub mod delete;
pub mod routes;
pub mod update;
pub mod verdict;

use entity::activity;
use entity::custom::Custom;
use entity::kind::ActivityKind;
use entity::scalar::{Date, Line, Text, Timestamp};
use entity::shape::Check;
use uuid::Uuid;

use crate::fields;
pub use routes::ActivityApi;

fields! {
    /// What can be set on an activity. To create one, `accountId`, `kind` and `occurred` are required.
    ActivityFields of activity::Model;
    required {
        kind: ActivityKind,
        /// When it took place; not after the moment of entry.
        occurred: Timestamp,
    }
    optional {
        contact_id: Uuid,
        opportunity_id: Uuid,
        #[oai(validator(minimum(value = "0"), maximum(value = "10080")))]
        duration_minutes: i32,
        summary: Text,
        outcome: Text,
        next_step: Text,
        next_step_on: Date,
        /// Only for a visit.
        check_in: Check,
        /// Only for a visit.
        check_out: Check,
        /// The id that another system knows this activity by; unique within the tenant.
        external_id: Line,
        /// Seconds that it took to enter it: from opening the form to saving it, without pauses.
        #[oai(validator(minimum(value = "0"), maximum(value = "86400")))]
        entry_seconds: i32,
    }
    fixed {
        account_id: Uuid,
        /// The plan that this activity fulfils.
        plan_id: Uuid,
        /// Who did it; by default the caller.
        owner_id: Uuid,
    }
    custom {
        /// Values of the fields that the company defined itself, by key, each as text whatever the field's type: `12.5`,
        /// `2026-03-02`, `true`. A key that is absent or null stays as it is; an empty text empties it.
        custom: Custom,
    }
    needs ["accountId", "kind", "occurred"]
    refers { account_id => Account, contact_id => Contact, opportunity_id => Opportunity, plan_id => Plan, owner_id => User, }
    example {
        "accountId": "0198c0de-0000-7000-8000-000000000001",
        "kind": "visit",
        "occurred": "2026-03-02T09:15:00.000Z",
        "durationMinutes": 45,
        "summary": "Showed the samples to the head of purchasing",
        "outcome": "Wants a quote",
        "nextStep": "Send the quote",
        "nextStepOn": "2026-03-04",
        "checkIn": { "at": "2026-03-02T09:15:00.000Z", "latitude": 31.2305, "longitude": 121.4738, "accuracy": 12 }
    }
}
