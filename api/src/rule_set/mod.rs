//! Rule sets: a tenant's versioned rules for points. What they say about one activity is `points`' business.

pub mod routes;

pub use routes::RuleSetApi;
