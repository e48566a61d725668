//! The black-box suite: one program, so that one throw-away Postgres serves all of it. Its modules mirror the URLs.

mod auth;
mod command;
mod database;
mod demo;
mod http;
