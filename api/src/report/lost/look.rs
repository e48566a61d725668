//! Losses and win rates as a table and as pictures.

use std::collections::BTreeMap;

use entity::kind::{AccountKind, AccountTier};

use super::{Lost, LostChart, ReasonCount, WinRate, WinRateGroup};
use crate::report::answer::{Cell, Sheet, spelled};
use crate::report::chart::{Estimate, Picture, Plot, Series};
use crate::report::{Report, SplitBy, Words};

/// Of groups, a picture shows the largest.
const SHOWN: usize = 8;

impl Report for Lost {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "section", "group", "won", "lost", "rate", "low", "high", "isSmall", "reason", "lostFrom", "count",
            "amounts",
        ];
        let rate = |section: &str, group: Cell, rate: &WinRate| {
            let mut cells = vec![Cell::text(section), group, Cell::figure(rate.won), Cell::figure(rate.lost)];
            cells.extend([rate.rate, rate.low, rate.high].map(Cell::maybe));
            cells.push(Cell::figure(rate.is_small));
            cells.extend([const { Cell::Empty }; 4]);
            cells
        };
        let total = rate("total", Cell::Empty, &self.total);
        let group =
            |section: &str, group: &WinRateGroup| rate(section, Cell::maybe_text(group.name.clone()), &group.win_rate);
        let groups = self.groups.iter().map(|row| group("group", row));
        let reason = |section: &str, row: &ReasonCount| {
            let mut cells = vec![Cell::text(section)];
            cells.extend([const { Cell::Empty }; 7]);
            cells.push(Cell::maybe_text(row.reason.map(|reason| reason.as_str())));
            cells.push(Cell::maybe_text(row.lost_from.map(|stage| stage.as_str())));
            cells.extend([Cell::figure(row.count), spelled(&row.amounts)]);
            cells
        };
        let reasons = self.reasons.iter().map(|row| reason("reason", row));
        let then = self.known_then.iter().map(|then| rate("total_known_then", Cell::Empty, then));
        let groups_then = self.groups_known_then.iter().flatten().map(|row| group("group_known_then", row));
        let reasons_then = self.reasons_known_then.iter().flatten().map(|row| reason("reason_known_then", row));
        let rows = [total].into_iter().chain(then).chain(groups).chain(groups_then).chain(reasons).chain(reasons_then);
        Sheet { header, rows: rows.collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let (title, unit, n, plot) = match self.chart {
            LostChart::Reasons => {
                let mut reasons: BTreeMap<&str, i64> = BTreeMap::new();
                for row in &self.reasons {
                    *reasons.entry(words.lost_reason(row.reason)).or_default() += row.count;
                }
                let mut reasons: Vec<_> = reasons.into_iter().collect();
                reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                let unit = words.say("opportunities", "商机数");
                let series = vec![Series::new(unit, reasons.iter().map(|(_, count)| *count as f64))];
                let names = reasons.iter().map(|(name, _)| (*name).to_owned()).collect();
                (
                    words.say("Lost, by reason", "丢单原因"),
                    unit.to_owned(),
                    self.total.lost,
                    Plot::Rows { names, series },
                )
            }
            LostChart::WinRate => {
                let whole = (words.say("all", "全部").to_owned(), &self.total);
                let mut largest: Vec<_> = self.groups.iter().filter(|group| group.win_rate.rate.is_some()).collect();
                let left_out = largest.len().saturating_sub(SHOWN);
                largest.sort_by_key(|group| std::cmp::Reverse(group.win_rate.won + group.win_rate.lost));
                largest.truncate(SHOWN);
                let groups = largest.into_iter().map(|g| (named(self.split_by, g.name.as_deref(), words), &g.win_rate));
                let rates = [whole].into_iter().chain(groups);
                let rows = rates.filter_map(|(name, rate)| estimate(name, rate, words)).collect();
                let unit = words.say(
                    "per cent won, in brackets its 95% interval; * fewer than 20",
                    "赢单百分比，括号内为95%区间；* 少于20",
                );
                let unit = match left_out {
                    0 => unit.to_owned(),
                    n => format!("{unit} · {} {n}", words.say("smaller groups left out:", "未列出的较小分组：")),
                };
                (words.say("Win rate", "赢单率"), unit, self.total.won + self.total.lost, Plot::Estimates(rows))
            }
        };
        let differs =
            self.known_then.is_some() || self.groups_known_then.is_some() || self.reasons_known_then.is_some();
        let as_of = words.as_of(self.as_of, differs);
        Picture {
            title: title.to_owned(),
            note: format!("{} – {}{as_of} · {unit} · {}", self.from, self.to, words.sample(n)),
            plot,
            empty: words.say("Nothing was decided.", "没有结果。").to_owned(),
        }
    }
}

/// What a group is called in the reader's words.
fn named(by: SplitBy, told: Option<&str>, words: &Words) -> String {
    let code = told.unwrap_or_else(|| words.say("none", "无"));
    let name = match by {
        SplitBy::AccountKind => AccountKind::parse(code).map_or(code, |kind| words.account(kind)),
        SplitBy::Tier => AccountTier::parse(code).map_or(code, |tier| words.tier(Some(tier))),
        _ => code,
    };
    name.to_owned()
}

/// `38% (25–52), n=21` beside the bar; nothing of what has no rate.
fn estimate(name: String, rate: &WinRate, words: &Words) -> Option<Estimate> {
    let [share, low, high] = [rate.rate?, rate.low?, rate.high?].map(|share| share * 100.0);
    let mark = if rate.is_small { " *" } else { "" };
    let told = format!("{share:.0}% ({low:.0}–{high:.0}), {}{mark}", words.sample(rate.won + rate.lost));
    Some(Estimate { name, share, low, high, told })
}
