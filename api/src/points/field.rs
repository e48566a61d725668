//! The fields that a rule set may weigh: their names, and how many characters one record has in each. What each is worth
//! stands in the tenant's rule set.

use std::collections::BTreeMap;

use entity::kind::{CardKind, WorkKind};
use entity::{account, activity, contact, opportunity, plan};

use super::photo;

/// A field that a rule set may weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What a user calls it, in English.
    pub en: &'static str,
    /// What a user calls it, in Chinese.
    pub zh: &'static str,
    /// Whether people write it, so that a number of characters may be asked for.
    pub is_text: bool,
}

const fn text(name: &'static str, en: &'static str, zh: &'static str) -> Field {
    Field { name, en, zh, is_text: true }
}

const fn value(name: &'static str, en: &'static str, zh: &'static str) -> Field {
    Field { name, en, zh, is_text: false }
}

/// Of activities.
pub const FIELDS: [Field; 10] = [
    text("summary", "summary", "摘要"),
    text("outcome", "outcome", "结果"),
    text("nextStep", "next step", "下一步"),
    value("nextStepOn", "date of the next step", "下一步日期"),
    value("contactId", "contact", "联系人"),
    value("opportunityId", "opportunity", "商机"),
    value("durationMinutes", "duration", "时长"),
    value(photo::NAME, "photo", "照片"),
    value("checkIn", "check-in", "签到"),
    value("checkOut", "check-out", "签退"),
];

/// Of opportunities, as they stand after a stage move.
const MOVED: [Field; 10] = [
    value("accountId", "account", "客户"),
    value("amount", "amount", "金额"),
    value("contactId", "contact", "联系人"),
    value("currency", "currency", "币种"),
    value("expectedOn", "expected day of signature", "预计签约日期"),
    value("externalId", "external id", "外部编号"),
    text("note", "note", "备注"),
    value("productId", "product", "产品"),
    value("signedOn", "day of signature", "签约日期"),
    text("source", "source", "来源"),
];

/// Of plans.
const PLANNED: [Field; 3] = [
    value("contactId", "contact", "联系人"),
    value("opportunityId", "opportunity", "商机"),
    text("purpose", "purpose", "目的"),
];

/// Of account cards.
const ACCOUNT: [Field; 10] = [
    text("phone", "phone", "电话"),
    text("email", "e-mail", "电子邮箱"),
    text("website", "website", "网站"),
    text("industry", "industry", "行业"),
    value("employees", "number of employees", "员工人数"),
    value("annualRevenue", "annual revenue", "年营业额"),
    value("foundedYear", "year of foundation", "成立年份"),
    value("address", "address", "地址"),
    value("position", "position", "位置"),
    text("note", "note", "备注"),
];

/// Of contact cards.
const CONTACT: [Field; 4] = [
    text("title", "title", "职务"),
    text("phone", "phone", "电话"),
    text("email", "e-mail", "电子邮箱"),
    text("note", "note", "备注"),
];

/// What may be weighed for this kind of work: only a visit has check-in and check-out.
pub fn of_work(kind: WorkKind) -> &'static [Field] {
    match kind {
        WorkKind::Visit => &FIELDS,
        WorkKind::Call | WorkKind::Meeting | WorkKind::Email | WorkKind::Note => &FIELDS[..8],
        WorkKind::StageMove => &MOVED,
        WorkKind::Plan => &PLANNED,
    }
}

/// What may be weighed of this kind of card.
pub fn of_card(kind: CardKind) -> &'static [Field] {
    match kind {
        CardKind::Account => &ACCOUNT,
        CardKind::Contact => &CONTACT,
    }
}

/// The field with this name on the wire, of whatever kind.
pub fn field(name: &str) -> Option<Field> {
    [&FIELDS[..], &MOVED, &PLANNED, &ACCOUNT, &CONTACT].into_iter().flatten().copied().find(|field| field.name == name)
}

/// The filled fields by their names on the wire, each with its number of characters; what is no text has as many as
/// anybody may ask for. A text of white space is not filled.
pub type Filled = BTreeMap<&'static str, usize>;

fn filled_of<const N: usize>(table: [(&'static str, usize); N]) -> Filled {
    table.into_iter().filter(|(_, characters)| *characters > 0).collect()
}

fn written(value: Option<&String>) -> usize {
    value.map_or(0, |text| text.trim().chars().count())
}

fn given<T>(value: Option<&T>) -> usize {
    if value.is_some() { usize::MAX } else { 0 }
}

/// Of an activity, and whether a photo of it is there.
pub fn filled(activity: &activity::Model, has_photo: bool) -> Filled {
    filled_of([
        ("summary", written(activity.summary.as_ref())),
        ("outcome", written(activity.outcome.as_ref())),
        ("nextStep", written(activity.next_step.as_ref())),
        ("nextStepOn", given(activity.next_step_on.as_ref())),
        ("contactId", given(activity.contact_id.as_ref())),
        ("opportunityId", given(activity.opportunity_id.as_ref())),
        ("durationMinutes", given(activity.duration_minutes.as_ref())),
        (photo::NAME, given(has_photo.then_some(&()))),
        ("checkIn", given(activity.check_in.as_ref())),
        ("checkOut", given(activity.check_out.as_ref())),
    ])
}

/// Of an opportunity.
pub fn filled_opportunity(opportunity: &opportunity::Model) -> Filled {
    filled_of([
        ("accountId", given(opportunity.account_id.as_ref())),
        ("amount", given(opportunity.amount.as_ref())),
        ("contactId", given(opportunity.contact_id.as_ref())),
        ("currency", given(opportunity.currency.as_ref())),
        ("expectedOn", given(opportunity.expected_on.as_ref())),
        ("externalId", given(opportunity.external_id.as_ref())),
        ("note", written(opportunity.note.as_ref())),
        ("productId", given(opportunity.product_id.as_ref())),
        ("signedOn", given(opportunity.signed_on.as_ref())),
        ("source", written(opportunity.source.as_ref())),
    ])
}

/// Of a plan.
pub fn filled_plan(plan: &plan::Model) -> Filled {
    filled_of([
        ("contactId", given(plan.contact_id.as_ref())),
        ("opportunityId", given(plan.opportunity_id.as_ref())),
        ("purpose", written(plan.purpose.as_ref())),
    ])
}

/// Of an account card.
pub fn filled_account(account: &account::Model) -> Filled {
    let address = account.address.as_ref().filter(|address| **address != entity::shape::Address::default());
    filled_of([
        ("phone", written(account.phone.as_ref())),
        ("email", written(account.email.as_ref())),
        ("website", written(account.website.as_ref())),
        ("industry", written(account.industry.as_ref())),
        ("employees", given(account.employees.as_ref())),
        ("annualRevenue", given(account.annual_revenue.as_ref())),
        ("foundedYear", given(account.founded_year.as_ref())),
        ("address", given(address)),
        ("position", given(account.position.as_ref())),
        ("note", written(account.note.as_ref())),
    ])
}

/// Of a contact card.
pub fn filled_contact(contact: &contact::Model) -> Filled {
    filled_of([
        ("title", written(contact.title.as_ref())),
        ("phone", written(contact.phone.as_ref())),
        ("email", written(contact.email.as_ref())),
        ("note", written(contact.note.as_ref())),
    ])
}

#[cfg(test)]
mod tests {
    use entity::kind::ActivityKind;
    use entity::scalar::{Date, Timestamp};
    use entity::shape::Check;
    use poem_openapi::types::ToJSON;
    use uuid::Uuid;

    use std::collections::BTreeSet;

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
            custom: None,
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
        let names: BTreeSet<&str> = filled(&full, true).into_keys().collect();
        assert_eq!(names, FIELDS.into_iter().map(|field| field.name).collect());
        assert_eq!((filled(&full, false)["summary"], filled(&full, false)["checkIn"]), (18, usize::MAX));
        let json = full.to_json().unwrap();
        for field in FIELDS.into_iter().filter(|field| field.name != photo::NAME) {
            assert!(json.get(field.name).is_some(), "{} is no field of the wire", field.name);
        }
    }

    #[test]
    fn absent_and_blank_are_not_filled() {
        assert_eq!(filled(&bare(), false), Filled::new());
        let blank = activity::Model { summary: Some(" \t".into()), outcome: Some(String::new()), ..bare() };
        assert_eq!(filled(&blank, false), Filled::new());
    }

    #[test]
    fn only_a_visit_has_checks() {
        let has = |kind, name| of_work(kind).iter().any(|field| field.name == name);
        assert!(has(WorkKind::Visit, "checkIn") && has(WorkKind::Visit, "checkOut"));
        assert!(!has(WorkKind::Call, "checkIn") && !has(WorkKind::Note, "checkOut"));
        assert!(has(WorkKind::Note, "summary") && has(WorkKind::StageMove, "amount"));
    }

    #[test]
    fn a_name_means_the_same_wherever_it_stands() {
        for field in [&FIELDS[..], &MOVED, &PLANNED, &ACCOUNT, &CONTACT].into_iter().flatten() {
            assert_eq!(super::field(field.name), Some(*field));
        }
    }
}
