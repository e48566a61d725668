pub mod field;
pub mod stage;
