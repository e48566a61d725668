//! Values with parts: JSON in the database, objects on the wire.

use poem_openapi::Object;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::scalar::{Line, Timestamp};

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Line>,
    /// Province, state or other part of the country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Line>,
}

/// A place on the globe, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Degrees north.
    #[oai(validator(minimum(value = "-90"), maximum(value = "90")))]
    pub latitude: f64,
    /// Degrees east.
    #[oai(validator(minimum(value = "-180"), maximum(value = "180")))]
    pub longitude: f64,
}

/// Where and when a phone was at the start or the end of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// When the button was pressed.
    pub at: Timestamp,
    /// Degrees north, WGS 84.
    #[oai(validator(minimum(value = "-90"), maximum(value = "90")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[oai(validator(minimum(value = "-180"), maximum(value = "180")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Radius in metres within which the phone is with 68 per cent probability, as phones report it.
    #[oai(validator(minimum(value = "0"), maximum(value = "100000")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// When the phone obtained the position; it may be older than the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_at: Option<Timestamp>,
}

/// A text in the languages of the product.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Names {
    /// English
    pub en: Line,
    /// Chinese (zh-CN)
    pub zh: Line,
}
