//! How long a year takes.

use entity::scalar::Points;
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

use super::kinds::everything;
use super::{active, rule, simulate};
use crate::world::{Person, World};

const SIGNED: i64 = 401;

/// An opportunity at an account that was handed over, signed by its new owner, and copies of it.
async fn signed_many_times(world: &World, lin: &Person, bo: &Person, admin: &Person) {
    let card = json!({ "kind": "business", "name": "Bolt", "phone": "+86 21 5555 0100" });
    let bolt = lin.post("/v1/accounts", card).await.expect(201).id();
    lin.post("/v1/contacts", json!({ "accountId": bolt, "name": "Wang Fang" })).await.expect(201);
    let member = format!("/v1/accounts/{bolt}/members/{}", bo.id);
    admin.put(&member, json!({ "role": "owner" })).await.expect(200);
    let one = json!({ "name": "Fibre", "accountId": bolt, "amount": "500000", "currency": "CNY" });
    let one = bo.post("/v1/opportunities", one).await.expect(201);
    let path = format!("{}/advance", one.header("location"));
    bo.post(&path, json!({ "stage": "signed", "signedOn": "2026-03-02" })).await.expect(200);
    let copies = "WITH made AS MATERIALIZED (SELECT gen_random_uuid() AS id FROM generate_series(1, $3::bigint) AS n),
    rows AS (
        INSERT INTO opportunity
        SELECT (jsonb_populate_record(o, jsonb_build_object('id', made.id))).* FROM made CROSS JOIN opportunity o
        WHERE o.tenant_id = $1 AND o.id = $2
    ), history AS (
        INSERT INTO record_history
        SELECT (jsonb_populate_record(h, jsonb_build_object(
            'record_id', made.id, 'changes', replace(h.changes, $2::text, made.id::text)))).*
        FROM made CROSS JOIN record_history h WHERE h.tenant_id = $1 AND h.record_id = $2
    )
    INSERT INTO stage_move
    SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'opportunity_id', made.id))).*
    FROM made CROSS JOIN stage_move s WHERE s.tenant_id = $1 AND s.opportunity_id = $2";
    let values = [world.tenant_id.into(), one.id().into(), (SIGNED - 1).into()];
    world
        .state
        .db
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, copies, values))
        .await
        .expect("rows");
}

/// A year of a hundred thousand activities, put there by plain SQL with what was booked for them.
#[tokio::test]
async fn a_year_of_a_hundred_thousand_activities() {
    const MANY: i64 = 100_000;
    let world = World::new().await;
    let mut rules = everything();
    rules["caps"] = json!({});
    rules["penalties"] = json!([]);
    rule(&world, &rules).await;
    let (lin, bo, admin) = (world.rep("Lin Wei").await, world.rep("Bo Chen").await, world.admin().await);
    let account = lin.account("Acme").await;
    let made = "WITH made AS (
        SELECT gen_random_uuid() AS id, '2025-03-03T01:00:00Z'::timestamptz + n * interval '5 minutes' AS at
        FROM generate_series(1, $4::bigint) AS n
    ), activity AS (
        INSERT INTO activity (tenant_id, id, revision, created_at, updated_at, account_id, owner_id, kind, occurred, captured,
                              captured_proven, received, summary)
        SELECT $1, id, 1, at, at, $2, $3, 'note', at, at, true, at, 'Talked about the offer' FROM made
    )
    INSERT INTO record_history (tenant_id, kind, record_id, revision, seq, actor_id, op, changes, captured, received)
    SELECT $1, 'activity', id, 1, 1, $3, 'create', json_build_object(
        'id', id, 'revision', 1, 'createdAt', at, 'updatedAt', at, 'accountId', $2, 'ownerId', $3, 'kind', 'note', 'occurred', at,
        'captured', at, 'capturedProven', true, 'received', at, 'summary', 'Talked about the offer')::text, at, at FROM made";
    let values = [world.tenant_id.into(), account.into(), lin.id.into(), MANY.into()];
    world.state.db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, made, values)).await.expect("rows");
    signed_many_times(&world, &lin, &bo, &admin).await;
    let begun = std::time::Instant::now();
    let answer = simulate(&admin, active(&admin).await, "2025-03-03", "2026-03-02").await;
    eprintln!("{MANY} activities and {SIGNED} signatures in {:?}", begun.elapsed());
    // The two accounts, the contact, and the opportunities.
    assert_eq!(answer.body["total"], json!(MANY + SIGNED + 3));
    let reps = answer.body["result"]["reps"].as_array().expect("reps");
    let of =
        |who: &Person| reps.iter().find(|rep| rep["userId"] == json!(who.id)).expect("a rep")["now"]["points"].clone();
    // A card's phone, and 15 per cent of each signature; the others are the owner's, with half a stage move each.
    let share = |part: i64, more: i64| json!(Points(Decimal::new(SIGNED * part + more, 2)));
    assert_eq!(of(&lin), share(1_500, 100_000_000 + 1_000));
    assert_eq!(of(&bo), share(8_501 + 400, 0));
}
