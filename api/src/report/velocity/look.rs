//! Velocity as a table (one row a week and stage) and as pictures.

use entity::kind::{LostReason, StageKey};

use super::{MoveCount, StageDays, Velocity, VelocityChart, WeekFlow};
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

impl Report for Velocity {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "section",
            "week",
            "stage",
            "to",
            "reason",
            "entered",
            "left",
            "net",
            "count",
            "medianDays",
            "p90Days",
            "stale",
            "known",
        ];
        let text = |text: &str| Cell::text(text);
        let stage = |known: &str, row: &StageDays| {
            let mut cells = vec![text("stage"), Cell::Empty, text(row.stage.as_str())];
            cells.extend([const { Cell::Empty }; 5]);
            cells.extend([
                Cell::figure(row.ended),
                Cell::maybe(row.median_days),
                Cell::maybe(row.p90_days),
                Cell::figure(row.stale),
                text(known),
            ]);
            cells
        };
        let week = |known: &str, row: &WeekFlow| {
            let mut cells =
                vec![text("week"), Cell::figure(row.week), text(row.stage.as_str()), Cell::Empty, Cell::Empty];
            cells.extend([row.entered, row.left, row.net].map(Cell::figure));
            cells.extend([const { Cell::Empty }; 4]);
            cells.push(text(known));
            cells
        };
        let moved = |known: &str, row: &MoveCount| {
            let from = Cell::maybe_text(row.from.map(StageKey::as_str));
            let reason = Cell::maybe_text(row.reason.map(|reason| reason.as_str()));
            let mut cells = vec![text("move"), Cell::Empty, from, text(row.to.as_str()), reason];
            cells.extend([const { Cell::Empty }; 3]);
            cells.push(Cell::figure(row.count));
            cells.extend([const { Cell::Empty }; 3]);
            cells.push(text(known));
            cells
        };
        let told = |known: &str, stages: &[StageDays], weeks: &[WeekFlow], moves: &[MoveCount]| {
            let stages = stages.iter().map(|row| stage(known, row));
            let weeks = weeks.iter().map(|row| week(known, row));
            stages.chain(weeks).chain(moves.iter().map(|row| moved(known, row))).collect::<Vec<_>>()
        };
        let mut rows = told("now", &self.stages, &self.weeks, &self.moves);
        if let Some(then) = &self.known_then {
            rows.extend(told("then", &then.stages, &then.weeks, &then.moves));
        }
        Sheet { header, rows }
    }

    fn picture(&self, words: &Words) -> Picture {
        let ended: i64 = self.stages.iter().map(|stage| stage.ended).sum();
        let moved: i64 = self.moves.iter().map(|moves| moves.count).sum();
        let (title, unit, n, plot) = match self.chart {
            VelocityChart::Days => {
                let names = self.stages.iter().map(|stage| format!("{} (n={})", words.stage(stage.stage), stage.ended));
                let of = |name: &str, days: fn(&StageDays) -> Option<f64>| Series {
                    values: self.stages.iter().map(days).collect(),
                    ..Series::new(name, [])
                };
                let series = vec![
                    of(words.say("median", "中位数"), |stage| stage.median_days),
                    of(words.say("90th percentile", "第90百分位"), |stage| stage.p90_days),
                ];
                let title = words.say("Days in each stage", "各阶段停留天数");
                (title, words.say("days", "天"), ended, Plot::Rows { names: names.collect(), series })
            }
            VelocityChart::Weeks => {
                let mut names: Vec<String> = self.weeks.iter().map(|row| row.week.to_string()).collect();
                names.dedup();
                let open = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation];
                let series = open.map(|stage| {
                    let rows = self.weeks.iter().filter(|row| row.stage == stage);
                    Series { is_line: true, ..Series::new(words.stage(stage), rows.map(|row| row.net as f64)) }
                });
                let title = words.say("Net flow by week", "每周净流量");
                let unit = words.say("opportunities that came less those that left", "进入减去离开的商机数");
                (title, unit, moved, Plot::Columns { names, series: series.into() })
            }
            VelocityChart::Moves => {
                let from = |from: Option<StageKey>| {
                    let left: i64 = self.moves.iter().filter(|row| row.from == from).map(|row| row.count).sum();
                    let name = from.map_or_else(|| words.say("New", "新建").to_owned(), |from| words.stage(from));
                    format!("{name} ({left})")
                };
                let to = |to: StageKey, reason: Option<LostReason>| {
                    let came = self.moves.iter().filter(|row| (row.to, row.reason) == (to, reason));
                    let name = match to {
                        StageKey::Lost => format!("{}: {}", words.stage(to), words.lost_reason(reason)),
                        _ => words.stage(to),
                    };
                    format!("→ {name} ({})", came.map(|row| row.count).sum::<i64>())
                };
                let flows = self.moves.iter().map(|row| (from(row.from), to(row.to, row.reason), row.count as f64));
                let title = words.say("Moves between stages", "阶段流转");
                (title, words.say("moves", "流转次数"), moved, Plot::Flows(flows.collect()))
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
            empty: words.say("Nothing moved.", "没有阶段流转。").to_owned(),
        }
    }
}
