//! `docs/rules/vectors.json`: that the code still computes what clients are told. After the rules of reckoning have changed
//! on purpose, `WAYPOST_WRITE_VECTORS=1 cargo test -p waypost --test suite vectors` writes what is expected anew.

use chrono::TimeDelta;
use entity::activity;
use entity::kind::WorkKind;
use entity::rules::Rules;
use entity::scalar::{Points, Timestamp};
use entity::shape::{SpecialDays, Week};
use poem_openapi::types::ParseFromJSON;
use serde_json::{Map, Value, json};
use waypost::calendar::Calendar;
use waypost::captured::{Captured, Reading, Readings, captured};
use waypost::points::book::began;
use waypost::points::field::filled;
use waypost::points::score::{Facts, Scorer};
use waypost::points::validate::validate;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rules/vectors.json");

fn moment(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().expect("a time")).expect("a time")
}

fn calendar(tenant: &Value) -> Calendar {
    let week: Week = serde_json::from_value(tenant["week"].clone()).expect("a week");
    let days = |name: &str| -> SpecialDays { serde_json::from_value(tenant[name].clone()).expect("days") };
    let zone = tenant["timeZone"].as_str().expect("a zone").parse().expect("a zone");
    Calendar::new(zone, &week, &days("holidays"), &days("workingDays"))
}

fn reading(value: &Value) -> Reading {
    Reading {
        wall: moment(&value["wall"]),
        monotonic_ms: value["monotonic"].as_i64().expect("milliseconds"),
        boot_id: value["bootId"].as_str().expect("an id").to_owned(),
    }
}

/// When it was typed, as given or by the phone's clocks.
fn typed(input: &Value, rules: &Rules) -> Captured {
    let Some(clocks) = input.get("clocks") else {
        let proven = input["capturedProven"].as_bool().expect("true or false");
        return Captured { at: moment(&input["captured"]), proven };
    };
    let (entry, sent) = (reading(&clocks["captured"]), reading(&clocks["sent"]));
    let readings = Readings { captured: &entry, sent: &sent };
    captured(Some(readings), moment(&input["received"]), TimeDelta::hours(rules.unproven.hours_per_entry.into()))
}

fn expected(input: &Value, rules: &Rules, calendar: &Calendar) -> Value {
    let kind = WorkKind::parse(input["kind"].as_str().expect("a kind")).expect("a kind");
    let (captured, occurred) = (typed(input, rules), moment(&input["occurred"]));
    let id = "0198c0de-0000-7000-8000-000000000002";
    let mut document = json!({ "id": id, "revision": 1, "createdAt": occurred, "updatedAt": occurred, "accountId": id,
        "ownerId": id, "kind": kind, "occurred": occurred, "captured": captured.at, "capturedProven": captured.proven,
        "received": input["received"] });
    let members = document.as_object_mut().expect("an object");
    members.extend(input["record"].as_object().expect("an object").clone());
    let activity = activity::Model::parse_from_json(Some(document)).expect("an activity");
    let booking = Scorer { rules, version: 1, calendar }.score(&Facts {
        kind,
        about: None,
        occurred: began(&activity),
        captured,
        received: moment(&input["received"]),
        filled: &filled(&activity, input["photo"] == true),
        judged: None,
        room: input.get("room").map(|room| Points::parse(room.as_str().expect("points")).expect("points").0),
    });
    let deadline = |hours: i32| calendar.after(began(&activity), i64::from(hours) * 60, rules.hours);
    let mut told = Map::new();
    told.insert("captured".into(), json!(captured.at));
    told.insert("capturedProven".into(), json!(captured.proven));
    let deadlines: Vec<_> = rules.brackets.iter().map(|bracket| deadline(bracket.within_hours)).collect();
    told.insert("deadlines".into(), json!(deadlines));
    if let Some(booking) = booking {
        let receipt = booking.explanation;
        let (money, currency) = booking.money.unzip();
        let of = json!({ "kind": booking.kind, "points": booking.points, "money": money, "currency": currency,
            "delayMinutes": receipt.delay_minutes, "withinHours": receipt.within_hours, "percent": receipt.percent,
            "weightFilled": receipt.weight_filled, "weightTotal": receipt.weight_total, "missing": receipt.missing,
            "capped": receipt.capped, "arithmetic": receipt.arithmetic });
        told.extend(of.as_object().expect("an object").clone().into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(told)
}

#[test]
fn clients_can_prove_that_they_compute_alike() {
    let text = std::fs::read_to_string(PATH).expect("the vectors");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    let (tenants, rule_sets) = (file["tenants"].clone(), file["ruleSets"].clone());
    let mut wrong = Vec::new();
    let mut seen = 0;
    for vector in file["vectors"].as_array_mut().expect("vectors") {
        let rules = &rule_sets[vector["rules"].as_str().expect("a name")];
        let rules: Rules = serde_json::from_value(rules.clone()).expect("rules");
        assert_eq!(validate(&rules), Ok(()));
        let tenant = calendar(&tenants[vector["tenant"].as_str().expect("a name")]);
        let computed = expected(&vector["input"], &rules, &tenant);
        if vector["expected"] != computed {
            wrong.push(format!("{}: {} is not {computed}", vector["name"], vector["expected"]));
            vector["expected"] = computed;
        }
        seen += 1;
    }
    assert!(seen >= 30, "{seen} vectors");
    if std::env::var_os("WAYPOST_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&file).expect("JSON") + "\n";
        std::fs::write(PATH, text).expect("writes");
        return;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
