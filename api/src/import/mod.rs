//! Bringing a company's records in from files, told by a mapping what they mean.
//!
//! `mapping` is the mapping's format; `source` makes rows of a file, `draft` typed values of a row, `resolve` finds
//! what it refers to, `write` brings a chunk of rows into the database by the same verbs as REST, `journal` keeps what
//! became of them, `own` knows the fields that the tenant defined itself, `open` checks files against the mapping, `run` is the whole. What a verb means stands in the record's own folder; the command line is
//! `command::import`, the API is in `job`.

mod calendar;
mod draft;
pub mod field;
pub mod job;
pub mod journal;
pub mod mapping;
pub mod open;
mod own;
mod refused;
mod resolve;
pub mod run;
pub mod source;
mod steps;
mod store;
pub mod summary;
mod template;
mod write;

pub use mapping::{Mapping, MappingError};
pub use open::Files;
pub use run::{Options, Progress, Stopped, run};
pub use summary::{Count, Summary};
