//! The fields that a mapping can fill, by kind, and how a cell becomes a value of each. Names are those of the API.

use entity::kind::Kind;
use entity::scalar::{Currency, Email, Line, Money, Text};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::calendar::Calendar;

/// What a cell must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    Text,
    Email,
    /// A whole number.
    Integer,
    Number,
    Money,
    Currency,
    Day,
    Moment,
    Choice(&'static [&'static str]),
    Id,
    /// A record of this kind, by its external id or its name.
    Reference(Kind),
}

/// One field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its name in the API; a part of it after a dot.
    pub name: &'static str,
    pub shape: Shape,
    /// Whether every row must have it.
    pub required: bool,
}

const fn needed(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

const fn free(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

/// The field by which a second run finds what the first one made.
pub const KEY: &str = "externalId";

/// The id in Waypost, for files that came from it: a record is found again by it, and a new one gets it.
pub const ID: &str = "id";

/// The fields of a kind; none if it cannot be imported.
pub fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Team => TEAM,
        Kind::User => USER,
        Kind::Account => ACCOUNT,
        Kind::Product => PRODUCT,
        Kind::Contact => CONTACT,
        Kind::Opportunity => OPPORTUNITY,
        Kind::Activity => ACTIVITY,
        Kind::Lead => LEAD,
        _ => &[],
    }
}

const TEAM: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    free("parentId", Shape::Reference(Kind::Team)),
];

const USER: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    needed("email", Shape::Email),
    needed("role", Shape::Choice(&["rep", "manager"])),
    needed("teamId", Shape::Reference(Kind::Team)),
    free("locale", Shape::Choice(&["en", "zh"])),
];

const ACCOUNT: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    needed("kind", Shape::Choice(&["consumer", "business", "channel", "internal"])),
    needed("ownerId", Shape::Reference(Kind::User)),
    free("parentId", Shape::Reference(Kind::Account)),
    free("phone", Shape::Line),
    free("email", Shape::Email),
    free("website", Shape::Line),
    free("industry", Shape::Line),
    free("employees", Shape::Integer),
    free("annualRevenue", Shape::Money),
    free("foundedYear", Shape::Integer),
    free("creditCode", Shape::Line),
    free("tier", Shape::Choice(&["key", "ordinary", "potential"])),
    free("address.street", Shape::Line),
    free("address.city", Shape::Line),
    free("address.region", Shape::Line),
    free("address.postalCode", Shape::Line),
    free("address.country", Shape::Line),
    free("position.latitude", Shape::Number),
    free("position.longitude", Shape::Number),
    free("note", Shape::Text),
];

const LEAD: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    needed("source", Shape::Line),
    free("contactName", Shape::Line),
    free("title", Shape::Line),
    free("phone", Shape::Line),
    free("email", Shape::Email),
    free("website", Shape::Line),
    free("creditCode", Shape::Line),
    free("region", Shape::Line),
    free("industry", Shape::Line),
    free("employees", Shape::Integer),
    free("note", Shape::Text),
];

const PRODUCT: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    free("series", Shape::Line),
    free("listPrice", Shape::Money),
    free("currency", Shape::Currency),
];

const CONTACT: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    needed("accountId", Shape::Reference(Kind::Account)),
    free("title", Shape::Line),
    free("phone", Shape::Line),
    free("email", Shape::Email),
    free("note", Shape::Text),
];

const OPPORTUNITY: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("name", Shape::Line),
    needed("ownerId", Shape::Reference(Kind::User)),
    free("accountId", Shape::Reference(Kind::Account)),
    free("contactId", Shape::Reference(Kind::Contact)),
    free("productId", Shape::Reference(Kind::Product)),
    free("amount", Shape::Money),
    free("currency", Shape::Currency),
    free("expectedOn", Shape::Day),
    free("signedOn", Shape::Day),
    free("source", Shape::Line),
    free("note", Shape::Text),
];

const ACTIVITY: &[Field] = &[
    free(ID, Shape::Id),
    needed(KEY, Shape::Line),
    needed("kind", Shape::Choice(&["visit", "call", "meeting", "email", "note"])),
    needed("occurred", Shape::Moment),
    needed("ownerId", Shape::Reference(Kind::User)),
    needed("accountId", Shape::Reference(Kind::Account)),
    free("contactId", Shape::Reference(Kind::Contact)),
    free("opportunityId", Shape::Reference(Kind::Opportunity)),
    free("durationMinutes", Shape::Integer),
    free("summary", Shape::Text),
    free("outcome", Shape::Text),
    free("nextStep", Shape::Text),
    free("nextStepOn", Shape::Day),
];

impl Shape {
    /// The value on the wire of a cell that is not empty; numbers are multiplied by `times`. The error says what the
    /// cell is not, to stand after its text.
    pub fn read(self, text: &str, times: i64, calendar: &Calendar<'_>) -> Result<Value, String> {
        match self {
            Shape::Line | Shape::Reference(_) => Line::parse(text).map(|line| json!(line)),
            Shape::Text => Text::parse(text).map(|text| json!(text)),
            Shape::Email => Email::parse(text).map(|email| json!(email)),
            Shape::Currency => Currency::parse(text).map(|currency| json!(currency)),
            Shape::Integer => {
                let number = text.parse::<i64>().ok().and_then(|number| number.checked_mul(times));
                number.and_then(|number| i32::try_from(number).ok()).map(Value::from).ok_or("is no whole number".into())
            }
            Shape::Number => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                number.map(Value::from).ok_or("is no number".into())
            }
            Shape::Money => {
                let amount = Money::parse(text)?;
                let product = amount.0.checked_mul(Decimal::from(times)).ok_or("is too large")?;
                // Reads what it wrote: too many digits fail here.
                Money::parse(&Money(product).to_string()).map(|amount| json!(amount))
            }
            Shape::Day => calendar.day(text).map(|day| json!(day)),
            Shape::Id => text.parse::<Uuid>().map(|id| json!(id)).map_err(|_| "is no UUID".into()),
            Shape::Moment => calendar.moment(text).map(|moment| json!(moment)),
            Shape::Choice(choices) if choices.contains(&text) => Ok(json!(text)),
            Shape::Choice(choices) => Err(format!(
                "is none of {}: write one of them, or add it to `translate` of its column in a mapping",
                choices.join(", ")
            )),
        }
    }
}
