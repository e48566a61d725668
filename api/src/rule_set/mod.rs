//! Rule sets: a tenant's versioned rules, from draft to retirement. What they say about one entry is `points`' business.
//!
//! A draft is nobody's business but the admins'. A shadow is seen by all and pays nothing. An active one is never changed: it
//! begins on the day that its activation names and ends with the day before the next one begins.

pub mod bundle;
pub mod draft;
pub mod life;
pub mod routes;
pub mod schema;

pub use routes::RuleSetApi;
