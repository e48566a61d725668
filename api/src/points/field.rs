//! The fields of an activity that can make it complete: their names, and which of them one activity has filled.
//! What each is worth stands in the tenant's rule set.

use std::collections::BTreeSet;

use entity::activity;
use entity::kind::WorkKind;

/// A field that a rule set may weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What a user calls it, in English.
    pub en: &'static str,
    /// What a user calls it, in Chinese.
    pub zh: &'static str,
}

/// Every field that a rule set may weigh.
pub const FIELDS: [Field; 9] = [
    Field { name: "summary", en: "summary", zh: "摘要" },
    Field { name: "outcome", en: "outcome", zh: "结果" },
    Field { name: "nextStep", en: "next step", zh: "下一步" },
    Field { name: "nextStepOn", en: "date of the next step", zh: "下一步日期" },
    Field { name: "contactId", en: "contact", zh: "联系人" },
    Field { name: "opportunityId", en: "opportunity", zh: "商机" },
    Field { name: "durationMinutes", en: "duration", zh: "时长" },
    Field { name: "checkIn", en: "check-in", zh: "签到" },
    Field { name: "checkOut", en: "check-out", zh: "签退" },
];

/// The field with this name on the wire, if a rule set may weigh it.
pub fn field(name: &str) -> Option<Field> {
    FIELDS.into_iter().find(|field| field.name == name)
}

/// Whether work of this kind can have the field at all: only a visit has check-in and check-out.
pub fn fits(name: &str, kind: WorkKind) -> bool {
    kind == WorkKind::Visit || !matches!(name, "checkIn" | "checkOut")
}

/// Names on the wire of the fields that hold something; a text of white space holds nothing.
pub fn filled(activity: &activity::Model) -> BTreeSet<&'static str> {
    let text = |value: &Option<String>| value.as_deref().is_some_and(|text| !text.trim().is_empty());
    let table = [
        ("summary", text(&activity.summary)),
        ("outcome", text(&activity.outcome)),
        ("nextStep", text(&activity.next_step)),
        ("nextStepOn", activity.next_step_on.is_some()),
        ("contactId", activity.contact_id.is_some()),
        ("opportunityId", activity.opportunity_id.is_some()),
        ("durationMinutes", activity.duration_minutes.is_some()),
        ("checkIn", activity.check_in.is_some()),
        ("checkOut", activity.check_out.is_some()),
    ];
    table.into_iter().filter_map(|(name, is_filled)| is_filled.then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use entity::kind::ActivityKind;
    use entity::scalar::{Date, Timestamp};
    use entity::shape::Check;
    use poem_openapi::types::ToJSON;
    use uuid::Uuid;

    use super::*;

    fn bare() -> activity::Model {
        activity::Model {
            tenant_id: Uuid::nil(),
            id: Uuid::nil(),
            revision: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            deleted_at: None,
            account_id: Uuid::nil(),
            contact_id: None,
            opportunity_id: None,
            plan_id: None,
            owner_id: Uuid::nil(),
            kind: ActivityKind::Visit,
            occurred: Timestamp::default(),
            captured: Timestamp::default(),
            captured_proven: true,
            received: Timestamp::default(),
            duration_minutes: None,
            summary: None,
            outcome: None,
            next_step: None,
            next_step_on: None,
            check_in: None,
            check_out: None,
            verdict: None,
            distance: None,
            external_id: None,
            entry_seconds: None,
        }
    }

    #[test]
    fn the_names_are_those_of_the_wire() {
        let check = Check { at: Timestamp::default(), latitude: None, longitude: None, accuracy: None, fixed_at: None };
        let full = activity::Model {
            contact_id: Some(Uuid::nil()),
            opportunity_id: Some(Uuid::nil()),
            duration_minutes: Some(45),
            summary: Some("Showed the samples".into()),
            outcome: Some("Wants an offer".into()),
            next_step: Some("Send the offer".into()),
            next_step_on: Some(Date::default()),
            check_in: Some(check),
            check_out: Some(check),
            ..bare()
        };
        assert_eq!(filled(&full), FIELDS.into_iter().map(|field| field.name).collect());
        let json = full.to_json().unwrap();
        for field in FIELDS {
            assert!(json.get(field.name).is_some(), "{} is no field of the wire", field.name);
        }
    }

    #[test]
    fn absent_and_blank_are_not_filled() {
        assert_eq!(filled(&bare()), BTreeSet::new());
        let blank = activity::Model { summary: Some(" \t".into()), outcome: Some(String::new()), ..bare() };
        assert_eq!(filled(&blank), BTreeSet::new());
    }

    #[test]
    fn only_a_visit_has_checks() {
        assert!(fits("checkIn", WorkKind::Visit) && fits("checkOut", WorkKind::Visit));
        assert!(!fits("checkIn", WorkKind::Call) && !fits("checkOut", WorkKind::Note));
        assert!(fits("summary", WorkKind::Note));
    }
}
