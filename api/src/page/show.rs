//! How figures, days and moments are written, in both languages.

use chrono::Datelike;
use chrono_tz::Tz;
use entity::kind::Locale;
use entity::scalar::{Date, Timestamp};
use maud::{Markup, html};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::view::Look;
use crate::report::CurrencyAmount;

/// 12345 → `12,345`
pub fn number(value: i64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let (whole, rest) = digits.split_once('.').map_or((digits, String::new()), |(w, r)| (w, format!(".{r}")));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}{rest}")
}

/// A share from 0 to 1 → `42%`; `–` where there is none.
pub fn percent(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share > 0.0 && share < 0.1 => format!("{:.1}%", share * 100.0),
        Some(share) => format!("{:.0}%", share * 100.0),
    }
}

/// By how much a count differs from another: `+1,200`, `−3`, `0`.
pub fn change(by: i64) -> String {
    format!("{}{}", if by > 0 { "+" } else { "" }, number(by))
}

/// By how many percentage points a share differs from another: `+4.2`, `−13.0`; `–` where one of them is missing.
pub fn points(share: Option<f64>, other: Option<f64>) -> String {
    let Some((share, other)) = share.zip(other) else { return "–".to_owned() };
    let points = ((share - other) * 1000.0).round() / 10.0;
    let sign = match points {
        points if points > 0.0 => "+",
        points if points < 0.0 => "−",
        _ => "",
    };
    format!("{sign}{:.1}", points.abs())
}

/// Days → `12.5 d`
pub fn days(look: Look, days: Option<f64>) -> String {
    let unit = look.t(" d", " 天");
    match days {
        None => "–".to_owned(),
        Some(days) if days < 10.0 => format!("{days:.1}{unit}"),
        Some(days) => format!("{days:.0}{unit}"),
    }
}

/// Points and other plain decimals, with no more places than they have.
pub fn decimal(value: Decimal) -> String {
    grouped(&value.normalize().to_string())
}

/// An amount, short, with the whole of it in the title.
pub fn amount(look: Look, amount: Decimal, currency: Option<&str>) -> Markup {
    html! { span.money title=(exact(amount, currency)) { (short(look, amount, currency)) } }
}

/// All amounts, the largest first.
pub fn amounts(look: Look, amounts: &[CurrencyAmount]) -> Markup {
    let mut amounts: Vec<&CurrencyAmount> = amounts.iter().filter(|one| !one.amount.0.is_zero()).collect();
    amounts.sort_by_key(|one| std::cmp::Reverse(one.amount));
    html! {
        @if amounts.is_empty() { "–" }
        @for (index, one) in amounts.iter().enumerate() {
            @if index > 0 { " + " }
            (amount(look, one.amount.0, one.currency.as_deref()))
        }
    }
}

fn exact(amount: Decimal, currency: Option<&str>) -> String {
    let amount = grouped(&format!("{amount:.2}"));
    currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"))
}

fn short(look: Look, amount: Decimal, currency: Option<&str>) -> String {
    let value = amount.to_f64().unwrap_or_default();
    let units: &[(f64, &str)] = match look.locale {
        Locale::En => &[(1e9, "B"), (1e6, "M"), (1e3, "k")],
        Locale::Zh => &[(1e8, "亿"), (1e4, "万")],
    };
    let text = match units.iter().find(|(size, _)| value.abs() >= *size) {
        Some((size, unit)) => {
            let scaled = value / size;
            if scaled.abs() < 100.0 { format!("{scaled:.1}{unit}") } else { format!("{scaled:.0}{unit}") }
        }
        None => format!("{value:.0}"),
    };
    match currency {
        Some("CNY" | "JPY") => format!("¥{text}"),
        Some("USD") => format!("${text}"),
        Some("EUR") => format!("€{text}"),
        Some("GBP") => format!("£{text}"),
        Some(other) => format!("{text} {other}"),
        None => text,
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2 Mar 2026`, `2026年3月2日`
pub fn day(look: Look, date: Date) -> Markup {
    let (year, month, day) = (date.0.year(), date.0.month(), date.0.day());
    let name = MONTHS.get(date.0.month0() as usize).copied().unwrap_or_default();
    let text = look.t(format!("{day} {name} {year}"), format!("{year}年{month}月{day}日"));
    html! { time datetime=(date.to_string()) { (text) } }
}

/// `2 Mar 2026, 17:00`, `2026年3月2日 17:00`, by the tenant's clock.
pub fn moment(look: Look, at: Timestamp, zone: Tz) -> Markup {
    let local = at.0.with_timezone(&zone);
    let name = MONTHS.get(local.month0() as usize).copied().unwrap_or_default();
    let clock = local.format("%H:%M");
    let (year, month, day) = (local.year(), local.month(), local.day());
    let text = look.t(format!("{day} {name} {year}, {clock}"), format!("{year}年{month}月{day}日 {clock}"));
    html! { time datetime=(at.to_string()) title=(local.format("%Y-%m-%d %H:%M %Z").to_string()) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(-12_345), "−12,345");
        assert_eq!(decimal(Decimal::new(1_234_500, 3)), "1,234.5");
        assert_eq!(percent(Some(0.0)), "0%");
        assert_eq!(percent(Some(0.044)), "4.4%");
        assert_eq!(percent(Some(0.426)), "43%");
        assert_eq!(percent(None), "–");
        assert_eq!((change(1_200), change(-3), change(0)), ("+1,200".into(), "−3".into(), "0".into()));
        assert_eq!(points(Some(0.75), Some(0.708)), "+4.2");
        assert_eq!(points(Some(0.5), Some(0.63)), "−13.0");
        assert_eq!(points(Some(0.5), Some(0.50001)), "0.0");
        assert_eq!(points(None, Some(0.5)), "–");
        assert_eq!(exact(Decimal::new(123_456_789, 2), Some("CNY")), "1,234,567.89 CNY");
    }
}
