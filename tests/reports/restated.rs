//! Restatement. What a report said when a day ended is what it says later of that day as it was known then, whatever was
//! synced late, corrected, moved or deleted since; and where that differs from what is known of the day now, it says so.

use chrono::{NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::plan::missed;

use super::random::choose;
use crate::sync::phone::Phone;
use crate::world::{Person, World};

/// Every report that can be told of a past day.
const REPORTS: [&str; 10] = [
    "funnel?splitBy=tier&",
    "funnel?view=snapshot&splitBy=user&",
    "velocity?",
    "forecast?",
    "forecast/accuracy?months=1&",
    "forecast/calibration?",
    "activity?",
    "coverage?",
    "lost?splitBy=team&",
    "quota?from=2026-03-01&to=2026-03-31&",
];

/// What was known then, beside what is known of the day.
const KNOWN_THEN: [&str; 4] = ["knownThen", "groupsKnownThen", "reasonsKnownThen", "stagesKnownThen"];

/// Whether something was known otherwise.
fn differing(report: &Value) -> bool {
    let goals = report["goals"].as_array().into_iter().flatten();
    let holders = ["", "/cohort", "/snapshot"].iter().filter_map(|holder| report.pointer(holder));
    holders.into_iter().any(|holder| KNOWN_THEN.iter().any(|member| holder.get(member).is_some()))
        || goals.into_iter().any(|goal| goal.get("actualKnownThen").is_some())
}

/// Nina leads North, where Rui is; below it is Harbour, where Sam is at first. They work each account together.
struct House {
    world: World,
    admin: Person,
    nina: Person,
    sam: Person,
    phone: Phone,
    north: Uuid,
    harbour: Uuid,
}

impl House {
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin().await;
        let north = world.team(&admin, "North").await;
        let nina = world.user(entity::kind::Role::Manager, "Nina", north).await;
        let rui = world.user(entity::kind::Role::Rep, "Rui", north).await;
        let harbour = admin.post("/v1/teams", json!({ "name": "Harbour", "parentId": north })).await.expect(201).id();
        let sam = world.user(entity::kind::Role::Rep, "Sam", harbour).await;
        for (measure, target, currency) in [
            ("visits", "10", None),
            ("signed_count", "3", None),
            ("amount", "1000", Some("CNY")),
            ("new_accounts", "4", None),
        ] {
            let mut goal = json!({ "userId": rui.id, "measure": measure, "target": target, "from": "2026-03-01", "to": "2026-03-31" });
            goal["currency"] = currency.into();
            admin.post("/v1/goals", goal).await.expect(201);
        }
        let goal = json!({ "teamId": harbour, "measure": "signed_count", "target": "3", "from": "2026-03-01", "to": "2026-03-31" });
        admin.post("/v1/goals", goal).await.expect(201);
        let phone = Phone::new(&world, rui);
        House { world, admin, nina, sam, phone, north, harbour }
    }

    fn rui(&self) -> &Person {
        &self.phone.person
    }

    fn people(&self) -> [&Person; 3] {
        [&self.admin, &self.nina, self.rui()]
    }

    /// An account of Rui's that Sam works as well.
    async fn account(&self, name: &str) -> Uuid {
        let id = self.rui().account(name).await;
        let member = json!({ "role": "member" });
        self.rui().put(&format!("/v1/accounts/{id}/members/{}", self.sam.id), member).await.expect(200);
        id
    }

    fn today(&self) -> NaiveDate {
        self.rui().now().with_timezone(&chrono_tz::Asia::Shanghai).date_naive()
    }

    /// Until a time of the next day in Shanghai.
    fn sleep_until(&self, hour: i64) {
        let next = (self.today() + TimeDelta::days(1)).and_hms_opt(0, 0, 0).expect("midnight").and_utc();
        let shanghai = TimeDelta::hours(8);
        self.world.wait(next - shanghai + TimeDelta::hours(hour) - self.rui().now());
    }

    async fn all(&self, day: NaiveDate, known: &str) -> Vec<Value> {
        let mut told = Vec::new();
        for person in self.people() {
            for report in REPORTS {
                let path = format!("/v1/reports/{report}asOf={day}&known={known}");
                told.push(person.get(&path).await.expect(200).body);
            }
        }
        told
    }
}

/// What there is to be done with.
#[derive(Default)]
struct Things {
    accounts: Vec<Uuid>,
    /// With the stage that each is in.
    opportunities: Vec<(Uuid, &'static str)>,
    activities: Vec<Uuid>,
    plans: Vec<Uuid>,
}

/// Something that a rep might do, some of it typed hours ago and some of it of days ago.
async fn act(random: &mut StdRng, house: &House, things: &mut Things) {
    let (phone, rui) = (&house.phone, house.rui());
    let ago = TimeDelta::hours(if random.random_bool(0.4) { random.random_range(1..90) } else { 0 });
    let occurred = (rui.now() - ago - TimeDelta::minutes(5)).to_rfc3339();
    // Typed when it took place and synced now, or typed now.
    let typed = if random.random_bool(0.5) { ago } else { TimeDelta::zero() };
    let (id, account) = (Uuid::now_v7(), choose(random, &things.accounts));
    match random.random_range(0..14) {
        0 => things.accounts.push(house.account("Acme").await),
        1 | 2 => {
            let plan = things.plans.pop();
            let fields = json!({
                "accountId": account, "kind": choose(random, &["visit", "visit", "call", "note"]), "occurred": occurred,
                "durationMinutes": random.random_range(10..90),
            });
            let mut activity = fields;
            if let Some(plan) = plan
                && activity["kind"] == "visit"
                && random.random_bool(0.7)
            {
                let found = rui.get(&format!("/v1/plans/{plan}")).await.expect(200).body;
                (activity["planId"], activity["accountId"]) = (json!(plan), found["accountId"].clone());
            }
            let change = phone.mutation_typed(typed, "activity", "create", id, json!({ "activity": activity }));
            phone.applies(change).await;
            things.activities.push(id);
        }
        3 => {
            let fields = json!({ "opportunity": {
                "accountId": account, "name": "Fibre", "amount": random.random_range(1..900).to_string(), "currency": "CNY",
                "expectedOn": choose(random, &["2026-03-30", "2026-04-20", "2026-05-11"]),
            } });
            phone.applies(phone.mutation_typed(typed, "opportunity", "create", id, fields)).await;
            things.opportunities.push((id, "intent"));
        }
        4 | 5 if !things.opportunities.is_empty() => {
            let place = random.random_range(0..things.opportunities.len());
            let (id, stage) = things.opportunities[place];
            let to = match stage {
                "intent" => choose(random, &["pre_sale", "negotiation", "negotiation", "lost"]),
                "pre_sale" => choose(random, &["negotiation", "intent", "lost"]),
                "negotiation" => choose(random, &["signed", "signed", "signed", "pre_sale", "lost"]),
                _ => return,
            };
            let mut advance = json!({ "stage": to, "occurred": occurred });
            match to {
                "signed" => advance["signedOn"] = json!(house.today()),
                "lost" => advance["lostReason"] = json!("price"),
                _ => advance["reason"] = json!("They said so"),
            }
            let advance = json!({ "advance": advance });
            let results = phone.push(&[phone.mutation_typed(typed, "opportunity", "advance", id, advance)]).await;
            if results[0]["status"] != "rejected" {
                things.opportunities[place].1 = to;
            }
        }
        6 if !things.opportunities.is_empty() => {
            let (id, stage) = choose(random, &things.opportunities);
            if stage == "signed" || stage == "lost" {
                return;
            }
            let worth = json!({ "amount": random.random_range(1..900).to_string(), "expectedOn": "2026-04-25" });
            rui.patch(&format!("/v1/opportunities/{id}"), worth).await.expect(200);
        }
        7 => {
            let on = house.today() + TimeDelta::days(random.random_range(0..2));
            let plan = json!({ "accountId": account, "plannedOn": on });
            things.plans.push(rui.post("/v1/plans", plan).await.expect(201).id());
        }
        8 if !things.activities.is_empty() => {
            let id = choose(random, &things.activities);
            let minutes = json!({ "durationMinutes": random.random_range(10..90) });
            rui.patch(&format!("/v1/activities/{id}"), minutes).await.expect(200);
        }
        9 => match random.random_range(0..3) {
            0 if things.activities.len() > 2 => {
                let id = things.activities.swap_remove(random.random_range(0..things.activities.len()));
                house.admin.delete(&format!("/v1/activities/{id}")).await.expect(204);
            }
            1 if things.opportunities.len() > 2 => {
                let (id, _) = things.opportunities.swap_remove(random.random_range(0..things.opportunities.len()));
                house.admin.delete(&format!("/v1/opportunities/{id}?reason=Entered+twice")).await.expect(204);
            }
            _ if things.accounts.len() > 2 => {
                // Refused while something stands under it.
                let id = *things.accounts.last().expect("an account");
                if house.admin.delete(&format!("/v1/accounts/{id}")).await.status == 204 {
                    things.accounts.pop();
                }
            }
            _ => {}
        },
        10 if !things.opportunities.is_empty() => {
            let (id, stage) = choose(random, &things.opportunities);
            if stage == "signed" || stage == "lost" {
                return;
            }
            let next = choose(random, &[rui.id, house.sam.id]);
            let belongs = json!({ "ownerId": next, "source": choose(random, &["fair", "referral"]) });
            house.admin.patch(&format!("/v1/opportunities/{id}"), belongs).await.expect(200);
        }
        11 => {
            let tier = json!({ "tier": choose(random, &["key", "ordinary", "potential"]) });
            house.admin.patch(&format!("/v1/accounts/{account}"), tier).await.expect(200);
            let next = choose(random, &[rui.id, house.sam.id]);
            let path = format!("/v1/accounts/{account}/members/{next}");
            house.admin.put(&path, json!({ "role": "owner" })).await.expect(200);
        }
        12 => {
            let team = json!({ "teamId": choose(random, &[house.north, house.harbour]) });
            house.admin.patch(&format!("/v1/users/{}", house.sam.id), team).await.expect(200);
        }
        13 => {
            // Unless he owns the account, Sam goes, what he owned under it is its owner's, and he comes again.
            let path = format!("/v1/accounts/{account}/members/{}", house.sam.id);
            if house.admin.delete(&path).await.status == 204 {
                house.admin.put(&path, json!({ "role": "member" })).await.expect(200);
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_then_is_what_the_reports_said_then() {
    let mut differ = [0; REPORTS.len()];
    for seed in 300..303 {
        let mut random = StdRng::seed_from_u64(seed);
        let house = House::new().await;
        // March ends on the second day.
        house.world.wait(TimeDelta::days(28));
        let mut things = Things { accounts: vec![house.account("Hopton").await], ..Things::default() };
        let mut said = Vec::new();
        for _ in 0..5 {
            for _ in 0..16 {
                act(&mut random, &house, &mut things).await;
                house.world.wait(TimeDelta::minutes(11));
            }
            let day = house.today();
            house.sleep_until(0);
            let told = house.all(day, "now").await;
            assert!(!told.iter().any(differing), "seed {seed}, {day}: nothing came later yet");
            said.push((day, told));
            missed::mark(&house.world.state).await.expect("plans are looked at");
            house.sleep_until(-9);
        }
        for (day, told) in &said {
            let (then, now) = (house.all(*day, "then").await, house.all(*day, "now").await);
            for (place, ((told, then), now)) in told.iter().zip(&then).zip(&now).enumerate() {
                let report = REPORTS[place % REPORTS.len()];
                assert_eq!(then, told, "seed {seed}, {report} of {day}, asked by {}", place / REPORTS.len());
                let mut bare = now.clone();
                for member in KNOWN_THEN {
                    for holder in ["", "/cohort", "/snapshot"] {
                        bare.pointer_mut(holder).and_then(Value::as_object_mut).map(|held| held.remove(member));
                    }
                }
                for goal in bare.get_mut("goals").and_then(Value::as_array_mut).into_iter().flatten() {
                    goal.as_object_mut().expect("a goal").remove("actualKnownThen");
                }
                assert_eq!(
                    differing(now),
                    &bare != then,
                    "seed {seed}, {report} of {day}: it is said where it differs\n{bare}\n{then}"
                );
                differ[place % REPORTS.len()] += usize::from(differing(now));
            }
        }
    }
    assert!(differ.iter().all(|n| *n > 0), "the stories are too thin to prove anything: {differ:?}");
}

#[tokio::test]
async fn a_new_tier_is_no_news_of_the_days_before_it() {
    let house = House::new().await;
    let rui = house.rui();
    let account = rui.account("Acme").await;
    house.admin.patch(&format!("/v1/accounts/{account}"), json!({ "tier": "ordinary" })).await.expect(200);
    let visit =
        json!({ "accountId": account, "kind": "visit", "occurred": rui.now().to_rfc3339(), "durationMinutes": 30 });
    rui.post("/v1/activities", visit.clone()).await.expect(201);
    house.world.wait(TimeDelta::days(1));
    house.admin.patch(&format!("/v1/accounts/{account}"), json!({ "tier": "key" })).await.expect(200);
    for known in ["now", "then"] {
        let of = async |report: &str| {
            let path = format!("/v1/reports/{report}?asOf=2026-03-02&known={known}");
            rui.get(&path).await.expect(200).body
        };
        let told = of("activity").await;
        let minutes = |place: usize| &told["time"][place]["minutes"];
        assert_eq!((minutes(0), minutes(1), told.get("knownThen")), (&json!(0), &json!(30), None), "{known}: {told:#}");
        let told = of("coverage").await;
        assert_eq!((&told["tiers"][0]["tier"], told.get("knownThen")), (&json!("ordinary"), None), "{known}: {told:#}");
    }
    let today = rui.get("/v1/reports/activity").await.expect(200).body;
    assert_eq!(today["time"][0]["minutes"], json!(30), "today it is a key customer: {today:#}");
}

#[tokio::test]
async fn what_came_late_and_what_was_deleted_since_is_shown() {
    let house = House::new().await;
    let (rui, admin) = (house.rui(), &house.admin);
    let of = async |who: &Person, report: &str, known: &str| {
        let join = if report.contains('?') { '&' } else { '?' };
        let path = format!("/v1/reports/{report}{join}asOf=2026-03-02&known={known}");
        who.get(&path).await.expect(200).body
    };
    // Monday: two customers are visited; one is told of at once.
    let (acme, hopton) = (rui.account("Acme").await, rui.account("Hopton").await);
    let visit = |account: Uuid| json!({ "activity": { "accountId": account, "kind": "visit", "occurred": house.phone.reading(TimeDelta::zero())["wall"], "durationMinutes": 30 } });
    let early = Uuid::now_v7();
    house.phone.applies(house.phone.mutation("activity", "create", early, visit(acme))).await;
    let offline = house.phone.mutation("activity", "create", Uuid::now_v7(), visit(hopton));
    let sale = |name: &str| json!({ "accountId": acme, "name": name, "amount": "100", "currency": "CNY", "expectedOn": "2026-03-20" });
    let twice = rui.post("/v1/opportunities", sale("Entered twice")).await.expect(201).id();
    let fibre = rui.post("/v1/opportunities", sale("Fibre")).await.expect(201).id();
    let monday = rui.now();

    // Tuesday: the phone is online again; one visit turns out to be a slip, one opportunity a double, and Fibre was signed on
    // Monday, for more than had been told.
    house.world.wait(TimeDelta::days(1));
    house.phone.applies(offline).await;
    rui.delete(&format!("/v1/activities/{early}")).await.expect(204);
    rui.delete(&format!("/v1/opportunities/{twice}")).await.expect(204);
    rui.patch(&format!("/v1/opportunities/{fibre}"), json!({ "amount": "130" })).await.expect(200);
    let signed = json!({ "stage": "signed", "signedOn": "2026-03-02", "occurred": monday.to_rfc3339() });
    rui.post(&format!("/v1/opportunities/{fibre}/advance"), signed).await.expect(200);

    for who in house.people() {
        let now = of(who, "activity", "now").await;
        assert_eq!((&now["total"]["visits"], &now["total"]["minutes"]), (&json!(1), &json!(30)), "the late one");
        // One visit then as well, but another: only its delay tells that.
        let then = of(who, "activity", "then").await;
        assert_eq!((&then["total"]["visits"], then.get("knownThen")), (&json!(1), None), "the one deleted since");

        let now = of(who, "coverage", "now").await;
        assert_eq!((&now["total"]["covered"], &now["total"]["never"]), (&json!(1), &json!(1)));
        assert_eq!(now["neglected"][0]["name"], "Acme");
        let then = of(who, "coverage", "then").await["neglected"].clone();
        assert_eq!((&then[0]["name"], &then), (&json!("Hopton"), &now["knownThen"]["neglected"]));

        let now = of(who, "funnel", "now").await["cohort"].clone();
        assert_eq!((&now["stages"][0]["entered"], &now["stages"][3]["entered"]), (&json!(1), &json!(1)));
        // What it was worth on Monday is what had been told by then.
        assert_eq!(now["stages"][3]["amounts"], json!([{ "currency": "CNY", "amount": "100.00" }]));
        let then = &now["knownThen"];
        assert_eq!((&then[0]["entered"], &then[0]["open"], &then[3]["entered"]), (&json!(2), &json!(2), &json!(0)));
        assert_eq!(then[0]["amounts"], json!([{ "currency": "CNY", "amount": "200.00" }]));

        let now = of(who, "velocity", "now").await;
        assert_eq!((&now["stages"][0]["ended"], &now["stages"][0]["standing"]), (&json!(1), &json!(0)));
        let then = &now["knownThen"]["stages"][0];
        assert_eq!((&then["ended"], &then["standing"]), (&json!(0), &json!(2)));

        let now = of(who, "forecast", "now").await;
        assert_eq!((&now["rows"][0]["signed"], &now["rows"][0]["open"]), (&json!("100.00"), &json!(0)));
        let then = &now["knownThen"][0];
        assert_eq!((&then["signed"], &then["open"], &then["pipeline"]), (&json!("0.00"), &json!(2), &json!("200.00")));

        let now = of(who, "lost", "now").await;
        assert_eq!((&now["total"]["won"], &now["knownThen"]["won"]), (&json!(1), &json!(0)));

        let now = of(who, "quota?from=2026-03-01&to=2026-03-31", "now").await;
        let goal = |measure: &str| {
            let goals = now["goals"].as_array().expect("goals").iter();
            goals.clone().find(|goal| goal["measure"] == measure && goal["userId"].is_string()).expect("a goal").clone()
        };
        assert_eq!(
            (&goal("signed_count")["actual"], &goal("signed_count")["actualKnownThen"]),
            (&json!("1.00"), &json!("0.00"))
        );
        assert_eq!((&goal("visits")["actual"], goal("visits").get("actualKnownThen")), (&json!("1.00"), None));
        assert_eq!(goal("signed_count")["elapsed"], json!(0.0645), "two of 31 days");
    }
    // Deleted before the day ended: nobody ever knew of it at the end of it.
    let slip = json!({ "accountId": acme, "kind": "visit", "occurred": rui.now().to_rfc3339() });
    let slip = rui.post("/v1/activities", slip).await.expect(201).id();
    admin.delete(&format!("/v1/activities/{slip}")).await.expect(204);
    house.sleep_until(12);
    let of_tuesday = rui.get("/v1/reports/activity?from=2026-03-03&asOf=2026-03-03&known=then").await.expect(200).body;
    assert_eq!(of_tuesday["total"]["visits"].as_i64().unwrap_or(0), 0, "{of_tuesday:#}");
    // A stranger to the account learns nothing of what was deleted.
    let sam = house.world.rep("Sam").await;
    for report in ["funnel", "activity", "coverage", "lost", "velocity", "forecast"] {
        let told = of(&sam, report, "then").await.to_string();
        assert!(!told.contains("Acme") && !told.contains("\"entered\":2"), "{report}: {told}");
    }
}
