//! `waypost import`: small files made here, and the real data set (`real_data`).

pub mod formats;
pub mod jobs;
mod leads;
mod mapping;
mod real_data;
mod real_reports;
mod rows;

use std::fs;
use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use tempfile::TempDir;
use waypost::import::{Count, Files, Mapping, Options, Stopped, Summary, run};
use waypost::tenant::by_slug;

use crate::world::World;

/// A tenant, and a folder with files for it.
struct Desk {
    world: World,
    folder: TempDir,
}

impl Desk {
    async fn new() -> Self {
        Desk { world: World::new().await, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    async fn import(&self, mapping: &str) -> Summary {
        self.attempt(mapping, false).await.unwrap_or_else(|stopped| panic!("{stopped}"))
    }

    async fn rehearse(&self, mapping: &str) -> Summary {
        self.attempt(mapping, true).await.unwrap_or_else(|stopped| panic!("{stopped}"))
    }

    async fn attempt(&self, mapping: &str, dry_run: bool) -> Result<Summary, Stopped> {
        let mapping = Mapping::parse(Path::new("test.toml"), mapping).unwrap_or_else(|wrong| panic!("{wrong}"));
        let files = Files::Folder(self.folder.path().to_owned());
        let options = Options { files, refused: None, dry_run, made_up: None };
        import(&self.world, &mapping, &options).await
    }

    /// One text from the database; `$1` is the tenant.
    async fn ask(&self, sql: &str) -> String {
        ask(&self.world, sql).await
    }
}

async fn import(world: &World, mapping: &Mapping, options: &Options) -> Result<Summary, Stopped> {
    let tenant = by_slug(&world.state.db, &world.slug).await.unwrap();
    run(&world.state, &tenant, mapping, options, |_| {}).await
}

async fn ask(world: &World, sql: &str) -> String {
    let statement = Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, [world.tenant_id.into()]);
    let row = world.state.db.query_one_raw(statement).await.unwrap();
    row.and_then(|row| row.try_get_by_index::<Option<String>>(0).unwrap()).unwrap_or_default()
}

/// All that a commit leaves behind: whoever writes nothing changes none of it.
const TRACES: &str = "
    SELECT concat_ws(' ',
        (SELECT head FROM sync_clock WHERE tenant_id = $1),
        (SELECT count(*) FROM feed WHERE tenant_id = $1),
        (SELECT count(*) FROM record_history WHERE tenant_id = $1),
        (SELECT count(*) FROM stage_move WHERE tenant_id = $1),
        (SELECT sum(revision) FROM opportunity WHERE tenant_id = $1),
        (SELECT sum(revision) FROM account WHERE tenant_id = $1),
        (SELECT sum(revision) FROM \"user\" WHERE tenant_id = $1))";

/// Created, updated, unchanged, repeated, refused.
fn told(count: &Count) -> [u64; 5] {
    [count.created, count.updated, count.unchanged, count.repeated, count.refused]
}

/// Two reps, who sell two products to accounts.
const SMALL: &str = r#"
[[file]]
path = "people.csv"
kind = "team"
[file.fields]
externalId = "team"
name = "team"

[[file]]
path = "people.csv"
kind = "user"
[file.fields]
externalId = "name"
name = "name"
email = { template = "{name|slug}.{team|slug}@example.com" }
role = { value = "rep" }
teamId = "team"

[[file]]
path = "accounts.csv"
kind = "account"
[file.fields]
externalId = "name"
name = "name"
kind = { value = "business" }
ownerId = { column = "rep", by = "name", default = "Lin Wei" }
parentId = "parent"
annualRevenue = { column = "millions", times = 1000000 }
"address.country" = "country"

[[file]]
path = "deals.csv"
kind = "opportunity"
delimiter = ";"
dates = ["%d.%m.%Y"]
[file.translate.stage]
Neu = "intent"
Angebot = "pre_sale"
Gewonnen = "signed"
Verloren = "lost"
[file.fields]
externalId = "id"
name = { template = "Deal {id}[ with {account}]" }
ownerId = { column = "rep", by = "name" }
accountId = { column = "account", by = "name" }
amount = "value"
currency = { value = "EUR" }
[file.stage]
column = "stage"
entered = { pre_sale = "offered", signed = "closed", lost = "closed" }
lost_from = "pre_sale"
lost_reason = "price"
"#;

const PEOPLE: &str = "name,team\nLin Wei,North\nChen Jie,North\n";
const ACCOUNTS: &str = "\u{feff}name,rep,parent,millions,country\n\
    Hopton Labs,Chen Jie,Hopton,0.5,\n\
    Hopton,Lin Wei,,12.25,China\n\
    \"Optic, Inc.\",,,,\n";
const DEALS: &str = "id;rep;account;stage;offered;closed;value\n\
    1;Lin Wei;Hopton;Gewonnen;01.02.2025;15.03.2025;1000\n\
    2;Chen Jie;Hopton;Verloren;02.02.2025;16.03.2025;\n\
    3;Lin Wei;;Angebot;03.02.2025;;70.50\n\
    4;Lin Wei;Optic, Inc.;Neu;;;\n";

impl Desk {
    /// A desk with these files on it.
    async fn with(deals: &str) -> Self {
        let desk = Desk::new().await;
        desk.file("people.csv", PEOPLE);
        desk.file("accounts.csv", ACCOUNTS);
        desk.file("deals.csv", deals);
        desk
    }
}

/// One line a move: opportunity, from, to, when by the tenant's clock, whether that was assumed.
const MOVES: &str = "
    SELECT string_agg(concat_ws(' ', o.external_id, m.from_stage, m.to_stage,
               to_char(m.occurred AT TIME ZONE t.time_zone, 'YYYY-MM-DD HH24:MI'),
               CASE WHEN m.occurred_assumed THEN 'assumed' END), E'\n' ORDER BY o.external_id, m.number)
    FROM stage_move m JOIN opportunity o ON o.tenant_id = m.tenant_id AND o.id = m.opportunity_id
    JOIN tenant t ON t.id = m.tenant_id WHERE m.tenant_id = $1";

#[tokio::test]
async fn files_become_records_with_a_history() {
    let desk = Desk::with(DEALS).await;
    let summary = desk.import(SMALL).await;
    let counts: Vec<[u64; 5]> = summary.counts.iter().map(told).collect();
    assert_eq!(counts, [[1, 0, 0, 1, 0], [2, 0, 0, 0, 0], [3, 0, 0, 0, 0], [4, 0, 0, 0, 0]], "{summary}");
    assert_eq!(
        desk.ask(MOVES).await,
        "1 pre_sale 2025-02-01 00:00\n1 pre_sale signed 2025-03-15 00:00\n\
         2 pre_sale 2025-02-02 00:00\n2 pre_sale lost 2025-03-16 00:00\n\
         3 pre_sale 2025-02-03 00:00\n4 intent 2026-03-02 17:00 assumed"
    );
    let admin = desk.world.admin().await;
    let deal = admin.get("/v1/opportunities?externalId=1").await.expect(200);
    assert_eq!(
        ["/items/0/name", "/items/0/amount", "/items/0/currency", "/items/0/signedOn"].map(|member| deal.text(member)),
        ["Deal 1 with Hopton", "1000.00", "EUR", "2025-03-15"]
    );
    // A subsidiary that stands above its parent in the file; parts of a field; an owner by default.
    let accounts = admin.get("/v1/accounts?sort=name").await.expect(200);
    assert_eq!(accounts.each("name"), ["Hopton", "Hopton Labs", "Optic, Inc."]);
    assert_eq!(accounts.text("/items/1/parentId"), accounts.text("/items/0/id"));
    assert_eq!(accounts.text("/items/0/annualRevenue"), "12250000.00");
    assert_eq!(accounts.text("/items/0/address/country"), "China");
    // Whoever sells to an account works it; teams stand below the one above all others.
    let members = "SELECT string_agg(u.name || ' ' || m.role, ', ' ORDER BY u.name) FROM account_member m
        JOIN \"user\" u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
        JOIN account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id WHERE m.tenant_id = $1 AND a.name = 'Hopton'";
    assert_eq!(desk.ask(members).await, "Chen Jie member, Lin Wei owner");
    let teams = admin.get("/v1/teams?externalId=North").await.expect(200);
    assert_eq!(teams.text("/items/0/parentId"), desk.world.top_team.to_string());
}

#[tokio::test]
async fn a_second_run_changes_only_what_differs() {
    let desk = Desk::with(DEALS).await;
    desk.import(SMALL).await;
    let before = desk.ask(TRACES).await;
    let again = desk.import(SMALL).await;
    let counts: Vec<[u64; 5]> = again.counts.iter().map(told).collect();
    assert_eq!(counts, [[0, 0, 1, 1, 0], [0, 0, 2, 0, 0], [0, 0, 3, 0, 0], [0, 0, 4, 0, 0]], "{again}");
    assert_eq!(desk.ask(TRACES).await, before);

    // 1: another amount, though it is signed. 3: got an account, and was lost. 4: went on; its value is empty, as before.
    desk.file(
        "deals.csv",
        &DEALS
            .replace("15.03.2025;1000", "15.03.2025;1100")
            .replace("3;Lin Wei;;Angebot;03.02.2025;;70.50", "3;Lin Wei;Hopton Labs;Verloren;03.02.2025;;")
            .replace("Inc.;Neu;;;", "Inc.;Angebot;04.02.2025;;"),
    );
    let again = desk.import(SMALL).await;
    assert_eq!(told(&again.counts[3]), [0, 3, 1, 0, 0], "{again}");
    let moves = desk.ask(MOVES).await;
    assert!(moves.contains("3 pre_sale 2025-02-03 00:00\n3 pre_sale lost 2026-03-02 17:00 assumed\n"), "{moves}");
    assert!(moves.ends_with("4 intent 2026-03-02 17:00 assumed\n4 intent pre_sale 2025-02-04 00:00"), "{moves}");
    let amounts =
        "SELECT string_agg(trim_scale(amount)::text, ' ' ORDER BY external_id) FROM opportunity WHERE tenant_id = $1";
    assert_eq!(desk.ask(amounts).await, "1100 70.5");

    // The file of the first day again: nothing goes back, and what is signed stays with the newer amount's rules.
    desk.file("deals.csv", DEALS);
    let again = desk.import(SMALL).await;
    assert_eq!(told(&again.counts[3]), [0, 1, 1, 0, 2], "{again}");
    assert!(desk.read("deals.refused.csv").contains("does not move it back to intent"));
    assert_eq!(desk.ask(MOVES).await, moves);
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let desk = Desk::with(&format!("{DEALS}5;Nobody;Hopton;Neu;;;\n")).await;
    let before = desk.ask(TRACES).await;
    let rehearsed = desk.rehearse(SMALL).await;
    assert_eq!(desk.ask(TRACES).await, before);
    let real = desk.import(SMALL).await;
    assert_eq!((&rehearsed.counts, &rehearsed.refused), (&real.counts, &real.refused));
    assert_eq!(told(&real.counts[3]), [4, 0, 0, 0, 1]);
    assert!(rehearsed.to_string().contains("dry run") && !real.to_string().contains("dry run"));
}

#[tokio::test]
async fn what_was_deleted_is_not_brought_back() {
    let desk = Desk::with(DEALS).await;
    desk.import(SMALL).await;
    let admin = desk.world.admin().await;
    let id = admin.get("/v1/opportunities?externalId=3").await.expect(200).ids()[0];
    admin.delete(&format!("/v1/opportunities/{id}")).await.expect(204);
    let again = desk.import(SMALL).await;
    assert_eq!(told(&again.counts[3]), [0, 0, 3, 0, 1], "{again}");
    assert!(desk.read("deals.refused.csv").contains("was deleted here"));
    admin.get(&format!("/v1/opportunities/{id}")).await.expect(404);
}
