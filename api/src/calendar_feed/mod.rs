//! Calendar feeds: a secret address at which a calendar program fetches the plans of one user. `ical` spells a calendar
//! (RFC 5545), `feed` keeps the addresses, `routes` is what clients see.

mod feed;
pub mod ical;
mod routes;

pub use routes::CalendarFeedApi;
