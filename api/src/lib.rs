//! Waypost as a library: everything the binary, the tests and the benchmark share.

pub mod activity;
pub mod app;
pub mod auth;
pub mod captured;
pub mod clock;
pub mod command;
pub mod config;
pub mod database;
pub mod health;
pub mod http;
pub mod jobs;
pub mod openapi;
pub mod opportunity;
pub mod points;
pub mod pokes;
pub mod problem;
pub mod record;
pub mod state;
pub mod tag;
pub mod tenant;
pub mod user;
pub mod work;
