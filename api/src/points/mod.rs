pub mod book;
pub mod correction;
pub mod field;
pub mod position;
pub mod routes;
pub mod rules;
pub mod score;
mod tell;
pub mod totals;
pub mod validate;
pub mod words;

pub use routes::PointsApi;
