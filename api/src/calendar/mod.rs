//! When a tenant works: its zone, week, holidays and one-off working days. `hours` reckons with it and knows nothing of
//! the database; `update` sets it.

pub mod hours;
pub mod routes;
pub mod update;

pub use hours::Calendar;
pub use routes::CalendarApi;
