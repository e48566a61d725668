//! Who is asking: passwords, tokens, API keys, and the `Actor` that exists only after they were checked.

pub mod actor;

pub use actor::Actor;
