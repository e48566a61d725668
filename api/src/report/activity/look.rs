//! The activity report as a table (the whole, reps, spans of time, and time by tier) and as pictures.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use entity::scalar::Date;

use super::{Activity, ActivityChart, ActivityFigures, Per, RepActivity, SpanActivity, TierTime};
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
        let header = vec![
            "section",
            "from",
            "userId",
            "name",
            "team",
            "activities",
            "visits",
            "verified",
            "outside",
            "verifiedShare",
            "minutes",
            "withinDayShare",
            "medianDelayHours",
            "planned",
            "done",
            "missed",
            "cancelled",
            "untimed",
            "tier",
            "share",
            "policyShare",
            "known",
        ];
        let figures = |section, known: &'static str, figures: &ActivityFigures| {
            vec![
                ("section", Cell::text(section)),
                ("activities", Cell::figure(figures.activities)),
                ("visits", Cell::figure(figures.visits)),
                ("verified", Cell::figure(figures.verified)),
                ("outside", Cell::figure(figures.outside)),
                ("verifiedShare", Cell::maybe(figures.verified_share)),
                ("minutes", Cell::figure(figures.minutes)),
                ("withinDayShare", Cell::maybe(figures.within_day_share)),
                ("medianDelayHours", Cell::maybe(figures.median_delay_hours)),
                ("planned", Cell::figure(figures.planned)),
                ("done", Cell::figure(figures.done)),
                ("missed", Cell::figure(figures.missed)),
                ("cancelled", Cell::figure(figures.cancelled)),
                ("known", Cell::text(known)),
            ]
        };
        let rep = |known: &'static str, rep: &RepActivity| {
            let mut row = figures("rep", known, &rep.figures);
            row.extend([
                ("userId", Cell::figure(rep.user_id)),
                ("name", Cell::text(&rep.name)),
                ("team", Cell::text(&rep.team)),
            ]);
            row
        };
        let span = |known: &'static str, span: &SpanActivity| {
            vec![
                ("section", Cell::text("span")),
                ("from", Cell::figure(span.from)),
                ("userId", Cell::figure(span.user_id)),
                ("name", Cell::text(&span.name)),
                ("activities", Cell::figure(span.activities)),
                ("visits", Cell::figure(span.visits)),
                ("verified", Cell::figure(span.verified)),
                ("minutes", Cell::figure(span.minutes)),
                ("known", Cell::text(known)),
            ]
        };
        let time = |known: &'static str, time: &TierTime| {
            vec![
                ("section", Cell::text("time")),
                ("tier", Cell::maybe_text(time.tier.map(|tier| tier.as_str()))),
                ("minutes", Cell::figure(time.minutes)),
                ("share", Cell::maybe(time.share)),
                ("policyShare", Cell::maybe(time.policy_share)),
                ("known", Cell::text(known)),
            ]
        };
        let now = (&self.total, &self.reps, &self.spans, &self.time);
        let then = self.known_then.iter().map(|then| ("then", (&then.total, &then.reps, &then.spans, &then.time)));
        let mut rows = Vec::new();
        for (known, (total, reps, spans, times)) in [("now", now)].into_iter().chain(then) {
            let mut whole = figures("total", known, total);
            whole.extend((known == "now").then(|| ("untimed", Cell::figure(self.untimed))));
            rows.push(whole);
            rows.extend(reps.iter().map(|row| rep(known, row)));
            rows.extend(spans.iter().map(|row| span(known, row)));
            rows.extend(times.iter().map(|row| time(known, row)));
        }
        Sheet::of(header, rows)
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
