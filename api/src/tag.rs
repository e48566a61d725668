//! The chapters of the OpenAPI document. Every operation names one.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Whether the server lives and can work. For load balancers and supervisors; open to everybody.
    Health,
}
