//! `/v1/web-forms`: an admin makes them, a site's server submits to them.

use entity::kind::Kind;
use entity::lead;
use entity::scalar::{Email, Line, Text};
use poem::web::Data;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::error::{ContentTypeError, ParseRequestPayloadError};
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, Object, OpenApi};
use uuid::Uuid;

use super::signature::{Fault, check};
use super::{CreateWebForm, CreatedWebForm, FormId, WebFormList};
use crate::auth::Actor;
use crate::change::Change;
use crate::lead::LeadFields;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E422, Error, Fail, Refusal};
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;
use crate::write::{Idempotency, one};

/// What a visitor typed.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
pub struct SubmitWebForm {
    /// The company, or the person.
    pub name: Line,
    pub contact_name: Option<Line>,
    /// The contact's position in the company.
    pub title: Option<Line>,
    pub phone: Option<Line>,
    pub email: Option<Email>,
    pub website: Option<Line>,
    /// The company's registration number: the unified social credit code in China.
    pub credit_code: Option<Line>,
    pub region: Option<Line>,
    pub industry: Option<Line>,
    #[oai(validator(minimum(value = "0")))]
    pub employees: Option<i32>,
    pub note: Option<Text>,
}

impl poem_openapi::types::Example for SubmitWebForm {
    fn example() -> Self {
        SubmitWebForm {
            name: Line("霍普光通信".into()),
            contact_name: Some(Line("王芳".into())),
            title: None,
            phone: Some(Line("+86 21 5555 0101".into())),
            email: None,
            website: None,
            credit_code: None,
            region: Some(Line("Shanghai".into())),
            industry: None,
            employees: None,
            note: Some(Text("Please call about fibre.".into())),
        }
    }
}

/// A submission that was taken.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Submission {
    /// The lead that it became.
    pub lead_id: Uuid,
}

#[derive(ApiResponse)]
pub enum Submitted {
    /// Taken
    #[oai(status = 201)]
    Taken(Json<Submission>),
}

#[derive(ApiResponse)]
pub enum WebFormCreated {
    /// Made
    #[oai(status = 201)]
    Created(Json<CreatedWebForm>),
}

/// A JSON body with the bytes that were signed.
pub struct Signed<T> {
    sent: Vec<u8>,
    value: T,
}

/// As `Json`, which keeps no bytes.
impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Signed<T> {
    const TYPES: &'static [ApiExtractorType] = <Json<T> as ApiExtractor<'a>>::TYPES;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Json<T> as ApiExtractor<'a>>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Json<T> as ApiExtractor<'a>>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match request.content_type() {
            Some(kind) if Json::<T>::check_content_type(kind) => {}
            Some(kind) => return Err(ContentTypeError::NotSupported { content_type: kind.to_owned() }.into()),
            None => return Err(ContentTypeError::ExpectContentType.into()),
        }
        let sent = <Vec<u8> as FromRequest>::from_request(request, body).await?;
        let unreadable = |reason: String| ParseRequestPayloadError { reason };
        let value = serde_json::from_slice(&sent).map_err(|error| unreadable(error.to_string()))?;
        let value = T::parse_from_json(Some(value)).map_err(|error| unreadable(error.into_message()))?;
        Ok(Signed { sent, value })
    }
}

pub struct WebFormApi;

#[OpenApi]
impl WebFormApi {
    /// List the web forms
    #[oai(path = "/v1/web-forms", method = "get", operation_id = "listWebForms", tag = "Tag::Leads")]
    async fn list(&self, actor: Actor, state: Data<&State>) -> ApiResult<WebFormList, { E401 | E403 }> {
        actor.must_be_admin()?;
        Ok(Json(super::list(&state.db, actor.tenant_id).await?))
    }

    /// Make a web form
    ///
    /// The answer holds the secret that signs submissions, once.
    #[oai(path = "/v1/web-forms", method = "post", operation_id = "createWebForm", tag = "Tag::Leads")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateWebForm>,
    ) -> Result<WebFormCreated, Fail<{ E400 | E401 | E403 | E422 }>> {
        actor.must_be_admin()?;
        let created = super::create(&state.db, actor.tenant_id, body.0, state.clock.now()).await?;
        Ok(WebFormCreated::Created(Json(created)))
    }

    /// Revoke a web form
    ///
    /// It takes no more submissions; its leads stay.
    #[oai(path = "/v1/web-forms/:formId", method = "delete", operation_id = "revokeWebForm", tag = "Tag::Leads")]
    async fn revoke(
        &self,
        actor: Actor,
        state: Data<&State>,
        #[oai(name = "formId")] form_id: Path<String>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E404 }>> {
        actor.must_be_admin()?;
        let form = FormId::parse(&form_id.0).filter(|form| form.tenant_id == actor.tenant_id);
        let form = form.ok_or_else(|| Refusal::not_found("web form"))?;
        super::revoke(&state.db, form, state.clock.now()).await?;
        Ok(NoContent::Done)
    }

    /// Submit a web form
    ///
    /// For a site's server; no token, but a signature by the form's secret in `Waypost-Signature`:
    /// `t=<seconds since 1970>,v1=<hex>`, where the second part is the HMAC-SHA-256 of the seconds, a dot and the body's
    /// bytes. It is good for five minutes, and the same one sent again is answered with the same lead.
    #[oai(path = "/v1/web-forms/:formId", method = "post", operation_id = "submitWebForm", tag = "Tag::Leads")]
    async fn submit(
        &self,
        state: Data<&State>,
        #[oai(name = "formId")] form_id: Path<String>,
        #[oai(name = "Waypost-Signature")] signature: Header<Option<String>>,
        body: Signed<SubmitWebForm>,
    ) -> Result<Submitted, Fail<{ E400 | E401 | E404 | E409 | E422 }>> {
        let lead = submit(&state, &form_id.0, signature.0.as_deref(), body).await?;
        Ok(Submitted::Taken(Json(Submission { lead_id: lead.id })))
    }
}

async fn submit(
    state: &State,
    form_id: &str,
    signature: Option<&str>,
    body: Signed<SubmitWebForm>,
) -> Result<lead::Model, Error> {
    let form_id = FormId::parse(form_id).ok_or_else(|| Refusal::not_found("web form"))?;
    let form = super::find(&state.db, form_id).await?;
    let unsigned =
        || Refusal::unauthorized("Sign the body by the form's secret and send the header Waypost-Signature.");
    let signature = signature.ok_or_else(unsigned)?;
    let now = state.clock.now().0.timestamp();
    let code = check(signature, &form.secret, &body.sent, now).map_err(|fault| match fault {
        Fault::Unreadable => {
            Refusal::malformed("Waypost-Signature: must be `t=<seconds since 1970>,v1=<64 hex digits>`.")
        }
        Fault::Expired => Refusal::unauthorized(
            "The signature is older than five minutes, or from a clock that is wrong. Sign again.",
        ),
        Fault::Wrong => Refusal::unauthorized("The signature is not of this body by this form's secret."),
    })?;
    let typed = body.value;
    let fields = LeadFields {
        name: Some(typed.name),
        source: Some(Line(form.source)),
        contact_name: typed.contact_name,
        title: typed.title,
        phone: typed.phone,
        email: typed.email,
        website: typed.website,
        credit_code: typed.credit_code,
        region: typed.region.or(form.region.map(Line)),
        industry: typed.industry,
        employees: typed.employees,
        note: typed.note,
        ..LeadFields::default()
    };
    let change = Change::create(Kind::Lead, Uuid::now_v7(), fields.into());
    let key = Idempotency { key: format!("form:{}:{code}", form_id.id), id: None };
    one(state, &Actor::system(form_id.tenant_id), change, Some(key)).await
}
