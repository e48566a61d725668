//! The black-box suite: one program, so that one throw-away Postgres serves all of it. One module for each part of the
//! product; everything over HTTP.

mod database;
mod http;
