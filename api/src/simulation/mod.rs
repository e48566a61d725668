//! Simulations: a past period replayed under a rule set, before it bites. `replay` scores by the same path as booking does,
//! `read` fetches what happened, `figures` adds up and compares, `run` does it in the background, `routes` and `wire` are
//! what clients see. Nothing is booked.

mod figures;
mod read;
pub mod replay;
pub mod routes;
pub mod run;
mod wire;

pub use routes::SimulationApi;
pub use wire::*;
