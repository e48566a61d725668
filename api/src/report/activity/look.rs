//! The activity report as a table (one row a rep and span of time) and as pictures.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use entity::scalar::Date;

use super::{Activity, ActivityChart, Per};
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

/// Of reps, a picture shows the busiest.
const SHOWN: usize = 25;
/// Of spans of time, more than this are only told where something was done.
const SPANS: usize = 400;

/// The first days of all spans within these days: the first of them may have begun before.
fn beginnings(per: Per, from: NaiveDate, to: NaiveDate) -> Vec<Date> {
    let begins = |day: &NaiveDate| match per {
        Per::Day => true,
        Per::Week => day.weekday() == Weekday::Mon,
        Per::Month => day.day() == 1,
    };
    let days = from.iter_days().take_while(|day| *day <= to);
    days.filter(|day| *day == from || begins(day)).map(Date).take(SPANS + 1).collect()
}

impl Report for Activity {
    fn sheet(&self) -> Sheet {
        let header = vec!["from", "userId", "name", "activities", "visits", "verified", "minutes", "known"];
        let then = self.known_then.iter().flat_map(|then| &then.spans).map(|span| (span, "then"));
        let rows = self.spans.iter().map(|span| (span, "now")).chain(then).map(|(span, known)| {
            let counts = [span.activities, span.visits, span.verified, span.minutes].map(Cell::figure);
            [Cell::figure(span.from), Cell::figure(span.user_id), Cell::text(&span.name)]
                .into_iter()
                .chain(counts)
                .chain([Cell::text(known)])
                .collect()
        });
        Sheet { header, rows: rows.collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let (verified, others) = (words.say("verified visits", "已核实拜访"), words.say("other visits", "其他拜访"));
        let (title, unit, n, plot) = match self.chart {
            ActivityChart::Days => {
                let mut spans: BTreeMap<Date, [f64; 2]> = BTreeMap::new();
                for span in &self.spans {
                    let counts = spans.entry(span.from).or_default();
                    counts[0] += span.verified as f64;
                    counts[1] += (span.visits - span.verified) as f64;
                }
                // Days off are on the axis too, or weeks would look shorter than they are.
                let until = self.as_of.map_or(self.to, |day| day.min(self.to));
                let all = beginnings(self.per, self.from.0, until.0);
                if !spans.is_empty() && all.len() <= SPANS {
                    for day in all {
                        spans.entry(day).or_default();
                    }
                }
                let series = [verified, others].into_iter().enumerate().map(|(place, name)| Series {
                    stack: Some("visits"),
                    ..Series::new(name, spans.values().map(|counts| counts[place]))
                });
                let (series, names) = (series.collect(), spans.keys().map(Date::to_string).collect());
                let title = match self.per {
                    Per::Day => words.say("Visits by day", "每日拜访"),
                    Per::Week => words.say("Visits by week", "每周拜访"),
                    Per::Month => words.say("Visits by month", "每月拜访"),
                };
                let unit = words.say("visits", "拜访次数").to_owned();
                (title, unit, self.total.visits, Plot::Columns { names, series })
            }
            ActivityChart::Reps => {
                let mut reps: Vec<_> = self.reps.iter().collect();
                reps.sort_by_key(|rep| std::cmp::Reverse(rep.figures.visits));
                let left_out = reps.len().saturating_sub(SHOWN);
                reps.truncate(SHOWN);
                let of = |name: &str, count: fn(&super::ActivityFigures) -> i64| {
                    Series::new(name, reps.iter().map(|rep| count(&rep.figures) as f64))
                };
                let series = vec![
                    of(words.say("visits", "拜访"), |figures| figures.visits),
                    of(verified, |figures| figures.verified),
                    of(words.say("planned", "计划"), |figures| figures.planned),
                    of(words.say("missed plans", "未执行计划"), |figures| figures.missed),
                ];
                let names = reps.iter().map(|rep| rep.name.clone()).collect();
                let title = words.say("Visits by rep", "销售代表拜访");
                let unit = words.say("visits", "拜访次数");
                let unit = match left_out {
                    0 => unit.to_owned(),
                    n => format!("{unit} · {} {n}", words.say("less busy reps left out:", "未列出的拜访较少者：")),
                };
                (title, unit, self.total.visits, Plot::Rows { names, series })
            }
            ActivityChart::Time => {
                let names = self.time.iter().map(|row| words.tier(row.tier).to_owned()).collect();
                let of = |name: &str, share: fn(&super::TierTime) -> Option<f64>| {
                    Series::share(name, self.time.iter().map(|row| (share(row).unwrap_or(0.0) * 100.0).round()))
                };
                let series = vec![
                    of(words.say("time spent", "实际时间"), |row| row.share),
                    of(words.say("policy", "时间策略"), |row| row.policy_share),
                ];
                let title = words.say("Time by customer tier", "客户层级时间分配");
                let timed = self.total.activities - self.untimed;
                let unit = words.say("per cent of minutes", "占总分钟数的百分比").to_owned();
                (title, unit, timed, Plot::Rows { names, series })
            }
        };
        Picture {
            title: title.to_owned(),
            note: format!(
                "{} – {}{} · {unit} · {}",
                self.from,
                self.to,
                words.as_of(self.as_of, self.known_then.is_some()),
                words.sample(n)
            ),
            plot,
            empty: words.say("Nothing was done.", "没有活动。").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_of_a_period_has_its_place() {
        let day = |text: &str| Date::parse(text).expect("a day");
        let told = |per: Per, from: &str, to: &str| {
            let all = beginnings(per, day(from).0, day(to).0);
            all.iter().map(Date::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(Per::Day, "2026-02-27", "2026-03-01"), ["2026-02-27", "2026-02-28", "2026-03-01"]);
        // 2026-03-02 is a Monday.
        assert_eq!(told(Per::Week, "2026-02-27", "2026-03-09"), ["2026-02-27", "2026-03-02", "2026-03-09"]);
        assert_eq!(told(Per::Month, "2026-02-01", "2026-03-15"), ["2026-02-01", "2026-03-01"]);
        assert_eq!(told(Per::Day, "2026-03-02", "2026-03-01"), [""; 0]);
    }
}
