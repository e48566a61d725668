//! Goals as a table and as a picture.

use super::{Attainment, Quota};
use crate::goal::GoalMeasure;
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

/// A picture shows the first.
const SHOWN: usize = 30;

fn spelled(measure: GoalMeasure, words: &Words) -> &'static str {
    match measure {
        GoalMeasure::Amount => words.say("amount", "金额"),
        GoalMeasure::SignedCount => words.say("signed", "签约数"),
        GoalMeasure::Visits => words.say("visits", "拜访"),
        GoalMeasure::NewAccounts => words.say("new accounts", "新客户"),
    }
}

impl Report for Quota {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "goalId",
            "name",
            "measure",
            "currency",
            "from",
            "to",
            "target",
            "actual",
            "attainment",
            "elapsed",
            "actualKnownThen",
        ];
        let rows = self.goals.iter().map(|goal| {
            let measure = match goal.measure {
                GoalMeasure::Amount => "amount",
                GoalMeasure::SignedCount => "signed_count",
                GoalMeasure::Visits => "visits",
                GoalMeasure::NewAccounts => "new_accounts",
            };
            let mut cells = vec![Cell::figure(goal.goal_id), Cell::text(&goal.name), Cell::text(measure)];
            cells.extend([Cell::maybe_text(goal.currency.clone()), Cell::figure(goal.from), Cell::figure(goal.to)]);
            cells.extend([goal.target, goal.actual].map(Cell::figure));
            cells.extend([goal.attainment, goal.elapsed].map(Cell::figure));
            cells.push(Cell::maybe(goal.actual_known_then));
            cells
        });
        Sheet { header, rows: rows.collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let shown: Vec<&Attainment> = self.goals.iter().take(SHOWN).collect();
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        let names = shown.iter().map(|goal| format!("{}: {}", goal.name, spelled(goal.measure, words)));
        let series = vec![
            Series::new(words.say("reached", "已达成"), shown.iter().map(|goal| percent(goal.attainment))),
            Series::new(words.say("time elapsed", "时间进度"), shown.iter().map(|goal| percent(goal.elapsed))),
        ];
        let unit = words.say("per cent of the goal", "目标百分比");
        let unit = match self.goals.len() - shown.len() {
            0 => unit.to_owned(),
            n => format!("{unit} · {} {n}", words.say("goals left out:", "未列出的目标：")),
        };
        let as_of = words.as_of(self.as_of, self.goals.iter().any(|goal| goal.actual_known_then.is_some()));
        let n = i64::try_from(self.goals.len()).unwrap_or(i64::MAX);
        Picture {
            title: words.say("Goals", "目标达成").to_owned(),
            note: format!("{} – {}{as_of} · {unit} · {}", self.from, self.to, words.sample(n)),
            plot: Plot::Rows { names: names.collect(), series },
            empty: words.say("There are no goals.", "没有目标。").to_owned(),
        }
    }
}
