//! The fields of each kind as the published document has them: what comes is described by the record, what may be sent by
//! the bodies that create and update it.

use std::sync::LazyLock;

use entity::kind::Kind;
use sea_orm::Iterable;
use serde_json::Value;

use super::{KindSchema, SchemaChoice, SchemaField, SchemaType, Writable};
use crate::account::AccountFields;
use crate::activity::ActivityFields;
use crate::app;
use crate::appeal::AppealFields;
use crate::attachment::AttachmentFields;
use crate::change::{Fields, camel, is_camel};
use crate::contact::ContactFields;
use crate::custom_field::MEMBER;
use crate::http::Contract;
use crate::lead::LeadFields;
use crate::opportunity::OpportunityFields;
use crate::plan::PlanFields;
use crate::product::ProductFields;

static KINDS: LazyLock<Vec<KindSchema>> = LazyLock::new(|| {
    let contract = Contract::new(app::spec());
    Kind::iter().filter_map(|kind| of(&contract, kind)).collect()
});

/// All kinds of records, without what tenants define.
pub fn kinds() -> &'static [KindSchema] {
    &KINDS
}

/// The fields that are set when a record is made and never change; bodies that update may name them all the same.
fn fixed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Account => AccountFields::FIXED,
        Kind::Contact => ContactFields::FIXED,
        Kind::Opportunity => OpportunityFields::FIXED,
        Kind::Plan => PlanFields::FIXED,
        Kind::Activity => ActivityFields::FIXED,
        Kind::Product => ProductFields::FIXED,
        Kind::Appeal => AppealFields::FIXED,
        Kind::Lead => LeadFields::FIXED,
        Kind::Attachment => AttachmentFields::FIXED,
        _ => &[],
    }
}

/// The schemas that say something of a kind; null where there is none.
struct Described<'a> {
    contract: &'a Contract,
    fixed: &'static [&'static str],
    record: &'a Value,
    set: &'a Value,
    create: &'a Value,
    update: &'a Value,
}

fn of(contract: &Contract, kind: Kind) -> Option<KindSchema> {
    let schemas = &contract.document()["components"]["schemas"];
    let member = &schemas["SyncChange"]["properties"][camel(kind.as_str())];
    let record = contract.resolve(member);
    let noun: String = {
        let name = camel(kind.as_str());
        let (first, rest) = name.split_at(1);
        first.to_uppercase() + rest
    };
    // A body that updates has a `reason` beside the fields, which is none of them.
    let fields = [format!("{noun}Fields"), format!("Update{noun}")].map(|name| &schemas[name]);
    let described = Described {
        contract,
        fixed: fixed(kind),
        record,
        set: fields.into_iter().find(|schema| !schema.is_null()).unwrap_or(&Value::Null),
        create: &schemas[format!("Create{noun}")],
        update: &schemas[format!("Update{noun}")],
    };
    let names = record["properties"].as_object()?.keys();
    // Its values are told one by one, by whoever knows the tenant.
    let fields = names.filter(|name| *name != MEMBER).flat_map(|name| described.field(name)).collect();
    Some(KindSchema { kind, fields })
}

impl Described<'_> {
    /// The field and, if it has simple ones, its parts.
    fn field(&self, name: &str) -> Vec<SchemaField> {
        let mut sent = [self.set, self.create].into_iter().map(|body| &body["properties"][name]);
        let written = sent.find(|schema| !schema.is_null());
        let is_fixed = self.fixed.iter().any(|fixed| is_camel(fixed, name));
        let writable = match (self.set["properties"][name].is_null() || is_fixed, written) {
            (false, _) => Writable::Always,
            (true, Some(_)) => Writable::AtCreation,
            (true, None) => Writable::Never,
        };
        let lists = |list: &Value| list.as_array().is_some_and(|names| names.iter().any(|known| known == name));
        let shown = &self.record["properties"][name];
        // What is asked of a text that is sent is more than what is said of one that comes.
        let plain = self.plain(name, written.unwrap_or(shown), writable);
        let whole = SchemaField {
            is_required: lists(&self.create["required"]),
            is_clearable: lists(&self.update["properties"]["clear"]["items"]["enum"]),
            description: text(shown, "description").or(plain.description.clone()),
            ..plain
        };
        let parts = self.contract.resolve(shown)["properties"].as_object().into_iter().flatten();
        let parts = parts.map(|(part, schema)| self.plain(&format!("{name}.{part}"), schema, writable));
        let simple = |part: &SchemaField| !matches!(part.value_type, SchemaType::Object | SchemaType::List);
        let parts: Vec<SchemaField> = parts.collect();
        let parts = if parts.iter().all(simple) { parts } else { Vec::new() };
        std::iter::once(whole).chain(parts).collect()
    }

    /// What the schema of a field says.
    fn plain(&self, name: &str, schema: &Value, writable: Writable) -> SchemaField {
        let resolved = self.contract.resolve(schema);
        let whole = |keyword: &str| resolved[keyword].as_i64().and_then(|number| i32::try_from(number).ok());
        let choice = |value: &Value| Some(SchemaChoice { value: value.as_str()?.to_owned(), names: None });
        SchemaField {
            name: name.to_owned(),
            value_type: value_type(resolved),
            writable,
            is_required: false,
            is_clearable: false,
            min_length: whole("minLength"),
            max_length: whole("maxLength"),
            minimum: resolved["minimum"].as_f64(),
            maximum: resolved["maximum"].as_f64(),
            pattern: text(resolved, "pattern"),
            choices: resolved["enum"].as_array().map(|values| values.iter().filter_map(choice).collect()),
            description: text(schema, "description"),
            names: None,
            custom_field_id: None,
            archived_at: None,
        }
    }
}

fn text(schema: &Value, keyword: &str) -> Option<String> {
    schema[keyword].as_str().map(str::to_owned)
}

fn value_type(schema: &Value) -> SchemaType {
    let is_decimal = schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with("^-?[0-9]"));
    match (schema["type"].as_str(), schema["format"].as_str()) {
        _ if schema["enum"].is_array() => SchemaType::Choice,
        (_, Some("uuid")) => SchemaType::Id,
        (_, Some("date")) => SchemaType::Date,
        (_, Some("date-time")) => SchemaType::Time,
        (Some("boolean"), _) => SchemaType::Flag,
        (Some("integer"), _) => SchemaType::Integer,
        (Some("number"), _) => SchemaType::Number,
        (Some("array"), _) => SchemaType::List,
        (Some("object"), _) => SchemaType::Object,
        _ if is_decimal => SchemaType::Decimal,
        _ => SchemaType::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: Kind, name: &str) -> SchemaField {
        let fields = &kinds().iter().find(|known| known.kind == kind).unwrap().fields;
        fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{kind} has no {name}")).clone()
    }

    #[test]
    fn every_kind_tells_its_fields() {
        for kind in Kind::iter() {
            assert_eq!(field(kind, "id").value_type, SchemaType::Id, "{kind}");
            assert_eq!(field(kind, "revision").writable, Writable::Never, "{kind}");
        }
    }

    #[test]
    fn what_may_be_written_and_what_is_asked_of_it_is_the_documents() {
        let name = field(Kind::Account, "name");
        assert_eq!((name.writable, name.is_required, name.is_clearable), (Writable::Always, true, false));
        assert_eq!((name.min_length, name.max_length), (Some(1), Some(200)));
        let owner = field(Kind::Account, "ownerId");
        assert_eq!((owner.writable, owner.value_type), (Writable::AtCreation, SchemaType::Id));
        let revenue = field(Kind::Account, "annualRevenue");
        assert_eq!((revenue.value_type, revenue.is_clearable), (SchemaType::Decimal, true));
        assert_eq!(field(Kind::Account, "employees").minimum, Some(0.0));
        assert_eq!(field(Kind::Account, "address").value_type, SchemaType::Object);
        assert_eq!(field(Kind::Account, "address.city").writable, Writable::Always);
        let stage = field(Kind::Opportunity, "stage");
        assert_eq!((stage.writable, stage.choices.map(|all| all.len())), (Writable::Never, Some(5)));
        assert_eq!(field(Kind::Activity, "occurred").value_type, SchemaType::Time);
        assert_eq!(field(Kind::Activity, "nextStepOn").value_type, SchemaType::Date);
        assert_eq!(field(Kind::Activity, "capturedProven").value_type, SchemaType::Flag);
        assert_eq!(field(Kind::Attachment, "reason").writable, Writable::Never);
        assert_eq!(field(Kind::Attachment, "fileName").writable, Writable::Always);
        assert_eq!(field(Kind::Contact, "accountId").writable, Writable::AtCreation);
        assert_eq!(field(Kind::RuleSet, "rules").value_type, SchemaType::Object);
    }
}
