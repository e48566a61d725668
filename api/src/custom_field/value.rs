//! What a text must be to be the value of a field. Pure: each type has one spelling, so that equal values are equal texts,
//! for merges and for the index that lists are filtered by.

use entity::custom::LONGEST;
use entity::custom_field::Model;
use entity::kind::CustomType;
use entity::scalar::{Date, Money};

/// The one spelling of a value, or what would be right.
pub fn spelled(field: &Model, text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    match field.value_type {
        CustomType::Text => written(trimmed),
        CustomType::Number => number(trimmed),
        CustomType::Date => Date::parse(trimmed).map(|day| day.to_string()).map_err(|told| must(&told)),
        CustomType::Flag if matches!(trimmed, "true" | "false") => Ok(trimmed.to_owned()),
        CustomType::Flag => Err("Must be `true` or `false`.".to_owned()),
        CustomType::Choice if field.choices.0.iter().any(|choice| choice.value.0 == trimmed) => Ok(trimmed.to_owned()),
        CustomType::Choice => {
            let values: Vec<&str> = field.choices.0.iter().map(|choice| choice.value.0.as_str()).collect();
            Err(format!("Must be one of {}.", values.join(", ")))
        }
    }
}

fn written(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("Must not be blank.".to_owned())
    } else if text.chars().count() > LONGEST {
        Err(format!("Must have at most {LONGEST} characters."))
    } else if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        Err("Must not contain control characters.".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// The digits that money has, and no more zeros than needed.
fn number(text: &str) -> Result<String, String> {
    let number = Money::parse(text).map_err(|told| must(&told))?.0.normalize();
    Ok(if number.is_zero() { "0".to_owned() } else { number.to_string() })
}

/// `expected a day such as …` → `Must be a day such as ….`
fn must(told: &str) -> String {
    format!("Must be {}.", told.strip_prefix("expected ").unwrap_or(told))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(value_type: CustomType) -> Model {
        let at = "2026-03-02T09:15:00Z";
        let id = "0198c0de-0000-7000-8000-000000000001";
        let names = json!({ "en": "Size", "zh": "尺寸" });
        serde_json::from_value(json!({
            "tenant_id": id, "id": id, "revision": 1, "created_at": at, "updated_at": at, "deleted_at": null,
            "record_kind": "account", "key": "size", "value_type": value_type, "names": names, "archived_at": null,
            "choices": [{ "value": "大", "names": names }, { "value": "small", "names": names }],
        }))
        .unwrap()
    }

    #[test]
    fn each_type_has_one_spelling() {
        for (value_type, text, spelling) in [
            (CustomType::Text, " two\nlines ", "two\nlines"),
            (CustomType::Number, "12.50", "12.5"),
            (CustomType::Number, "-0.0", "0"),
            (CustomType::Number, "007", "7"),
            (CustomType::Number, "-123456789012.1234", "-123456789012.1234"),
            (CustomType::Date, "2028-02-29", "2028-02-29"),
            (CustomType::Flag, "true", "true"),
            (CustomType::Choice, "大", "大"),
        ] {
            assert_eq!(spelled(&field(value_type), text).as_deref(), Ok(spelling), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_told_what_would_be() {
        let long = "长".repeat(LONGEST + 1);
        for (value_type, text, told) in [
            (CustomType::Text, "  ", "blank"),
            (CustomType::Text, long.as_str(), "at most 1000"),
            (CustomType::Text, "a\0b", "control"),
            (CustomType::Number, "many", "a decimal such as 12.50"),
            (CustomType::Number, "1e5", "a decimal"),
            (CustomType::Number, "1.23456", "4 after the point"),
            (CustomType::Date, "2026-02-30", "a day such as 2026-03-02"),
            (CustomType::Flag, "yes", "`true` or `false`"),
            (CustomType::Choice, "large", "one of 大, small"),
        ] {
            let refused = spelled(&field(value_type), text).unwrap_err();
            assert!(refused.contains(told) && refused.ends_with('.'), "{text}: {refused}");
        }
    }
}
