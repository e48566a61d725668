//! Users: the people of a tenant. Making one is `create`, changing one `update`, letting one in again `reset_password`;
//! how they prove who they are is `auth`'s.

pub mod create;
pub mod reset_password;
pub mod routes;
pub mod update;

pub use routes::UserApi;
