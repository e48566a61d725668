//! The funnel as a table and as a picture: one bar a stage; with groups or a comparison, one a stage and group.

use entity::kind::{AccountKind, AccountTier, StageKey};

use super::{Cohort, CohortStage, CurrencyAmount, Funnel, Snapshot, SnapshotStage};
use crate::report::answer::{Cell, Sheet, spelled};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

/// Of groups, a picture shows the largest.
const SHOWN: usize = 6;

/// One funnel of the report, and what tells it from the others.
struct Part<'a> {
    /// Empty for the whole.
    group: String,
    period: String,
    is_group: bool,
    /// As it was known on the day that it is told of.
    is_then: bool,
    stages: Stages<'a>,
}

#[derive(Clone, Copy)]
enum Stages<'a> {
    Cohort(&'a [CohortStage]),
    Snapshot(&'a [SnapshotStage]),
}

impl Stages<'_> {
    fn counts(&self) -> Vec<(StageKey, i64)> {
        match self {
            Stages::Cohort(stages) => stages.iter().map(|stage| (stage.stage, stage.entered)).collect(),
            Stages::Snapshot(stages) => stages.iter().map(|stage| (stage.stage, stage.count)).collect(),
        }
    }
}

fn parts<'a>(
    cohort: Option<&'a Cohort>,
    snapshot: Option<&'a Snapshot>,
    whole: &str,
    words: Option<&Words>,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    if let Some(cohort) = cohort {
        let period = format!("{} – {}", cohort.from, cohort.to);
        let part = |group: String, is_group, is_then, stages| Part {
            group,
            period: period.clone(),
            is_group,
            is_then,
            stages: Stages::Cohort(stages),
        };
        parts.push(part(whole.to_owned(), false, false, &cohort.stages));
        parts.extend(cohort.known_then.iter().map(|then| part(whole.to_owned(), false, true, then)));
        let groups_then = cohort.groups_known_then.iter().flatten().map(|group| (group, true));
        parts.extend(cohort.groups.iter().map(|group| (group, false)).chain(groups_then).map(|(group, is_then)| {
            let name = named(group.name.as_deref(), group.account_kind, group.tier, words);
            part(name, true, is_then, &group.stages)
        }));
    }
    if let Some(snapshot) = snapshot {
        let period = snapshot.as_of.to_string();
        let part = |group: String, is_group, is_then, stages| Part {
            group,
            period: period.clone(),
            is_group,
            is_then,
            stages: Stages::Snapshot(stages),
        };
        parts.push(part(whole.to_owned(), false, false, &snapshot.stages));
        parts.extend(snapshot.known_then.iter().map(|then| part(whole.to_owned(), false, true, then)));
        let groups_then = snapshot.groups_known_then.iter().flatten().map(|group| (group, true));
        parts.extend(snapshot.groups.iter().map(|group| (group, false)).chain(groups_then).map(|(group, is_then)| {
            let name = named(group.name.as_deref(), group.account_kind, group.tier, words);
            part(name, true, is_then, &group.stages)
        }));
    }
    parts
}

/// What a group is called: in the reader's words, or by the codes of the API.
fn named(name: Option<&str>, kind: Option<AccountKind>, tier: Option<AccountTier>, words: Option<&Words>) -> String {
    let name = match (name, kind, tier, words) {
        (Some(name), ..) => name,
        (_, Some(kind), _, Some(words)) => words.account(kind),
        (_, Some(kind), _, None) => kind.as_str(),
        (_, _, Some(tier), Some(words)) => words.tier(Some(tier)),
        (_, _, Some(tier), None) => tier.as_str(),
        (.., words) => words.map_or("none", |words| words.say("none", "无")),
    };
    name.to_owned()
}

impl Funnel {
    /// The funnel itself, then what it is compared with.
    fn all_parts(&self, words: Option<&Words>) -> [Vec<Part<'_>>; 2] {
        let whole = self.team.as_deref().unwrap_or_default();
        let one = parts(self.cohort.as_ref(), self.snapshot.as_ref(), whole, words);
        let other = self.compared.as_ref().map_or_else(Vec::new, |other| {
            let whole = other.team.as_deref().unwrap_or_default();
            parts(other.cohort.as_ref(), other.snapshot.as_ref(), whole, words)
        });
        [one, other]
    }
}

impl Report for Funnel {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "period",
            "group",
            "stage",
            "count",
            "advanced",
            "lost",
            "open",
            "conversion",
            "medianDays",
            "p90Days",
            "amounts",
            "known",
            "lostFrom",
        ];
        let mut rows = Vec::new();
        for part in self.all_parts(None).iter().flatten() {
            let begin = |stage: StageKey, count: i64| {
                vec![Cell::text(&part.period), Cell::text(&part.group), Cell::text(stage.as_str()), Cell::figure(count)]
            };
            let known = if part.is_then { "then" } else { "now" };
            match part.stages {
                Stages::Cohort(stages) => rows.extend(stages.iter().map(|stage| {
                    let mut row = begin(stage.stage, stage.entered);
                    row.extend([stage.advanced, stage.lost, stage.open].map(Cell::maybe));
                    row.extend([stage.conversion, stage.median_days, stage.p90_days].map(Cell::maybe));
                    row.extend([spelled(&stage.amounts), Cell::text(known), Cell::Empty]);
                    row
                })),
                Stages::Snapshot(stages) => rows.extend(stages.iter().flat_map(|stage| {
                    let standing = |count, amounts: &[CurrencyAmount], lost_from: Option<StageKey>| {
                        let mut row = begin(stage.stage, count);
                        row.extend([const { Cell::Empty }; 6]);
                        row.extend([spelled(amounts), Cell::text(known)]);
                        row.push(Cell::maybe_text(lost_from.map(StageKey::as_str)));
                        row
                    };
                    // Of those that are lost also the ones of each stage.
                    let parts = stage.lost_from.iter().flatten();
                    let parts = parts.map(|part| standing(part.count, &part.amounts, Some(part.stage)));
                    [standing(stage.count, &stage.amounts, None)].into_iter().chain(parts).collect::<Vec<_>>()
                })),
            }
        }
        Sheet { header, rows }
    }

    fn picture(&self, words: &Words) -> Picture {
        let [mut one, mut other] = self.all_parts(Some(words));
        let differs = one.iter().any(|part| part.is_then);
        // The table has what was known of groups; a picture says that there is something.
        one.retain(|part| !(part.is_group && part.is_then));
        let whole = one.first().map(|part| part.stages);
        let first = |part: &Part<'_>| part.stages.counts().iter().map(|(_, count)| *count).sum::<i64>();
        let n: i64 = whole.map_or(0, |stages| match stages {
            // An opportunity comes to several stages and stands in one.
            Stages::Cohort(stages) => stages.iter().map(|stage| stage.entered).max().unwrap_or(0),
            Stages::Snapshot(stages) => stages.iter().map(|stage| stage.count).sum(),
        });
        let period = one.first().map(|part| part.period.clone()).unwrap_or_default();
        let is_compared = !other.is_empty();
        let has_groups = one.iter().any(|part| part.is_group);
        let mut left_out = 0;
        let shown: Vec<Part<'_>> = if is_compared {
            one.truncate(1);
            other.truncate(1);
            one.into_iter().chain(other).collect()
        } else if has_groups {
            let mut groups: Vec<_> = one.into_iter().filter(|part| part.is_group).collect();
            groups.sort_by_key(|part| std::cmp::Reverse(first(part)));
            left_out = groups.len().saturating_sub(SHOWN);
            groups.truncate(SHOWN);
            groups
        } else {
            one
        };
        let names = whole.map_or_else(Vec::new, |stages| match stages {
            Stages::Cohort(stages) if shown.len() == 1 => stages.iter().map(|stage| label(words, stage)).collect(),
            _ => stages.counts().iter().map(|(stage, _)| words.stage(*stage)).collect(),
        });
        let series = shown.iter().map(|part| {
            let name = match (part.group.is_empty(), is_compared) {
                _ if part.is_then => words.say("as known then", "当时所知").to_owned(),
                _ if differs && !is_compared && !has_groups => words.say("as known now", "现在所知").to_owned(),
                (true, _) => part.period.clone(),
                (false, true) => format!("{} {}", part.group, part.period),
                (false, false) => part.group.clone(),
            };
            Series::new(name, part.stages.counts().iter().map(|(_, count)| *count as f64))
        });
        let unit = match whole {
            Some(Stages::Snapshot(_)) => words.say("opportunities at the end of the day", "当日结束时的商机数"),
            _ => words.say("opportunities that came to the stage", "进入该阶段的商机数"),
        };
        let unit = match left_out {
            0 => unit.to_owned(),
            n => format!("{unit} · {} {n}", words.say("smaller groups left out:", "未列出的较小分组：")),
        };
        let as_of = words.as_of(self.cohort.as_ref().and_then(|cohort| cohort.as_of), differs);
        let team = self.team.as_ref().map(|team| format!(" · {team}")).unwrap_or_default();
        Picture {
            title: format!("{}{team}", words.say("Funnel", "销售漏斗")),
            note: format!("{period}{as_of} · {unit} · {}", words.sample(n)),
            plot: Plot::Rows { names, series: series.collect() },
            empty: words.say("Nothing came to any stage.", "没有商机进入任何阶段。").to_owned(),
        }
    }
}

/// `Intent, 75% go on`
fn label(words: &Words, stage: &CohortStage) -> String {
    let name = words.stage(stage.stage);
    match stage.conversion {
        Some(conversion) => format!("{name} → {:.0}%", conversion * 100.0),
        None => name,
    }
}
