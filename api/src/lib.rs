pub mod http;
pub mod openapi;
pub mod problem;
