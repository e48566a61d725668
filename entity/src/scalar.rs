//! Scalars with one spelling everywhere: database, JSON, parameters and the OpenAPI document.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, SubsecRound, Utc};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use rust_decimal::Decimal;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Ties a newtype over `$inner` to poem-openapi and serde as a JSON string: `$schema`, `$parse(&str) -> Result<$inner, String>`
/// and `$show(&$inner) -> String`.
macro_rules! string_scalar {
    ($type:ident, $inner:ty, $name:literal, $schema:expr, $parse:expr, $show:expr) => {
        impl $type {
            /// Reads the wire spelling; the error is a sentence for the caller.
            pub fn parse(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<$inner, String> = $parse;
                parse(text).map($type)
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let show: fn(&$inner) -> String = $show;
                f.write_str(&show(&self.0))
            }
        }
        impl Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> Cow<'static, str> {
                $name.into()
            }
            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
        impl ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                match value.unwrap_or_default() {
                    Value::String(text) => Self::parse(&text).map_err(ParseError::custom),
                    other => Err(ParseError::expected_type(other)),
                }
            }
        }
        impl ParseFromParameter for $type {
            fn parse_from_parameter(text: &str) -> ParseResult<Self> {
                Self::parse(text).map_err(ParseError::custom)
            }
        }
        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.to_string()))
            }
        }
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A moment in UTC, to the millisecond: `2026-03-02T09:15:00.000Z`. Any RFC 3339 offset is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Timestamp(pub DateTime<Utc>);
string_scalar!(
    Timestamp,
    DateTime<Utc>,
    "timestamp",
    MetaSchema {
        example: Some("2026-03-02T09:15:00.000Z".into()),
        ..MetaSchema::new_with_format("string", "date-time")
    },
    // An unescaped `+` in a query string arrives as a space.
    |text| {
        let moment: DateTime<FixedOffset> = text
            .trim()
            .replacen(' ', "+", 1)
            .parse()
            .map_err(|_| "expected an RFC 3339 time such as 2026-03-02T09:15:00Z".to_owned())?;
        let moment = moment.with_timezone(&Utc).trunc_subsecs(3);
        // Beyond these years Postgres and RFC 3339 disagree about spelling.
        if (1900..10_000).contains(&chrono::Datelike::year(&moment)) {
            Ok(moment)
        } else {
            Err("expected a year from 1900 to 9999".to_owned())
        }
    },
    |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true)
);
impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Timestamp(moment.trunc_subsecs(3))
    }
}

/// A day without a time zone: `2026-03-02`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Date(pub NaiveDate);
string_scalar!(
    Date,
    NaiveDate,
    "date",
    MetaSchema { example: Some("2026-03-02".into()), ..MetaSchema::new_with_format("string", "date") },
    |text| {
        let day =
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "expected a day such as 2026-03-02".to_owned())?;
        if text.len() == 10 && (1900..10_000).contains(&chrono::Datelike::year(&day)) {
            Ok(day)
        } else {
            Err("expected a day from 1900-01-01 to 9999-12-31".to_owned())
        }
    },
    |day| day.format("%Y-%m-%d").to_string()
);

/// An exact decimal: at most 12 digits before and 4 after the point, as a string: `12.50`.
fn decimal(text: &str) -> Result<Decimal, String> {
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(a, b)| (a, Some(b)));
    if digits(whole, 12) && fraction.is_none_or(|f| digits(f, 4)) {
        text.parse().map_err(|_| "expected a decimal such as 12.50".to_owned())
    } else {
        Err("expected a decimal such as 12.50, with at most 12 digits before and 4 after the point".to_owned())
    }
}

/// An amount of money in the currency named beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Money(pub Decimal);
string_scalar!(
    Money,
    Decimal,
    "money",
    MetaSchema {
        pattern: Some(r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$".into()),
        example: Some("12500.00".into()),
        ..MetaSchema::new("string")
    },
    decimal,
    // One spelling for one amount, whatever was typed and whatever scale the column has: else a record read back from
    // the database would differ from the document that the feed holds.
    |amount| {
        let mut amount = amount.normalize();
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        amount.to_string()
    }
);

/// A number of points, exact to the hundredth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Points(pub Decimal);
string_scalar!(
    Points,
    Decimal,
    "points",
    MetaSchema {
        pattern: Some(r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$".into()),
        example: Some("8.50".into()),
        ..MetaSchema::new("string")
    },
    decimal,
    |points| format!("{points:.2}")
);

/// Postgres keeps no NUL in a text; other control characters in a one-line field are always a mistake.
fn line(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else if text.chars().count() > most {
        Err(format!("must have at most {most} characters"))
    } else if text.chars().any(char::is_control) {
        Err("must be one line without control characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// What the parser asks of a line, for the document: something to be seen, and no control characters.
pub const LINE_PATTERN: &str = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x1F\x7F-\x9F\s][^\x00-\x1F\x7F-\x9F]*$";

/// One line of text, 1 to 200 characters; surrounding white space is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line(pub String);
string_scalar!(
    Line,
    String,
    "line",
    MetaSchema {
        min_length: Some(1),
        max_length: Some(200),
        pattern: Some(LINE_PATTERN.into()),
        ..MetaSchema::new("string")
    },
    |text| line(text, 200),
    |text| text.clone()
);
impl From<Line> for String {
    fn from(line: Line) -> Self {
        line.0
    }
}

/// Text of up to 10,000 characters, line breaks allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(pub String);
string_scalar!(
    Text,
    String,
    "text",
    MetaSchema { max_length: Some(10_000), ..MetaSchema::new("string") },
    |text| {
        if text.chars().count() > 10_000 {
            Err("must have at most 10000 characters".to_owned())
        } else if text.contains('\0') {
            Err("must not contain the character U+0000".to_owned())
        } else {
            Ok(text.to_owned())
        }
    },
    |text| text.clone()
);
impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency(pub String);
string_scalar!(
    Currency,
    String,
    "currency",
    MetaSchema { pattern: Some("^[A-Z]{3}$".into()), example: Some("CNY".into()), ..MetaSchema::new("string") },
    |text| {
        if text.len() == 3 && text.bytes().all(|c| c.is_ascii_uppercase()) {
            Ok(text.to_owned())
        } else {
            Err("expected an ISO 4217 code such as CNY".to_owned())
        }
    },
    |text| text.clone()
);
impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

/// An e-mail address, kept in lower case; it must have one `@` with something on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(pub String);
string_scalar!(
    Email,
    String,
    "email",
    MetaSchema {
        max_length: Some(200),
        example: Some("lin.wei@example.com".into()),
        ..MetaSchema::new_with_format("string", "email")
    },
    |text| {
        let text = line(text, 200)?.to_lowercase();
        let whole = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(char::is_whitespace)
        });
        if whole { Ok(text) } else { Err("expected an e-mail address such as lin.wei@example.com".to_owned()) }
    },
    |text| text.clone()
);
impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_leniently_and_written_strictly() {
        for text in [
            "2026-03-02T09:15:00Z",
            "2026-03-02T17:15:00+08:00",
            "2026-03-02T17:15:00 08:00",
            "2026-03-02T09:15:00.0004Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), "2026-03-02T09:15:00.000Z", "{text}");
        }
        for text in ["", "yesterday", "2026-03-02", "2026-02-30T00:00:00Z", "+12026-03-02T09:15:00Z"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_amount_has_one_spelling_with_every_digit() {
        for (typed, shown) in [
            ("0", "0.00"),
            ("-0.0000", "0.00"),
            ("-3.5", "-3.50"),
            ("123456789012.1234", "123456789012.1234"),
            ("10.00", "10.00"),
            ("1054.0000", "1054.00"),
            ("1.2340", "1.234"),
        ] {
            assert_eq!(Money::parse(typed).unwrap().to_string(), shown);
        }
        for text in ["", "1e5", "1,000", "1.", ".5", "1234567890123", "1.23456", "--1", "NaN", "+1"] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_are_trimmed_and_single() {
        assert_eq!(Line::parse("  霍普光通信 ").unwrap().0, "霍普光通信");
        for text in ["", "   ", "a\nb", "a\0b"] {
            assert!(Line::parse(text).is_err(), "{text:?}");
        }
        assert!(Line::parse(&"长".repeat(201)).is_err());
        assert!(Text::parse("a\0b").is_err());
        assert!(Text::parse("two\nlines").is_ok());
    }
}
