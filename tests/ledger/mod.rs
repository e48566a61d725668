//! The books: only ever added to, and proven right by who reads them.

mod appeals;
mod holds;
mod leaderboards;
mod statements;

use chrono::Duration;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::database::{BOOKS, connect_as_owner};
use waypost::ledger::verify;

use crate::sync::phone::Phone;
use crate::world::{Person, World, database, start};

/// A note of this moment; its id.
pub async fn note(who: &Person, account: Uuid, late: Duration) -> Uuid {
    let body =
        json!({ "accountId": account, "kind": "note", "occurred": (start() - late).to_rfc3339(), "summary": "Talked" });
    who.post("/v1/activities", body).await.expect(201).id()
}

/// The tenant's rules, with these members in the place of others; as a rule set is made it would take a simulation.
pub async fn set_rules(world: &World, members: Value) {
    world.set_rules(members).await;
}

/// Points, held points and the number of entries.
pub async fn balance(who: &Person) -> (String, String, u64) {
    let balance = who.get("/v1/points/balance").await.expect(200);
    (balance.text("/points"), balance.text("/held"), balance.body["entries"].as_u64().expect("a number"))
}

/// What a phone holds of one kind.
pub fn of_kind(phone: &Phone, kind: &str) -> Vec<Value> {
    phone.all(kind).cloned().collect()
}

/// The kinds of the entries about a record, in the order in which they were made.
pub async fn kinds(who: &Person, source: Uuid) -> Vec<String> {
    let entries = who.get(&format!("/v1/points/entries?sourceId={source}&sort=createdAt")).await.expect(200);
    let mut entries: Vec<Value> = entries.items().to_vec();
    entries.sort_by_key(|entry| entry["number"].as_i64());
    entries.iter().map(|entry| entry["kind"].as_str().expect("a kind").to_owned()).collect()
}

async fn run(db: &DatabaseConnection, sql: &str, tenant: Uuid) -> Result<u64, String> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant.into()]);
    db.execute_raw(statement).await.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_application_cannot_change_what_is_in_the_books() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    note(&lin, lin.account("Acme").await, Duration::zero()).await;
    for book in BOOKS {
        for sql in [
            format!("UPDATE {book} SET revision = revision WHERE tenant_id = $1"),
            format!("DELETE FROM {book} WHERE tenant_id = $1"),
            format!("SELECT FROM {book} WHERE tenant_id = $1 FOR UPDATE"),
        ] {
            let refused = run(&world.state.db, &sql, world.tenant_id).await.expect_err(&sql);
            assert!(refused.contains("permission denied"), "{sql}: {refused}");
        }
        let truncated = world.state.db.execute_unprepared(&format!("TRUNCATE {book}")).await.expect_err(book);
        assert!(truncated.to_string().contains("permission denied"), "{truncated}");
        // It is the application's role that may not; an owner could, and `verify` would tell.
        let owner = connect_as_owner(database().await, 1).await.expect("the owner");
        run(&owner, &format!("UPDATE {book} SET revision = revision WHERE tenant_id = $1"), world.tenant_id)
            .await
            .expect(book);
    }
    world.audit().await;
}

#[tokio::test]
async fn whatever_is_tampered_with_is_found() {
    let owner = connect_as_owner(database().await, 1).await.expect("the owner");
    for (tampering, rules) in [
        (
            "UPDATE points_entry SET points = points + 1 WHERE tenant_id = $1 AND ordinal = 1",
            vec!["The sides of the ledger add up to zero, in points", "A balance is the sum of its entries"],
        ),
        (
            "UPDATE points_balance SET points = points + 1 WHERE tenant_id = $1",
            vec!["The sides of the ledger add up to zero, in points", "A balance is the sum of its entries"],
        ),
        (
            "UPDATE points_balance SET held = held + 1 WHERE tenant_id = $1",
            vec![
                "The sides of the ledger add up to zero, in points",
                "A balance is the sum of its entries",
                "What waits is what open holds and appeals say",
            ],
        ),
        (
            "UPDATE points_balance SET leads = leads + 1 WHERE tenant_id = $1",
            vec!["The sides of the ledger add up to zero, in leads", "A balance is the sum of its entries"],
        ),
        (
            "DELETE FROM points_entry WHERE tenant_id = $1 AND ordinal = 1",
            vec![
                "The sides of the ledger add up to zero, in points",
                "A balance is the sum of its entries",
                "A user's entries are numbered without a gap",
            ],
        ),
        (
            "UPDATE points_entry SET number = 7 WHERE tenant_id = $1 AND ordinal = 2",
            vec!["A user's entries about one record are numbered without a gap"],
        ),
        (
            "UPDATE points_entry SET kind = 'payout' WHERE tenant_id = $1 AND ordinal = 2",
            vec!["Nothing that is spent takes a balance below zero"],
        ),
    ] {
        let world = World::new().await;
        let lin = world.rep("Lin Wei").await;
        let account = lin.account("Acme").await;
        // A fine and an award.
        note(&lin, account, Duration::hours(100)).await;
        note(&lin, account, Duration::hours(100)).await;
        note(&lin, account, Duration::zero()).await;
        world.audit().await;
        assert_eq!(run(&owner, tampering, world.tenant_id).await.expect(tampering), 1);
        let (_, faults) = verify::books(&owner, Some(world.tenant_id)).await.expect("an audit");
        let found: Vec<&str> = faults.iter().map(|fault| fault.rule).collect();
        assert_eq!(found, rules, "{tampering}: {faults:#?}");
    }
}
