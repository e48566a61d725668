//! `/v1/leads` and what is done to them.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::kind::LeadStatus;
use entity::{lead, points_balance};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::reclaim::{self, ReclaimAccount};
use super::territory::{self, Territories};
use super::{
    Act, AssignLead, BuyRights, ConvertLead, DecideExcuse, ExcuseLead, LeadFields, LeadReason, MergeLead, WorkLead,
};
use crate::auth::Actor;
use crate::change::Intent;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E422, Error, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;
use crate::write;

pub const SORTS: Sorts = &[
    ("name", "t.name", "text"),
    ("employees", "coalesce(t.employees, 0)", "integer"),
    ("dueOn", "coalesce(t.due_on, 'infinity')", "date"),
];

type Key = Header<Option<String>>;

pub struct LeadApi;

/// Does something to a lead and answers with it as it is then.
async fn act(
    state: &State,
    actor: &Actor,
    id: Path<Uuid>,
    act: Act,
    key: Key,
    etag: Key,
) -> Result<Found<lead::Model>, Error> {
    rest::act(state, actor, id.0, Intent::Lead(act), key, etag).await
}

#[OpenApi]
impl LeadApi {
    /// Bring a lead in
    ///
    /// For managers, admins and integrations. What it may be the same as stands in `likenesses`; nothing is dropped.
    #[oai(path = "/v1/leads", method = "post", operation_id = "createLead", tag = "Tag::Leads")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<LeadFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<lead::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/leads", body.0, key).await?)
    }

    /// List the leads that you see
    ///
    /// The pool, and those that you or those below you hold.
    #[oai(path = "/v1/leads", method = "get", operation_id = "listLeads", tag = "Tag::Leads")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `name`, `employees`, `dueOn`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the name.
        search: Query<Option<String>>,
        status: Query<Option<LeadStatus>>,
        source: Query<Option<String>>,
        region: Query<Option<String>>,
        industry: Query<Option<String>>,
        /// At least this many people.
        #[oai(name = "employeesFrom")]
        employees_from: Query<Option<i32>>,
        /// At most this many people.
        #[oai(name = "employeesTo")]
        employees_to: Query<Option<i32>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
    ) -> ApiResult<Page<lead::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.status = ?", status.0.map(LeadStatus::as_str))
            .only("t.source = ?", source.0)
            .only("t.region = ?", region.0)
            .only("t.industry = ?", industry.0)
            .only("t.employees >= ?", employees_from.0)
            .only("t.employees <= ?", employees_to.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.external_id = ?", external_id.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a lead
    #[oai(path = "/v1/leads/:id", method = "get", operation_id = "getLead", tag = "Tag::Leads")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<lead::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change what is known about a lead
    ///
    /// A rep changes the leads that he holds.
    #[oai(path = "/v1/leads/:id", method = "patch", operation_id = "updateLead", tag = "Tag::Leads")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<LeadFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete a lead
    ///
    /// One that nobody holds and that became nothing. To keep it out of the pool, discard it.
    #[oai(path = "/v1/leads/:id", method = "delete", operation_id = "deleteLead", tag = "Tag::Leads")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<lead::Model>(&state, &actor, id.0, etag, None).await?)
    }

    /// Pick a lead from the pool
    ///
    /// Takes one of your rights to pick. If a colleague was first, nothing is charged and the answer is 409.
    #[oai(path = "/v1/leads/:id/claim", method = "post", operation_id = "claimLead", tag = "Tag::Leads")]
    async fn claim(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Claim, key, etag).await?)
    }

    /// Give a lead to somebody
    ///
    /// For managers, admins and integrations; it takes none of his rights to pick.
    #[oai(path = "/v1/leads/:id/assign", method = "post", operation_id = "assignLead", tag = "Tag::Leads")]
    async fn assign(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<AssignLead>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Assign(body.0), key, etag).await?)
    }

    /// Note that a lead was worked
    ///
    /// A lead that was worked stays with its owner.
    #[oai(path = "/v1/leads/:id/work", method = "post", operation_id = "workLead", tag = "Tag::Leads")]
    async fn work(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<WorkLead>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Work(body.0), key, etag).await?)
    }

    /// Ask for more time with a lead
    ///
    /// The last day stands until somebody who leads you accepts the excuse.
    #[oai(path = "/v1/leads/:id/excuse", method = "post", operation_id = "excuseLead", tag = "Tag::Leads")]
    async fn excuse(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<ExcuseLead>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Excuse(body.0), key, etag).await?)
    }

    /// Decide about an excuse
    #[oai(
        path = "/v1/leads/:id/excuse/decision",
        method = "post",
        operation_id = "decideLeadExcuse",
        tag = "Tag::Leads"
    )]
    async fn decide(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<DecideExcuse>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Decide(body.0), key, etag).await?)
    }

    /// Return a lead to the pool
    ///
    /// The right that it took is spent, and its owner may not pick it again before the cool-down is over.
    #[oai(path = "/v1/leads/:id/return", method = "post", operation_id = "returnLead", tag = "Tag::Leads")]
    async fn give_back(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<LeadReason>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::GiveBack(body.0), key, etag).await?)
    }

    /// Make a customer of a lead
    ///
    /// Account, contact and opportunity in one step; the opportunity keeps the lead's source, the lead their ids.
    #[oai(path = "/v1/leads/:id/convert", method = "post", operation_id = "convertLead", tag = "Tag::Leads")]
    async fn convert(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<ConvertLead>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Convert(Box::new(body.0)), key, etag).await?)
    }

    /// Merge a lead into another one, or link it to an account
    ///
    /// The answer is the merged lead; the one that goes on got what it lacked.
    #[oai(path = "/v1/leads/:id/merge", method = "post", operation_id = "mergeLead", tag = "Tag::Leads")]
    async fn merge(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<MergeLead>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Merge(body.0), key, etag).await?)
    }

    /// Take a lead out of the pool for good
    #[oai(path = "/v1/leads/:id/discard", method = "post", operation_id = "discardLead", tag = "Tag::Leads")]
    async fn discard(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<LeadReason>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<lead::Model>, Fail<CHANGE>> {
        Ok(act(&state, &actor, id, Act::Discard(body.0), key, etag).await?)
    }

    /// Put an account back into the pool
    ///
    /// Its members lose it, the keeper gets what is open under it, and whoever picks the lead gets the account when he
    /// converts it. For managers, admins and integrations.
    #[oai(path = "/v1/accounts/:id/reclaim", method = "post", operation_id = "reclaimAccount", tag = "Tag::Leads")]
    async fn reclaim(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<ReclaimAccount>,
    ) -> Result<Created<lead::Model>, Fail<{ E400 | E403 | E404 | E409 | E422 }>> {
        let (id, body) = (id.0, body.0);
        let lead = write::whole(&state, &actor, move |work| {
            let body = body.clone();
            Box::pin(async move { reclaim::reclaim(work, id, &body).await })
        });
        Ok(Created::at("/v1/leads", lead.await?))
    }

    /// List who works which regions
    #[oai(path = "/v1/territories", method = "get", operation_id = "listTerritories", tag = "Tag::Leads")]
    async fn territories(&self, actor: Actor, state: Data<&State>) -> ApiResult<Territories, { E401 | E403 }> {
        Ok(Json(Territories { territories: territory::read(&state.db, actor.tenant_id).await? }))
    }

    /// Set who works which regions
    ///
    /// All of them at once. Under the policy `automatic`, leads of a region go to who works it and holds the fewest.
    #[oai(path = "/v1/territories", method = "put", operation_id = "setTerritories", tag = "Tag::Leads")]
    async fn set_territories(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<Territories>,
    ) -> ApiResult<Territories, { E400 | E401 | E403 | E422 }> {
        actor.must_be_admin()?;
        let wanted = body.0;
        write::whole(&state, &actor, move |work| {
            let wanted = wanted.clone();
            Box::pin(async move { territory::set(work, &wanted).await })
        })
        .await?;
        Ok(Json(Territories { territories: territory::read(&state.db, actor.tenant_id).await? }))
    }

    /// Buy rights to pick leads with points
    ///
    /// The answer is your balance after it. Send an `Idempotency-Key`, so that a repeated request buys once.
    #[oai(path = "/v1/leads/rights", method = "post", operation_id = "buyLeadRights", tag = "Tag::Leads")]
    async fn buy(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<BuyRights>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Found<points_balance::Model>, Fail<CREATE>> {
        Ok(rest::act(&state, &actor, actor.user_id, Intent::BuyRights(body.0), key, Header(None)).await?)
    }
}
