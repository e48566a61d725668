//! What a lead may be the same customer as: accounts, contacts and leads with the same phone, e-mail or credit code, and
//! accounts and leads with a similar name. One statement for all leads of a batch.

use std::collections::BTreeMap;

use entity::kind::Kind;
use entity::scalar::Line;
use entity::shape::{Likeness, Likenesses};
use entity::{account, contact, lead};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::{Body, Change, Intent};
use crate::problem::Error;
use crate::read;
use crate::state::State;
use crate::work::UnitOfWork;

/// Likenesses that are kept with a lead, the closest first.
pub const MOST: usize = 10;

/// Trigram similarity of two names from which on they are told, in per cent: 霍普光通信 and 霍普光通信有限公司 have 45, two
/// companies of one trade that share 有限公司 have less than 40.
const SIMILAR: i32 = 40;

/// A number with fewer digits says too little. Numbers are looked up by so many digits from their end.
const FEWEST_DIGITS: usize = 7;

/// From so many digits on a number has its area in it, and is the same as one with the prefix of a country before it.
const FEWEST_NATIONAL: usize = 9;

/// The longest prefix of a country.
const PREFIX_DIGITS: usize = 3;

/// What is compared.
struct Asked {
    id: Uuid,
    name: String,
    phone: Option<String>,
    email: Option<String>,
    credit_code: Option<String>,
}

/// As a lead tells them to whoever sees it: the accounts and contacts without their ids.
pub fn told(mut records: Vec<Likeness>) -> Likenesses {
    records.iter_mut().filter(|record| record.kind != Kind::Lead).for_each(|record| record.id = None);
    Likenesses { records }
}

/// Those that the actor sees, with their ids; the others as a lead tells them.
pub async fn seen(state: &State, actor: &Actor, lead_id: Uuid) -> Result<Likenesses, Error> {
    let lead: lead::Model = read::get(state, actor, lead_id).await?;
    let work = UnitOfWork::begin(state, actor).await?;
    let mut records = find_one(&work, &lead).await?;
    for record in &mut records {
        let Some(id) = record.id else { continue };
        let is_seen = match record.kind {
            Kind::Account => read::find::<account::Model>(state, actor, id).await?.is_some(),
            Kind::Contact => read::find::<contact::Model>(state, actor, id).await?.is_some(),
            _ => read::find::<lead::Model>(state, actor, id).await?.is_some(),
        };
        record.id = Some(id).filter(|_| is_seen);
    }
    Ok(Likenesses { records })
}

/// By lead of the batch that is new or whose distinguishing fields change.
pub async fn find(work: &UnitOfWork, changes: &[&Change]) -> Result<BTreeMap<Uuid, Likenesses>, DbErr> {
    let asked: Vec<Asked> = changes.iter().filter_map(|change| asked(work, change)).collect();
    Ok(of(work, &asked).await?.into_iter().map(|(lead, records)| (lead, told(records))).collect())
}

/// For one lead as it stands.
pub async fn find_one(work: &UnitOfWork, lead: &lead::Model) -> Result<Vec<Likeness>, DbErr> {
    let asked = Asked {
        id: lead.id,
        name: lead.name.clone(),
        phone: digits(lead.phone.as_deref()),
        email: folded(lead.email.as_deref()),
        credit_code: folded(lead.credit_code.as_deref()),
    };
    Ok(of(work, &[asked]).await?.remove(&lead.id).unwrap_or_default())
}

fn asked(work: &UnitOfWork, change: &Change) -> Option<Asked> {
    let (Intent::Create(Body::Lead(fields)) | Intent::Update(Body::Lead(fields))) = &change.intent else { return None };
    let known = work.get::<lead::Model>(change.id);
    let tells =
        fields.name.is_some() || fields.phone.is_some() || fields.email.is_some() || fields.credit_code.is_some();
    let kept = |given: Option<String>, name: &str, known: Option<&str>| {
        given.or_else(|| known.filter(|_| !change.clear.iter().any(|cleared| cleared == name)).map(str::to_owned))
    };
    let phone = kept(fields.phone.clone().map(|line| line.0), "phone", known.and_then(|lead| lead.phone.as_deref()));
    let email = kept(fields.email.clone().map(|email| email.0), "email", known.and_then(|lead| lead.email.as_deref()));
    let code = kept(
        fields.credit_code.clone().map(|line| line.0),
        "creditCode",
        known.and_then(|lead| lead.credit_code.as_deref()),
    );
    (tells || !change.clear.is_empty()).then(|| Asked {
        id: change.id,
        name: fields.name.clone().map(|line| line.0).or(known.map(|lead| lead.name.clone())).unwrap_or_default(),
        phone: digits(phone.as_deref()),
        email: folded(email.as_deref()),
        credit_code: folded(code.as_deref()),
    })
}

async fn of(work: &UnitOfWork, asked: &[Asked]) -> Result<BTreeMap<Uuid, Vec<Likeness>>, DbErr> {
    let mut found: BTreeMap<Uuid, Vec<Likeness>> = BTreeMap::new();
    if asked.is_empty() {
        return Ok(found);
    }
    let rows: Vec<Value> = asked
        .iter()
        .map(|lead| {
            let ending = lead.phone.as_ref().map(|phone| &phone[phone.len() - FEWEST_DIGITS..]);
            json!({ "id": lead.id, "name": lead.name, "phone": lead.phone, "ending": ending, "email": lead.email,
                    "code": lead.credit_code })
        })
        .collect();
    let statement = work.statement(&sql(), [Value::Array(rows).to_string().into(), SIMILAR.into()]);
    for row in work.connection().query_all_raw(statement).await? {
        let (lead, kind, id): (Uuid, String, Uuid) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let (field, similarity): (String, i32) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let Some(kind) = Kind::parse(&kind) else { continue };
        let records = &mut found.entry(lead).or_default();
        match records.iter_mut().find(|record| record.kind == kind && record.id == Some(id)) {
            Some(record) => {
                record.fields.push(Line(field));
                record.similarity = record.similarity.max(similarity);
            }
            None => {
                let (id, owner_id) = (Some(id), row.try_get_by_index(5)?);
                records.push(Likeness { kind, id, owner_id, fields: vec![Line(field)], similarity });
            }
        }
    }
    for records in found.values_mut() {
        records.iter_mut().for_each(|record| record.fields.sort_by(|one, other| one.0.cmp(&other.0)));
        records.sort_by_key(|record| (std::cmp::Reverse(record.similarity), record.kind, record.id));
        records.truncate(MOST);
    }
    Ok(found)
}

/// `$1` tenant, `$2` leads as JSON, `$3` least similarity of names in per cent → lead, kind, id, field, per cent, and
/// who answers for the account.
fn sql() -> String {
    let exact = |table: &str, field: &str, column: &str, given: &str| {
        format!(
            "SELECT n.id AS lead, '{table}' AS kind, t.id, '{field}' AS field, 100 AS similarity FROM n JOIN {table} t \
             ON t.tenant_id = $1 AND t.deleted_at IS NULL AND {column} = n.{given} AND t.id <> n.id"
        )
    };
    // The index finds by the end; then one number is the end of the other, and what is before it a country's prefix.
    let all = "regexp_replace(t.phone, '[^0-9]', '', 'g')";
    let d = format!("ltrim({all}, '0')");
    let ends = |long: &str, short: &str| {
        format!(
            "right({long}, length({short})) = {short} AND length({long}) - length({short}) <= {PREFIX_DIGITS} \
             AND length({short}) >= {FEWEST_NATIONAL}"
        )
    };
    let same = format!("({d} = n.phone OR {} OR {})", ends(&d, "n.phone"), ends("n.phone", &d));
    let phone = format!("{same} AND right({all}, {FEWEST_DIGITS})");
    let mut legs = Vec::new();
    for table in ["account", "contact", "lead"] {
        legs.push(exact(table, "phone", &phone, "ending"));
        legs.push(exact(table, "email", "lower(t.email)", "email"));
        if table != "contact" {
            legs.push(exact(table, "creditCode", "upper(t.credit_code)", "code"));
            // The operator finds by the index what is at least 30 % alike.
            legs.push(format!(
                "SELECT n.id, '{table}', t.id, 'name', floor(100 * similarity(t.name, n.name))::integer FROM n JOIN {table} t \
                 ON t.tenant_id = $1 AND t.deleted_at IS NULL AND t.name % n.name AND t.id <> n.id \
                 WHERE similarity(t.name, n.name) * 100 >= $3"
            ));
        }
    }
    format!(
        "WITH n AS MATERIALIZED (SELECT * FROM json_to_recordset($2::json) AS \
         n(id uuid, name text, phone text, ending text, email text, code text)), x AS ({}) \
         SELECT x.*, coalesce(a.owner_id, ca.owner_id) FROM x \
         LEFT JOIN account a ON a.tenant_id = $1 AND x.kind = 'account' AND a.id = x.id \
         LEFT JOIN contact c ON c.tenant_id = $1 AND x.kind = 'contact' AND c.id = x.id \
         LEFT JOIN account ca ON ca.tenant_id = $1 AND ca.id = c.account_id ORDER BY 1, 5 DESC, 2, 3, 4",
        legs.join(" UNION ALL ")
    )
}

/// The digits of a phone number, without the zeros that lead out of an office or a country.
pub fn digits(phone: Option<&str>) -> Option<String> {
    let digits: String = phone?.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (digits.len() >= FEWEST_DIGITS).then(|| digits.to_owned())
}

/// Whether two numbers are one, perhaps with the prefix of the country before it; the statement above asks the same.
pub fn same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (digits(one), digits(other)) else { return false };
    let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    long == short
        || (long.ends_with(&short) && short.len() >= FEWEST_NATIONAL && long.len() - short.len() <= PREFIX_DIGITS)
}

/// E-mail addresses and codes are compared without case; the columns are folded likewise.
pub fn folded(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| if text.contains('@') { text.to_lowercase() } else { text.to_uppercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        for (spelled, told) in [
            ("+86 21 5555 0100", "862155550100"),
            ("021-5555 0100", "2155550100"),
            ("(0086) 21/55550100", "862155550100"),
            ("040 555 01 00", "405550100"),
        ] {
            assert_eq!(digits(Some(spelled)).as_deref(), Some(told), "{spelled}");
        }
        assert_eq!(digits(Some("110")), None);
        assert_eq!(digits(Some("000 000 110")), None);
        assert_eq!(digits(Some("extension")), None);
    }

    #[test]
    fn a_number_is_the_same_however_it_is_dialled() {
        let same = |one, other| same_number(Some(one), Some(other)) && same_number(Some(other), Some(one));
        assert!(same("+86 21 5555 0100", "021-5555 0100"));
        assert!(same("(0086) 21/55550100", "2155550100"));
        assert!(same("+49 40 555 0100", "040 5550100"), "national numbers may be short");
        assert!(same("+1 212 555 0199", "(212) 555-0199"));
        assert!(same("5555 0100", "55550100"));
        assert!(!same("021-5555 0100", "010-5555 0100"));
        assert!(!same("5555 0100", "021-5555 0100"), "the same in another town");
        assert!(!same("+86 21 5555 0100", "+49 40 555 0100"));
        assert!(!same_number(None, None) && !same_number(Some("110"), Some("110")));
    }

    #[test]
    fn case_does_not_count() {
        assert_eq!(folded(Some("Wang@Hopton.example")).as_deref(), Some("wang@hopton.example"));
        assert_eq!(folded(Some("91310000ma1fl0xx1a")).as_deref(), Some("91310000MA1FL0XX1A"));
        assert_eq!(folded(Some(" ")), None);
    }
}
