//! The provider's settings as they go over the wire, and what a sign-in is begun and ended with.

use entity::kind::Role;
use entity::scalar::{Line, Timestamp};
use poem_openapi::Object;
use poem_openapi::types::Example;

use super::admit::Mapping;
use crate::auth::Secret;

/// What a value of the provider's claim gives to who has it.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct RoleMapping {
    /// The value, such as the name of a group.
    pub value: Line,
    /// `rep`, `manager` or `admin`.
    pub role: Option<Role>,
    /// The name of a team.
    pub team: Option<Line>,
}

/// The tenant's identity provider, without its secret.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct IdentityProvider {
    /// What people call it.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// Whether a client secret is kept.
    pub has_secret: bool,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Where the provider says what a user's roles or groups are.
    pub claim: Option<String>,
    pub mappings: Vec<RoleMapping>,
    /// For who has no value that gives a role.
    pub default_role: Option<Role>,
    /// Domains of e-mail addresses that may come in; any if empty.
    pub allowed_domains: Vec<String>,
    /// Whether who is no user yet becomes one.
    pub just_in_time: bool,
    /// Whether an address is believed where the provider does not say whether it is verified.
    pub assume_verified: bool,
    /// To be registered at the provider, for the pages; apps register their own.
    pub redirect_uri: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The tenant's identity provider, as it is to be.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields, example)]
pub struct SetIdentityProvider {
    /// What people call it: the button says "Sign in with …".
    pub name: Line,
    /// How the provider calls itself, letter by letter; `/.well-known/openid-configuration` is read below it.
    #[oai(validator(max_length = 1000))]
    pub issuer: String,
    pub client_id: Line,
    /// Absent: the one that is kept, if issuer and client id stay as they are; else none, for a public client.
    pub client_secret: Option<Secret>,
    /// Asked for beside `openid`; by default `email` and `profile`.
    #[oai(validator(max_items = 20))]
    pub scopes: Option<Vec<String>>,
    /// The claim that holds a user's roles or groups, by its name (`groups`) or as a JSON pointer (`/realm_access/roles`).
    /// Without it roles are set here alone.
    pub claim: Option<Line>,
    /// The first whose value a user has and that names a role gives him the role, the first that names a team his team, at
    /// each log-in anew.
    #[oai(validator(max_items = 200))]
    pub mappings: Option<Vec<RoleMapping>>,
    /// For who has no value that gives a role; without it he does not come in. With no claim: what new users become.
    pub default_role: Option<Role>,
    /// Domains of e-mail addresses that may come in, such as `example.com`; any if there are none.
    #[oai(validator(max_items = 100))]
    pub allowed_domains: Option<Vec<Line>>,
    /// True: who is no user yet becomes one when he first comes. By default he has to be made first.
    pub just_in_time: Option<bool>,
    /// True: an address is believed where the provider does not say whether it is verified, as Microsoft Entra ID does not.
    /// Only with `allowedDomains`. An address that it calls unverified is never believed.
    pub assume_verified: Option<bool>,
}

impl Example for SetIdentityProvider {
    fn example() -> Self {
        SetIdentityProvider {
            name: Line("Hopton ID".into()),
            issuer: "https://id.example.com".into(),
            client_id: Line("waypost".into()),
            client_secret: Some(Secret::new("kept at the provider too")),
            scopes: Some(vec!["email".into(), "profile".into(), "groups".into()]),
            claim: Some(Line("groups".into())),
            mappings: Some(vec![
                RoleMapping { value: Line("crm-admins".into()), role: Some(Role::Admin), team: None },
                RoleMapping { value: Line("sales".into()), role: Some(Role::Rep), team: None },
            ]),
            default_role: None,
            allowed_domains: Some(vec![Line("example.com".into())]),
            just_in_time: Some(true),
            assume_verified: None,
        }
    }
}

/// Who wants to sign in, and where the provider is to send him back to.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
pub struct StartSignIn {
    /// The tenant's slug.
    pub tenant: Line,
    /// Registered at the provider: an address of the app's own, such as `com.example.app:/signed-in`.
    #[oai(validator(max_length = 1000))]
    pub redirect_uri: String,
}

impl Example for StartSignIn {
    fn example() -> Self {
        StartSignIn { tenant: Line("northwind".into()), redirect_uri: "com.example.app:/signed-in".into() }
    }
}

/// A sign-in that has begun.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct StartedSignIn {
    /// To be opened in the system's browser.
    pub authorization_url: String,
    /// Keep it in the app, out of the browser: it ends the sign-in, once.
    pub sign_in_token: Secret,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What the provider sent back to the app.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeSignIn {
    pub sign_in_token: Secret,
    /// From the address that the provider sent the browser to.
    #[oai(validator(max_length = 500))]
    pub state: String,
    /// From the same address.
    #[oai(validator(max_length = 4000))]
    pub code: String,
    /// From the same address, if it is there (RFC 9207).
    #[oai(validator(max_length = 1000))]
    pub iss: Option<String>,
    /// What the user calls the device.
    pub device_name: Option<Line>,
}

impl From<&Mapping> for RoleMapping {
    fn from(mapping: &Mapping) -> Self {
        let Mapping { value, role, team } = mapping.clone();
        RoleMapping { value: Line(value), role, team: team.map(Line) }
    }
}

impl From<RoleMapping> for Mapping {
    fn from(wire: RoleMapping) -> Self {
        Mapping { value: wire.value.into(), role: wire.role, team: wire.team.map(String::from) }
    }
}
