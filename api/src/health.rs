//! `/healthz` and `/readyz`: is the process alive, and can it serve.

use std::time::Duration;

use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};

use crate::database::is_migrated;
use crate::problem::{ApiResult, Code, Refusal};
use crate::state::State;
use crate::tag::Tag;

/// How long the database may take to answer before this server counts as not ready.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds until it is worth asking again.
const AGAIN: u32 = 2;

pub struct HealthApi;

/// The server answers.
#[derive(Object)]
struct Health {
    /// The version of Waypost that answers.
    version: String,
}

fn health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION").to_owned() })
}

#[OpenApi]
impl HealthApi {
    /// Say that the process is alive
    ///
    /// Asks nobody else, so it also answers while the database is away: restarting the server would not help then.
    #[oai(path = "/healthz", method = "get", operation_id = "getHealth", tag = "Tag::Health")]
    async fn healthz(&self) -> Json<Health> {
        health()
    }

    /// Say whether requests can be served
    ///
    /// 503 while the database does not answer or its schema is older than this server needs.
    #[oai(path = "/readyz", method = "get", operation_id = "getReadiness", tag = "Tag::Health")]
    async fn readyz(&self, state: Data<&State>) -> ApiResult<Health, 0> {
        let not_ready = |detail: &str| Refusal { retry_after: Some(AGAIN), ..Refusal::new(Code::Unavailable, detail) };
        match tokio::time::timeout(PATIENCE, is_migrated(&state.db)).await {
            Ok(Ok(true)) => Ok(health()),
            Ok(Ok(false)) => {
                Err(not_ready("The database lacks migrations that this server needs. Run `waypost migrate`.").into())
            }
            Ok(Err(cause)) => {
                tracing::warn!("not ready: {cause}");
                Err(not_ready("The database does not answer.").into())
            }
            Err(_) => Err(not_ready("The database does not answer in time.").into()),
        }
    }
}
