//! The chapters of the OpenAPI document. Every operation names one.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Whether the server lives and can work. For load balancers and supervisors; open to everybody.
    Health,
    /// Logging in, sessions, API keys.
    Auth,
    /// People and the teams that they work in.
    Users,
    /// Customers, and who works them.
    Accounts,
    /// The people at a customer's.
    Contacts,
    /// Possible sales on their way from intent to signature.
    Opportunities,
    /// Work done: visits, calls, meetings, e-mails, notes.
    Activities,
    /// Visits still to be done.
    Plans,
    /// Photos, voice notes and documents, and their files. Files also come by the tus protocol, at `/v1/uploads`.
    Attachments,
    /// What is sold.
    Products,
    /// Possible customers: the pool, picking from it, and what becomes of them.
    Leads,
    /// The ledger of points and its balance.
    Points,
    /// What a company rewards and fines: drafted, tried, activated.
    Rules,
    /// Pull and push for devices that work offline.
    Sync,
    /// Figures for managers, computed from history.
    Reports,
    /// Files of records, in and out.
    Imports,
    /// Changes, sent to where a company asks for.
    Webhooks,
    /// The tenant's own settings.
    Tenant,
}
