//! Decides whether somebody comes in whom the provider has proven, and as what. Knows neither the database nor HTTP.

use entity::kind::{Locale, Role};
use serde::{Deserialize, Serialize};

/// What a value of the claim gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    pub value: String,
    pub role: Option<Role>,
    /// The name of a team.
    pub team: Option<String>,
}

/// What the tenant's administrator decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Without one, roles are set here alone.
    pub claim: Option<String>,
    pub mappings: Vec<Mapping>,
    pub default_role: Option<Role>,
    /// In lower case; any if empty.
    pub allowed_domains: Vec<String>,
    pub just_in_time: bool,
    pub assume_verified: bool,
}

/// What the provider says of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who he is there, for good.
    pub subject: String,
    /// In lower case.
    pub email: Option<String>,
    /// Whether the address is verified, if it says so.
    pub verified: Option<bool>,
    pub name: Option<String>,
    pub locale: Locale,
    /// Of the claim that the rules name.
    pub values: Vec<String>,
}

/// As what he comes in; what is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub role: Option<Role>,
    pub team: Option<String>,
}

/// Why he does not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The provider calls his address unverified, or does not say.
    Unverified,
    /// It names no address.
    NoAddress,
    /// His address is of another domain.
    Domain,
    /// Nothing that it says of him gives a role.
    NoRole,
    /// The team that it gives is not there, or not the only one of its name.
    NoTeam(String),
    /// He is no user, and users are not made by coming.
    NotInvited,
    /// An administrator has disabled him.
    Disabled,
    /// The address belongs to a user who signs in as somebody else of the same provider.
    OtherIdentity,
    /// The address belongs to a program.
    Integration,
}

impl Denied {
    /// What to tell him, in English and Chinese.
    pub fn texts(&self) -> (String, String) {
        let (en, zh) = match self {
            Denied::Unverified => (
                "The identity provider does not vouch for your e-mail address. Verify it there, and sign in again.",
                "身份提供方未验证您的邮箱。请先在那里完成验证，再重新登录。",
            ),
            Denied::NoAddress => (
                "The identity provider does not tell your e-mail address. Ask an administrator to have it told (scope `email`).",
                "身份提供方没有提供您的邮箱。请联系管理员开启（scope `email`）。",
            ),
            Denied::Domain => (
                "Your e-mail address is of a domain that does not sign in here. Ask an administrator.",
                "您的邮箱域名不允许在此登录，请联系管理员。",
            ),
            Denied::NoRole => (
                "None of your groups gives you a role here. Ask an administrator.",
                "您所在的用户组在此没有对应的角色，请联系管理员。",
            ),
            Denied::NoTeam(team) => {
                return (
                    format!("Your groups put you into the team “{team}”, which is not here. Tell an administrator."),
                    format!("您的用户组对应的团队“{team}”不存在，请联系管理员。"),
                );
            }
            Denied::NotInvited => (
                "There is no user with your e-mail address here. Ask an administrator to create one.",
                "此处没有使用您邮箱的用户，请联系管理员创建。",
            ),
            Denied::Disabled => ("This user has been disabled. Ask an administrator.", "该用户已停用，请联系管理员。"),
            Denied::OtherIdentity => (
                "Your e-mail address belongs to a user who signs in with another account of the identity provider. Ask an \
                 administrator to unlink it.",
                "您的邮箱属于另一个身份账号的用户，请联系管理员解除关联。",
            ),
            Denied::Integration => (
                "Your e-mail address belongs to an integration, which does not sign in. Ask an administrator.",
                "您的邮箱属于集成程序，不能登录。请联系管理员。",
            ),
        };
        (en.to_owned(), zh.to_owned())
    }
}

/// Whether he may come in, and as what: user or not yet.
pub fn admit(rules: &Rules, told: &Told) -> Result<Given, Denied> {
    if told.verified == Some(false) {
        return Err(Denied::Unverified);
    }
    if !rules.allowed_domains.is_empty() {
        let email = told.email.as_deref().ok_or(Denied::NoAddress)?;
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        if !domain.is_some_and(|domain| rules.allowed_domains.iter().any(|allowed| allowed == domain)) {
            return Err(Denied::Domain);
        }
    }
    if rules.claim.is_none() {
        return Ok(Given { role: None, team: None });
    }
    let mut his = rules.mappings.iter().filter(|mapping| told.values.contains(&mapping.value));
    let role = his.clone().find_map(|mapping| mapping.role).or(rules.default_role).ok_or(Denied::NoRole)?;
    Ok(Given { role: Some(role), team: his.find_map(|mapping| mapping.team.clone()) })
}

/// The address by which somebody is found who comes for the first time: one that the provider vouches for.
pub fn proven_email<'a>(rules: &Rules, told: &'a Told) -> Result<&'a str, Denied> {
    match (&told.email, told.verified) {
        (None, _) => Err(Denied::NoAddress),
        (Some(email), Some(true)) => Ok(email),
        (Some(email), None) if rules.assume_verified => Ok(email),
        (Some(_), _) => Err(Denied::Unverified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(email: Option<&str>, verified: Option<bool>, values: &[&str]) -> Told {
        Told {
            subject: "7".into(),
            email: email.map(str::to_owned),
            verified,
            name: None,
            locale: Locale::En,
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    fn mapping(value: &str, role: Option<Role>, team: Option<&str>) -> Mapping {
        Mapping { value: value.into(), role, team: team.map(str::to_owned) }
    }

    #[test]
    fn the_first_mapping_that_fits_gives_the_role_and_the_first_with_a_team_the_team() {
        let rules = Rules {
            claim: Some("groups".into()),
            mappings: vec![
                mapping("admins", Some(Role::Admin), None),
                mapping("leads", Some(Role::Manager), Some("East")),
                mapping("west", None, Some("West")),
                mapping("sales", Some(Role::Rep), None),
            ],
            ..Rules::default()
        };
        for (values, role, team) in [
            (&["sales"][..], Role::Rep, None),
            (&["sales", "west"], Role::Rep, Some("West")),
            (&["west", "sales", "leads"], Role::Manager, Some("East")),
            (&["leads", "admins"], Role::Admin, Some("East")),
        ] {
            let given = admit(&rules, &told(None, None, values));
            assert_eq!(given, Ok(Given { role: Some(role), team: team.map(str::to_owned) }), "{values:?}");
        }
        for values in [&["west"][..], &["Sales"], &["sales "], &[]] {
            assert_eq!(admit(&rules, &told(None, None, values)), Err(Denied::NoRole), "{values:?}");
        }
        let lenient = Rules { default_role: Some(Role::Rep), ..rules };
        let given = admit(&lenient, &told(None, None, &["west"]));
        assert_eq!(given, Ok(Given { role: Some(Role::Rep), team: Some("West".into()) }));
    }

    #[test]
    fn without_a_claim_roles_are_left_alone() {
        let rules = Rules { default_role: Some(Role::Rep), ..Rules::default() };
        assert_eq!(admit(&rules, &told(None, None, &["admins"])), Ok(Given { role: None, team: None }));
    }

    #[test]
    fn only_the_domains_that_are_named() {
        let rules = Rules { allowed_domains: vec!["example.com".into()], ..Rules::default() };
        let admitted = |email| admit(&rules, &told(email, Some(true), &[])).map(drop);
        assert_eq!(admitted(Some("lin@example.com")), Ok(()));
        for email in
            ["lin@evil.com", "lin@sub.example.com", "lin@notexample.com", "lin@example.com@evil.com", "example.com"]
        {
            assert_eq!(admitted(Some(email)), Err(Denied::Domain), "{email}");
        }
        assert_eq!(admitted(None), Err(Denied::NoAddress));
    }

    #[test]
    fn an_address_counts_that_somebody_vouches_for() {
        let strict = Rules::default();
        let trusting = Rules { assume_verified: true, ..Rules::default() };
        let with = |verified| told(Some("lin@example.com"), verified, &[]);
        assert_eq!(proven_email(&strict, &with(Some(true))), Ok("lin@example.com"));
        assert_eq!(proven_email(&strict, &with(None)), Err(Denied::Unverified));
        assert_eq!(proven_email(&trusting, &with(None)), Ok("lin@example.com"));
        assert_eq!(proven_email(&trusting, &with(Some(false))), Err(Denied::Unverified));
        assert_eq!(proven_email(&trusting, &told(None, None, &[])), Err(Denied::NoAddress));
        assert_eq!(admit(&trusting, &with(Some(false))), Err(Denied::Unverified), "known users too");
    }
}
