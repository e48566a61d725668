//! The black-box suite: one program, so that one throw-away Postgres serves all of it.

mod database;
