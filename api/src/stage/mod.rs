//! Stages: how a tenant runs its pipeline. There are always the same five; what may be set is how they are called, what
//! they ask for and when an opportunity in them is stale. The rule that uses it is `opportunity::stage`.

pub mod routes;
pub mod update;

pub use routes::StageApi;
