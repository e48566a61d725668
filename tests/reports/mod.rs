//! The funnel, on rows put there by plain SQL: small stories with figures made by hand, random histories against a
//! count made without SQL (`model`), and the wire.

mod believed;
mod burden;
mod charts;
mod days;
mod model;
mod moves;
mod random;
mod restated;
mod route;
mod stories;
mod uplift;
mod wire;
mod year;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::kind::{AccountKind, AccountTier, Role, StageKey};
use rust_decimal::Decimal;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;
use uuid::Uuid;
use waypost::auth::token::Keys;
use waypost::auth::{Actor, Identity};
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::report::{Funnel, FunnelQuery, funnel};
use waypost::state::State;

use model::{Account, Move, Opportunity, Owner, Product, Team, Time, Worth};

/// One migrated database for all tests of this module.
static DATABASE: OnceCell<String> = OnceCell::const_new();

async fn database() -> DatabaseConnection {
    let url = DATABASE.get_or_init(async || {
        let url = fresh_database(None).await;
        migrate(&url).await.expect("migrates");
        url
    });
    connect(url.await, 4).await.expect("the scratch database answers")
}

fn at(text: &str) -> Time {
    text.parse().expect("a time")
}

/// A tenant of its own: West above North and South; Bo leads West, Nina leads North; Rui and Sam are reps in North and
/// South, and Zoe, who administers, sits in West.
struct World {
    state: State,
    tenant: Uuid,
    west: Team,
    north: Team,
    south: Team,
    bo: Owner,
    nina: Owner,
    rui: Owner,
    sam: Owner,
    zoe: Owner,
}

impl World {
    async fn new(zone: &str, now: &str) -> Self {
        let identity =
            Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", Vec::new());
        let state = State::new(database().await, Clock::fixed(at(now)), identity);
        let team = |name: &str| Team { id: Uuid::now_v7(), name: name.into() };
        let (west, north, south) = (team("West"), team("North"), team("South"));
        let owner = |name: &str, teams: &[&Team]| Owner {
            id: Uuid::now_v7(),
            name: name.into(),
            teams: teams.iter().map(|&team| team.clone()).collect(),
            before: None,
        };
        let world = World {
            state,
            tenant: Uuid::now_v7(),
            bo: owner("Bo", &[&west]),
            nina: owner("Nina", &[&north, &west]),
            rui: owner("Rui", &[&north, &west]),
            sam: owner("Sam", &[&south, &west]),
            zoe: owner("Zoe", &[&west]),
            west,
            north,
            south,
        };
        let tenant = json!({
            "time_policy": { "key": 60, "ordinary": 30, "potential": 10 },
            "id": world.tenant, "slug": format!("t{}", world.tenant.simple()), "name": "Test", "time_zone": zone,
            "created_at": now,
        });
        world.insert("tenant", vec![tenant]).await;
        let teams = [(&world.west, None), (&world.north, Some(world.west.id)), (&world.south, Some(world.west.id))];
        let teams = teams.map(|(team, above)| world.row(team.id, json!({ "name": team.name, "parent_id": above })));
        world.insert("team", teams.into()).await;
        let users = world.users().map(|(user, role)| {
            let email = format!("{}@example.com", user.name.to_lowercase());
            let fields =
                json!({ "team_id": user.teams[0].id, "email": email, "name": user.name, "role": role, "locale": "en" });
            world.row(user.id, fields)
        });
        world.insert("\"user\"", users.into()).await;
        let grants = world.users().into_iter().flat_map(|(user, _)| {
            let seen = world.scopes(user).into_iter().chain([world.tenant]);
            seen.map(|scope| json!({ "tenant_id": world.tenant, "user_id": user.id, "scope_id": scope, "granted": 1 }))
                .collect::<Vec<_>>()
        });
        world.insert("scope_grant", grants.collect()).await;
        // What Rui read once and reads no longer.
        let revoked = json!({
            "tenant_id": world.tenant, "user_id": world.rui.id, "scope_id": world.sam.id, "granted": 1, "revoked": 2,
        });
        world.insert("scope_grant", vec![revoked]).await;
        world
    }

    fn users(&self) -> [(&Owner, Role); 5] {
        [
            (&self.bo, Role::Manager),
            (&self.nina, Role::Manager),
            (&self.rui, Role::Rep),
            (&self.sam, Role::Rep),
            (&self.zoe, Role::Admin),
        ]
    }

    /// The users whose records this one sees.
    fn scopes(&self, user: &Owner) -> BTreeSet<Uuid> {
        let all = [&self.bo, &self.nina, &self.rui, &self.sam];
        if user.id == self.bo.id {
            all.iter().map(|user| user.id).chain([self.zoe.id]).collect()
        } else if user.id == self.nina.id {
            [self.nina.id, self.rui.id].into()
        } else {
            [user.id].into()
        }
    }

    fn actor(&self, user: &Owner) -> Actor {
        let (_, role) = self.users().into_iter().find(|(known, _)| known.id == user.id).expect("one of them");
        Actor { tenant_id: self.tenant, user_id: user.id, role, may_write: true }
    }

    fn row(&self, id: Uuid, fields: Json) -> Json {
        let mut row = json!({
            "tenant_id": self.tenant, "id": id, "revision": 1,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        let members = fields.as_object().expect("an object").clone();
        row.as_object_mut().expect("an object").extend(members);
        row
    }

    async fn insert(&self, table: &str, rows: Vec<Json>) {
        let sql = format!("INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1::json)");
        let statement = Statement::from_sql_and_values(Postgres, sql, [Json::Array(rows).to_string().into()]);
        self.state.db.execute_raw(statement).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }

    async fn account(&self, kind: AccountKind, members: &[&Owner]) -> Account {
        let (tier, region) = match kind {
            AccountKind::Business => (Some(AccountTier::Key), Some("East")),
            AccountKind::Consumer => (Some(AccountTier::Potential), Some("华南")),
            AccountKind::Channel | AccountKind::Internal => (None, None),
        };
        let members: Vec<Uuid> = members.iter().map(|user| user.id).collect::<BTreeSet<_>>().into_iter().collect();
        let account = Account { id: Uuid::now_v7(), kind, tier, region, before: None, members };
        let row = json!({
            "kind": kind, "name": "Acme", "owner_id": account.members[0], "tier": tier,
            "address": region.map(|region| json!({ "region": region })),
        });
        self.insert("account", vec![self.row(account.id, row)]).await;
        let works = account.members.iter().map(|user| {
            let role = if *user == account.members[0] { "owner" } else { "member" };
            self.row(Uuid::now_v7(), json!({ "account_id": account.id, "user_id": user, "role": role }))
        });
        self.insert("account_member", works.collect()).await;
        account
    }

    async fn product(&self, name: &str) -> Product {
        let product = Product { id: Uuid::now_v7(), name: name.into() };
        self.insert("product", vec![self.row(product.id, json!({ "name": name }))]).await;
        product
    }

    /// Writes them with their moves, the history of their worth, and the feed. `stage` is wrong in all of them: no
    /// figure may come from there.
    async fn store(&self, opportunities: &[Opportunity]) {
        let (mut rows, mut moves, mut history, mut feed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for o in opportunities {
            let now = o.worth.last().expect("at least one");
            let fields = json!({
                "account_id": o.account.as_ref().map(|a| a.id), "product_id": o.product.as_ref().map(|p| p.id),
                "owner_id": o.owner.id, "name": "Fibre", "stage": "intent", "stage_since": "2026-01-01T00:00:00Z",
                "amount": now.amount, "currency": now.currency, "source": o.source,
                "deleted_at": o.deleted,
            });
            rows.push(self.row(o.id, fields));
            let received = o.received();
            let told = o.moves.iter().zip(&received).zip(1..);
            moves.extend(told.map(|((m, received), number)| self.stage_move(o, m, *received, number)));
            history.extend(self.history(o));
            // A scope that saw it once holds a tombstone.
            let buried = [&self.rui, &self.sam].map(|user| user.id);
            let scopes: BTreeSet<Uuid> = o.scopes().into_iter().chain(buried).collect();
            for scope in scopes {
                feed.push(json!({
                    "tenant_id": self.tenant, "scope_id": scope, "kind": "opportunity", "record_id": o.id,
                    "seq": i64::try_from(feed.len()).expect("few") + self.next_seq(), "revision": 1,
                    "changed_at": "2026-01-01T00:00:00Z", "document": (o.deleted.is_none() && o.scopes().contains(&scope)).then_some("{}"),
                }));
            }
        }
        self.insert("opportunity", rows).await;
        self.insert("stage_move", moves).await;
        let ids: Vec<Uuid> = opportunities.iter().map(|o| o.id).collect();
        let stays = Statement::from_sql_and_values(Postgres, waypost::work::STAYS, [self.tenant.into(), ids.into()]);
        self.state.db.execute_raw(stays).await.expect("the stays are written");
        self.insert("record_history", history).await;
        self.insert("feed", feed).await;
    }

    /// Numbers above those of an earlier call.
    fn next_seq(&self) -> i64 {
        static NEXT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    }

    fn stage_move(&self, o: &Opportunity, m: &Move, received: Time, number: i32) -> Json {
        let fields = json!({
            "opportunity_id": o.id, "owner_id": o.owner.id, "number": number, "from_stage": m.from, "to_stage": m.to,
            "occurred": m.occurred, "occurred_assumed": false, "captured": m.occurred, "captured_proven": true,
            "received": received, "actor_id": o.owner.id, "probability": 10, "deleted_at": o.deleted,
        });
        self.row(Uuid::now_v7(), fields)
    }

    /// The creation and one change a later worth; each change of worth comes with a note that looks like one.
    fn history(&self, o: &Opportunity) -> Vec<Json> {
        let entry = |revision: usize, op: &str, told: Time, changes: Json| {
            json!({
                "tenant_id": self.tenant, "kind": "opportunity", "record_id": o.id, "revision": revision, "seq": 1,
                "actor_id": o.owner.id, "op": op, "changes": changes.to_string(), "captured": told, "received": told,
            })
        };
        let first = &o.worth[0];
        let created = json!({ "name": "Fibre", "amount": first.amount, "currency": first.currency });
        let mut history = vec![entry(1, "create", first.told, created)];
        for (pair, n) in o.worth.windows(2).zip(1..) {
            let (old, new) = (&pair[0], &pair[1]);
            let note =
                json!({ "note": [null, "They say \"amount\":[\"1\",\"2\"] and \"currency\":[\"XXX\",\"YYY\"]"] });
            history.push(entry(2 * n, "update", new.told, note));
            let mut changes = serde_json::Map::new();
            if old.amount != new.amount {
                changes.insert("amount".into(), json!([old.amount, new.amount]));
            }
            if old.currency != new.currency {
                changes.insert("currency".into(), json!([old.currency, new.currency]));
            }
            history.push(entry(2 * n + 1, "update", new.told, Json::Object(changes)));
        }
        if let Some((until, owner, product, source)) = &o.before {
            let id = |product: &Option<Product>| product.as_ref().map(|product| product.id);
            let changes = json!({
                "ownerId": [owner.id, o.owner.id], "productId": [id(product), id(&o.product)], "source": [source, o.source],
            });
            history.push(entry(1000, "update", *until, changes));
        }
        history
    }

    /// Writes what an account was before into its history.
    async fn was(&self, account: &Account) {
        let (until, kind, tier, region) = account.before.expect("what it was");
        let address = |region: Option<&str>| region.map(|region| json!({ "region": region }));
        let changes = json!({
            "kind": [kind, account.kind], "tier": [tier, account.tier],
            "address": [address(region), address(account.region)],
        });
        self.changed("account", account.id, until, changes).await;
    }

    /// Writes the team in which a user was before into his history.
    async fn was_in(&self, user: &Owner) {
        let (until, teams) = user.before.as_ref().expect("where he was");
        self.changed("user", user.id, *until, json!({ "teamId": [teams[0].id, user.teams[0].id] })).await;
    }

    async fn changed(&self, kind: &str, id: Uuid, at: Time, changes: Json) {
        let row = json!({
            "tenant_id": self.tenant, "kind": kind, "record_id": id, "revision": 2, "seq": 1, "actor_id": self.zoe.id,
            "op": "update", "changes": changes.to_string(), "captured": at, "received": at,
        });
        self.insert("record_history", vec![row]).await;
    }

    /// What a query is about when this reader asks it: a rep's are about himself.
    fn about(&self, reader: &Owner, query: &FunnelQuery) -> FunnelQuery {
        let (_, role) = self.users().into_iter().find(|(known, _)| known.id == reader.id).expect("one of them");
        let own = (role == Role::Rep && query.team_id.is_none()).then_some(reader.id);
        FunnelQuery { user_id: query.user_id.or(own), ..query.clone() }
    }

    async fn funnel(&self, user: &Owner, query: &FunnelQuery) -> Funnel {
        funnel(&self.state, &self.actor(user), query).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// One with these moves, each a time, and where it went.
fn opportunity(owner: &Owner, moves: &[(&str, StageKey)]) -> Opportunity {
    let mut from = None;
    let moves: Vec<Move> =
        moves.iter().map(|(occurred, to)| Move { from: from.replace(*to), to: *to, occurred: at(occurred) }).collect();
    let told = moves.first().map_or_else(|| at("2026-01-01T00:00:00Z"), |m| m.occurred);
    let worth = Worth { told, amount: Some(Decimal::from(100)), currency: Some("CNY".into()) };
    Opportunity {
        id: Uuid::now_v7(),
        owner: owner.clone(),
        account: None,
        product: None,
        source: None,
        before: None,
        deleted: None,
        moves,
        worth: vec![worth],
    }
}

/// Days are rounded on the wire, and so compared to half a hundredth.
fn close(a: Option<f64>, b: Option<f64>, within: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= within,
        (a, b) => a == b,
    }
}

fn hours(n: i64) -> TimeDelta {
    TimeDelta::hours(n)
}
