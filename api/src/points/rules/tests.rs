use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

fn points(text: &str) -> Points {
    Points::parse(text).unwrap()
}

/// The first rule set, spoilt, and where it is then at fault.
fn faults(spoil: impl Fn(&mut Rules)) -> Vec<String> {
    let mut rules = first_rule_set();
    spoil(&mut rules);
    validate(&rules).err().unwrap_or_default().into_iter().map(|(pointer, _)| pointer).collect()
}

#[test]
fn the_first_rule_set_is_valid_and_its_weights_are_per_cent() {
    let rules = first_rule_set();
    assert_eq!(validate(&rules), Ok(()));
    for entry in &rules.completeness {
        assert_eq!(entry.weights.iter().map(|w| w.weight).sum::<i32>(), 100, "{}", entry.activity);
    }
}

#[test]
fn each_fault_is_named_where_it_is() {
    type Spoil = fn(&mut Rules);
    let table: [(Spoil, &[&str]); 21] = [
        (|_| (), &[]),
        (|r| r.brackets.clear(), &["/brackets"]),
        (|r| r.brackets = vec![r.brackets[0].clone(); 21], &["/brackets"]),
        (|r| r.brackets[0].within_hours = 0, &["/brackets/0/withinHours"]),
        (|r| r.brackets[1].within_hours = 2, &["/brackets/1/withinHours"]),
        (|r| r.brackets[2].within_hours = 8_785, &["/brackets/2/withinHours"]),
        (|r| r.brackets[1].points = points("10.01"), &["/brackets/1/points"]),
        (|r| r.brackets[1].points = points("10"), &[]),
        (|r| r.brackets[2].points = points("-1"), &["/brackets/2/points"]),
        (|r| r.brackets[2].points = points("1.005"), &["/brackets/2/points"]),
        (|r| r.brackets[2].points = points("1.5000"), &[]),
        (|r| r.brackets[0].points = points("10000.01"), &["/brackets/0/points"]),
        (|r| r.late_points = points("0.01"), &["/latePoints"]),
        (|r| r.late_points = points("-10001"), &["/latePoints"]),
        (|r| r.late_points = points("0"), &[]),
        (|r| r.unproven_grace_hours = -1, &["/unprovenGraceHours"]),
        (|r| r.unproven_grace_hours = 721, &["/unprovenGraceHours"]),
        (|r| r.completeness[3].weights.clear(), &["/completeness/3/weights"]),
        (|r| r.completeness[0].weights[1].weight = 0, &["/completeness/0/weights/1/weight"]),
        (|r| r.completeness[0].weights[1].field = Line("summary".into()), &["/completeness/0/weights/1/field"]),
        (|r| r.completeness[0].weights[1].field = Line("Summary".into()), &["/completeness/0/weights/1/field"]),
    ];
    for (index, (spoil, expected)) in table.into_iter().enumerate() {
        let found = faults(spoil);
        let expected: Vec<_> = if index == 2 {
            // Twenty-one equal brackets are also each as long as the one before.
            let each = (1..21).map(|i| format!("/brackets/{i}/withinHours"));
            std::iter::once("/brackets".to_owned()).chain(each).collect()
        } else {
            expected.iter().map(|&pointer| pointer.to_owned()).collect()
        };
        assert_eq!(found, expected, "line {index} of the table");
    }
}

#[test]
fn every_kind_stands_once_and_has_only_what_it_can_have() {
    assert_eq!(faults(|r| r.completeness.truncate(4)), ["/completeness"]);
    assert_eq!(
        faults(|r| r.completeness[4].activity = ActivityKind::Visit),
        ["/completeness/4/activity", "/completeness"]
    );
    let check = |r: &mut Rules| r.completeness[1].weights[0].field = Line("checkIn".into());
    assert_eq!(faults(check), ["/completeness/1/weights/0/field"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(|r| {
        r.brackets[0].within_hours = -3;
        r.late_points = points("5");
        r.completeness.remove(2);
    });
    assert_eq!(found, ["/brackets/0/withinHours", "/latePoints", "/completeness"]);
}

/// Any valid rule set.
pub(in crate::points) fn any_rules() -> impl Strategy<Value = Rules> {
    let brackets = proptest::collection::vec((1..100i32, 0..2_000i64), 1..=6).prop_map(|steps| {
        let mut hours = 0;
        let mut left: i64 = steps.iter().map(|(_, fall)| fall).sum();
        let step = |(wait, fall): (i32, i64)| {
            hours += wait;
            let bracket = Bracket { within_hours: hours, points: Points(Decimal::new(left, 2)) };
            left -= fall;
            bracket
        };
        steps.into_iter().map(step).collect::<Vec<_>>()
    });
    let weights = |kind| {
        let names: Vec<_> = field::FIELDS.into_iter().map(|f| f.name).filter(|name| field::fits(name, kind)).collect();
        let fields = subsequence(names.clone(), 1..=names.len());
        (fields, proptest::collection::vec(1..=MOST_WEIGHT, names.len())).prop_map(move |(fields, weights)| {
            let weight = |(field, weight): (&str, i32)| Weight { field: Line(field.to_owned()), weight };
            Completeness { activity: kind, weights: fields.into_iter().zip(weights).map(weight).collect() }
        })
    };
    (brackets, 0..2_000i64, 0..=LONGEST_GRACE, KINDS.map(weights)).prop_map(|(brackets, late, grace, completeness)| {
        Rules {
            brackets,
            late_points: Points(Decimal::new(-late, 2)),
            unproven_grace_hours: grace,
            completeness: completeness.into(),
        }
    })
}

proptest! {
    #[test]
    fn generated_rule_sets_are_valid(rules in any_rules()) {
        prop_assert_eq!(validate(&rules), Ok(()));
    }
}
