//! What things are called on the pages.

use entity::kind::{AccountKind, AccountTier, ActivityKind, LostReason, PenaltyKind, Role, StageKey, Verdict};

use super::view::Look;

pub fn role(role: Role, look: Look) -> &'static str {
    match role {
        Role::Rep => look.t("Sales rep", "销售代表"),
        Role::Manager => look.t("Manager", "经理"),
        Role::Admin => look.t("Administrator", "管理员"),
        Role::Integration => look.t("Integration", "集成"),
    }
}

/// Where the tenant has no name of its own.
pub fn stage(stage: StageKey, look: Look) -> &'static str {
    match stage {
        StageKey::Intent => look.t("Intent", "意向"),
        StageKey::PreSale => look.t("Pre-sale", "售前"),
        StageKey::Negotiation => look.t("Negotiation", "谈判"),
        StageKey::Signed => look.t("Signed", "签约"),
        StageKey::Lost => look.t("Lost", "丢单"),
    }
}

pub fn activity(kind: ActivityKind, look: Look) -> &'static str {
    match kind {
        ActivityKind::Visit => look.t("Visit", "拜访"),
        ActivityKind::Call => look.t("Call", "电话"),
        ActivityKind::Meeting => look.t("Meeting", "会议"),
        ActivityKind::Email => look.t("E-mail", "邮件"),
        ActivityKind::Note => look.t("Note", "记录"),
    }
}

pub fn verdict(verdict: Verdict, look: Look) -> &'static str {
    match verdict {
        Verdict::Verified => look.t("on site", "已到场"),
        Verdict::Outside => look.t("elsewhere", "不在现场"),
        Verdict::Unknown => look.t("place unknown", "位置未知"),
    }
}

pub fn lost(reason: LostReason, look: Look) -> &'static str {
    match reason {
        LostReason::Price => look.t("price", "价格"),
        LostReason::Competitor => look.t("competitor", "竞争对手"),
        LostReason::NoBudget => look.t("no budget", "无预算"),
        LostReason::NoDecision => look.t("no decision", "迟迟未决"),
        LostReason::NoFit => look.t("no fit", "不匹配"),
        LostReason::NoContact => look.t("no contact", "失去联系"),
        LostReason::Duplicate => look.t("duplicate", "重复"),
        LostReason::Other => look.t("other", "其他"),
    }
}

pub fn tier(tier: Option<AccountTier>, look: Look) -> &'static str {
    match tier {
        Some(AccountTier::Key) => look.t("key", "重点"),
        Some(AccountTier::Ordinary) => look.t("ordinary", "普通"),
        Some(AccountTier::Potential) => look.t("potential", "潜在"),
        None => look.t("no tier", "未分级"),
    }
}

pub fn account(kind: AccountKind, look: Look) -> &'static str {
    match kind {
        AccountKind::Business => look.t("company", "企业"),
        AccountKind::Consumer => look.t("person", "个人"),
        AccountKind::Channel => look.t("channel partner", "渠道"),
        AccountKind::Internal => look.t("own house", "内部"),
    }
}

/// Where leads and opportunities come from: a word for what the guides, the demo and the server itself write, anything else
/// as it was typed.
pub fn source(typed: &str, look: Look) -> &str {
    match typed {
        "fair" => look.t("trade fair", "展会"),
        "referral" => look.t("referral", "转介绍"),
        "web" | "website" => look.t("website", "官网"),
        "cold_call" => look.t("cold call", "陌生拜访"),
        "partner" => look.t("partner", "合作伙伴"),
        "tender" => look.t("tender", "招投标"),
        "reclaimed" => look.t("reclaimed account", "退回的客户"),
        _ => typed,
    }
}

pub fn penalty(kind: PenaltyKind, look: Look) -> &'static str {
    match kind {
        PenaltyKind::LateEntry => look.t("late entry", "录入过迟"),
        PenaltyKind::MissedPlan => look.t("missed plan", "计划未执行"),
        PenaltyKind::IdleOpportunity => look.t("idle opportunity", "商机无跟进"),
        PenaltyKind::StaleStage => look.t("stale stage", "阶段停滞"),
        PenaltyKind::IncompleteAccount => look.t("incomplete account", "客户资料不全"),
    }
}
