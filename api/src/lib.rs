pub mod activity;
pub mod captured;
pub mod clock;
pub mod opportunity;
pub mod points;
