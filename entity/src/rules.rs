//! The shape of a rule set and of the receipt that every booking carries.

use poem_openapi::Object;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::kind::{BoardPrivacy, CardKind, GrantPolicy, Hours, PenaltyKind, WorkKind};
use crate::scalar::{Currency, Date, Line, Money, Points, Text, Timestamp};

/// What a tenant rewards, fines and holds back. An award is base × timeliness × completeness.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// The hours in which delays are counted: all of them, or those of the tenant's calendar.
    pub hours: Hours,
    /// Timeliness of work, in order of rising delay. Later than every bracket earns nothing.
    pub brackets: Vec<Bracket>,
    /// How far a time is believed that the phone could not prove.
    pub unproven: Grace,
    /// What work earns, one for each kind of it that earns anything.
    pub work: Vec<WorkRule>,
    /// What customer cards earn.
    pub customer: Vec<CustomerRule>,
    /// What is fined, one for each kind of offence at the most.
    pub penalties: Vec<Penalty>,
    /// The currency of fines in money; needed if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    pub caps: Caps,
    /// When an award waits for a manager's review.
    pub holds: Holds,
    pub leads: LeadRules,
    /// Whether reps see each other on a leaderboard.
    pub leaderboard: BoardPrivacy,
}

/// A span of delay, and the share of the base that it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// The delay is at most this many hours.
    pub within_hours: i32,
    /// Per cent of the base.
    pub percent: i32,
}

/// How far a wall clock is believed that may have been set by hand. What lies beyond counts as typed at its receipt; it
/// is not fined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Grace {
    /// How many hours before its receipt one entry may be dated.
    pub hours_per_entry: i32,
    /// How many hours all entries of one rep may be dated back in one calendar month.
    pub hours_per_month: i32,
}

/// What one kind of work earns.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct WorkRule {
    pub on: WorkKind,
    /// Points for an entry that is in time and complete.
    pub base: Points,
    /// What makes it complete; empty: everything does.
    pub weights: Vec<Weight>,
}

/// What the card of an account or a contact earns, field by field: the sooner after the first visit, the more.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct CustomerRule {
    pub on: CardKind,
    /// Points for a card that is complete in time.
    pub base: Points,
    /// Timeliness from the first visit to the account on, in order of rising delay. Before it nothing is late.
    pub brackets: Vec<Bracket>,
    pub weights: Vec<Weight>,
}

/// What one filled field adds to completeness.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Weight {
    /// The field's name on the wire.
    pub field: Line,
    /// Its share; the weights of a kind add up to the whole.
    pub weight: i32,
    /// A text counts only with this many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_characters: Option<i32>,
    /// Another field that must be filled too: a next step counts with its date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Line>,
}

/// What one kind of offence costs.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Penalty {
    pub kind: PenaltyKind,
    /// Zero or less.
    pub points: Points,
    /// A fine in money, zero or more, in the currency of the rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// For `idle_opportunity`: working days without an activity. For `incomplete_account`: days after its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_days: Option<i32>,
    /// For `incomplete_account`: the completeness in per cent that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below_percent: Option<i32>,
}

/// The most that can be earned; what lies above is not paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Caps {
    /// Points of one rep for one day's work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<Points>,
    /// Points of one rep for one day's work at one account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_account_day: Option<Points>,
}

/// What makes an award wait. Each absent member looks for nothing.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct Holds {
    /// So many activities of one rep typed within so many minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// Trigram similarity in per cent of the summary to another of the same rep's in the last 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity_percent: Option<i32>,
    /// Kilometres an hour between two verified visits that nobody travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_kmh: Option<i32>,
    /// An accuracy of the check-in's position, in metres, that is too poor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_metres: Option<i32>,
    /// Minutes that an activity may have taken place after it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub future_minutes: Option<i32>,
    /// Days after which a hold that nobody reviewed is released.
    pub release_after_days: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct Burst {
    pub entries: i32,
    pub minutes: i32,
}

/// How reps come to leads, and what they owe them.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub struct LeadRules {
    /// The ways by which leads are given out; several may stand beside each other.
    pub policies: Vec<GrantPolicy>,
    /// For `purchase`: the points that the right to pick one lead costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_per_lead: Option<Points>,
    /// For `quota`: rights to pick that each rep gets on the first of a month; unused ones expire with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_quota: Option<i32>,
    /// Leads that one rep may pick in one day.
    pub daily_picks: i32,
    /// Leads that one rep may hold at one time.
    pub capacity: i32,
    /// Days during which a former owner may not pick the lead again.
    pub cool_down_days: i32,
    /// Working days within which a claimed lead must be worked, else it returns to the pool.
    pub work_within_days: i32,
    /// Working days before that on which its owner is warned.
    pub warn_before_days: i32,
    /// Points for a signed opportunity, paid to its owner.
    pub signing_points: Points,
    /// Per cent of these that go to whoever documented the account before it was reassigned.
    pub contributor_percent: i32,
}

/// Why a booking is what it is: the rule, what went in, and the arithmetic.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Version of the rule set.
    pub rule_set_version: i32,
    /// When the work took place; absent where nothing was entered, as for a missed plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured_proven: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Timestamp>,
    /// The hours in which the delay is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Delay from occurrence to capture, in whole minutes of these hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_minutes: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Points>,
    /// The bracket that applied, in hours; absent when later than every bracket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_hours: Option<i32>,
    /// The bracket's share of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<i32>,
    /// The weighed fields, each with what it brought.
    #[serde(default)]
    pub weights: Vec<WeighedField>,
    /// Sum of the weights of the filled fields.
    pub weight_filled: i32,
    /// Sum of all weights.
    pub weight_total: i32,
    /// Names of the fields that were empty.
    pub missing: Vec<Line>,
    /// What a cap took away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capped: Option<Points>,
    /// The offence that is fined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offence: Option<PenaltyKind>,
    /// The day on which the offence fell due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// The calculation, such as `10 × 60 % × 70/100 = 4.20`.
    pub arithmetic: Text,
    /// In words, English.
    pub en: Text,
    /// In words, Chinese (zh-CN).
    pub zh: Text,
}

impl Explanation {
    /// One that says nothing yet.
    pub fn bare(rule_set_version: i32) -> Self {
        Explanation {
            rule_set_version,
            occurred: None,
            captured: None,
            captured_proven: None,
            received: None,
            hours: None,
            delay_minutes: None,
            base: None,
            within_hours: None,
            percent: None,
            weights: Vec::new(),
            weight_filled: 0,
            weight_total: 0,
            missing: Vec::new(),
            capped: None,
            offence: None,
            due: None,
            arithmetic: Text(String::new()),
            en: Text(String::new()),
            zh: Text(String::new()),
        }
    }
}

/// What one weighed field of a card or an entry came to.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct WeighedField {
    /// The field's name on the wire.
    pub field: Line,
    pub weight: i32,
    /// Whether it counts: filled, long enough, with what must stand beside it.
    pub filled: bool,
    /// For cards: the share of the base that its timeliness left when it was filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<i32>,
    /// For cards: what it earned, or what was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Points>,
}
