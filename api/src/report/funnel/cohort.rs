//! Lays the rows of `cohort.sql` out. No figure is made here but the conversion.

use std::collections::BTreeMap;

use entity::kind::StageKey;
use entity::scalar::{Date, Money};
use sea_orm::{DbErr, FromQueryResult, QueryResult};

use super::{Cohort, CohortGroup, CohortStage, Key, SplitBy, Told, amount, rounded};
use crate::opportunity::stage::WAY;

#[derive(FromQueryResult)]
struct Row {
    is_total: bool,
    /// Else it is of one currency.
    is_count: bool,
    #[sea_orm(nested)]
    key: Key,
    stage: StageKey,
    currency: Option<String>,
    entered: i64,
    advanced: i64,
    lost: i64,
    open: i64,
    median_days: Option<f64>,
    p90_days: Option<f64>,
    /// Of one currency; absent where none of them has an amount.
    amount: Option<Money>,
}

pub(super) fn lay_out(from: Date, to: Date, by: SplitBy, rows: &[QueryResult]) -> Result<Cohort, DbErr> {
    let mut total = Vec::new();
    let mut groups: BTreeMap<(bool, Key), Vec<Row>> = BTreeMap::new();
    for row in rows {
        // The one row of a report that found nothing.
        if row.try_get::<Option<StageKey>>("", "stage")?.is_none() {
            continue;
        }
        let row = Row::from_query_result(row, "")?;
        if row.is_total { &mut total } else { groups.entry(row.key.order()).or_default() }.push(row);
    }
    let groups = groups
        .into_iter()
        .map(|((_, key), rows)| {
            let Told { id, account_kind, tier, name } = key.told(by);
            CohortGroup { id, account_kind, tier, name, stages: stages(&rows) }
        })
        .collect();
    Ok(Cohort { from, to, as_of: None, stages: stages(&total), known_then: None, groups, groups_known_then: None })
}

fn stages(rows: &[Row]) -> Vec<CohortStage> {
    WAY.iter().map(|stage| of_stage(*stage, rows.iter().filter(|row| row.stage == *stage))).collect()
}

fn of_stage<'a>(stage: StageKey, rows: impl Iterator<Item = &'a Row>) -> CohortStage {
    let (counts, by_currency): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| row.is_count);
    let count = counts.first();
    let figure = |of: fn(&Row) -> i64| count.map_or(0, |row| of(row));
    let goes_on = |value| (stage != StageKey::Signed).then_some(value);
    let mut amounts: Vec<_> =
        by_currency.iter().filter_map(|row| Some(amount(row.currency.clone(), row.amount?))).collect();
    amounts.sort_by(|a, b| a.currency.cmp(&b.currency));
    let entered = figure(|row| row.entered);
    let advanced = goes_on(figure(|row| row.advanced));
    CohortStage {
        stage,
        entered,
        advanced,
        lost: goes_on(figure(|row| row.lost)),
        open: goes_on(figure(|row| row.open)),
        conversion: advanced.filter(|_| entered > 0).map(|advanced| rounded(advanced as f64 / entered as f64, 4)),
        median_days: count.and_then(|row| row.median_days).map(|days| rounded(days, 2)),
        p90_days: count.and_then(|row| row.p90_days).map(|days| rounded(days, 2)),
        amounts,
    }
}
