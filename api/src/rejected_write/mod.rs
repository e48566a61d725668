//! Rejected writes: what a phone sent and the server did not take. They are made by `sync`; here they are read, and
//! dismissed by whoever typed them.

pub mod routes;

pub use routes::RejectedWriteApi;
