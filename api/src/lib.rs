//! Waypost as a library: everything the binary, the tests and the benchmark share.

pub mod auth;
pub mod captured;
pub mod clock;
pub mod database;
pub mod http;
pub mod openapi;
pub mod pokes;
pub mod problem;
pub mod record;
pub mod state;
pub mod work;
