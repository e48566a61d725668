pub mod book;
pub mod card;
pub mod cards;
pub mod correction;
pub mod field;
pub mod moves;
pub mod plans;
pub mod position;
pub mod routes;
pub mod rules;
pub mod score;
pub mod signing;
pub mod source;
mod tell;
pub mod totals;
pub mod validate;
pub mod words;

pub use routes::PointsApi;
