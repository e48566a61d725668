//! What goes over the wire.

use entity::scalar::Date;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::{Uuid, uuid};

/// What entering activities costs, and which required field tells nothing.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct EntryBurden {
    /// First day of the period.
    pub from: Date,
    /// Last day of the period; it counts too.
    pub to: Date,
    /// IANA name of the tenant's time zone, in which days and months begin and end.
    pub time_zone: String,
    /// All activities of the period.
    pub total: Burden,
    /// The same by month.
    pub months: Vec<MonthBurden>,
    /// The same by month and team of the owner.
    pub teams: Vec<MonthBurden>,
    /// What stages ask for and what the active rules weigh, each with whether it tells won from lost.
    pub fields: Vec<FieldBurden>,
}

/// What entering activities costs.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Burden {
    pub activities: i64,
    /// Of these, those whose client told how long it took to enter them (`entrySeconds`).
    pub timed: i64,
    /// Median of these seconds.
    pub median_seconds: Option<f64>,
    /// Median number of fields that are filled, besides account, kind and time.
    pub median_fields: Option<f64>,
    /// Share that was typed within two hours after it took place, from 0 to 1.
    pub within_two_hours: Option<f64>,
    /// Share that holds all that the active rules weigh for its kind, from 0 to 1.
    pub complete: Option<f64>,
}

/// A month, or a team's month.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct MonthBurden {
    /// Such as `2026-03`.
    pub month: String,
    pub team_id: Option<Uuid>,
    pub team_name: Option<String>,
    pub burden: Burden,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum BurdenRecord {
    /// A stage asks for it.
    Opportunity,
    /// The active rules weigh it.
    Activity,
}

/// Whether a field tells won from lost, as far as chance alone is concerned (95 per cent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum FieldFinding {
    Differs,
    /// No difference that chance alone does not explain: asking for it may be work for nothing.
    NoDifference,
    /// The same value everywhere: it never differs.
    AlwaysTheSame,
    /// Fewer than twenty won or lost ones.
    TooFew,
}

/// A required field among those that were won and lost in the period.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct FieldBurden {
    pub record: BurdenRecord,
    /// Its name on the wire.
    pub field: String,
    /// Opportunities that were won, or activities for such.
    pub won: i64,
    pub lost: i64,
    /// Share of the won ones in which it is filled, from 0 to 1.
    pub won_filled: Option<f64>,
    pub lost_filled: Option<f64>,
    pub finding: FieldFinding,
}

impl Example for EntryBurden {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let burden = Burden {
            activities: 412,
            timed: 380,
            median_seconds: Some(48.0),
            median_fields: Some(5.0),
            within_two_hours: Some(0.7913),
            complete: Some(0.6214),
        };
        let month = MonthBurden {
            month: "2026-03".into(),
            team_id: Some(uuid!("0198c0de-0000-7000-8000-000000000001")),
            team_name: Some("East".into()),
            burden: burden.clone(),
        };
        let field = FieldBurden {
            record: BurdenRecord::Opportunity,
            field: "currency".into(),
            won: 41,
            lost: 57,
            won_filled: Some(1.0),
            lost_filled: Some(1.0),
            finding: FieldFinding::AlwaysTheSame,
        };
        EntryBurden {
            from: day("2026-03-01"),
            to: day("2026-03-31"),
            time_zone: "Asia/Shanghai".into(),
            total: burden.clone(),
            months: vec![MonthBurden { team_id: None, team_name: None, ..month.clone() }],
            teams: vec![month],
            fields: vec![field],
        }
    }
}
