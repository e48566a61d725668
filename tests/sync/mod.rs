//! Sync, as phones see it: over HTTP, on a real Postgres. `phone` is a whole client in small; the rest are its stories.

mod commit_order;
mod convergence;
mod events;
mod exactly_once;
mod isolation;
mod late;
mod merge;
pub mod phone;
mod pull;
