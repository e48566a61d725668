//! Small stories, each with figures made by hand.

use entity::kind::StageKey::{Intent, Lost, Negotiation, PreSale, Signed};
use entity::scalar::Date;
use rust_decimal::Decimal;
use waypost::report::{CohortStage, FunnelQuery, FunnelView, SplitBy};

use super::model::{Opportunity, Owner, Worth};
use super::{World, at, opportunity};

const NOW: &str = "2026-03-31T09:00:00Z";

fn day(text: &str) -> Option<Date> {
    Some(Date::parse(text).expect("a day"))
}

/// Entered, advanced, lost and open of each stage; of `signed`, entered alone.
fn counts(stages: &[CohortStage]) -> Vec<(i64, [i64; 3])> {
    let count = |stage: &CohortStage| [stage.advanced, stage.lost, stage.open].map(Option::unwrap_or_default);
    stages.iter().map(|stage| (stage.entered, count(stage))).collect()
}

async fn cohort(world: &World, reader: &Owner, from: &str, to: &str) -> Vec<CohortStage> {
    let query = FunnelQuery { from: day(from), to: day(to), ..FunnelQuery::default() };
    world.funnel(reader, &query).await.cohort.expect("a cohort").stages
}

/// How many stood in each stage, `lost` last.
async fn stood(world: &World, as_of: &str) -> Vec<i64> {
    let query = FunnelQuery { view: FunnelView::Snapshot, as_of: day(as_of), ..FunnelQuery::default() };
    let snapshot = world.funnel(&world.zoe, &query).await.snapshot.expect("a snapshot");
    snapshot.stages.iter().map(|stage| stage.count).collect()
}

#[tokio::test]
async fn skipped_repeated_lost_and_reopened() {
    let world = World::new("UTC", NOW).await;
    let rui = &world.rui;
    world
        .store(&[
            // Straight to negotiation after ten days: pre_sale was passed at that moment.
            opportunity(rui, &[("2026-01-01T00:00:00Z", Intent), ("2026-01-11T00:00:00Z", Negotiation)]),
            // There and back and there again: counted once, at the first time.
            opportunity(
                rui,
                &[
                    ("2026-01-01T00:00:00Z", Intent),
                    ("2026-01-03T00:00:00Z", PreSale),
                    ("2026-01-04T00:00:00Z", Intent),
                    ("2026-02-20T00:00:00Z", PreSale),
                ],
            ),
            // Lost where it stood.
            opportunity(
                rui,
                &[("2026-01-02T00:00:00Z", Intent), ("2026-01-06T00:00:00Z", PreSale), ("2026-01-09T00:00:00Z", Lost)],
            ),
            // Lost, reopened, signed: not lost.
            opportunity(
                rui,
                &[
                    ("2026-01-02T00:00:00Z", Negotiation),
                    ("2026-01-05T00:00:00Z", Lost),
                    ("2026-01-08T00:00:00Z", Negotiation),
                    ("2026-01-12T00:00:00Z", Signed),
                ],
            ),
            // Went back before it was lost: lost from where it had gone back to.
            opportunity(
                rui,
                &[
                    ("2026-01-01T00:00:00Z", Negotiation),
                    ("2026-01-02T00:00:00Z", PreSale),
                    ("2026-01-03T00:00:00Z", Lost),
                ],
            ),
        ])
        .await;

    let stages = cohort(&world, &world.zoe, "2026-01-01", "2026-01-31").await;
    assert_eq!(counts(&stages), [(5, [5, 0, 0]), (5, [3, 2, 1]), (3, [1, 0, 1]), (1, [0, 0, 0])]);
    // 10, 2, 4, 0 and 0 days; 0, 0 and 0 days; 10 days.
    let days: Vec<_> = stages.iter().map(|stage| (stage.median_days, stage.p90_days)).collect();
    assert_eq!(days, [(Some(2.0), Some(7.6)), (Some(0.0), Some(0.0)), (Some(10.0), Some(10.0)), (None, None)]);
    let conversion: Vec<_> = stages.iter().map(|stage| stage.conversion).collect();
    assert_eq!(conversion, [Some(1.0), Some(0.6), Some(0.3333), None]);

    // Nothing came to a stage for the first time in February.
    let stages = cohort(&world, &world.zoe, "2026-02-01", "2026-02-28").await;
    assert!(stages.iter().all(|stage| stage.entered == 0 && stage.conversion.is_none() && stage.amounts.is_empty()));

    assert_eq!(stood(&world, "2025-12-31").await, [0, 0, 0, 0, 0]);
    assert_eq!(stood(&world, "2026-01-03").await, [2, 1, 1, 0, 1]);
    assert_eq!(stood(&world, "2026-01-05").await, [3, 0, 0, 0, 2]);
    assert_eq!(stood(&world, "2026-03-31").await, [0, 1, 1, 1, 2]);
}

#[tokio::test]
async fn a_move_typed_late_counts_from_when_it_occurred() {
    let world = World::new("UTC", NOW).await;
    let late = opportunity(
        &world.rui,
        &[("2026-02-01T00:00:00Z", Intent), ("2026-02-10T00:00:00Z", PreSale), ("2026-02-05T00:00:00Z", Negotiation)],
    );
    world.store(&[late]).await;

    let stages = cohort(&world, &world.zoe, "2026-02-01", "2026-02-05").await;
    assert_eq!(counts(&stages), [(1, [1, 0, 0]), (1, [1, 0, 0]), (1, [0, 0, 1]), (0, [0, 0, 0])]);
    assert_eq!(stages[0].median_days, Some(4.0));
    assert_eq!(stood(&world, "2026-02-04").await, [1, 0, 0, 0, 0]);
    assert_eq!(stood(&world, "2026-02-05").await, [0, 0, 1, 0, 0]);
    assert_eq!(stood(&world, "2026-02-10").await, [0, 0, 1, 0, 0], "it stands where the record says");
}

#[tokio::test]
async fn days_begin_and_end_in_the_tenants_time_zone() {
    let world = World::new("Asia/Shanghai", NOW).await;
    let moves =
        ["2026-02-27T15:59:59.999Z", "2026-02-27T16:00:00Z", "2026-02-28T15:59:59.999Z", "2026-02-28T16:00:00Z"];
    let all: Vec<_> = moves.iter().map(|occurred| opportunity(&world.rui, &[(occurred, Intent)])).collect();
    world.store(&all).await;
    assert_eq!(cohort(&world, &world.zoe, "2026-02-28", "2026-02-28").await[0].entered, 2);
    assert_eq!(stood(&world, "2026-02-27").await[0], 1);
    assert_eq!(stood(&world, "2026-02-28").await[0], 3);

    // The day on which New York's clocks went forward has 23 hours: from 05:00Z to 04:00Z.
    let world = World::new("America/New_York", NOW).await;
    let moves = ["2026-03-08T04:59:59Z", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z", "2026-03-09T04:00:00Z"];
    let all: Vec<_> = moves.iter().map(|occurred| opportunity(&world.rui, &[(occurred, Intent)])).collect();
    world.store(&all).await;
    assert_eq!(cohort(&world, &world.zoe, "2026-03-08", "2026-03-08").await[0].entered, 2);
}

#[tokio::test]
async fn a_snapshot_has_the_amounts_of_its_day() {
    let world = World::new("UTC", NOW).await;
    let told = |day: &str, amount: Option<i64>, currency: &str| Worth {
        told: at(&format!("2026-02-{day}T12:00:00Z")),
        amount: amount.map(Decimal::from),
        currency: Some(currency.into()),
    };
    let worth = vec![told("03", None, "CNY"), told("10", Some(500), "CNY"), told("20", Some(70), "USD")];
    let one = Opportunity { worth, ..opportunity(&world.rui, &[("2026-02-01T00:00:00Z", Intent)]) };
    let other = opportunity(&world.rui, &[("2026-02-01T00:00:00Z", Intent), ("2026-02-15T00:00:00Z", Lost)]);
    let deleted = Opportunity {
        deleted: Some(at("2026-02-02T00:00:00Z")),
        ..opportunity(&world.rui, &[("2026-02-01T00:00:00Z", Intent)])
    };
    world.store(&[one, other, deleted]).await;

    let amounts = async |as_of: &str| {
        let query = FunnelQuery { view: FunnelView::Snapshot, as_of: day(as_of), ..FunnelQuery::default() };
        let stages = world.funnel(&world.zoe, &query).await.snapshot.expect("a snapshot").stages;
        let open = stages[0].amounts.iter().map(|a| format!("{} {}", a.amount, a.currency.as_deref().unwrap_or("?")));
        let lost = stages[4].lost_from.as_ref().expect("of the lost ones").iter();
        (open.collect::<Vec<_>>().join(", "), lost.map(|from| (from.stage, from.count)).collect::<Vec<_>>())
    };
    let lost = |intent| vec![(Intent, intent), (PreSale, 0), (Negotiation, 0)];
    assert_eq!(amounts("2026-02-09").await, ("100.00 CNY".into(), lost(0)));
    assert_eq!(amounts("2026-02-10").await, ("600.00 CNY".into(), lost(0)));
    assert_eq!(amounts("2026-02-19").await, ("500.00 CNY".into(), lost(1)));
    assert_eq!(amounts("2026-02-20").await, ("70.00 USD".into(), lost(1)));
    assert_eq!(amounts("2026-03-31").await, ("70.00 USD".into(), lost(1)));
}

#[tokio::test]
async fn everybody_counts_what_he_sees() {
    let world = World::new("UTC", NOW).await;
    let entered = |owner| opportunity(owner, &[("2026-03-01T00:00:00Z", Intent)]);
    let account = world.account(entity::kind::AccountKind::Business, &[&world.nina, &world.sam]).await;
    let shared = Opportunity { account: Some(account), ..entered(&world.nina) };
    world.store(&[entered(&world.rui), entered(&world.sam), entered(&world.sam), shared]).await;
    let neighbour = World::new("UTC", NOW).await;
    neighbour.store(&[opportunity(&neighbour.rui, &[("2026-03-01T00:00:00Z", Intent)])]).await;

    for (reader, expected) in [(&world.zoe, 4), (&world.bo, 4), (&world.nina, 2), (&world.rui, 1), (&world.sam, 2)] {
        let stages = cohort(&world, reader, "2026-03-01", "2026-03-01").await;
        assert_eq!(stages[0].entered, expected, "{}", reader.name);
    }
    assert_eq!(cohort(&neighbour, &neighbour.bo, "2026-03-01", "2026-03-01").await[0].entered, 1);

    let of_team =
        |team: &super::Team| FunnelQuery { team_id: Some(team.id), split_by: SplitBy::User, ..Default::default() };
    let split = async |reader, query: &FunnelQuery| {
        let groups = world.funnel(reader, query).await.cohort.expect("a cohort").groups;
        groups.iter().map(|g| (g.name.clone().expect("a name"), g.stages[0].entered)).collect::<Vec<_>>()
    };
    let all = [("Nina".to_owned(), 1), ("Rui".to_owned(), 1), ("Sam".to_owned(), 2)];
    assert_eq!(split(&world.zoe, &of_team(&world.west)).await, all);
    assert_eq!(split(&world.zoe, &of_team(&world.north)).await, all[..2]);
    assert_eq!(split(&world.sam, &of_team(&world.north)).await, all[..1], "of the others he sees none");
    assert_eq!(split(&world.sam, &of_team(&neighbour.west)).await, []);
    let of_nina = FunnelQuery { user_id: Some(world.nina.id), split_by: SplitBy::User, ..Default::default() };
    assert_eq!(split(&world.sam, &of_nina).await, all[..1], "what he sees of hers, as he asks for it");
}

#[tokio::test]
async fn what_was_handed_on_is_of_its_day_for_those_who_see_it_now() {
    let world = World::new("UTC", NOW).await;
    let handed_on = at("2026-02-15T12:00:00Z");
    let before = Some((handed_on, world.rui.clone(), None, None));
    let one = Opportunity { before, ..opportunity(&world.sam, &[("2026-02-01T00:00:00Z", Intent)]) };
    world.store(&[one]).await;
    let query = |day: &str| FunnelQuery {
        view: FunnelView::Snapshot,
        as_of: self::day(day),
        split_by: SplitBy::User,
        ..Default::default()
    };
    let names = async |reader, query: &FunnelQuery| {
        let groups = world.funnel(reader, query).await.snapshot.expect("a snapshot").groups;
        groups.into_iter().filter_map(|group| group.name).collect::<Vec<_>>()
    };
    let (then, now) = (query("2026-02-14"), query("2026-02-15"));
    for reader in [&world.zoe, &world.bo] {
        assert_eq!((names(reader, &then).await, names(reader, &now).await), (vec!["Rui".into()], vec!["Sam".into()]));
    }
    let in_north = FunnelQuery { team_id: Some(world.north.id), ..then.clone() };
    assert_eq!(names(&world.bo, &in_north).await, ["Rui"]);
    // Rui and who leads him see it no longer, and learn nothing of what has become of it.
    for reader in [&world.rui, &world.nina] {
        assert_eq!(names(reader, &then).await, [""; 0]);
        assert_eq!(names(reader, &in_north).await, [""; 0]);
    }
    assert_eq!((names(&world.sam, &then).await, names(&world.sam, &now).await), (vec![], vec!["Sam".into()]));
    assert_eq!(names(&world.sam, &FunnelQuery { user_id: Some(world.rui.id), ..then }).await, ["Rui"]);
}
