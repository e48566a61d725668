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
    for entry in &rules.work {
        assert_eq!(entry.weights.iter().map(|w| w.weight).sum::<i32>(), 100, "{}", entry.on);
    }
}

#[test]
fn each_fault_is_named_where_it_is() {
    type Spoil = fn(&mut Rules);
    let table: [(Spoil, &[&str]); 22] = [
        (|_| (), &[]),
        (|r| r.brackets.clear(), &["/brackets"]),
        (|r| r.brackets = vec![r.brackets[0].clone(); 21], &["/brackets"]),
        (|r| r.brackets[0].within_hours = 0, &["/brackets/0/withinHours"]),
        (|r| r.brackets[1].within_hours = 2, &["/brackets/1/withinHours"]),
        (|r| r.brackets[2].within_hours = 8_785, &["/brackets/2/withinHours"]),
        (|r| (r.brackets[0].percent, r.brackets[1].percent) = (50, 51), &["/brackets/1/percent"]),
        (|r| r.brackets[1].percent = 100, &[]),
        (|r| r.brackets[2].percent = -1, &["/brackets/2/percent"]),
        (|r| r.brackets[0].percent = 101, &["/brackets/0/percent"]),
        (|r| r.work[2].base = points("1.005"), &["/work/2/base"]),
        (|r| r.work[2].base = points("1.5000"), &[]),
        (|r| r.work[0].base = points("10000.01"), &["/work/0/base"]),
        (|r| r.penalties[0].points = points("0.01"), &["/penalties/0/points"]),
        (|r| r.penalties[0].points = points("-10001"), &["/penalties/0/points"]),
        (|r| r.penalties[0].points = points("0"), &[]),
        (|r| r.unproven.hours_per_entry = -1, &["/unproven/hoursPerEntry"]),
        (|r| r.unproven.hours_per_entry = 721, &["/unproven/hoursPerEntry"]),
        (|r| r.work[3].weights.clear(), &[]),
        (|r| r.work[0].weights[1].weight = 0, &["/work/0/weights/1/weight"]),
        (|r| r.work[0].weights[1].field = Line("summary".into()), &["/work/0/weights/1/field"]),
        (|r| r.work[0].weights[1].field = Line("Summary".into()), &["/work/0/weights/1/field"]),
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
    assert_eq!(faults(|r| r.work.truncate(4)), Vec::<String>::new());
    assert_eq!(faults(|r| r.work[4].on = WorkKind::Visit), ["/work/4/on"]);
    let check = |r: &mut Rules| r.work[1].weights[0].field = Line("checkIn".into());
    assert_eq!(faults(check), ["/work/1/weights/0/field"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(|r| {
        r.brackets[0].within_hours = -3;
        r.penalties[0].points = points("5");
        r.work[2].base = points("-1");
    });
    assert_eq!(found, ["/brackets/0/withinHours", "/penalties/0/points", "/work/2/base"]);
}

/// Any valid rule set.
pub(in crate::points) fn any_rules() -> impl Strategy<Value = Rules> {
    use WorkKind::{Call, Email, Meeting, Note, Visit};
    let brackets = proptest::collection::vec((1..100i32, 0..50i32), 1..=6).prop_map(|steps| {
        let (mut hours, mut percent) = (0, 100);
        let step = |(wait, fall): (i32, i32)| {
            hours += wait;
            let bracket = Bracket { within_hours: hours, percent };
            percent = (percent - fall).max(0);
            bracket
        };
        steps.into_iter().map(step).collect::<Vec<_>>()
    });
    let work = |kind| {
        let names: Vec<_> = field::FIELDS.into_iter().map(|f| f.name).filter(|name| field::fits(name, kind)).collect();
        let fields = subsequence(names.clone(), 0..=names.len());
        let weights = proptest::collection::vec(1..=MOST_WEIGHT, names.len());
        (fields, weights, 0..2_000i64).prop_map(move |(fields, weights, base)| {
            let weight = |(field, weight): (&str, i32)| Weight {
                field: Line(field.to_owned()),
                weight,
                min_characters: None,
                with: None,
            };
            WorkRule {
                on: kind,
                base: Points(Decimal::new(base, 2)),
                weights: fields.into_iter().zip(weights).map(weight).collect(),
            }
        })
    };
    (brackets, 0..2_000i64, 0..=LONGEST_GRACE, [Visit, Call, Meeting, Email, Note].map(work)).prop_map(
        |(brackets, late, grace, work)| {
            let mut rules = Rules {
                brackets,
                unproven: Grace { hours_per_entry: grace, hours_per_month: grace },
                ..first_rule_set()
            };
            rules.penalties[0].points = Points(Decimal::new(-late, 2));
            rules.work = work.into();
            rules
        },
    )
}

proptest! {
    #[test]
    fn generated_rule_sets_are_valid(rules in any_rules()) {
        prop_assert_eq!(validate(&rules), Ok(()));
    }
}
