//! Random histories: what SQL counts is what is counted without it, for every view, filter, split and reader.

use chrono::NaiveDate;
use chrono_tz::Tz;
use entity::kind::{AccountKind, AccountTier, StageKey};
use entity::scalar::{Date, Line};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use uuid::Uuid;
use waypost::report::told::Known;
use waypost::report::{Cohort, CohortStage, FunnelQuery, FunnelView, SplitBy};

use super::model::{self, Account, Move, Opportunity, Product, Worth};
use super::{World, at, close, hours};

const NOW: &str = "2026-03-02T09:00:00Z";
const OPEN: [StageKey; 4] = [StageKey::Intent, StageKey::PreSale, StageKey::Negotiation, StageKey::Signed];
pub const ZONES: [&str; 4] = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"];
const SPLITS: [SplitBy; 9] = [
    SplitBy::None,
    SplitBy::Team,
    SplitBy::User,
    SplitBy::Product,
    SplitBy::AccountKind,
    SplitBy::Tier,
    SplitBy::Source,
    SplitBy::Region,
    SplitBy::Month,
];

pub fn choose<T: Clone>(random: &mut StdRng, from: &[T]) -> T {
    from[random.random_range(0..from.len())].clone()
}

/// Up to nine moves: forward, past stages, backward, lost, reopened; one in five typed with a time before the others.
fn moves(random: &mut StdRng) -> Vec<Move> {
    let mut occurred = at("2025-01-01T00:00:00Z") + hours(random.random_range(0..400 * 24));
    let mut from = None;
    (0..random.random_range(0..10))
        .map(|_| {
            let to = loop {
                let to = if random.random_bool(0.25) { StageKey::Lost } else { choose(random, &OPEN) };
                let lost_from_nowhere = to == StageKey::Lost && matches!(from, None | Some(StageKey::Signed));
                if Some(to) != from && !lost_from_nowhere {
                    break to;
                }
            };
            occurred += hours(random.random_range(0..30 * 24));
            let late = if random.random_bool(0.2) { hours(random.random_range(0..60 * 24)) } else { hours(0) };
            Move { from: from.replace(to), to, occurred: occurred - late }
        })
        .collect()
}

fn worth(random: &mut StdRng) -> Vec<Worth> {
    let mut told = at("2025-01-01T00:00:00Z") + hours(random.random_range(0..400 * 24));
    (0..random.random_range(1..4))
        .map(|_| {
            told += hours(random.random_range(1..60 * 24));
            let amount = random.random_bool(0.8).then(|| Decimal::new(random.random_range(1..1_000_000), 2));
            Worth { told, amount, currency: choose(random, &[Some("CNY".into()), Some("USD".into()), None]) }
        })
        .collect()
}

pub async fn world(random: &mut StdRng, zone: &str) -> (World, Vec<Opportunity>, Vec<Product>) {
    let mut world = World::new(zone, NOW).await;
    let some_day = |random: &mut StdRng| at("2025-03-01T00:00:00Z") + hours(random.random_range(0..300 * 24));
    world.rui.before = Some((some_day(random), vec![world.south.clone(), world.west.clone()]));
    world.was_in(&world.rui).await;
    let mut accounts: Vec<Option<Account>> = vec![None];
    let members = [&world.bo, &world.nina, &world.rui, &world.sam];
    for kind in [AccountKind::Business, AccountKind::Business, AccountKind::Channel, AccountKind::Consumer] {
        let (first, second) = (choose(random, &members), choose(random, &members));
        let mut account = world.account(kind, &[first, second]).await;
        if random.random_bool(0.5) {
            let tier = choose(random, &[None, Some(AccountTier::Ordinary)]);
            account.before =
                Some((some_day(random), AccountKind::Internal, tier, choose(random, &[None, Some("North")])));
            world.was(&account).await;
        }
        accounts.push(Some(account));
    }
    let products = [world.product("Fibre").await, world.product("Cable").await];
    let opportunities: Vec<_> = (0..60)
        .map(|_| Opportunity {
            id: Uuid::now_v7(),
            owner: choose(random, &members).clone(),
            account: choose(random, &accounts),
            product: random.random_bool(0.8).then(|| choose(random, &products)),
            source: choose(random, &[None, Some("fair".into()), Some("referral".into())]),
            before: random.random_bool(0.4).then(|| {
                let product = random.random_bool(0.8).then(|| choose(random, &products));
                (
                    some_day(random),
                    choose(random, &members).clone(),
                    product,
                    choose(random, &[None, Some("fair".into())]),
                )
            }),
            deleted: random
                .random_bool(0.2)
                .then(|| at("2025-03-01T00:00:00Z") + hours(random.random_range(0..365 * 24))),
            moves: moves(random),
            worth: worth(random),
        })
        .collect();
    world.store(&opportunities).await;
    (world, opportunities, products.into())
}

pub fn query(random: &mut StdRng, world: &World, products: &[Product]) -> FunnelQuery {
    let day = |random: &mut StdRng| {
        let first = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a day");
        Date(first + hours(24 * random.random_range(0..425)))
    };
    let view = choose(random, &[FunnelView::Cohort, FunnelView::Snapshot]);
    let (one, other) = (day(random), day(random));
    let teams = [world.west.id, world.north.id, world.south.id, Uuid::now_v7()];
    let users = [world.rui.id, world.sam.id, world.nina.id, world.bo.id];
    let kinds = [AccountKind::Business, AccountKind::Channel, AccountKind::Internal];
    FunnelQuery {
        view,
        from: (view == FunnelView::Cohort).then_some(one.min(other)),
        to: (view == FunnelView::Cohort).then_some(one.max(other)),
        as_of: (view == FunnelView::Snapshot || random.random_bool(0.5)).then(|| day(random)),
        team_id: random.random_bool(0.3).then(|| choose(random, &teams)),
        user_id: random.random_bool(0.2).then(|| choose(random, &users)),
        product_id: random.random_bool(0.2).then(|| choose(random, products).id),
        account_kind: random.random_bool(0.2).then(|| choose(random, &kinds)),
        source: random.random_bool(0.2).then(|| Line("fair".into())),
        split_by: choose(random, &SPLITS),
        known: choose(random, &[Known::Now, Known::Then]),
    }
}

/// Puts the exact ratios and days of the model in the place of rounded ones that are close enough.
fn unrounded(mut told: Cohort, exact: &Cohort) -> Cohort {
    let stages = |told: &mut [CohortStage], exact: &[CohortStage]| {
        for (told, exact) in told.iter_mut().zip(exact) {
            if close(told.conversion, exact.conversion, 0.000_05) {
                told.conversion = exact.conversion;
            }
            if close(told.median_days, exact.median_days, 0.006) && close(told.p90_days, exact.p90_days, 0.006) {
                (told.median_days, told.p90_days) = (exact.median_days, exact.p90_days);
            }
        }
    };
    stages(&mut told.stages, &exact.stages);
    if let Some((told, exact)) = told.known_then.as_mut().zip(exact.known_then.as_ref()) {
        stages(told, exact);
    }
    let groups = told.groups.iter_mut().zip(&exact.groups);
    let groups_then = told.groups_known_then.iter_mut().flatten().zip(exact.groups_known_then.iter().flatten());
    for (told, exact) in groups.chain(groups_then) {
        stages(&mut told.stages, &exact.stages);
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_are_counted_as_without_sql() {
    let (mut found, mut entered, mut differ) = (0, 0, 0);
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let zone = choose(&mut random, &ZONES);
        let tz: Tz = zone.parse().expect("a zone");
        let (world, opportunities, products) = world(&mut random, zone).await;
        for n in 0..25 {
            let query = query(&mut random, &world, &products);
            let reader = choose(&mut random, &[&world.zoe, &world.bo, &world.nina, &world.rui, &world.sam]);
            let scopes = (reader.id != world.zoe.id).then(|| world.scopes(reader));
            let (about, seen) = (world.about(reader, &query), model::seen(&opportunities, scopes.as_ref()));
            let told = world.funnel(reader, &query).await;
            let context = format!("seed {seed}, query {n} by {}: {query:?}", reader.name);
            match (told.cohort, told.snapshot) {
                (Some(told), None) => {
                    let exact = model::cohort(&seen, &about, tz);
                    differ += i32::from(exact.known_then.is_some());
                    entered += exact.stages[0].entered;
                    assert_eq!(unrounded(told, &exact), exact, "{context}");
                }
                (None, Some(told)) => {
                    let exact = model::snapshot(&seen, &about, tz);
                    found += exact.stages.iter().map(|stage| stage.count).sum::<i64>();
                    assert_eq!(told, exact, "{context}");
                }
                other => panic!("{context}: {other:?}"),
            }
        }
    }
    let thin = "the histories are too thin to prove anything";
    assert!(found > 500 && entered > 500 && differ > 2, "{thin}: {found}, {entered}, {differ}");
}
