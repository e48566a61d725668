//! What is booked when something that has its points is corrected or deleted. Entries are never changed: the
//! difference is booked beside them.

use entity::kind::{EntryKind, EntrySource};
use entity::rules::Explanation;
use entity::scalar::{Currency, Money, Points, Text};
use rust_decimal::Decimal;

use super::score::Booking;
use super::words;

/// The booking that brings a source from the `booked` total of its entries to `now`, its score as it stands
/// corrected; `None` where nothing changes. `latest` explains the newest entry about it.
pub fn correction(of: EntrySource, booked: Points, latest: &Explanation, now: &Booking) -> Option<Booking> {
    let difference = Points(now.points.0 - booked.0);
    if difference.0.is_zero() {
        return None;
    }
    let arithmetic = words::difference(now.points, booked, difference);
    let (corrected_en, corrected_zh) = words::corrected(of);
    let (changes_en, changes_zh) = changes(latest, &now.explanation);
    let Explanation { en, zh, .. } = &now.explanation;
    let explanation = Explanation {
        en: Text(format!("{corrected_en}.{changes_en} {en} Less what was booked before: {arithmetic}.")),
        zh: Text(format!("{corrected_zh}。{changes_zh}{zh}减去此前已记分数：{arithmetic}。")),
        arithmetic: Text(arithmetic),
        ..now.explanation.clone()
    };
    Some(Booking { points: difference, money: None, kind: EntryKind::Correction, explanation })
}

/// The booking that takes back the `booked` total of the entries about something that is gone; `None` where there is nothing to
/// take back. `latest` explains the newest entry about it.
pub fn reversal(of: EntrySource, booked: Points, latest: &Explanation) -> Option<Booking> {
    if booked.0.is_zero() {
        return None;
    }
    let difference = Points(-booked.0);
    let arithmetic = words::difference(Points(Decimal::ZERO), booked, difference);
    let (gone_en, gone_zh) = words::gone(of);
    let explanation = Explanation {
        en: Text(format!("{gone_en}, so what was booked for it is taken back: {arithmetic}.")),
        zh: Text(format!("{gone_zh}，此前所记分数予以冲销：{arithmetic}。")),
        arithmetic: Text(arithmetic),
        ..latest.clone()
    };
    Some(Booking { points: difference, money: None, kind: EntryKind::Reversal, explanation })
}

/// What is fined in money now, less what `fined` was before; `None` where that is nothing, or the currency is another one
/// by now.
pub fn money(now: Option<(Money, Currency)>, fined: Decimal, currency: Option<Currency>) -> Option<(Money, Currency)> {
    let is_another = |now: &(Money, Currency)| currency.as_ref().is_some_and(|before| *before != now.1);
    if now.as_ref().is_some_and(is_another) {
        return None;
    }
    let currency = now.as_ref().map(|(_, currency)| currency.clone()).or(currency)?;
    let difference = now.map_or(Decimal::ZERO, |(money, _)| money.0) - fined;
    (!difference.is_zero()).then_some((Money(difference), currency))
}

/// What is different from the entry before, in words, English and Chinese.
fn changes(before: &Explanation, now: &Explanation) -> (String, String) {
    let (mut en, mut zh) = (String::new(), String::new());
    if before.occurred != now.occurred {
        en += " Its time was changed.";
        zh += "发生时间已修改。";
    }
    let lacks = |these: &Explanation, those: &Explanation| {
        let fields: Vec<_> = these.missing.iter().filter(|field| !those.missing.contains(field)).collect();
        (!fields.is_empty()).then(|| words::fields(fields))
    };
    if let Some((fields_en, fields_zh)) = lacks(before, now) {
        en += &format!(" No longer missing: {fields_en}.");
        zh += &format!("已补充：{fields_zh}。");
    }
    if let Some((fields_en, fields_zh)) = lacks(now, before) {
        en += &format!(" Now missing: {fields_en}.");
        zh += &format!("现缺少：{fields_zh}。");
    }
    if before.rule_set_version != now.rule_set_version {
        en += &format!(" Version {} of the rules applies.", now.rule_set_version);
        zh += &format!("适用规则版本 {}。", now.rule_set_version);
    }
    (en, zh)
}

#[cfg(test)]
mod tests;
