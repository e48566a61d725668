//! The route as a table and as a map.

use entity::kind::Verdict;

use super::{Route, Stop};
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Mark, Picture, Plot, Spot};
use crate::report::{Report, Words};

/// Letters of a name beside a mark.
const LETTERS: usize = 22;

impl Stop {
    /// How its place is known.
    pub fn mark(&self) -> Mark {
        match (self.is_checked_in, self.verdict) {
            (false, _) => Mark::Address,
            (true, Some(Verdict::Verified)) => Mark::Proven,
            (true, Some(Verdict::Outside)) => Mark::Elsewhere,
            (true, _) => Mark::Unproven,
        }
    }
}

/// What a mark means.
pub fn meaning(mark: Mark, words: &Words) -> &'static str {
    match mark {
        Mark::Proven => words.say("on site", "已到场"),
        Mark::Elsewhere => words.say("checked in elsewhere", "签到地点不符"),
        Mark::Unproven => words.say("checked in, unproven", "已签到，未核实"),
        Mark::Address => words.say("no check-in: the account's place", "未签到：客户位置"),
    }
}

impl Report for Route {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "occurred",
            "activityId",
            "account",
            "minutes",
            "verdict",
            "isCheckedIn",
            "latitude",
            "longitude",
            "kilometres",
        ];
        let rows = self.stops.iter().map(|stop| {
            let mut cells =
                vec![Cell::figure(stop.occurred), Cell::figure(stop.activity_id), Cell::text(&stop.account)];
            cells.extend([Cell::maybe(stop.minutes), Cell::maybe(stop.verdict), Cell::figure(stop.is_checked_in)]);
            cells.extend([stop.latitude, stop.longitude, stop.kilometres].map(Cell::maybe));
            cells
        });
        Sheet { header, rows: rows.collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let spots: Vec<Spot> = self
            .stops
            .iter()
            .zip(1..)
            .filter_map(|(stop, number)| {
                let (north, east) = stop.latitude.zip(stop.longitude)?;
                let name = format!("{} {}", self.clock(stop), shortened(&stop.account));
                Some(Spot { number, name, north, east, mark: stop.mark() })
            })
            .collect();
        let nowhere = self.stops.len() - spots.len();
        let nowhere = match nowhere {
            0 => String::new(),
            n => format!(" · {n} {}", words.say("without a place", "个地点未知")),
        };
        let empty = if self.stops.is_empty() {
            words.say("No visits on this day.", "当日没有拜访。")
        } else {
            words.say("No place of these visits is known.", "这些拜访的地点均未知。")
        };
        let all = [Mark::Proven, Mark::Elsewhere, Mark::Unproven, Mark::Address];
        let used = all.into_iter().filter(|mark| spots.iter().any(|spot| spot.mark == *mark));
        let marks = used.map(|mark| (mark, meaning(mark, words).to_owned())).collect();
        let beeline = words.say("km as the crow flies", "公里（直线距离）");
        Picture {
            title: format!("{} · {}", words.say("Route", "路线"), self.name),
            note: format!(
                "{} · {} {beeline} · {}{nowhere}",
                self.day,
                self.kilometres,
                words.sample(i64::try_from(self.stops.len()).unwrap_or(i64::MAX))
            ),
            plot: Plot::Map { spots, marks },
            empty: empty.to_owned(),
        }
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}
