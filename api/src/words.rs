//! What things are called on pages and in pictures.

use entity::kind::{AccountKind, AccountTier, ActivityKind, Locale, LostReason, PenaltyKind, Role, StageKey, Verdict};

/// One of two spellings.
fn said(locale: impl Into<Locale>) -> impl Fn(&'static str, &'static str) -> &'static str {
    let locale = locale.into();
    move |en, zh| match locale {
        Locale::En => en,
        Locale::Zh => zh,
    }
}

pub fn role(role: Role, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match role {
        Role::Rep => say("Sales rep", "销售代表"),
        Role::Manager => say("Manager", "经理"),
        Role::Admin => say("Administrator", "管理员"),
        Role::Integration => say("Integration", "集成"),
    }
}

/// Where the tenant has no name of its own.
pub fn stage(stage: StageKey, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match stage {
        StageKey::Intent => say("Intent", "意向"),
        StageKey::PreSale => say("Pre-sale", "售前"),
        StageKey::Negotiation => say("Negotiation", "谈判"),
        StageKey::Signed => say("Signed", "签约"),
        StageKey::Lost => say("Lost", "丢单"),
    }
}

pub fn activity(kind: ActivityKind, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match kind {
        ActivityKind::Visit => say("Visit", "拜访"),
        ActivityKind::Call => say("Call", "电话"),
        ActivityKind::Meeting => say("Meeting", "会议"),
        ActivityKind::Email => say("E-mail", "邮件"),
        ActivityKind::Note => say("Note", "记录"),
    }
}

pub fn verdict(verdict: Verdict, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match verdict {
        Verdict::Verified => say("on site", "已到场"),
        Verdict::Outside => say("elsewhere", "不在现场"),
        Verdict::Unknown => say("place unknown", "位置未知"),
    }
}

pub fn lost(reason: LostReason, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match reason {
        LostReason::Price => say("price", "价格"),
        LostReason::Competitor => say("competitor", "竞争对手"),
        LostReason::NoBudget => say("no budget", "无预算"),
        LostReason::NoDecision => say("no decision", "迟迟未决"),
        LostReason::NoFit => say("no fit", "不匹配"),
        LostReason::NoContact => say("no contact", "失去联系"),
        LostReason::Duplicate => say("duplicate", "重复"),
        LostReason::Other => say("other", "其他"),
    }
}

pub fn tier(tier: Option<AccountTier>, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match tier {
        Some(AccountTier::Key) => say("key", "重点"),
        Some(AccountTier::Ordinary) => say("ordinary", "普通"),
        Some(AccountTier::Potential) => say("potential", "潜在"),
        None => say("no tier", "未分级"),
    }
}

pub fn account(kind: AccountKind, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match kind {
        AccountKind::Business => say("company", "企业"),
        AccountKind::Consumer => say("person", "个人"),
        AccountKind::Channel => say("channel partner", "渠道"),
        AccountKind::Internal => say("own house", "内部"),
    }
}

/// Where leads and opportunities come from: a word for what the guides, the demo and the server itself write, anything else
/// as it was typed.
pub fn source(typed: &str, locale: impl Into<Locale>) -> &str {
    let say = said(locale);
    match typed {
        "fair" => say("trade fair", "展会"),
        "referral" => say("referral", "转介绍"),
        "web" | "website" => say("website", "官网"),
        "cold_call" => say("cold call", "陌生拜访"),
        "partner" => say("partner", "合作伙伴"),
        "tender" => say("tender", "招投标"),
        "reclaimed" => say("reclaimed account", "退回的客户"),
        _ => typed,
    }
}

pub fn penalty(kind: PenaltyKind, locale: impl Into<Locale>) -> &'static str {
    let say = said(locale);
    match kind {
        PenaltyKind::LateEntry => say("late entry", "录入过迟"),
        PenaltyKind::MissedPlan => say("missed plan", "计划未执行"),
        PenaltyKind::IdleOpportunity => say("idle opportunity", "商机无跟进"),
        PenaltyKind::StaleStage => say("stale stage", "阶段停滞"),
        PenaltyKind::IncompleteAccount => say("incomplete account", "客户资料不全"),
    }
}
