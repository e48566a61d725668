//! What is written into pictures, in the reader's language. The names of stages are the tenant's own.

use std::collections::BTreeMap;

use entity::kind::{AccountKind, AccountTier, Locale, LostReason, StageKey};
use entity::scalar::Date;
use sea_orm::{DbBackend, FromQueryResult, Statement};

use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::words;

#[derive(Clone, Debug)]
pub struct Words {
    pub locale: Locale,
    stages: BTreeMap<StageKey, String>,
}

#[derive(FromQueryResult)]
struct Named {
    stage: StageKey,
    name: String,
}

impl Words {
    /// # Errors
    /// What the database refuses.
    pub async fn load(state: &State, actor: &Actor, locale: Locale) -> Result<Self, Error> {
        let sql = "SELECT stage, names ->> $2 AS name FROM stage WHERE tenant_id = $1 AND deleted_at IS NULL";
        let values = [actor.tenant_id.into(), locale.as_str().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let named = Named::find_by_statement(statement).all(&state.db).await?;
        Ok(Words { locale, stages: named.into_iter().map(|row| (row.stage, row.name)).collect() })
    }

    /// One of two spellings.
    pub fn say<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        match self.locale {
            Locale::En => en,
            Locale::Zh => zh,
        }
    }

    pub fn stage(&self, stage: StageKey) -> String {
        let own = self.stages.get(&stage).cloned();
        own.unwrap_or_else(|| words::stage(stage, self.locale).to_owned())
    }

    pub fn lost_reason(&self, reason: Option<LostReason>) -> &'static str {
        reason.map_or_else(|| self.say("no reason told", "未说明"), |reason| words::lost(reason, self.locale))
    }

    pub fn tier(&self, tier: Option<AccountTier>) -> &'static str {
        words::tier(tier, self.locale)
    }

    pub fn account(&self, kind: AccountKind) -> &'static str {
        words::account(kind, self.locale)
    }

    /// After a period: that it is told of a past day, and that less, or something else, was known on it. Empty for what is told of now.
    pub fn as_of(&self, day: Option<Date>, differs: bool) -> String {
        let Some(day) = day else { return String::new() };
        let differs = if differs { self.say(", known otherwise then", "，当时所知不同") } else { "" };
        format!(" · {} {day}{differs}", self.say("as of", "截至"))
    }

    /// `n=40`, which reads the same in both languages.
    pub fn sample(&self, n: i64) -> String {
        format!("n={n}")
    }
}
