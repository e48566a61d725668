//! Lays the rows of `snapshot.sql` out and adds them up: for the whole, for each group, and for what was lost.

use std::collections::BTreeMap;

use entity::kind::StageKey;
use entity::scalar::{Date, Money};
use sea_orm::{DbErr, FromQueryResult, QueryResult};

use super::{CurrencyAmount, Key, LostFrom, Snapshot, SnapshotGroup, SnapshotStage, SplitBy, Told, amount};
use crate::opportunity::stage::WAY;

#[derive(Clone, FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    key: Key,
    stage: StageKey,
    lost_from: Option<StageKey>,
    currency: Option<String>,
    count: i64,
    /// Absent where none of them has an amount.
    amount: Option<Money>,
}

pub(super) fn lay_out(as_of: Date, by: SplitBy, rows: &[QueryResult]) -> Result<Snapshot, DbErr> {
    let mut all = Vec::new();
    let mut groups: BTreeMap<(bool, Key), Vec<Row>> = BTreeMap::new();
    for row in rows {
        // The one row of a report that found nothing.
        if row.try_get::<Option<StageKey>>("", "stage")?.is_none() {
            continue;
        }
        let row = Row::from_query_result(row, "")?;
        if by != SplitBy::None {
            groups.entry(row.key.order()).or_default().push(row.clone());
        }
        all.push(row);
    }
    let groups = groups
        .into_iter()
        .map(|((_, key), rows)| {
            let Told { id, account_kind, tier, name } = key.told(by);
            SnapshotGroup { id, account_kind, tier, name, stages: stages(&rows) }
        })
        .collect();
    Ok(Snapshot { as_of, stages: stages(&all), known_then: None, groups, groups_known_then: None })
}

fn stages(rows: &[Row]) -> Vec<SnapshotStage> {
    WAY.into_iter()
        .chain([StageKey::Lost])
        .map(|stage| {
            let (count, amounts) = sum(rows.iter().filter(|row| row.stage == stage));
            let lost_from = (stage == StageKey::Lost).then(|| lost_from(rows));
            SnapshotStage { stage, count, amounts, lost_from }
        })
        .collect()
}

fn lost_from(rows: &[Row]) -> Vec<LostFrom> {
    let open = WAY.into_iter().filter(|stage| *stage != StageKey::Signed);
    open.map(|stage| {
        let (count, amounts) = sum(rows.iter().filter(|row| row.lost_from == Some(stage)));
        LostFrom { stage, count, amounts }
    })
    .collect()
}

fn sum<'a>(rows: impl Iterator<Item = &'a Row>) -> (i64, Vec<CurrencyAmount>) {
    let mut count = 0;
    let mut by_currency: BTreeMap<Option<String>, Money> = BTreeMap::new();
    for row in rows {
        count += row.count;
        if let Some(amount) = row.amount {
            by_currency.entry(row.currency.clone()).or_default().0 += amount.0;
        }
    }
    (count, by_currency.into_iter().map(|(currency, total)| amount(currency, total)).collect())
}
