//! What every page knows: who looks at it, in which language and zone, and what he asked for.

use std::collections::HashMap;

use chrono_tz::Tz;
use entity::kind::{Locale, Role};
use entity::scalar::{Date, Timestamp};
use entity::{tenant, user};
use poem::http::{Method, header};
use poem::web::Multipart;
use poem::{FromRequest, Request};
use uuid::Uuid;

use super::browser::{self, cookie};
use crate::auth::{self, Actor, Me};
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::sync::events;

/// Bytes of a form.
const LONGEST_FORM: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the device is set.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Theme::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// How a page is to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub locale: Locale,
    pub theme: Theme,
    /// The language was chosen here; else the user's own counts.
    chosen: bool,
}

impl Look {
    pub fn of(request: &Request) -> Self {
        let chosen = cookie(request, browser::LANGUAGE).and_then(Locale::parse);
        let accepted = || {
            let text = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            if text.is_some_and(|text| text.trim_start().starts_with("zh")) { Locale::Zh } else { Locale::En }
        };
        Look {
            locale: chosen.unwrap_or_else(accepted),
            theme: cookie(request, browser::THEME).and_then(Theme::parse).unwrap_or(Theme::Auto),
            chosen: chosen.is_some(),
        }
    }

    /// In this language, whatever anybody looks at it with.
    pub fn of_locale(locale: Locale) -> Self {
        Look { locale, theme: Theme::Auto, chosen: true }
    }

    /// One of two spellings of the same.
    pub fn t<T>(self, en: T, zh: T) -> T {
        match self.locale {
            Locale::En => en,
            Locale::Zh => zh,
        }
    }
}

impl From<Look> for Locale {
    fn from(look: Look) -> Self {
        look.locale
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// With its query.
    pub path: String,
    pub query: HashMap<String, String>,
    pub form: HashMap<String, String>,
    id: Option<String>,
}

impl Asked {
    /// The path with its query, to come back to after the log-in; `/` for what was no look at a page.
    pub fn path_of(request: &Request) -> String {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        if *request.method() == Method::GET { path.to_owned() } else { "/".to_owned() }
    }

    pub async fn read(request: &mut Request) -> Result<Self, Error> {
        let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        let mut asked = Asked {
            path: Self::path_of(request),
            query,
            form: HashMap::new(),
            id: request.raw_path_param("id").map(str::to_owned),
        };
        // A form with files is read by whom it is for.
        if *request.method() == Method::POST && !is_multipart(request) {
            let body = request.take_body().into_bytes_limit(LONGEST_FORM).await;
            asked.form = pairs(&body.map_err(|_| Refusal::malformed("The form could not be read. Send it again."))?);
        }
        Ok(asked)
    }

    /// A parameter that says something.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// A field of the form; empty if it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", |text| text.trim())
    }

    /// What the path names, if it is no record.
    pub fn name(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// The record that the path names. What is no id names none.
    pub fn id(&self, what: &str) -> Result<Uuid, Refusal> {
        self.id.as_deref().and_then(|id| id.parse().ok()).ok_or_else(|| Refusal::not_found(what))
    }
}

fn is_multipart(request: &Request) -> bool {
    request.content_type().is_some_and(|given| given.starts_with("multipart/"))
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    serde_urlencoded::from_bytes::<Vec<(String, String)>>(text).unwrap_or_default().into_iter().collect()
}

/// A text as a value of a query.
pub fn escaped(text: &str) -> String {
    serde_urlencoded::to_string([("", text)]).unwrap_or_default().trim_start_matches('=').to_owned()
}

/// A path of ours to go on to; `/` for anything that a browser could take for another site.
pub fn local(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

/// A look at a page by somebody.
pub struct View {
    pub state: State,
    pub actor: Actor,
    pub user: user::Model,
    pub tenant: tenant::Model,
    pub zone: Tz,
    pub look: Look,
    pub asked: Asked,
    /// The token of the session.
    pub session: String,
    /// A form with files, which is still to be read.
    pub upload: Option<Multipart>,
    /// The number of the newest change that the page can know of.
    pub head: i64,
    pub now: Timestamp,
}

impl View {
    /// `None` if nobody is logged in.
    pub async fn open(request: &Request, asked: Asked) -> Result<Option<Self>, Error> {
        let state = request.data::<State>().ok_or_else(|| Error::Internal("the pages have no state".into()))?;
        let Some(proof) = browser::proof(state, request).await? else { return Ok(None) };
        let actor = proof.actor;
        // Before anything else is read: what changes in between is told by the first event.
        let head = events::head(state, actor.tenant_id).await?;
        let Me { user, tenant } = auth::me(state, &actor).await?;
        let zone = tenant.time_zone.parse().unwrap_or(Tz::UTC);
        let mut look = Look::of(request);
        if !look.chosen {
            look.locale = user.locale;
        }
        let session = browser::session_token(request).unwrap_or_default().to_owned();
        let now = state.clock.now();
        let upload = None;
        Ok(Some(View { state: state.clone(), actor, user, tenant, zone, look, asked, session, upload, head, now }))
    }

    /// Takes the form with files that the request brings, if it brings one.
    pub async fn take_upload(&mut self, request: Request) -> poem::Result<()> {
        if *request.method() == Method::POST && is_multipart(&request) {
            let (request, mut body) = request.split();
            self.upload = Some(Multipart::from_request(&request, &mut body).await?);
        }
        Ok(())
    }

    /// One of two spellings of the same.
    pub fn t<T>(&self, en: T, zh: T) -> T {
        self.look.t(en, zh)
    }

    pub fn is_rep(&self) -> bool {
        self.actor.role == Role::Rep
    }

    pub fn today(&self) -> Date {
        Date(self.now.0.with_timezone(&self.zone).date_naive())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_in_leads_to_pages_of_ours_only() {
        for (given, taken) in [
            ("/", "/"),
            ("/teams/7?months=3", "/teams/7?months=3"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(given), taken, "{given:?}");
        }
        assert_eq!(escaped("/a?b=c&d"), "%2Fa%3Fb%3Dc%26d");
    }
}
