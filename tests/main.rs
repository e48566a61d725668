//! The black-box suite: one program, so that one throw-away Postgres serves all of it. Its modules mirror the URLs.

mod auth;
mod database;
mod http;
mod reports;
