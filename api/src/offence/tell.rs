//! A fine and its taking back in words, English and Chinese.

use entity::kind::PenaltyKind;
use entity::rules::{Explanation, Penalty};
use entity::scalar::{Currency, Points, Text};
use entity::shape::Names;

use super::judge::Offence;
use crate::points::words;

/// What the tenant calls what a fine is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    pub account: Option<&'a str>,
    pub stage: Option<&'a Names>,
}

/// The receipt of a fine.
pub fn fine(
    offence: &Offence,
    penalty: &Penalty,
    currency: Option<&Currency>,
    version: i32,
    names: &Named<'_>,
) -> Explanation {
    // What a customer is called may be anything, and so is quoted.
    let (at_en, at_zh) = match names.account {
        Some(account) => (format!(" at \u{201c}{account}\u{201d}"), format!("客户\u{201c}{account}\u{201d}的")),
        None => (String::new(), String::new()),
    };
    let to_zh = if at_zh.is_empty() { "的".to_owned() } else { format!("对{at_zh}") };
    let (due, since, name) = (offence.due, offence.since, &offence.name);
    let days = penalty.after_days.unwrap_or_default();
    let (mut en, mut zh) = match (offence.kind, &offence.card) {
        (PenaltyKind::MissedPlan, _) => (
            format!(
                "The visit{at_en} that was planned for {due}{} was not made by the end of that day.",
                quoted(name, " (", ")")
            ),
            format!("计划于 {due} {to_zh}拜访{}在当日结束前没有进行。", quoted(name, "（", "）")),
        ),
        (PenaltyKind::IdleOpportunity, _) => (
            format!(
                "The open opportunity \u{201c}{name}\u{201d}{at_en} had no activity after {since}; the {days} working days for \
                 one ended on {due}."
            ),
            format!(
                "{at_zh}未结束的商机\u{201c}{name}\u{201d}自 {since} 之后没有任何活动；规定的 {days} 个工作日已于 {due} 届满。"
            ),
        ),
        (PenaltyKind::StaleStage, _) => {
            let key = offence.stage.map_or("", |(_, stage)| stage.as_str());
            let (stage_en, stage_zh) =
                names.stage.map_or((key, key), |names| (names.en.0.as_str(), names.zh.0.as_str()));
            let limit = (due.0 - since.0).num_days();
            (
                format!(
                    "The opportunity \u{201c}{name}\u{201d}{at_en} has stood in stage {stage_en} since {since}; the limit of {limit} \
                     days ended on {due}."
                ),
                format!(
                    "{at_zh}商机\u{201c}{name}\u{201d}自 {since} 起一直处于\u{201c}{stage_zh}\u{201d}阶段；{limit} 天的期限已于 {due} 届满。"
                ),
            )
        }
        (PenaltyKind::IncompleteAccount, Some((percent, missing))) => {
            let asked = penalty.below_percent.unwrap_or_default();
            let (fields_en, fields_zh) = words::fields(missing);
            (
                format!(
                    "The card of the account \u{201c}{name}\u{201d} was complete to {percent} % at the end of {due}, {days} \
                     days after {since}; {asked} % are asked for. Missing: {fields_en}."
                ),
                format!(
                    "客户\u{201c}{name}\u{201d}的资料在 {due} 结束时（{since} 之后 {days} 天）完整度为 {percent}%，\
                     要求为 {asked}%。未填写：{fields_zh}。"
                ),
            )
        }
        (PenaltyKind::LateEntry | PenaltyKind::IncompleteAccount, _) => (String::new(), String::new()),
    };
    let points = words::points(penalty.points);
    en += &format!(" By version {version} of the rules this brings {points} points");
    zh += &format!("按规则集第 {version} 版，计 {points} 分");
    if let (Some(money), Some(currency)) = (penalty.money, currency) {
        en += &format!(" and a fine of {money} {currency}");
        zh += &format!("，并罚款 {money} {currency}");
    }
    let missing = offence.card.as_ref().map(|(_, missing)| missing.clone()).unwrap_or_default();
    let percent = offence.card.as_ref().map(|(percent, _)| *percent);
    Explanation {
        rule_set_version: version,
        occurred: None,
        captured: None,
        captured_proven: None,
        received: None,
        hours: None,
        delay_minutes: None,
        base: None,
        within_hours: None,
        percent: None,
        weights: Vec::new(),
        weight_filled: percent.unwrap_or_default(),
        weight_total: if percent.is_some() { 100 } else { 0 },
        missing,
        capped: None,
        offence: Some(offence.kind),
        due: Some(due),
        arithmetic: Text(points),
        en: Text(en + "."),
        zh: Text(zh + "。"),
    }
}

/// A name between these, or nothing.
fn quoted(name: &str, before: &str, after: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{before}\u{201c}{name}\u{201d}{after}") }
}

/// The receipt of taking a fine back.
pub fn taken_back(fine: &Explanation, points: Points) -> Explanation {
    let due = fine.due.unwrap_or_default();
    let arithmetic = words::difference(Points::default(), points, Points(-points.0));
    let en = format!(
        "The fine that fell due on {due} is taken back: what arrived since shows that there was no offence. {arithmetic}."
    );
    let zh = format!("{due} 到期的扣分予以撤销：此后收到的记录表明并无违规。{arithmetic}。");
    Explanation { arithmetic: Text(arithmetic), en: Text(en), zh: Text(zh), ..fine.clone() }
}
