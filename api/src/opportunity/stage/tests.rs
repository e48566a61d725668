use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::StageKey::{Intent, Lost, Negotiation, PreSale, Signed};
use super::*;
use crate::opportunity::field::FIELDS;

/// Facts that own what they refer to.
#[derive(Clone, Debug)]
struct Case {
    current: Option<StageKey>,
    lost_from: Option<StageKey>,
    required: BTreeMap<StageKey, Vec<String>>,
    filled: BTreeSet<&'static str>,
    reason: Option<&'static str>,
    lost_reason: Option<LostReason>,
    lost_note: Option<&'static str>,
    role: Role,
}

impl Case {
    /// A rep who filled everything, gives a reason and says why it was lost.
    fn at(current: Option<StageKey>) -> Self {
        Case {
            current,
            lost_from: (current == Some(Lost)).then_some(PreSale),
            required: BTreeMap::new(),
            filled: BTreeSet::from(FIELDS),
            reason: Some("the customer asked for it"),
            lost_reason: Some(LostReason::Price),
            lost_note: None,
            role: Role::Rep,
        }
    }

    fn requiring(mut self, stage: StageKey, fields: &[&str]) -> Self {
        self.required.insert(stage, fields.iter().map(|&field| field.to_owned()).collect());
        self
    }

    fn filled(self, fields: &[&'static str]) -> Self {
        Case { filled: fields.iter().copied().collect(), ..self }
    }

    fn to(&self, to: StageKey) -> Result<Transition, Refusal> {
        decide(
            to,
            &Facts {
                current: self.current,
                lost_from: self.lost_from,
                required: &self.required,
                filled: &self.filled,
                reason: self.reason,
                lost_reason: self.lost_reason,
                lost_note: self.lost_note,
                role: self.role,
            },
        )
    }
}

/// How one cell of the matrix reads.
fn outcome(result: Result<Transition, Refusal>) -> &'static str {
    match result {
        Ok(Transition { kind: TransitionKind::Created, .. }) => "created",
        Ok(Transition { kind: TransitionKind::Forward, .. }) => "forward",
        Ok(Transition { kind: TransitionKind::Backward, .. }) => "backward",
        Ok(Transition { kind: TransitionKind::Lost, .. }) => "lost",
        Ok(Transition { kind: TransitionKind::Reopened, .. }) => "reopened",
        Err(Refusal::Unmoved { .. }) => "unmoved",
        Err(Refusal::Missing { .. }) => "missing",
        Err(Refusal::ReasonMissing) => "reason",
        Err(Refusal::Locked) => "locked",
        Err(Refusal::NotOpen { .. }) => "not open",
        Err(Refusal::ReopensElsewhere { .. }) => "elsewhere",
    }
}

const TARGETS: [StageKey; 5] = [Intent, PreSale, Negotiation, Signed, Lost];
const ROLES: [Role; 4] = [Role::Rep, Role::Manager, Role::Admin, Role::Integration];

/// Every move there is. Rows: where it stands (the lost one was lost in pre_sale); columns: `TARGETS`.
fn matrix(case: impl Fn(Option<StageKey>) -> Case) -> Vec<[&'static str; 5]> {
    let rows = [None, Some(Intent), Some(PreSale), Some(Negotiation), Some(Signed), Some(Lost)];
    rows.into_iter().map(|from| TARGETS.map(|to| outcome(case(from).to(to)))).collect()
}

#[test]
fn every_move_of_a_rep_who_filled_everything_and_gives_a_reason() {
    assert_eq!(
        matrix(Case::at),
        [
            ["created", "created", "created", "created", "not open"],
            ["unmoved", "forward", "forward", "forward", "lost"],
            ["backward", "unmoved", "forward", "forward", "lost"],
            ["backward", "backward", "unmoved", "forward", "lost"],
            ["locked", "locked", "locked", "unmoved", "locked"],
            ["elsewhere", "reopened", "elsewhere", "elsewhere", "unmoved"],
        ]
    );
}

#[test]
fn every_move_of_a_manager_and_of_those_who_act_as_one() {
    for role in [Role::Manager, Role::Admin, Role::Integration] {
        assert_eq!(
            matrix(|from| Case { role, ..Case::at(from) }),
            [
                ["created", "created", "created", "created", "not open"],
                ["unmoved", "forward", "forward", "forward", "lost"],
                ["backward", "unmoved", "forward", "forward", "lost"],
                ["backward", "backward", "unmoved", "forward", "lost"],
                ["backward", "backward", "backward", "unmoved", "not open"],
                ["elsewhere", "reopened", "elsewhere", "elsewhere", "unmoved"],
            ],
            "{role}"
        );
    }
}

#[test]
fn every_move_without_anything_filled_or_said() {
    for reason in [None, Some(""), Some(" \n ")] {
        let bare = |from| Case { reason, lost_reason: None, ..Case::at(from) }.filled(&[]);
        assert_eq!(
            matrix(bare),
            [
                ["created", "created", "created", "missing", "not open"],
                ["unmoved", "forward", "forward", "missing", "missing"],
                ["reason", "unmoved", "forward", "missing", "missing"],
                ["reason", "reason", "unmoved", "missing", "missing"],
                ["locked", "locked", "locked", "unmoved", "locked"],
                ["elsewhere", "reason", "elsewhere", "elsewhere", "unmoved"],
            ]
        );
        assert_eq!(
            matrix(|from| Case { role: Role::Manager, ..bare(from) })[4],
            ["reason", "reason", "reason", "unmoved", "not open"]
        );
    }
}

#[test]
fn the_way_names_each_stage_that_is_entered() {
    let table = [
        (None, Intent, vec![Intent]),
        (None, Signed, vec![Intent, PreSale, Negotiation, Signed]),
        (Some(Intent), PreSale, vec![PreSale]),
        (Some(Intent), Signed, vec![PreSale, Negotiation, Signed]),
        (Some(Negotiation), Intent, vec![Intent]),
        (Some(Negotiation), Lost, vec![Lost]),
        (Some(Lost), PreSale, vec![PreSale]),
    ];
    for (from, to, passed) in table {
        let transition = Case::at(from).to(to).unwrap();
        assert_eq!((transition.from, transition.to, transition.passed), (from, to, passed));
    }
}

#[test]
fn a_refusal_names_every_field_of_every_stage_on_the_way_once() {
    let case = Case::at(Some(Intent))
        .requiring(Intent, &["source"])
        .requiring(PreSale, &["accountId", "contactId"])
        .requiring(Negotiation, &["amount", "contactId", "productId"])
        .requiring(Signed, &["contactId", "note"])
        .filled(&["productId"]);
    let refusal = case.to(Signed).unwrap_err();
    let field = |field: &str, stage| Missing { field: field.into(), stage };
    assert_eq!(
        refusal,
        Refusal::Missing {
            to: Signed,
            fields: vec![
                field("accountId", PreSale),
                field("contactId", PreSale),
                field("amount", Negotiation),
                field("currency", Signed),
                field("signedOn", Signed),
                field("note", Signed),
            ],
        }
    );
    assert_eq!(
        refusal.sentence(),
        "Stage signed needs fields that are empty: fill in accountId (asked by stage pre_sale), contactId (asked by \
         stage pre_sale), amount (asked by stage negotiation), currency (asked by stage signed), signedOn (asked by \
         stage signed) and note (asked by stage signed). They may be sent in the same request."
    );
    assert_eq!(refusal.pointers()[0], ("/accountId".into(), "must be filled for stage pre_sale".into()));
    assert_eq!(refusal.pointers().len(), 6);
}

#[test]
fn a_loss_needs_its_reason_and_other_needs_words() {
    let case = |lost_reason, lost_note| Case { lost_reason, lost_note, ..Case::at(Some(PreSale)) };
    let names = |result: Result<Transition, Refusal>| match result {
        Ok(_) => vec![],
        Err(refusal) => refusal.pointers().into_iter().map(|(pointer, _)| pointer).collect(),
    };
    assert_eq!(names(case(None, None).to(Lost)), ["/lostReason"]);
    assert_eq!(names(case(None, Some("too dear")).to(Lost)), ["/lostReason"]);
    assert_eq!(names(case(Some(LostReason::Other), None).to(Lost)), ["/lostNote"]);
    assert_eq!(names(case(Some(LostReason::Other), Some("  ")).to(Lost)), ["/lostNote"]);
    assert!(case(Some(LostReason::Other), Some("the plant was closed")).to(Lost).is_ok());
    assert!(case(Some(LostReason::Competitor), None).to(Lost).is_ok());
    // What an earlier loss left in the record does not count for this one.
    let stale = Case { lost_reason: None, ..Case::at(Some(PreSale)) }.filled(&["lostReason", "lostNote"]);
    assert_eq!(names(stale.to(Lost)), ["/lostReason"]);
    // A tenant may ask for more.
    let asks = case(Some(LostReason::Price), None).requiring(Lost, &["lostNote", "productId"]).filled(&[]);
    assert_eq!(names(asks.to(Lost)), ["/lostNote", "/productId"]);
}

#[test]
fn a_lost_one_of_unknown_origin_starts_over() {
    let case = Case { lost_from: None, ..Case::at(Some(Lost)) };
    assert_eq!(outcome(case.to(Intent)), "reopened");
    assert_eq!(case.to(Negotiation), Err(Refusal::ReopensElsewhere { lost_from: Intent }));
}

#[test]
fn every_refusal_says_what_to_do() {
    let refusals = [
        (Refusal::Unmoved { stage: PreSale }, "choose another stage", vec!["/stage"]),
        (Refusal::ReasonMissing, "say why in reason", vec!["/reason"]),
        (Refusal::Locked, "ask a manager", vec![]),
        (Refusal::NotOpen { from: None }, "create it in the stage that it reached", vec!["/stage"]),
        (Refusal::NotOpen { from: Some(Signed) }, "move it back to an earlier stage", vec!["/stage"]),
        (Refusal::ReopensElsewhere { lost_from: PreSale }, "move it to pre_sale", vec!["/stage"]),
    ];
    for (refusal, remedy, pointers) in refusals {
        assert!(refusal.sentence().contains(remedy), "{}", refusal.sentence());
        assert_eq!(refusal.pointers().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), pointers);
    }
}

#[test]
fn a_signed_one_is_edited_by_managers_with_a_reason() {
    for role in ROLES {
        for stage in [Intent, PreSale, Negotiation, Lost] {
            assert_eq!(may_edit(stage, role, None), Ok(()), "{stage} {role}");
        }
        let (with, without) = match role {
            Role::Rep => (Err(Refusal::Locked), Err(Refusal::Locked)),
            _ => (Ok(()), Err(Refusal::ReasonMissing)),
        };
        assert_eq!(may_edit(Signed, role, Some("typing error in the amount")), with, "{role}");
        assert_eq!(may_edit(Signed, role, None), without, "{role}");
        assert_eq!(may_edit(Signed, role, Some(" ")), without, "{role}");
    }
}

#[test]
fn a_signed_one_keeps_its_terms() {
    let filled = BTreeSet::from(["amount", "signedOn"]);
    let currency = vec![Missing { field: "currency".into(), stage: Signed }];
    assert_eq!(keeps_terms(Signed, &filled), Err(Refusal::Missing { to: Signed, fields: currency }));
    assert_eq!(keeps_terms(Signed, &BTreeSet::from(TERMS)), Ok(()));
    assert_eq!(keeps_terms(Negotiation, &BTreeSet::new()), Ok(()));
}

fn any_fields() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(FIELDS.to_vec(), 0..=FIELDS.len())
}

fn any_case() -> impl Strategy<Value = Case> {
    let stages = option::of(select(TARGETS.to_vec()));
    let lost_from = option::of(select(vec![Intent, PreSale, Negotiation]));
    // Few fields are asked, and most are filled, so that the accepted moves are not rare.
    let required =
        proptest::collection::btree_map(select(TARGETS.to_vec()), subsequence(FIELDS.to_vec(), 0..=3), 0..=5);
    let reason = prop_oneof![Just(None), Just(Some(" ")), Just(Some("because"))];
    let lost_reason = option::of(select(vec![LostReason::Price, LostReason::Other]));
    let note = reason.clone();
    let filled = prop_oneof![Just(FIELDS.to_vec()), any_fields()];
    (stages, lost_from, required, filled, reason, lost_reason, note, select(ROLES.to_vec())).prop_map(
        |(current, lost_from, required, filled, reason, lost_reason, lost_note, role)| Case {
            current,
            lost_from: lost_from.filter(|_| current == Some(Lost)),
            required: required.into_iter().map(|(k, v)| (k, v.into_iter().map(str::to_owned).collect())).collect(),
            filled: filled.into_iter().collect(),
            reason,
            lost_reason,
            lost_note,
            role,
        },
    )
}

/// Any case with a stage that lies ahead of it.
fn any_way_forward() -> impl Strategy<Value = (Case, StageKey)> {
    (any_case(), 0..WAY.len(), 0..WAY.len()).prop_map(|(case, a, b)| {
        let (start, end) = (a.min(b), a.max(b));
        let current = start.checked_sub(1).map(|before| WAY[before]);
        (Case { current, lost_from: None, ..case }, WAY[end])
    })
}

/// What a way through `stages` asks, restated without the rule's own code.
fn asked<'a>(case: &'a Case, stages: &[StageKey]) -> BTreeSet<&'a str> {
    let tenant = stages.iter().filter_map(|stage| case.required.get(stage)).flatten().map(String::as_str);
    let mut asked: BTreeSet<&str> = tenant.collect();
    if stages.contains(&Signed) {
        asked.extend(["amount", "currency", "signedOn"]);
    }
    asked
}

proptest! {
    #[test]
    fn no_condition_on_the_way_is_ever_skipped(case in any_case(), to in select(TARGETS.to_vec())) {
        let Ok(transition) = case.to(to) else { return Ok(()) };
        prop_assert_eq!((transition.from, transition.to), (case.current, to));
        prop_assert_eq!(transition.passed.last(), Some(&to));
        let said = case.reason == Some("because");
        match transition.kind {
            TransitionKind::Created | TransitionKind::Forward => {
                prop_assert!(asked(&case, &transition.passed).iter().all(|field| case.filled.contains(field)));
                let position = |stage| WAY.iter().position(|&s| s == stage).unwrap();
                let start = case.current.map_or(0, |from| position(from) + 1);
                prop_assert_eq!(&transition.passed[..], &WAY[start..=position(to)]);
            }
            TransitionKind::Backward => prop_assert!(said && to < case.current.unwrap()),
            TransitionKind::Reopened => prop_assert!(said && to == case.lost_from.unwrap_or(Intent)),
            TransitionKind::Lost => {
                let other = case.lost_reason == Some(LostReason::Other);
                prop_assert!(case.lost_reason.is_some() && (!other || case.lost_note == Some("because")));
            }
        }
        if case.current == Some(Signed) {
            prop_assert!(said && case.role != Role::Rep);
        }
    }

    #[test]
    fn a_long_way_forward_is_allowed_exactly_when_each_step_is((case, to) in any_way_forward()) {
        let (mut at, mut walked, mut lacks) = (case.current, Vec::new(), BTreeSet::new());
        while at != Some(to) {
            let next = WAY.into_iter().find(|stage| at.is_none_or(|at| at < *stage)).unwrap();
            match (Case { current: at, ..case.clone() }).to(next) {
                Ok(step) => walked.extend(step.passed),
                Err(Refusal::Missing { fields, .. }) => lacks.extend(fields.into_iter().map(|m| m.field)),
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            at = Some(next);
        }
        match case.to(to) {
            Ok(transition) => {
                prop_assert_eq!(transition.passed, walked);
                prop_assert!(lacks.is_empty());
            }
            Err(Refusal::Missing { fields, .. }) => {
                prop_assert_eq!(fields.into_iter().map(|m| m.field).collect::<BTreeSet<_>>(), lacks);
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_refusal_names_exactly_what_is_missing((case, to) in any_way_forward()) {
        let way: Vec<_> = WAY.into_iter().filter(|s| case.current.is_none_or(|from| from < *s) && *s <= to).collect();
        let lacks: BTreeSet<_> = asked(&case, &way).into_iter().filter(|field| !case.filled.contains(field)).collect();
        match case.to(to) {
            Ok(_) => prop_assert!(lacks.is_empty()),
            Err(Refusal::Missing { fields, .. }) => {
                prop_assert_eq!(fields.len(), lacks.len(), "each once");
                for Missing { field, stage } in &fields {
                    prop_assert!(lacks.contains(field.as_str()));
                    let asks = asked(&case, &[*stage]);
                    prop_assert!(asks.contains(field.as_str()), "{} does not ask for {}", stage, field);
                }
                // Filling just those mends it.
                let rest = FIELDS.into_iter().filter(|f| lacks.contains(f));
                let filled = case.filled.iter().copied().chain(rest).collect();
                let mended = Case { filled, ..case.clone() }.to(to);
                prop_assert!(mended.is_ok());
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
