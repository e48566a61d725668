pub mod book;
pub mod correction;
pub mod field;
pub mod position;
pub mod routes;
pub mod rules;
pub mod score;
pub mod words;

pub use routes::PointsApi;
