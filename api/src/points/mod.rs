pub mod book;
pub mod correction;
pub mod field;
pub mod rules;
pub mod score;
mod words;
