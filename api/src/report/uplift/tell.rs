//! The finding in words, English and Chinese.

use entity::scalar::Text;

use super::cohort::{Comparison, Group, LEAST_EITHER_WAY, LEAST_ENTERED};
use super::returns::rounded;
use super::wire::{CycleUplift, Interval, RateUplift, UpliftSummary, UpliftVerdict};

pub fn summary(comparisons: &[Comparison], rate: &RateUplift, cycle: &CycleUplift) -> UpliftSummary {
    let (mut en, mut zh) = (String::new(), String::new());
    let mut add = |told: (String, String)| {
        en += &told.0;
        zh += &told.1;
    };
    add(counts(comparisons));
    match (rate.verdict, rate.points) {
        (UpliftVerdict::TooFew, _) | (_, None) => add((
            format!(
                " That is too few to tell: each group needs {LEAST_ENTERED} opportunities, and {LEAST_EITHER_WAY} of them \
                 signed and {LEAST_EITHER_WAY} not."
            ),
            format!(
                "数量太少，无法判断：每组至少需要 {LEAST_ENTERED} 个商机，其中签约与未签约各不少于 {LEAST_EITHER_WAY} 个。"
            ),
        )),
        (verdict, Some(points)) => {
            let (percent_en, percent_zh) = match rate.percent {
                Some(percent) => (
                    format!(", or {} relative to what it would have been", per_cent(percent.value)),
                    format!("，相对变化 {}", per_cent(percent.value)),
                ),
                None => Default::default(),
            };
            add((
                format!(" The signing rate changed by {} points{percent_en}.", range(points)),
                format!("签约率变化 {} 个百分点{percent_zh}。", range(points)),
            ));
            add(surely(verdict));
        }
    }
    match (cycle.verdict, cycle.days) {
        (UpliftVerdict::TooFew, _) | (_, None) => {
            if rate.verdict != UpliftVerdict::TooFew {
                add((
                    " Too few were signed to compare how long it took.".to_owned(),
                    "签约数量太少，无法比较签约周期。".to_owned(),
                ));
            }
        }
        (verdict, Some(days)) => {
            add((
                format!(" The median time to the signature changed by {} days.", range(days)),
                format!("签约周期中位数变化 {} 天。", range(days)),
            ));
            add(surely(verdict));
        }
    }
    UpliftSummary { en: Text(en), zh: Text(zh) }
}

fn counts(comparisons: &[Comparison]) -> (String, String) {
    let sum = |of: fn(&Comparison) -> Option<&Group>| {
        let groups = comparisons.iter().filter_map(of);
        groups.fold((0, 0), |sum, group| (sum.0 + group.entered, sum.1 + group.days.len()))
    };
    let pair = |before: (usize, usize), after: (usize, usize)| {
        let rate = |(entered, signed): (usize, usize)| match entered {
            0 => String::new(),
            _ => format!(" ({} %)", rounded(signed as f64 / entered as f64 * 100.0)),
        };
        (
            format!(
                "before {} of {} were signed{}, after {} of {}{}",
                before.1,
                before.0,
                rate(before),
                after.1,
                after.0,
                rate(after)
            ),
            format!(
                "之前 {} 个商机签约 {} 个{}，之后 {} 个签约 {} 个{}",
                before.0,
                before.1,
                rate(before),
                after.0,
                after.1,
                rate(after)
            ),
        )
    };
    let treated = pair(sum(|c| Some(&c.treated.before)), sum(|c| Some(&c.treated.after)));
    if comparisons.iter().all(|comparison| comparison.control.is_none()) {
        return (format!("Of the opportunities that came in, {}.", treated.0), format!("{}。", treated.1));
    }
    let control = pair(sum(|c| c.control.as_ref().map(|p| &p.before)), sum(|c| c.control.as_ref().map(|p| &p.after)));
    (
        format!("With the rules, {}; without, {}.", treated.0, control.0),
        format!("实行规则的团队：{}；未实行的团队：{}。", treated.1, control.1),
    )
}

fn surely(verdict: UpliftVerdict) -> (String, String) {
    let (en, zh) = match verdict {
        UpliftVerdict::Higher => (" Chance alone does not explain a rise.", "这一上升无法仅用偶然解释。"),
        UpliftVerdict::Lower => (" Chance alone does not explain a fall.", "这一下降无法仅用偶然解释。"),
        UpliftVerdict::Unclear => (" Chance alone may explain this.", "这一变化可能只是偶然。"),
        UpliftVerdict::TooFew => ("", ""),
    };
    (en.to_owned(), zh.to_owned())
}

/// `+10 (−1.2 … +20.8)`
fn range(interval: Interval) -> String {
    format!("{} ({} … {})", signed(interval.value), signed(interval.low), signed(interval.high))
}

fn per_cent(value: f64) -> String {
    format!("{} %", signed(value))
}

fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", -value) } else { format!("+{value}") }
}
