//! What push and pull look like on the wire. Hot answers are put together from stored documents; the types here describe
//! them for the OpenAPI document.

use std::borrow::Cow;

use entity::kind::Kind;
use entity::{
    account, account_member, activity, appeal, attachment, calendar, contact, custom_field, hold, lead, lead_draft,
    opportunity, plan, points_balance, points_entry, product, rejected_write, rule_set, stage, stage_move, statement,
    team, user, weekly_digest,
};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, Type};
use poem_openapi::{ApiResponse, Enum, Object};
use serde_json::Value;
use uuid::Uuid;

use super::mutation::{ClockReading, Mutation};
use crate::problem::Problem;

/// Writes of one phone.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct PushRequest {
    /// Made by the app when it is installed; tells a phone's own writes from those of others.
    pub device_id: Uuid,
    /// The phone's clocks when this request was sent.
    pub sent: Option<ClockReading>,
    /// At most 500, in the order in which they were made.
    #[oai(validator(max_items = 500))]
    pub mutations: Vec<Mutation>,
}

/// A `PushRequest` whose mutations are read one by one, so that a bad one spoils only itself.
#[derive(Clone, Debug)]
pub struct Push {
    pub device_id: Uuid,
    pub sent: Option<ClockReading>,
    pub mutations: Vec<Value>,
}

impl Type for Push {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        PushRequest::name()
    }
    fn schema_ref() -> MetaSchemaRef {
        PushRequest::schema_ref()
    }
    fn register(registry: &mut Registry) {
        PushRequest::register(registry);
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Push {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let Some(Value::Object(mut members)) = value else {
            return Err(ParseError::expected_type(value.unwrap_or_default()));
        };
        let device_id = Uuid::parse_from_json(members.remove("deviceId"))
            .map_err(|_| ParseError::custom("deviceId: must be a UUID that the app made once"))?;
        let sent = Option::<ClockReading>::parse_from_json(members.remove("sent"))
            .map_err(|error| ParseError::custom(format!("sent: {}", error.message())))?;
        match members.remove("mutations") {
            Some(Value::Array(mutations)) => Ok(Push { device_id, sent, mutations }),
            _ => Err(ParseError::custom("mutations: must be an array")),
        }
    }
}

/// What became of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ResultStatus {
    /// Everything was taken.
    Applied,
    /// Everything was taken, on top of changes that the author had not seen.
    Merged,
    /// Fields in `conflicts` were changed by somebody else meanwhile and kept that value; the others were taken.
    Conflict,
    /// Nothing was taken; `problem` says why. The values are kept as a rejected write.
    Rejected,
}

/// The result of one mutation.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct MutationResult {
    pub mutation_id: Uuid,
    pub status: ResultStatus,
    pub record_id: Option<Uuid>,
    /// The record's revision after this mutation.
    pub revision: Option<i32>,
    pub conflicts: Option<Vec<String>>,
    pub problem: Option<Problem>,
}

/// One result a mutation, in the order of the request.
#[derive(Clone, Debug, Object)]
pub struct PushResults {
    pub results: Vec<MutationResult>,
}

/// A record as it is now, or a tombstone. A flat object: `kind` says which of the members holds the record.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SyncChange {
    pub kind: Kind,
    pub id: Uuid,
    pub revision: i32,
    /// True for a tombstone: remove the record from the phone.
    pub deleted: bool,
    pub team: Option<team::Model>,
    pub user: Option<user::Model>,
    pub product: Option<product::Model>,
    pub stage: Option<stage::Model>,
    pub custom_field: Option<custom_field::Model>,
    pub rule_set: Option<rule_set::Model>,
    pub calendar: Option<calendar::Model>,
    pub account: Option<account::Model>,
    pub account_member: Option<account_member::Model>,
    pub contact: Option<contact::Model>,
    pub opportunity: Option<opportunity::Model>,
    pub stage_move: Option<stage_move::Model>,
    pub lead: Option<lead::Model>,
    pub lead_draft: Option<lead_draft::Model>,
    pub plan: Option<plan::Model>,
    pub activity: Option<activity::Model>,
    pub attachment: Option<attachment::Model>,
    pub points_entry: Option<points_entry::Model>,
    pub points_balance: Option<points_balance::Model>,
    pub hold: Option<hold::Model>,
    pub appeal: Option<appeal::Model>,
    pub statement: Option<statement::Model>,
    pub weekly_digest: Option<weekly_digest::Model>,
    pub rejected_write: Option<rejected_write::Model>,
}

/// A page of changes.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SyncPage {
    pub changes: Vec<SyncChange>,
    /// Keep it with the changes, in one transaction, and give it at the next pull.
    pub cursor: String,
    /// Pull again at once; the pull is complete only when this is false.
    pub has_more: bool,
    /// The tenant's newest number.
    pub head: i64,
}

/// The changes of records that were asked for by id.
#[derive(Clone, Debug, Object)]
pub struct SyncRecords {
    pub changes: Vec<SyncChange>,
}

/// JSON text that was put together here, described by `T`.
pub struct Ready<T> {
    body: Body,
    content_type: &'static str,
    described: std::marker::PhantomData<fn() -> T>,
}

impl<T> Ready<T> {
    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Ready {
            body: Body::from_vec(text.into()),
            content_type: "application/json",
            described: std::marker::PhantomData,
        }
    }

    /// One JSON value a line.
    pub fn lines(body: Body) -> Self {
        Ready { body, content_type: "application/x-ndjson", described: std::marker::PhantomData }
    }
}

impl<T: Send> IntoResponse for Ready<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type(self.content_type).body(self.body)
    }
}

impl<T: Type> ApiResponse for Ready<T> {
    fn meta() -> MetaResponses {
        let json = MetaMediaType { content_type: "application/json", schema: T::schema_ref() };
        MetaResponses { responses: vec![ok("The answer", vec![json])] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// A page, or the whole pull as lines.
pub struct PullAnswer(pub Ready<SyncPage>);

impl IntoResponse for PullAnswer {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl ApiResponse for PullAnswer {
    fn meta() -> MetaResponses {
        let json = MetaMediaType { content_type: "application/json", schema: SyncPage::schema_ref() };
        let lines = MetaMediaType { content_type: "application/x-ndjson", schema: binary() };
        let text = "A page; with `Accept: application/x-ndjson` the whole pull, one change a line, the last line \
                    `{\"cursor\":…,\"head\":…}`. A stream without that last line is to be thrown away.";
        MetaResponses { responses: vec![ok(text, vec![json, lines])] }
    }

    fn register(registry: &mut Registry) {
        SyncPage::register(registry);
    }
}

/// Server-sent events.
pub struct EventStream(pub poem::web::sse::SSE);

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        let events = MetaMediaType { content_type: "text/event-stream", schema: binary() };
        let text = "Events named `head` with data `{\"head\":123}`: the newest number now, and whenever it moved.";
        MetaResponses { responses: vec![ok(text, vec![events])] }
    }

    fn register(_: &mut Registry) {}
}

fn ok(description: &'static str, content: Vec<MetaMediaType>) -> MetaResponse {
    MetaResponse { description, status: Some(200), status_range: None, content, headers: Vec::new() }
}

fn binary() -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(poem_openapi::registry::MetaSchema::new_with_format("string", "binary")))
}
