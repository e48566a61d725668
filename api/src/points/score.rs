//! What one activity earns or costs by a rule set, with the explanation that its booking carries. Decides only:
//! writing the ledger, and what is booked already, are not known here (see `correction`).

use std::collections::BTreeSet;

use chrono_tz::Tz;
use entity::kind::{EntryKind, PenaltyKind, WorkKind};
use entity::rules::{Bracket, Explanation, Rules, WeighedField, Weight};
use entity::scalar::{Currency, Money, Points, Text, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};

use super::rules::penalty;
use super::words;
use crate::captured::Captured;

/// All that a score may depend on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub kind: WorkKind,
    /// When it took place.
    pub occurred: Timestamp,
    /// When it was typed.
    pub captured: Captured,
    /// When the server got it; it is told in the explanation and earns nothing.
    pub received: Timestamp,
    /// Names on the wire of the fields that are filled (`super::field::filled`).
    pub filled: &'a BTreeSet<&'a str>,
    /// The tenant's zone: the explanation tells times as the rep's clock shows them.
    pub zone: Tz,
}

/// Points to be booked, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Booking {
    pub points: Points,
    /// A fine in money.
    pub money: Option<(Money, Currency)>,
    pub kind: EntryKind,
    pub explanation: Explanation,
}

/// What the delay of an activity comes to.
enum Timeliness<'a> {
    Within { hours: i32, percent: i32 },
    Late { brackets_end: Option<&'a Bracket> },
}

/// What an activity earns or costs by `rules`, which have passed `validate`.
///
/// The delay from occurrence to capture counts in whole minutes, a started one not, and never less than zero. The
/// first bracket whose limit it does not exceed gives base × per cent × Σ weights of the filled fields / Σ weights,
/// rounded to the hundredth, halves away from zero. Later than every bracket, the penalty for a late entry applies
/// whatever is filled, as a fine; but an unproven capture is never fined: it then brings nothing. `None`: the rules say
/// nothing about work of this kind.
pub fn score(rules: &Rules, version: i32, facts: &Facts<'_>) -> Option<Booking> {
    let delay = (facts.captured.at.0 - facts.occurred.0).num_minutes().max(0);
    let work = rules.work.iter().find(|work| work.on == facts.kind)?;
    let base = work.base.0;
    let is_filled = |weight: &Weight| facts.filled.contains(weight.field.0.as_str());
    let weights: Vec<WeighedField> = work
        .weights
        .iter()
        .map(|weight| WeighedField {
            field: weight.field.clone(),
            weight: weight.weight,
            filled: is_filled(weight),
            percent: None,
        })
        .collect();
    let mut explanation = Explanation {
        rule_set_version: version,
        occurred: Some(facts.occurred),
        captured: Some(facts.captured.at),
        captured_proven: Some(facts.captured.proven),
        received: Some(facts.received),
        hours: Some(rules.hours),
        delay_minutes: Some(i32::try_from(delay).unwrap_or(i32::MAX)),
        base: Some(work.base),
        within_hours: None,
        percent: None,
        weight_filled: weights.iter().filter(|w| w.filled).map(|w| w.weight).sum(),
        weight_total: weights.iter().map(|w| w.weight).sum(),
        missing: weights.iter().filter(|w| !w.filled).map(|w| w.field.clone()).collect(),
        weights,
        capped: None,
        offence: None,
        due: None,
        arithmetic: Text(String::new()),
        en: Text(String::new()),
        zh: Text(String::new()),
    };
    let timeliness = match rules.brackets.iter().find(|bracket| delay <= i64::from(bracket.within_hours) * 60) {
        Some(bracket) => Timeliness::Within { hours: bracket.within_hours, percent: bracket.percent },
        None => Timeliness::Late { brackets_end: rules.brackets.last() },
    };
    let late = penalty(rules, PenaltyKind::LateEntry).map_or(Points::default(), |penalty| penalty.points);
    let points = match timeliness {
        Timeliness::Within { hours, percent } => {
            (explanation.within_hours, explanation.percent) = (Some(hours), Some(percent));
            let (filled, total) = (explanation.weight_filled, explanation.weight_total);
            let exact = if total == 0 {
                base * Decimal::from(percent) / Decimal::ONE_HUNDRED
            } else {
                base * Decimal::from(percent) * Decimal::from(filled) / (Decimal::ONE_HUNDRED * Decimal::from(total))
            };
            let rounded = Points(exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero));
            let sign = if exact == rounded.0 { "=" } else { "≈" };
            let share = if total == 0 { "1".to_owned() } else { format!("{filled}/{total}") };
            explanation.arithmetic =
                Text(format!("{} × {percent} % × {share} {sign} {}", words::plain(base), words::points(rounded)));
            rounded
        }
        Timeliness::Late { .. } if facts.captured.proven => {
            explanation.offence = Some(PenaltyKind::LateEntry).filter(|_| late.0 < Decimal::ZERO);
            explanation.arithmetic = Text(words::points(late));
            late
        }
        Timeliness::Late { .. } => {
            let none = Points(Decimal::ZERO);
            explanation.arithmetic = Text(format!("max({}, 0) = {}", words::points(late), words::points(none)));
            none
        }
    };
    (explanation.en, explanation.zh) = tell(facts, &explanation, &timeliness, late);
    let kind = if points.0 < Decimal::ZERO { EntryKind::Fine } else { EntryKind::Award };
    Some(Booking { points, money: None, kind, explanation })
}

/// The explanation in words, English and Chinese: which times, which delay, which bracket, what was missing, what
/// comes of it.
fn tell(facts: &Facts<'_>, explanation: &Explanation, timeliness: &Timeliness<'_>, late: Points) -> (Text, Text) {
    let (kind_en, kind_zh) = words::kind(facts.kind);
    let occurred = words::moment(facts.occurred, facts.zone);
    let captured = words::moment(facts.captured.at, facts.zone);
    let delay = explanation.delay_minutes.unwrap_or_default();
    let (span_en, span_zh) = (words::span_en(delay), words::span_zh(delay));
    let mut en = format!("{kind_en} of {occurred}, entered {captured} ({}): delay {span_en}.", facts.zone);
    let mut zh = format!("{kind_zh}发生于 {occurred}，录入于 {captured}（{}）：延迟 {span_zh}。", facts.zone);
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
                let (missing_en, missing_zh) = words::fields(&explanation.missing);
                en += &format!(" It is complete to {filled}/{total}; missing: {missing_en}");
                zh += &format!("完整度为 {filled}/{total}，未填写：{missing_zh}");
            }
            en += &format!(". Points: {arithmetic}.");
            zh += &format!("。得分：{arithmetic}。");
        }
        Timeliness::Late { brackets_end } => {
            let late = words::points(late);
            if let Some(bracket) = brackets_end {
                en += &format!(" That is later than {} h, the last bracket that earns points;", bracket.within_hours);
                zh += &format!("已超过最后一档的 {} 小时；", bracket.within_hours);
            }
            if facts.captured.proven {
                en += &format!(" a late entry brings {late} points, whatever is filled in.");
                zh += &format!("逾期录入计 {late} 分，与填写完整度无关。");
            } else {
                en += &format!(
                    " a late entry would bring {late} points, but without proof nobody is fined. Points: {arithmetic}."
                );
                zh += &format!("逾期录入本应计 {late} 分，但未经证明不予扣分。得分：{arithmetic}。");
            }
        }
    }
    (Text(en), Text(zh))
}

#[cfg(test)]
mod tests;
