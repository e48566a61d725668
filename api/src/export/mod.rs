//! Exports: all records that the caller sees, of one kind or of all, as one stream from one snapshot. `columns` makes a table
//! of a record's document, `stream` reads page by page, `routes` is what clients see. Which records those are is `read`'s rule.

mod columns;
mod routes;
mod stream;

pub use columns::columns;
pub use routes::ExportApi;
pub use stream::Exporter;
