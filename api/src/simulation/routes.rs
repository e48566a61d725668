//! The routes of simulations.

use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::run;
use super::shadow::{self, ShadowScores};
use super::wire::{Simulation, StartSimulation};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E409, E422, Fail};
use crate::state::State;
use crate::tag::Tag;

const CSV: &str = "text/csv";

/// One that was begun.
#[derive(ApiResponse)]
pub enum Accepted {
    /// Begun; ask for it again until it has finished
    #[oai(status = 202)]
    Accepted(
        Json<Simulation>,
        /// Where it is found.
        #[oai(header = "Location")]
        String,
    ),
}

/// A simulation, or its reps as a table.
pub enum SimulationSheet {
    Json(Box<Simulation>),
    Csv(String),
}

impl IntoResponse for SimulationSheet {
    fn into_response(self) -> Response {
        let (content_type, text) = match self {
            SimulationSheet::Json(simulation) => ("application/json", simulation.to_json_string()),
            SimulationSheet::Csv(text) => (CSV, text),
        };
        Response::builder().content_type(content_type).body(Body::from_string(text))
    }
}

impl ApiResponse for SimulationSheet {
    fn meta() -> MetaResponses {
        let binary = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![
            MetaMediaType { content_type: "application/json", schema: Simulation::schema_ref() },
            MetaMediaType { content_type: CSV, schema: binary },
        ];
        let description = "The simulation; with `Accept: text/csv` its reps as a table (RFC 4180)";
        let response =
            MetaResponse { description, status: Some(200), status_range: None, content, headers: Vec::new() };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        Simulation::register(registry);
    }
}

pub struct SimulationApi;

#[OpenApi]
impl SimulationApi {
    /// Simulate a rule set
    ///
    /// Replays a past period under these rules, whatever their status, by the code that books: per rep points, fines and
    /// rights to pick leads, then and now. Nothing is booked. Admins only; one at a time. What people decided, on holds and
    /// appeals, is not replayed, and times that a phone could not prove stay as they were bounded.
    #[oai(
        path = "/v1/rule-sets/:id/simulation",
        method = "post",
        operation_id = "simulateRuleSet",
        tag = "Tag::Points"
    )]
    async fn start(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<StartSimulation>,
    ) -> Result<Accepted, Fail<{ E400 | E403 | E404 | E409 | E422 }>> {
        let begun = run::start(&state, &actor, id.0, &body.0).await?;
        let location = format!("/v1/simulations/{}", begun.id);
        Ok(Accepted::Accepted(Json(begun), location))
    }

    /// Get the newest simulation of a rule set
    #[oai(
        path = "/v1/rule-sets/:id/simulation",
        method = "get",
        operation_id = "getNewestSimulation",
        tag = "Tag::Points"
    )]
    async fn newest(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> ApiResult<Simulation, { E400 | E403 | E404 }> {
        Ok(Json(run::newest(&state, &actor, id.0).await?))
    }

    /// Compare the shadow with what was booked
    ///
    /// What the shadow would have booked since it began (`now`) beside what was booked (`then`): of all reps for admins, of
    /// those whom he leads for a manager, of himself for a rep. Worked out when asked, over 92 days at the most.
    #[oai(
        path = "/v1/rule-sets/:id/shadow-scores",
        method = "get",
        operation_id = "getShadowScores",
        tag = "Tag::Points"
    )]
    async fn shadow(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> ApiResult<ShadowScores, { E400 | E403 | E404 | E409 }> {
        Ok(Json(shadow::scores(&state, &actor, id.0).await?))
    }

    /// Get a simulation
    ///
    /// Admins only. While it runs, `done` and `total` tell how far it is; poll it every second or so.
    #[oai(path = "/v1/simulations/:id", method = "get", operation_id = "getSimulation", tag = "Tag::Points")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        /// `text/csv` for a table of the reps; a running one has none yet.
        #[oai(name = "Accept")]
        accept: Header<Option<String>>,
    ) -> Result<SimulationSheet, Fail<{ E400 | E403 | E404 }>> {
        let simulation = run::get(&state, &actor, id.0).await?;
        Ok(if accept.0.is_some_and(|accept| accept.contains(CSV)) {
            SimulationSheet::Csv(table(&simulation))
        } else {
            SimulationSheet::Json(Box::new(simulation))
        })
    }
}

/// One row a rep. A name that a spreadsheet would take for a formula is marked as text.
fn table(simulation: &Simulation) -> String {
    let mut rows = csv::Writer::from_writer(Vec::new());
    let head = [
        "userId",
        "name",
        "teamId",
        "pointsThen",
        "pointsNow",
        "difference",
        "finesThen",
        "finesNow",
        "moneyThen",
        "moneyNow",
        "leadsThen",
        "leadsNow",
        "newlyLoses",
        "earnsLess",
    ];
    let written = rows.write_record(head).and_then(|()| {
        for rep in simulation.result.iter().flat_map(|result| &result.reps) {
            let name =
                if rep.name.starts_with(['=', '+', '-', '@']) { format!("'{}", rep.name) } else { rep.name.clone() };
            rows.write_record([
                rep.user_id.to_string(),
                name,
                rep.team_id.to_string(),
                rep.then.points.to_string(),
                rep.now.points.to_string(),
                rep.difference.to_string(),
                rep.then.fines.to_string(),
                rep.now.fines.to_string(),
                rep.then.money.to_string(),
                rep.now.money.to_string(),
                rep.then.leads.to_string(),
                rep.now.leads.to_string(),
                rep.newly_loses.to_string(),
                rep.earns_less.to_string(),
            ])?;
        }
        Ok(())
    });
    let text = written.map_err(|error| error.to_string()).and_then(|()| rows.into_inner().map_err(|e| e.to_string()));
    // Nothing can fail that writes to memory.
    String::from_utf8(text.unwrap_or_default()).unwrap_or_default()
}
