//! The chapters of the OpenAPI document. Every operation names one.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Whether the server lives and can work. For load balancers and supervisors; open to everybody.
    Health,
    /// Logging in, sessions, API keys.
    Auth,
    Users,
    Accounts,
    Contacts,
    Opportunities,
    Activities,
    /// Visits still to be done.
    Plans,
    Products,
    /// Possible customers: the pool, picking from it, and what becomes of them.
    Leads,
    /// The ledger of points and its balance.
    Points,
    /// What a company rewards and fines: drafted, tried, activated.
    Rules,
    /// Pull and push for devices that work offline.
    Sync,
    Reports,
    /// Changes, sent to where a company asks for.
    Webhooks,
    /// The tenant's own settings.
    Tenant,
}
