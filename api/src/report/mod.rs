//! Reports for managers: read models, each in a folder of its own with its statement. `answer` sends a report as JSON,
//! table or picture; `chart` draws. Nothing here writes.

pub mod activity;
pub mod answer;
mod ask;
pub mod burden;
pub mod chart;
pub mod coverage;
pub mod figures;
pub mod forecast;
pub mod funnel;
pub mod lost;
pub mod quota;
pub mod route;
pub mod told;
pub mod uplift;
pub mod velocity;
mod words;

pub use answer::{Answer, Asked, Report, ReportFormat};
pub use funnel::*;
pub use words::Words;

/// To this many decimals.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10f64.powi(decimals);
    (value * unit).round() / unit
}
