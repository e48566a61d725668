//! What is expected to be signed, and how good such expectations were.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use entity::kind::Role;
use entity::scalar::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value as Json;
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::report::figures::Scope;
use waypost::report::forecast::{ForecastBucket, accuracy, calibration, forecast};

use super::super::close;
use super::{TODAY, Year, day, decimal, id, local, text, time};

fn told_decimal(value: &Json) -> Option<Decimal> {
    value.as_str().map(|text| text.parse().expect("a decimal")).or_else(|| decimal(value))
}

fn approximately(told: Decimal, exact: Decimal) -> bool {
    (told - exact).abs() <= Decimal::new(1, 2)
}

pub async fn forecast_agrees(year: &Year, actor: &Actor, as_of: Option<NaiveDate>) {
    let scope = Scope { as_of: as_of.map(Date), ..Scope::default() };
    let told = forecast(&year.state, actor, &scope).await.unwrap_or_else(|error| panic!("{error}"));
    let on = as_of.unwrap_or(day(TODAY));
    let is_later = |row: &Json| as_of.is_some_and(|day| local(time(row, "captured")) > day);
    let moves = year.moves();
    let seen = year.seen(actor, "opportunity", "account_id");
    let journeys = seen.iter().filter_map(|row| {
        let told = moves[&id(row, "id")?].iter().filter(|m| as_of.is_none_or(|day| local(time(m, "occurred")) <= day));
        let told: Vec<&&Json> = told.collect();
        (!told.is_empty()).then_some((*row, told))
    });
    let journeys: Vec<_> = journeys.collect();
    let way = ["intent", "pre_sale", "negotiation", "signed"];
    let place = |stage: &str| way.iter().position(|known| *known == stage);
    let mut measured = BTreeMap::new();
    for (n, stage) in way[..3].iter().enumerate() {
        let came = |moves: &[&&Json]| {
            moves.iter().any(|m| place(text(m, "to_stage").expect("a stage")).is_some_and(|p| p >= n))
        };
        let ends: Vec<&str> = journeys
            .iter()
            .filter(|(_, moves)| came(moves))
            .filter_map(|(_, moves)| text(moves.last()?, "to_stage"))
            .filter(|end| matches!(*end, "signed" | "lost"))
            .collect();
        let signed = ends.iter().filter(|end| **end == "signed").count();
        let row = told.stages.iter().find(|row| row.stage.as_str() == *stage).expect("the stage");
        assert_eq!((row.decided, row.signed), (ends.len() as i64, signed as i64), "{stage}");
        let setting = year.rows("stage").iter().find(|row| text(row, "stage") == Some(stage)).expect("a setting");
        let given = Decimal::from(setting["probability"].as_i64().expect("a number")) / Decimal::ONE_HUNDRED;
        let share = if ends.is_empty() { given } else { Decimal::from(signed) / Decimal::from(ends.len()) };
        measured.insert(*stage, (given, share));
    }

    type Sums = (i64, [Decimal; 5]);
    let mut rows: BTreeMap<(String, Option<String>), Sums> = BTreeMap::new();
    for (row, moves) in &journeys {
        let newest = moves.last().expect("a move");
        let stage = text(newest, "to_stage").expect("a stage");
        let amount = told_decimal(&year.was("opportunity", row, "amount", "amount", is_later)).unwrap_or_default();
        let currency = year.was("opportunity", row, "currency", "currency", is_later).as_str().map(str::to_owned);
        let expected = year.was("opportunity", row, "expected_on", "expectedOn", is_later).as_str().map(day);
        let month = |day: NaiveDate| day.format("%Y-%m").to_string();
        let bucket = match (stage, expected) {
            ("lost", _) => continue,
            ("signed", _) => {
                let signed = local(time(newest, "occurred"));
                if (signed.year(), signed.month()) < (on.year(), on.month()) {
                    continue;
                }
                month(signed)
            }
            (_, None) => "undated".to_owned(),
            (_, Some(day)) if day < on => "overdue".to_owned(),
            (_, Some(day)) => month(day),
        };
        let (open, sums) = rows.entry((bucket, currency)).or_default();
        if stage == "signed" {
            sums[0] += amount;
            continue;
        }
        *open += 1;
        let (given, share) = measured[stage];
        let then = Decimal::from(newest["probability"].as_i64().expect("a number")) / Decimal::ONE_HUNDRED;
        sums[1] += if stage == "negotiation" { amount } else { Decimal::ZERO };
        sums[2] += amount;
        sums[3] += amount * if as_of.is_some() { then } else { given };
        sums[4] += amount * share;
    }
    assert!(rows.len() > 2 || actor.role != Role::Admin, "{rows:?}");
    for row in &told.rows {
        let bucket = match row.bucket {
            ForecastBucket::Month => row.month.clone().expect("a month"),
            ForecastBucket::Overdue => "overdue".into(),
            ForecastBucket::Undated => "undated".into(),
        };
        let (open, sums) = rows.remove(&(bucket, row.currency.clone())).unwrap_or_else(|| panic!("{row:?}"));
        assert_eq!(row.open, open, "{row:?}");
        let amounts = [row.signed, row.commit, row.pipeline, row.weighted, row.weighted_measured];
        for (told, exact) in amounts.iter().zip(sums) {
            assert!(approximately(told.0, exact), "{exact}: {row:?}");
        }
    }
    assert!(rows.is_empty(), "{rows:?}");
}

pub async fn calibration_agrees(year: &Year, actor: &Actor) {
    let (from, to) = (day("2025-06-01"), day("2026-02-28"));
    let scope = Scope { from: Some(Date(from)), to: Some(Date(to)), ..Scope::default() };
    let told = calibration(&year.state, actor, &scope).await.unwrap_or_else(|error| panic!("{error}"));
    let (people, moves) = (year.people(actor), year.moves());
    let mut said: BTreeMap<Uuid, Vec<(f64, f64)>> = BTreeMap::new();
    for row in year.rows("opportunity") {
        let (owner, moves) = (id(row, "owner_id").expect("an owner"), &moves[&id(row, "id").expect("an id")]);
        let newest = moves.last().expect("a move");
        let outcome = match text(newest, "to_stage") {
            Some("signed") => 1.0,
            Some("lost") => 0.0,
            _ => continue,
        };
        if people.contains(&owner) && (from..=to).contains(&local(time(newest, "occurred"))) {
            let open = moves.iter().filter(|m| !matches!(text(m, "to_stage"), Some("signed" | "lost")));
            let chances = open.map(|m| (m["probability"].as_f64().expect("a number") / 100.0, outcome));
            said.entry(owner).or_default().extend(chances);
        }
    }
    said.retain(|_, said| !said.is_empty());
    assert_eq!(told.reps.iter().map(|rep| rep.user_id).collect::<BTreeSet<_>>(), said.keys().copied().collect());
    for rep in &told.reps {
        let said = &said[&rep.user_id];
        let n = said.len() as f64;
        let brier = said.iter().map(|(chance, outcome)| (chance - outcome).powi(2)).sum::<f64>() / n;
        let bias = said.iter().map(|(chance, outcome)| chance - outcome).sum::<f64>() / n;
        assert_eq!(rep.forecasts, said.len() as i64);
        assert!(
            close(Some(rep.brier), Some(brier), 0.000_06) && close(Some(rep.bias), Some(bias), 0.000_06),
            "{rep:?}"
        );
    }
}

pub async fn accuracy_agrees(year: &Year, actor: &Actor, as_of: Option<NaiveDate>) {
    let scope = Scope { as_of: as_of.map(Date), ..Scope::default() };
    let told = accuracy(&year.state, actor, &scope, 6).await.unwrap_or_else(|error| panic!("{error}"));
    let (moves, seen) = (year.moves(), year.seen(actor, "opportunity", "account_id"));
    let this = as_of.map_or(day(TODAY), |day| day + Days::new(1)).with_day(1).expect("a day");
    let typed_later = |row: &Json| as_of.is_some_and(|day| local(time(row, "captured")) > day);
    let mut exact: BTreeMap<(String, Option<String>), (i64, Decimal, Decimal)> = BTreeMap::new();
    for back in 1..=6 {
        let first = this - Months::new(back);
        let next = first + Months::new(1);
        let name = first.format("%Y-%m").to_string();
        let before = |row: &Json, column: &str| local(time(row, column)) < first;
        for row in &seen {
            let moves = &moves[&id(row, "id").expect("an id")];
            let known = moves.iter().rfind(|m| before(m, "occurred") && before(m, "received"));
            if let Some(newest) = known.filter(|m| !matches!(text(m, "to_stage"), Some("signed" | "lost"))) {
                let is_later = |row: &Json| !before(row, "received");
                let expected = year.was("opportunity", row, "expected_on", "expectedOn", is_later);
                if expected.as_str().map(day).is_some_and(|day| (first..next).contains(&day)) {
                    let amount =
                        told_decimal(&year.was("opportunity", row, "amount", "amount", is_later)).unwrap_or_default();
                    let currency =
                        year.was("opportunity", row, "currency", "currency", is_later).as_str().map(str::to_owned);
                    let sums = exact.entry((name.clone(), currency)).or_default();
                    sums.0 += 1;
                    sums.1 += amount * Decimal::from(newest["probability"].as_i64().expect("a number"))
                        / Decimal::ONE_HUNDRED;
                }
            }
            let newest = moves.iter().rfind(|m| as_of.is_none_or(|day| local(time(m, "occurred")) <= day));
            let signed = newest.filter(|m| text(m, "to_stage") == Some("signed"));
            if signed.is_some_and(|m| (first..next).contains(&local(time(m, "occurred")))) {
                let was = |column: &str| year.was("opportunity", row, column, column, typed_later);
                let sums = exact.entry((name.clone(), was("currency").as_str().map(str::to_owned))).or_default();
                sums.2 += told_decimal(&was("amount")).unwrap_or_default();
            }
        }
    }
    for row in &told.months {
        let (n, forecast, actual) =
            exact.remove(&(row.month.clone(), row.currency.clone())).unwrap_or_else(|| panic!("{row:?}"));
        assert_eq!(row.opportunities, n, "{row:?}");
        assert!(
            approximately(row.forecast.0, forecast) && approximately(row.actual.0, actual),
            "{forecast}, {actual}: {row:?}"
        );
        let error = (forecast - actual).to_f64().zip(actual.to_f64()).filter(|(_, actual)| *actual != 0.0);
        assert!(close(row.error_share, error.map(|(error, actual)| error / actual), 0.000_6), "{row:?}");
    }
    assert!(exact.is_empty(), "{exact:?}");
}
