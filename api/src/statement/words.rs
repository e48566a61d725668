//! A statement as a person reads it, English and Chinese.

use chrono::Datelike;
use entity::scalar::{Points, Text};
use entity::statement;
use rust_decimal::Decimal;

use super::close::fines;
use crate::points::words::points;

/// Puts the figures into words. `reps`: how many reps a team's statement adds up.
pub fn tell(statement: &statement::Model, reps: Option<usize>) -> (Text, Text) {
    let s = statement;
    let month = s.month.0;
    let (month_en, month_zh) = (month.format("%B %Y"), format!("{} 年 {} 月", month.year(), month.month()));
    let (mut en, mut zh) = match reps {
        Some(1) => (format!("{month_en}, a team of 1 rep."), format!("{month_zh}，团队共 1 人。")),
        Some(reps) => (format!("{month_en}, a team of {reps} reps."), format!("{month_zh}，团队共 {reps} 人。")),
        None => (format!("{month_en}."), format!("{month_zh}。")),
    };
    let parts = [
        (s.awarded, "earned", "奖励"),
        (s.fined, "fines", "扣分"),
        (s.corrected, "corrections", "更正"),
        (s.spent, "spent on leads", "换取线索"),
        (s.paid_out, "paid out", "兑付"),
    ];
    let moved: Vec<_> = parts.iter().filter(|(amount, ..)| !amount.0.is_zero()).collect();
    let (opening, closing) = (points(s.opening), points(s.closing));
    if moved.is_empty() {
        en += &format!(" Nothing moved: {closing} points.");
        zh += &format!("本月无变动，余额 {closing} 分。");
    } else {
        let en_parts: Vec<String> =
            moved.iter().map(|(amount, name, _)| format!("{name} {}", signed(*amount))).collect();
        let zh_parts: Vec<String> =
            moved.iter().map(|(amount, _, name)| format!("{name} {}", signed(*amount))).collect();
        en += &format!(" Points: {opening} at the beginning, {}, {closing} at the end.", en_parts.join(", "));
        zh += &format!("积分：期初 {opening}，{}，期末 {closing}。", zh_parts.join("，"));
    }
    if !s.held.0.is_zero() {
        let held = points(s.held);
        en += &format!(" {held} wait for a decision.");
        zh += &format!("另有 {held} 分待裁定。");
    }
    if s.leads_opening != 0 || s.leads_granted != 0 || s.leads_claimed != 0 || s.leads_expired != 0 {
        en += &format!(
            " Rights to pick leads: {} at the beginning, {} granted, {} used, {} expired, {} at the end.",
            s.leads_opening, s.leads_granted, s.leads_claimed, s.leads_expired, s.leads_closing
        );
        zh += &format!(
            "线索领取权：期初 {}，获得 {}，使用 {}，过期 {}，期末 {}。",
            s.leads_opening, s.leads_granted, s.leads_claimed, s.leads_expired, s.leads_closing
        );
    }
    let fines: Vec<String> = fines(s)
        .into_iter()
        .filter(|(money, _)| !money.0.is_zero())
        .map(|(money, currency)| format!("{money} {currency}"))
        .collect();
    if !fines.is_empty() {
        en += &format!(" Fines in money: {}.", fines.join(", "));
        zh += &format!("罚款：{}。", fines.join("，"));
    }
    (Text(en), Text(zh))
}

fn signed(amount: Points) -> String {
    let plus = if amount.0 > Decimal::ZERO { "+" } else { "" };
    format!("{plus}{}", points(amount))
}
