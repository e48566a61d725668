//! Users: the people of a tenant. Making one is `create`; how they prove who they are is `auth`'s.

pub mod create;
