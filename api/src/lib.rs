//! Waypost as a library: everything the binary, the tests and the benchmark share.

pub mod account;
pub mod activity;
pub mod auth;
pub mod captured;
pub mod change;
pub mod clock;
pub mod contact;
pub mod database;
pub mod http;
pub mod openapi;
pub mod opportunity;
pub mod plan;
pub mod points;
pub mod pokes;
pub mod problem;
pub mod product;
pub mod read;
pub mod record;
pub mod report;
pub mod state;
pub mod sync;
pub mod tag;
pub mod work;
pub mod write;
