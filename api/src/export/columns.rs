//! A record as a row of cells: its fields in the order of the OpenAPI document, parts of a field after a dot, everything
//! deeper as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::custom_field;
use entity::kind::Kind;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde_json::Value;

use crate::custom_field::{MEMBER, PREFIX, customizable};
use crate::statement::sheet;

/// Does the same for the record type of a kind.
#[macro_export]
macro_rules! with_record {
    ($kind:expr, $M:ident => $done:expr) => {{
        use entity::kind::Kind;
        use entity::*;
        match $kind {
            Kind::Team => {
                type $M = team::Model;
                $done
            }
            Kind::User => {
                type $M = user::Model;
                $done
            }
            Kind::Product => {
                type $M = product::Model;
                $done
            }
            Kind::Stage => {
                type $M = stage::Model;
                $done
            }
            Kind::CustomField => {
                type $M = custom_field::Model;
                $done
            }
            Kind::RuleSet => {
                type $M = rule_set::Model;
                $done
            }
            Kind::Calendar => {
                type $M = calendar::Model;
                $done
            }
            Kind::Account => {
                type $M = account::Model;
                $done
            }
            Kind::AccountMember => {
                type $M = account_member::Model;
                $done
            }
            Kind::Contact => {
                type $M = contact::Model;
                $done
            }
            Kind::Opportunity => {
                type $M = opportunity::Model;
                $done
            }
            Kind::StageMove => {
                type $M = stage_move::Model;
                $done
            }
            Kind::Lead => {
                type $M = lead::Model;
                $done
            }
            Kind::LeadDraft => {
                type $M = lead_draft::Model;
                $done
            }
            Kind::Plan => {
                type $M = plan::Model;
                $done
            }
            Kind::Activity => {
                type $M = activity::Model;
                $done
            }
            Kind::PointsEntry => {
                type $M = points_entry::Model;
                $done
            }
            Kind::PointsBalance => {
                type $M = points_balance::Model;
                $done
            }
            Kind::Hold => {
                type $M = hold::Model;
                $done
            }
            Kind::Appeal => {
                type $M = appeal::Model;
                $done
            }
            Kind::Statement => {
                type $M = statement::Model;
                $done
            }
            Kind::RejectedWrite => {
                type $M = rejected_write::Model;
                $done
            }
            Kind::Attachment => {
                type $M = attachment::Model;
                $done
            }
            Kind::WeeklyDigest => {
                type $M = weekly_digest::Model;
                $done
            }
        }
    }};
}

static COLUMNS: LazyLock<BTreeMap<Kind, Vec<String>>> = LazyLock::new(|| {
    use sea_orm::Iterable;
    Kind::iter().map(|kind| (kind, with_record!(kind, M => of::<M>()))).collect()
});

/// The names of the columns of a kind; `custom` stands for the fields that a tenant defined itself.
pub fn columns(kind: Kind) -> &'static [String] {
    COLUMNS.get(&kind).map_or(&[], Vec::as_slice)
}

/// The same for a tenant that has defined these fields: a column each.
pub fn columns_with(kind: Kind, own: &[custom_field::Model]) -> Vec<String> {
    let own = own.iter().map(|field| format!("{PREFIX}{}", field.key));
    let all = columns(kind).iter().filter(|column| *column != MEMBER || customizable(kind).is_none()).cloned();
    all.chain(own).collect()
}

fn of<M: Type>() -> Vec<String> {
    let mut registry = Registry::new();
    M::register(&mut registry);
    let mut columns = Vec::new();
    for (name, schema) in &schema(&registry, &M::schema_ref()).properties {
        let parts = parts(&registry, schema);
        if parts.is_empty() {
            columns.push((*name).to_owned());
        }
        columns.extend(parts.into_iter().map(|part| format!("{name}.{part}")));
    }
    columns
}

fn schema<'a>(registry: &'a Registry, schema: &'a MetaSchemaRef) -> Cow<'a, MetaSchema> {
    match schema {
        MetaSchemaRef::Reference(name) => registry.schemas.get(name).map_or(Cow::Owned(MetaSchema::ANY), Cow::Borrowed),
        MetaSchemaRef::Inline(inline) => match inline.all_of.first() {
            // A reference with a description beside it.
            Some(reference) => self::schema(registry, reference),
            None => Cow::Borrowed(&**inline),
        },
    }
}

/// The parts of an object whose parts are all simple.
fn parts(registry: &Registry, field: &MetaSchemaRef) -> Vec<&'static str> {
    let object = schema(registry, field);
    let is_simple = |part: &MetaSchemaRef| {
        let part = schema(registry, part);
        !matches!(part.ty, "object" | "array") && part.properties.is_empty()
    };
    if object.properties.iter().all(|(_, part)| is_simple(part)) {
        object.properties.iter().map(|(name, _)| *name).collect()
    } else {
        Vec::new()
    }
}

/// The cells of a record, for a spreadsheet: what would be a formula there is kept a text.
pub fn cells(columns: &[String], record: &Value) -> Vec<String> {
    columns.iter().map(|column| spelled(cell(record, column))).collect()
}

fn cell<'a>(record: &'a Value, column: &str) -> &'a Value {
    match column.split_once('.') {
        Some((field, part)) => &record[field][part],
        None => &record[column],
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if is_figure(text) => text.clone(),
        Value::String(text) => sheet::text(text),
        other => other.to_string(),
    }
}

/// `-12.50` is a number and no formula.
fn is_figure(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.len() < 30 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_has_columns_and_parts_stand_after_a_dot() {
        use sea_orm::Iterable;
        for kind in Kind::iter() {
            assert_eq!(columns(kind).first().map(String::as_str), Some("id"), "{kind}");
        }
        let account = columns(Kind::Account);
        for name in ["name", "address.city", "position.latitude", "externalId"] {
            assert!(account.iter().any(|column| column == name), "{name}: {account:?}");
        }
        assert!(columns(Kind::PointsEntry).iter().any(|column| column == "explanation"));
    }

    #[test]
    fn fields_of_the_tenant_have_a_column_each() {
        assert!(columns(Kind::Account).iter().any(|column| column == MEMBER));
        assert!(!columns_with(Kind::Account, &[]).iter().any(|column| column == MEMBER));
        let record = json!({ "custom": { "size": "-12.5", "format": "=1+1" } });
        let own = ["custom.size", "custom.format", "custom.other"].map(str::to_owned);
        assert_eq!(cells(&own, &record), ["-12.5", "'=1+1", ""]);
    }

    #[test]
    fn texts_are_no_formulas_and_figures_stay() {
        let record = json!({ "name": "=1+1", "amount": "-12.50", "address": { "city": "@home" }, "tags": ["a"], "employees": 3 });
        let columns = ["name", "amount", "address.city", "tags", "employees", "note"].map(str::to_owned);
        assert_eq!(cells(&columns, &record), ["'=1+1", "-12.50", "'@home", "[\"a\"]", "3", ""]);
    }
}
