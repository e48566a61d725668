//! `waypost fleet`, against the whole application: many phones on a bad link end up right, and one that is not is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseBackend::Postgres, Statement};
use tokio::process::Command;
use waypost::clock::Clock;
use waypost::fleet::{Login, Plan, Step, play};

use crate::clients::{PASSWORD, commands, with_password};
use crate::world::{World, own_world_at};

async fn plan(world: &World) -> Plan {
    let admin = world.admin().await;
    let mut logins = Vec::new();
    for name in ["Wei Lin", "Hu Bo", "Ana Ruiz"] {
        let rep = world.rep(name).await;
        for number in 1..=3 {
            rep.account(&format!("{name}'s account {number}")).await;
        }
        let email = with_password(world, &admin, &rep).await;
        logins.push(Login { email, password: PASSWORD.to_owned() });
    }
    Plan {
        url: world.url.clone(),
        tenant: world.slug.clone(),
        logins,
        phones: 6,
        rounds: 3,
        entries: 6,
        photos: 40,
        loss: 30,
        patience: Duration::ZERO,
        seed: 7,
    }
}

#[tokio::test]
async fn phones_on_a_bad_link_lose_nothing_and_end_up_right() {
    let world = own_world_at(Clock::system()).await;
    let plan = plan(&world).await;
    let steps = [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)];
    let told = |step: Step| {
        steps[step as usize].fetch_add(1, Ordering::SeqCst);
    };
    let report = play(&plan, told).await.expect("a day");
    assert!(report.is_good(), "{report}");
    assert_eq!(steps.map(AtomicUsize::into_inner), [6, 18, 6]);

    let tally = &report.tally;
    assert!(tally.lost > 0 && tally.sent > tally.typed, "the link lost something: {report}");
    assert_eq!(tally.results.values().sum::<u64>(), tally.typed, "{report}");
    assert_eq!(tally.results.get("rejected"), None, "{report}");
    let count = async |sql: &str| {
        let row = world.state.db.query_one_raw(Statement::from_string(Postgres, sql)).await.expect("a count");
        row.and_then(|row| row.try_get_by_index::<i64>(0).ok()).expect("a number")
    };
    let taken_down = count("SELECT count(*) FROM receipt").await;
    assert_eq!(u64::try_from(taken_down).expect("a count"), tally.typed, "each mutation has one receipt: {report}");
    // Every photo is there, whole and once, however often the link broke on its way.
    assert!(tally.photos > 10 && tally.photo_bytes > 0, "{report}");
    let photos = count("SELECT count(*) FROM attachment WHERE state = 'ready' AND has_thumbnail").await;
    assert_eq!(u64::try_from(photos).expect("a count"), tally.photos, "{report}");
    let bytes = "SELECT sum(bytes)::bigint FROM attachment WHERE content_type = 'image/jpeg'";
    assert_eq!(u64::try_from(count(bytes).await).expect("a sum"), tally.photo_bytes, "{report}");
    // Every visit is there, once, with what it earned.
    let visits = count("SELECT count(*) FROM activity").await;
    assert!(visits >= 80, "{visits}");
    assert_eq!(
        count("SELECT count(DISTINCT source_id) FROM points_entry WHERE source_kind = 'activity'").await,
        visits
    );
    world.audit().await;
}

#[tokio::test]
async fn a_phone_that_does_not_hold_what_it_should_is_told() {
    let world = own_world_at(Clock::system()).await;
    let plan = plan(&world).await;
    // The digest counts an account that no pull brings: in the feed it stands beyond the head.
    let hidden = "UPDATE feed SET seq = seq + 1000000
                  WHERE record_id = (SELECT id FROM account WHERE name = 'Ana Ruiz''s account 3')";
    let hidden = world.state.db.execute_raw(Statement::from_string(Postgres, hidden)).await.expect("hides");
    assert!(hidden.rows_affected() > 0);

    let file = tempfile::NamedTempFile::new().expect("a file");
    let logins: Vec<String> = plan.logins.iter().map(|login| format!("{} {}", login.email, login.password)).collect();
    std::fs::write(file.path(), logins.join("\n")).expect("written");
    let shown = commands("## Does it hold?")[0].replace("http://localhost:8080", &world.url);
    let few = format!("{} --rounds 1 --entries 1 --photos 0 --loss 0", shown.replace("--phones 50", "--phones 3"));
    let mut fleet = Command::new(env!("CARGO_BIN_EXE_waypost"));
    fleet.args(few.split(' ').skip(1)).args(["--tenant", &world.slug, "--logins"]).arg(file.path());
    let ended = fleet.output().await.expect("starts");
    let told = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).expect("text")).join("\n");
    assert_eq!(ended.status.code(), Some(1), "{told}");
    let nothing_lost = told.contains("unanswered    0\n") && told.contains("vanished      0\n");
    assert!(nothing_lost && told.contains("converged     2 of 3\n"), "{told}");
    assert!(told.contains("error: a phone does not hold what it should"), "{told}");
}

#[tokio::test]
async fn a_wrong_password_ends_the_play_with_the_reason() {
    let world = own_world_at(Clock::system()).await;
    let mut plan = plan(&world).await;
    plan.logins[0].password = "not the password".into();
    let trouble = play(&plan, |_| ()).await.expect_err("nobody plays");
    assert!(trouble.to_string().starts_with("/v1/auth/login: 401"), "{trouble}");
}
