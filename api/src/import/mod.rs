//! Bringing a company's records in from CSV files, told by a mapping file what they mean.
//!
//! `mapping` is the file's format; `rows` reads CSV line by line, `draft` makes typed values of a row, `resolve` finds
//! what it refers to, `write` brings a chunk of rows into the database by the same verbs as REST. What a verb means
//! stands in the record's own folder; the command line is `command::import`.

mod calendar;
mod draft;
mod field;
pub mod mapping;
mod refused;
mod resolve;
mod rows;
mod run;
mod steps;
mod store;
pub mod summary;
mod template;
mod write;

pub use mapping::{Mapping, MappingError};
pub use run::{Options, Progress, Stopped, run};
pub use summary::{Count, Summary};
