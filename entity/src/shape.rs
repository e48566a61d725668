//! Values with parts: JSON in the database, objects on the wire.

use poem_openapi::Object;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::kind::{HoldReason, Kind};
use crate::scalar::{Date, Line, Money, Text, Timestamp};

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Line>,
    /// Province, state or other part of the country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Line>,
}

/// A place on the globe, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Degrees north.
    #[oai(validator(minimum(value = "-90"), maximum(value = "90")))]
    pub latitude: f64,
    /// Degrees east.
    #[oai(validator(minimum(value = "-180"), maximum(value = "180")))]
    pub longitude: f64,
}

/// Where and when a phone was at the start or the end of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// When the button was pressed.
    pub at: Timestamp,
    /// Degrees north, WGS 84.
    #[oai(validator(minimum(value = "-90"), maximum(value = "90")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[oai(validator(minimum(value = "-180"), maximum(value = "180")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Radius in metres within which the phone is with 68 per cent probability, as phones report it.
    #[oai(validator(minimum(value = "0"), maximum(value = "100000")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// When the phone obtained the position; it may be older than the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_at: Option<Timestamp>,
}

/// A text in the languages of the product.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(deny_unknown_fields)]
pub struct Names {
    /// English
    pub en: Line,
    /// Chinese (zh-CN)
    pub zh: Line,
}

/// How a tenant wants its reps' time with customers shared out, in per cent of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(deny_unknown_fields)]
pub struct TimePolicy {
    /// For key customers.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub key: i32,
    /// For ordinary ones.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub ordinary: i32,
    /// For potential ones.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub potential: i32,
}

impl Default for TimePolicy {
    fn default() -> Self {
        TimePolicy { key: 60, ordinary: 30, potential: 10 }
    }
}

/// The working hours of a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(deny_unknown_fields)]
pub struct Week {
    pub shifts: Vec<Shift>,
}

/// A span of working hours on one weekday, by the tenant's wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct Shift {
    /// 1 is Monday, 7 is Sunday (ISO 8601).
    #[oai(validator(minimum(value = "1"), maximum(value = "7")))]
    pub weekday: i32,
    /// `09:00`
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// `18:00`; `24:00` is the end of the day.
    #[oai(validator(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
    pub to: String,
}

/// Days that differ from their weekday.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(deny_unknown_fields)]
pub struct SpecialDays {
    pub days: Vec<SpecialDay>,
}

#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct SpecialDay {
    pub day: Date,
    /// What people call it, such as `National Day`.
    pub name: Line,
}

/// What was found about an award that waits.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Evidence {
    pub findings: Vec<Finding>,
}

/// One reason to look at an award again. It accuses nobody: it shows what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub reason: HoldReason,
    /// The other activities that it is about.
    pub activity_ids: Vec<Uuid>,
    /// In words, English.
    pub en: Text,
    /// In words, Chinese (zh-CN).
    pub zh: Text,
}

/// Sums in currencies beside the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
pub struct OtherMoney {
    pub sums: Vec<MoneySum>,
}

#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct MoneySum {
    pub money: Money,
    /// ISO 4217 code.
    pub currency: String,
}

/// Records that a lead may be the same as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Likenesses {
    pub records: Vec<Likeness>,
}

/// A record that may be the same customer.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Likeness {
    /// `account`, `contact` or `lead`.
    pub kind: Kind,
    /// Of a lead. Accounts and contacts have none here: not everybody who sees this may see them (`listLikenesses`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Who answers for the account, or for the contact's: whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Uuid>,
    /// The fields that are the same, or `name` for a similar one.
    pub fields: Vec<Line>,
    /// Per cent; 100 for the same phone, e-mail or credit code.
    pub similarity: i32,
}

/// The turns of a draft, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
pub struct DraftTurns {
    pub turns: Vec<DraftTurn>,
}

/// One rep's turn to pick a lead.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct DraftTurn {
    pub user_id: Uuid,
    /// His rank in the leaderboard that gave the order.
    pub rank: i32,
    /// 1 for the first time that everybody picks.
    pub round: i32,
    /// What he picked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<Uuid>,
    /// Whether his time was up.
    pub is_passed: bool,
}
