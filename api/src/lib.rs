//! Waypost: a sales-force-automation backend.

pub mod database;
