//! Waypost as a library: everything the binary, the tests and the benchmark share.

pub mod auth;
pub mod clock;
pub mod database;
pub mod http;
pub mod openapi;
pub mod problem;
pub mod state;
pub mod tag;
