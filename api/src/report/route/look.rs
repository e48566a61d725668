//! The route as a table and as a picture: how far from stop to stop. A map is drawn by who has one.

use super::Route;
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

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
        let names = self.stops.iter().enumerate().map(|(place, stop)| format!("{}. {}", place + 1, stop.account));
        let unit = words.say("kilometres from the stop before", "距上一站公里数");
        let series =
            Series { values: self.stops.iter().map(|stop| stop.kilometres).collect(), ..Series::new(unit, []) };
        Picture {
            title: format!("{} · {}", words.say("Route", "路线"), self.name),
            note: format!(
                "{} · {unit} · {}",
                self.day,
                words.sample(i64::try_from(self.stops.len()).unwrap_or(i64::MAX))
            ),
            plot: Plot::Rows { names: names.collect(), series: vec![series] },
            empty: words.say("No visits on this day.", "当日没有拜访。").to_owned(),
        }
    }
}
