use super::*;

const ZONE: Tz = Tz::Asia__Shanghai;

fn at(minutes: i64) -> Timestamp {
    let start: chrono::DateTime<chrono::Utc> = "2026-03-02T01:00:00Z".parse().expect("a time");
    (start + TimeDelta::minutes(minutes)).into()
}

/// Typed and done at this minute, with nothing remarkable about it.
fn plain_one(minute: i64) -> Sighting {
    Sighting {
        id: Uuid::now_v7(),
        occurred: at(minute),
        captured: at(minute),
        ended: at(minute),
        place: None,
        accuracy: None,
        summary: Trigrams::of(&format!("{minute}")),
    }
}

fn visit(minute: i64, latitude: f64, longitude: f64) -> Sighting {
    let place = Place { position: Position { latitude, longitude }, accuracy: 10.0, from: at(minute), to: at(minute) };
    Sighting { place: Some(place), accuracy: Some(10.0), ..plain_one(minute) }
}

fn nothing() -> Holds {
    Holds {
        burst: None,
        similarity_percent: None,
        speed_kmh: None,
        accuracy_metres: None,
        future_minutes: None,
        release_after_days: 7,
    }
}

fn reasons(holds: &Holds, entry: &Sighting, others: &[Sighting]) -> Vec<HoldReason> {
    detect(holds, entry, others.iter(), ZONE).into_iter().map(|finding| finding.reason).collect()
}

#[test]
fn without_rules_nothing_stands_out() {
    let twin = Sighting { accuracy: Some(9_000.0), ended: at(900), ..visit(0, 31.0, 121.0) };
    assert_eq!(reasons(&nothing(), &twin, &[visit(0, -31.0, 0.0), plain_one(0)]), []);
    assert!(!is_on(&nothing()) && !compares(&nothing()));
}

#[test]
fn a_burst_is_the_fullest_span_around_the_entry() {
    let holds = Holds { burst: Some(Burst { entries: 4, minutes: 5 }), ..nothing() };
    let others: Vec<Sighting> = [0, 1, 2].into_iter().map(plain_one).collect();
    assert_eq!(reasons(&holds, &plain_one(5), &others), [HoldReason::Burst]);
    assert_eq!(reasons(&holds, &plain_one(6), &others), []);
    assert_eq!(reasons(&holds, &plain_one(-3), &others), [HoldReason::Burst]);
    assert_eq!(reasons(&holds, &plain_one(5), &others[1..]), []);
    // On both sides of it, but never four within five minutes.
    assert_eq!(reasons(&holds, &plain_one(4), &[0, 1, 7, 8].map(plain_one)), []);
    // The entry itself, as it was read before, is no other one.
    let entry = plain_one(3);
    assert_eq!(reasons(&holds, &entry, &[plain_one(1), plain_one(2), entry.clone()]), []);
}

#[test]
fn a_near_identical_note_names_its_likeness() {
    let holds = Holds { similarity_percent: Some(80), ..nothing() };
    let note = |minute, text: &str| Sighting { summary: Trigrams::of(text), ..plain_one(minute) };
    let day = 24 * 60;
    let before = [note(-3 * day, "Showed the new samples to Mr Li"), note(-40 * day, "Talked about the contract")];
    let found = detect(&holds, &note(0, "showed the NEW samples to Mr. Li!"), before.iter(), ZONE);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].activity_ids, [before[0].id]);
    assert!(found[0].en.0.contains("100 % the same as that of 2026-02-27 09:00"), "{}", found[0].en.0);
    assert!(found[0].zh.0.contains("相似度为 100%"), "{}", found[0].zh.0);
    assert_eq!(reasons(&holds, &note(0, "Talked about the contract"), &before), [], "that was too long ago");
    assert_eq!(reasons(&holds, &note(0, "Asked for the contract"), &before), []);
    assert_eq!(reasons(&holds, &note(0, ""), &[note(-5, "")]), []);
}

#[test]
fn nobody_is_in_two_places() {
    let holds = Holds { speed_kmh: Some(300), ..nothing() };
    // Shanghai and Hangzhou are about 165 km apart.
    let (shanghai, hangzhou) = (visit(0, 31.2304, 121.4737), |minute| visit(minute, 30.2741, 120.1551));
    assert_eq!(reasons(&holds, &hangzhou(20), std::slice::from_ref(&shanghai)), [HoldReason::ImpossibleTravel]);
    assert_eq!(reasons(&holds, &hangzhou(-20), std::slice::from_ref(&shanghai)), [HoldReason::ImpossibleTravel]);
    assert_eq!(reasons(&holds, &hangzhou(60), std::slice::from_ref(&shanghai)), []);
    let found = detect(&holds, &hangzhou(0), [shanghai.clone()].iter(), ZONE);
    assert!(found[0].en.0.contains("no time for the way"), "{}", found[0].en.0);
    // The next house is no journey, and an unverified place is none at all.
    assert_eq!(reasons(&holds, &visit(0, 31.2310, 121.4740), std::slice::from_ref(&shanghai)), []);
    assert_eq!(reasons(&holds, &Sighting { place: None, ..hangzhou(0) }, &[shanghai]), []);
}

#[test]
fn a_later_time_is_told_with_both() {
    let found = redated(at(0), at(90), ZONE);
    assert_eq!(found.reason, HoldReason::Redated);
    assert!(found.en.0.contains("from 2026-03-02 09:00 to 2026-03-02 10:30 (Asia/Shanghai)"), "{}", found.en.0);
    assert!(found.zh.0.contains("由 2026-03-02 09:00 改为 2026-03-02 10:30"), "{}", found.zh.0);
}

#[test]
fn poor_positions_and_the_future_are_told() {
    let holds = Holds { accuracy_metres: Some(500), future_minutes: Some(30), ..nothing() };
    let entry = |accuracy, ended| Sighting { accuracy: Some(accuracy), ended: at(ended), ..plain_one(0) };
    assert_eq!(reasons(&holds, &entry(500.0, 30), &[]), []);
    assert_eq!(reasons(&holds, &entry(501.0, 31), &[]), [HoldReason::PoorAccuracy, HoldReason::Future]);
}
