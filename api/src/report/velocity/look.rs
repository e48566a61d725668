//! Velocity as a table (stages, weeks, moves, and what is stale) and as pictures.

use entity::kind::{LostReason, StageKey};

use super::{MoveCount, StageDays, StaleOpportunity, Velocity, VelocityChart, WeekFlow};
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
            "standing",
            "medianStandingDays",
            "staleDays",
            "stale",
            "known",
            "opportunityId",
            "name",
            "owner",
            "days",
            "amount",
            "currency",
        ];
        let stage = |known: &'static str, row: &StageDays| {
            vec![
                ("section", Cell::text("stage")),
                ("stage", Cell::text(row.stage.as_str())),
                ("count", Cell::figure(row.ended)),
                ("medianDays", Cell::maybe(row.median_days)),
                ("p90Days", Cell::maybe(row.p90_days)),
                ("standing", Cell::figure(row.standing)),
                ("medianStandingDays", Cell::maybe(row.median_standing_days)),
                ("staleDays", Cell::maybe(row.stale_days)),
                ("stale", Cell::figure(row.stale)),
                ("known", Cell::text(known)),
            ]
        };
        let week = |known: &'static str, row: &WeekFlow| {
            vec![
                ("section", Cell::text("week")),
                ("week", Cell::figure(row.week)),
                ("stage", Cell::text(row.stage.as_str())),
                ("entered", Cell::figure(row.entered)),
                ("left", Cell::figure(row.left)),
                ("net", Cell::figure(row.net)),
                ("known", Cell::text(known)),
            ]
        };
        let moved = |known: &'static str, row: &MoveCount| {
            vec![
                ("section", Cell::text("move")),
                ("stage", Cell::maybe_text(row.from.map(StageKey::as_str))),
                ("to", Cell::text(row.to.as_str())),
                ("reason", Cell::maybe_text(row.reason.map(LostReason::as_str))),
                ("count", Cell::figure(row.count)),
                ("known", Cell::text(known)),
            ]
        };
        let stands = |known: &'static str, row: &StaleOpportunity| {
            vec![
                ("section", Cell::text("stale")),
                ("stage", Cell::text(row.stage.as_str())),
                ("days", Cell::figure(row.days)),
                ("staleDays", Cell::figure(row.stale_days)),
                ("opportunityId", Cell::figure(row.opportunity_id)),
                ("name", Cell::text(&row.name)),
                ("owner", Cell::text(&row.owner)),
                ("amount", Cell::maybe(row.amount)),
                ("currency", Cell::maybe_text(row.currency.clone())),
                ("known", Cell::text(known)),
            ]
        };
        let now = (&self.stages, &self.weeks, &self.moves, &self.stale);
        let then = self.known_then.iter().map(|then| ("then", (&then.stages, &then.weeks, &then.moves, &then.stale)));
        let rows = [("now", now)].into_iter().chain(then).flat_map(|(known, (stages, weeks, moves, stale))| {
            let stages = stages.iter().map(move |row| stage(known, row));
            let weeks = weeks.iter().map(move |row| week(known, row));
            let moves = moves.iter().map(move |row| moved(known, row));
            stages.chain(weeks).chain(moves).chain(stale.iter().map(move |row| stands(known, row)))
        });
        Sheet::of(header, rows)
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
