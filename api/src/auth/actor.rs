//! The proof that a request was authenticated.

use entity::kind::Role;
use uuid::Uuid;

/// Who acts, in which tenant. Only `auth` makes one for a request; the command line makes one for itself.
#[derive(Clone, Debug)]
pub struct Actor {
    pub tenant_id: Uuid,
    /// Nil for the product itself: jobs, imports, the command line.
    pub user_id: Uuid,
    pub role: Role,
    /// False for an API key that may only read.
    pub may_write: bool,
}

impl Actor {
    /// The product itself at work in a tenant, with an admin's rights.
    pub fn system(tenant_id: Uuid) -> Self {
        Actor { tenant_id, user_id: Uuid::nil(), role: Role::Admin, may_write: true }
    }

    /// Whether this actor sees every record of the tenant without being granted it.
    pub fn sees_all(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Integration)
    }
}
