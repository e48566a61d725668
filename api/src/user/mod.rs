//! Users: the people of a tenant. Making one is `create`, letting one in again is `reset_password`; how they prove who
//! they are is `auth`'s.

pub mod create;
pub mod reset_password;
