//! The black-box suite: one program, so that one throw-away Postgres serves all of it. Its modules mirror the URLs.

mod accounts;
mod activities;
mod auth;
mod calendar;
mod command;
mod contacts;
mod database;
mod demo;
mod examples;
mod http;
mod import;
mod leads;
mod ledger;
mod offences;
mod opportunities;
mod plans;
mod points;
mod products;
mod reports;
mod rule_sets;
mod rules;
mod sync;
mod teams;
mod users;
mod world;
