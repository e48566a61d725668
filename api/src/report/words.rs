//! What is written into pictures, in the reader's language. The names of stages are the tenant's own.

use std::collections::BTreeMap;

use entity::kind::{AccountTier, Locale, LostReason, StageKey};
use entity::scalar::Date;
use sea_orm::{DbBackend, FromQueryResult, Statement};

use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;

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
        self.stages.get(&stage).cloned().unwrap_or_else(|| {
            match stage {
                StageKey::Intent => self.say("Intent", "意向"),
                StageKey::PreSale => self.say("Pre-sale", "售前"),
                StageKey::Negotiation => self.say("Negotiation", "谈判"),
                StageKey::Signed => self.say("Signed", "签约"),
                StageKey::Lost => self.say("Lost", "丢单"),
            }
            .to_owned()
        })
    }

    pub fn lost_reason(&self, reason: Option<LostReason>) -> &'static str {
        match reason {
            Some(LostReason::Price) => self.say("price", "价格"),
            Some(LostReason::Competitor) => self.say("competitor", "竞争对手"),
            Some(LostReason::NoBudget) => self.say("no budget", "无预算"),
            Some(LostReason::NoDecision) => self.say("no decision", "迟迟未决"),
            Some(LostReason::NoFit) => self.say("no fit", "不匹配"),
            Some(LostReason::NoContact) => self.say("no contact", "失去联系"),
            Some(LostReason::Duplicate) => self.say("duplicate", "重复"),
            Some(LostReason::Other) => self.say("other", "其他"),
            None => self.say("no reason told", "未说明"),
        }
    }

    pub fn tier(&self, tier: Option<AccountTier>) -> &'static str {
        match tier {
            Some(AccountTier::Key) => self.say("key", "重点"),
            Some(AccountTier::Ordinary) => self.say("ordinary", "普通"),
            Some(AccountTier::Potential) => self.say("potential", "潜在"),
            None => self.say("no tier", "未分级"),
        }
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
