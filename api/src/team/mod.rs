//! Teams: a tree with one team at its top. A manager leads the subtree of his own.

pub mod change;
pub mod routes;

pub use routes::TeamApi;
