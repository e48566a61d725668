//! Simulations: a past period replayed under a rule set, before it bites. `replay` books by the same path as the live ledger,
//! `read`, `happened`, `photos` and `cards` fetch what it needs, `figures` adds up and compares, `run` does it in the background, `shadow` for
//! whoever asks how the shadow does, `routes` and `wire` are
//! what clients see. Nothing is booked.

mod cards;
mod figures;
mod happened;
mod photos;
mod read;
pub mod replay;
pub mod routes;
pub mod run;
pub mod shadow;
mod wire;

pub use routes::SimulationApi;
pub use wire::*;
