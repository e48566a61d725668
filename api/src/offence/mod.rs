//! Offences that nobody enters: a missed plan, an idle opportunity, a stale stage, an incomplete card. `timeline` holds what
//! happened to a record, `judge` decides from that what fell due on which day, `read` fetches timelines, `tell` puts a fine
//! into words, and `book` is the job that books each offence once. A late entry is no offence of this kind: it is judged
//! when it comes in (`points::score`).

pub mod book;
pub mod judge;
pub mod read;
mod tell;
pub mod timeline;
