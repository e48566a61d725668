use proptest::prelude::*;
use proptest::sample::subsequence;

use entity::kind::{Hours, WorkKind};
use entity::rules::{Caps, CustomerRule, Grace, WorkRule};
use entity::scalar::{Currency, Line, Money};

use super::*;
use crate::points::rules::first_rule_set;

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
    let table: [(Spoil, &[&str]); 24] = [
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
        (|r| r.currency = Some(Currency("QQQ".into())), &["/currency"]),
        (|r| r.currency = Some(Currency("EUR".into())), &[]),
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

fn card(on: CardKind, fields: &[&str]) -> CustomerRule {
    let weight = |field: &&str| Weight { field: Line((*field).into()), weight: 1, min_characters: None, with: None };
    let brackets = vec![Bracket { within_hours: 72, percent: 100 }];
    CustomerRule { on, base: points("20"), brackets, weights: fields.iter().map(weight).collect() }
}

#[test]
fn conditions_name_what_they_can_ask_for() {
    type Spoil = fn(&mut Weight);
    let table: [(Spoil, &[&str]); 7] = [
        (|w| w.min_characters = Some(20), &[]),
        (|w| w.min_characters = Some(0), &["/work/0/weights/0/minCharacters"]),
        (
            |w| (w.min_characters, w.field) = (Some(9), Line("checkIn".into())),
            &["/work/0/weights/0/minCharacters", "/work/0/weights/5/field"],
        ),
        (|w| w.with = Some(Line("nextStepOn".into())), &[]),
        (|w| w.with = Some(Line("summary".into())), &["/work/0/weights/0/with"]),
        (|w| w.with = Some(Line("photo".into())), &[]),
        (|w| w.with = Some(Line("shoeSize".into())), &["/work/0/weights/0/with"]),
    ];
    for (spoil, expected) in table {
        assert_eq!(faults(|r| spoil(&mut r.work[0].weights[0])), expected);
    }
}

#[test]
fn cards_fines_caps_holds_and_leads_are_looked_at_too() {
    use CardKind::{Account, Contact};
    let fine = |kind| Penalty { kind, points: points("-3"), money: None, after_days: None, below_percent: None };
    type Spoil = Box<dyn Fn(&mut Rules)>;
    let table: Vec<(Spoil, &[&str])> = vec![
        (Box::new(|r| r.customer = vec![card(Account, &["phone"]), card(Contact, &["title"])]), &[]),
        (Box::new(|r| r.customer = vec![card(Account, &[])]), &["/customer/0/weights"]),
        (Box::new(|r| r.customer = vec![card(Account, &["title"])]), &["/customer/0/weights/0/field"]),
        (Box::new(|r| r.customer = vec![card(Account, &["phone"]); 2]), &["/customer/1/on"]),
        (Box::new(|r| r.penalties[0].money = Some(Money(Decimal::TEN))), &["/currency"]),
        (Box::new(|r| r.penalties[0].after_days = Some(3)), &["/penalties/0/afterDays"]),
        (Box::new(move |r| r.penalties.push(fine(PenaltyKind::LateEntry))), &["/penalties/1/kind"]),
        (Box::new(move |r| r.penalties.push(fine(PenaltyKind::IdleOpportunity))), &["/penalties/1/afterDays"]),
        (
            Box::new(move |r| {
                let (after_days, below_percent) = (Some(30), Some(101));
                r.penalties.push(Penalty { after_days, below_percent, ..fine(PenaltyKind::IncompleteAccount) });
            }),
            &["/penalties/1/belowPercent", "/penalties/1/kind"],
        ),
        (Box::new(|r| r.caps = Caps { per_day: Some(points("-1")), per_account_day: None }), &["/caps/perDay"]),
        (Box::new(|r| r.unproven.hours_per_month = -1), &["/unproven/hoursPerMonth"]),
        (Box::new(|r| r.holds.release_after_days = 0), &["/holds/releaseAfterDays"]),
        (Box::new(|r| r.holds.similarity_percent = Some(0)), &["/holds/similarityPercent"]),
        (Box::new(|r| r.leads.monthly_quota = None), &["/leads/monthlyQuota"]),
        (Box::new(|r| r.leads.policies.push(GrantPolicy::Purchase)), &["/leads/pointsPerLead"]),
        (Box::new(|r| r.leads.policies.push(GrantPolicy::Quota)), &["/leads/policies/1"]),
        (Box::new(|r| r.leads.warn_before_days = 5), &["/leads/warnBeforeDays"]),
        (Box::new(|r| r.leads.contributor_percent = 101), &["/leads/contributorPercent"]),
    ];
    for (index, (spoil, expected)) in table.into_iter().enumerate() {
        assert_eq!(faults(spoil), expected, "line {index} of the table");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(|r| {
        r.brackets[0].within_hours = -3;
        r.penalties[0].points = points("5");
        r.work[2].base = points("-1");
    });
    assert_eq!(found, ["/brackets/0/withinHours", "/work/2/base", "/penalties/0/points"]);
}

/// Any valid rule set.
pub(crate) fn any_rules() -> impl Strategy<Value = Rules> {
    use WorkKind::{Call, Email, Meeting, Note, Plan, StageMove, Visit};
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
        let known = field::of_work(kind);
        let fields = subsequence(known.to_vec(), 0..=known.len());
        let conditions = (1..=MOST_WEIGHT, proptest::option::of(1..40i32), proptest::option::of(0..known.len()));
        let weights = proptest::collection::vec(conditions, known.len());
        (fields, weights, 0..2_000i64).prop_map(move |(fields, weights, base)| {
            let weight = |(field, (weight, least, with)): (Field, (i32, Option<i32>, Option<usize>))| Weight {
                field: Line(field.name.to_owned()),
                weight,
                min_characters: least.filter(|_| field.is_text),
                with: with
                    .map(|at| known[at].name)
                    .filter(|with| *with != field.name)
                    .map(|with| Line(with.to_owned())),
            };
            WorkRule {
                on: kind,
                base: Points(Decimal::new(base, 2)),
                weights: fields.into_iter().zip(weights).map(weight).collect(),
            }
        })
    };
    let hours = proptest::sample::select(vec![Hours::Calendar, Hours::Working]);
    let kinds = [Visit, Call, Meeting, Email, Note, StageMove, Plan].map(work);
    (brackets, 0..2_000i64, 0..=LONGEST_GRACE, hours, kinds).prop_map(|(brackets, late, grace, hours, work)| {
        let mut rules = Rules {
            hours,
            brackets,
            unproven: Grace { hours_per_entry: grace, hours_per_month: grace },
            ..first_rule_set()
        };
        rules.penalties[0].points = Points(Decimal::new(-late, 2));
        rules.work = work.into();
        rules
    })
}

proptest! {
    #[test]
    fn generated_rule_sets_are_valid(rules in any_rules()) {
        prop_assert_eq!(validate(&rules), Ok(()));
    }
}
