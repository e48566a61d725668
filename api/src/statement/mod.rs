//! Monthly statements: what each rep's ledger came to, and each team's. `close` makes them, once, when a month is over;
//! nothing changes them, so that what is corrected later stands in the next. `words` puts them into words, `sheet` into
//! tables for payroll.

pub mod close;
pub mod routes;
pub mod sheet;
mod words;

pub use routes::StatementApi;
