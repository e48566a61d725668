//! Explanations in words, English and Chinese: which times, which delay, which bracket, what was missing, what comes of
//! it. The figures are made elsewhere (`score`, `card`).

use chrono_tz::Tz;
use entity::kind::Hours;
use entity::rules::{Explanation, Weight};
use entity::scalar::{Currency, Money, Points, Text};

use super::score::{Facts, Timeliness};
use super::words;

/// Of work. `late`: what a late entry costs, in points and, if it is fined here, in money.
pub(super) fn work(
    facts: &Facts<'_>,
    explanation: &Explanation,
    weights: &[Weight],
    timeliness: &Timeliness<'_>,
    late: (Points, Option<&(Money, Currency)>),
    zone: Tz,
) -> (Text, Text) {
    let (kind_en, kind_zh) = words::kind(facts.kind);
    let occurred = words::moment(facts.occurred, zone);
    let captured = words::moment(facts.captured.at, zone);
    let delay = explanation.delay_minutes.unwrap_or_default();
    let (span_en, span_zh) = match explanation.hours {
        Some(Hours::Working) => (words::worked_en(delay), words::worked_zh(delay)),
        _ => (words::span_en(delay), words::span_zh(delay)),
    };
    let (about_en, about_zh) = match facts.about {
        Some(name) => (format!(", \u{201c}{name}\u{201d}"), format!("\u{201c}{name}\u{201d}的")),
        None => (String::new(), String::new()),
    };
    let mut en = format!("{kind_en} of {occurred}{about_en}, entered {captured} ({zone}): delay {span_en}.");
    let mut zh = format!("{about_zh}{kind_zh}发生于 {occurred}，录入于 {captured}（{zone}）：延迟 {span_zh}。");
    if facts.captured.at < facts.occurred {
        en += " What is entered before it took place has no delay.";
        zh += "提前录入不计延迟。";
    }
    if !facts.captured.proven {
        en += " The phone could not prove the time of entry, so it is an estimate no later than the receipt.";
        zh += "手机未能证明录入时间，因此采用不晚于服务器接收时间的估计值。";
    }
    let arithmetic = &explanation.arithmetic;
    match timeliness {
        Timeliness::Within { hours, percent } => {
            let base = words::plain(explanation.base.unwrap_or_default().0);
            en += &format!(" An entry within {hours} h earns {percent} % of {base} points if complete.");
            zh += &format!("{hours} 小时内录入且填写完整，得 {base} 分的 {percent}%。");
            if explanation.missing.is_empty() {
                en += " It is complete";
                zh += "填写完整";
            } else {
                let (filled, total) = (explanation.weight_filled, explanation.weight_total);
                let (missing_en, missing_zh) = words::lacking(weights, facts.filled);
                en += &format!(" It is complete to {filled}/{total}; missing: {missing_en}");
                zh += &format!("完整度为 {filled}/{total}，未填写：{missing_zh}");
            }
            if let Some(capped) = explanation.capped {
                let capped = words::points(capped);
                en += &format!(". The day's cap takes {capped} points away");
                zh += &format!("。超出当日上限的 {capped} 分不计");
            }
            en += &format!(". Points: {arithmetic}.");
            zh += &format!("。得分：{arithmetic}。");
        }
        Timeliness::Late { brackets_end } => {
            let points = words::points(late.0);
            if let Some(bracket) = brackets_end {
                en += &format!(" That is later than {} h, the last bracket that earns points;", bracket.within_hours);
                zh += &format!("已超过最后一档的 {} 小时；", bracket.within_hours);
            }
            if facts.captured.proven {
                en += &format!(" a late entry brings {points} points, whatever is filled in.");
                zh += &format!("逾期录入计 {points} 分，与填写完整度无关。");
            } else {
                en += &format!(
                    " a late entry would bring {points} points, but without proof nobody is fined. Points: {arithmetic}."
                );
                zh += &format!("逾期录入本应计 {points} 分，但未经证明不予扣分。得分：{arithmetic}。");
            }
            if let Some((money, currency)) = late.1 {
                let money = words::plain(money.0);
                en += &format!(" It also costs {money} {currency}.");
                zh += &format!("另罚款 {money} {currency}。");
            }
        }
    }
    (Text(en), Text(zh))
}
