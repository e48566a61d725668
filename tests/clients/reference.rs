//! The reference client of `openapi/client`: a device that may be killed at any moment, whose link breaks, whose replica is
//! spoilt and whose cursor expires, and that holds in the end what the server says it should.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::OnceCell;
use uuid::Uuid;
use waypost::clock::Clock;

use super::{PASSWORD, commands, program, typed, with_password};
use crate::tools::{Npm, succeed};
use crate::world::{Person, World, own_world_at};

const COMMAND: &str = "generated/built/command.js";
/// Written offline at once: more than one push takes.
const WRITTEN: usize = 150;

pub struct Device<'a> {
    npm: &'a Npm,
    home: TempDir,
    pub url: String,
}

impl Device<'_> {
    /// A device on which somebody has logged in.
    pub async fn of<'a>(npm: &'a Npm, world: &World, person: &Person) -> Device<'a> {
        let device = Device { npm, home: TempDir::new().expect("a folder"), url: world.url.clone() };
        let email = with_password(world, &world.admin().await, person).await;
        succeed(device.command(&["log-in", &world.slug, &email])).await;
        device
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("node");
        command.arg(COMMAND).arg(self.home.path().join("device.sqlite")).args(arguments).current_dir(self.npm.folder());
        command.env("WAYPOST_URL", &self.url).env("WAYPOST_PASSWORD", PASSWORD).kill_on_drop(true);
        command
    }

    /// Writes without any connection; the ids of the records.
    async fn write(&self, drafts: &[Value]) -> Vec<Uuid> {
        let lines = self.home.path().join("drafts.ndjson");
        let text: Vec<String> = drafts.iter().map(Value::to_string).collect();
        std::fs::write(&lines, text.join("\n")).expect("written");
        let mut command = self.command(&["write"]);
        command.env("WAYPOST_URL", "http://127.0.0.1:1").stdin(std::fs::File::open(&lines).expect("there"));
        serde_json::from_str(&succeed(command).await).expect("ids")
    }

    pub async fn sync(&self) -> Value {
        serde_json::from_str(&succeed(self.command(&["sync"])).await).expect("numbers")
    }

    /// Begins a sync and kills it, with SIGKILL, as soon as the server knows more accounts than before.
    async fn sync_killed(&self, person: &Person) {
        let before = count(person).await;
        let mut child = self.command(&["sync"]).spawn().expect("starts");
        while count(person).await == before && child.try_wait().expect("a state").is_none() {}
        child.kill().await.expect("killed");
    }

    pub async fn show(&self, kind: &str) -> usize {
        succeed(self.command(&["show", kind])).await.lines().count()
    }

    /// Does something to its file behind its back.
    pub async fn spoil(&self, sql: &str) {
        let file = self.home.path().join("device.sqlite");
        let program = format!("new (require('libsql'))({:?}).exec({sql:?})", Path::new(&file));
        let mut command = Command::new("node");
        command.args(["-e", &program]).current_dir(self.npm.folder());
        succeed(command).await;
    }
}

async fn count(person: &Person) -> usize {
    person.get("/v1/accounts?limit=200").await.expect(200).items().len()
}

/// The reference client with its adapters and with what the guide shows of them, built once for all tests.
pub async fn built() -> Option<Npm> {
    static BUILT: OnceCell<()> = OnceCell::const_new();
    let npm = Npm::install("openapi/client").await?;
    let build = async || {
        for library in ["WatermelonDB", "RxDB"] {
            let file = npm.folder().join(format!("guide-{library}.ts"));
            std::fs::write(file, program(&format!("### {library}\n\n```ts\n"))).expect("written");
        }
        npm.run("build", &[]).await;
    };
    BUILT.get_or_init(build).await;
    Some(npm)
}

fn account(number: usize) -> Value {
    json!({ "kind": "account", "op": "create", "account": { "kind": "business", "name": format!("Customer {number}") } })
}

#[tokio::test]
async fn the_reference_client_survives_what_phones_live_through() {
    let Some(npm) = built().await else { return };
    let world = own_world_at(Clock::system()).await;
    let rep = world.rep("Lin Wei").await;
    let device = Device::of(&npm, &world, &rep).await;

    killed_in_the_middle(&device, &world, &rep).await;
    spoilt_and_repaired(&device).await;
    cursor_expired(&device, &world, &rep).await;
    broken_link(&device, &rep).await;
    back_again(&device, &world, &rep).await;
    as_the_guide_shows(&device, &world, &rep).await;
    world.audit().await;
}

/// Nothing is lost and nothing comes twice.
async fn killed_in_the_middle(device: &Device<'_>, world: &World, rep: &Person) {
    let accounts = device.write(&(0..WRITTEN).map(account).collect::<Vec<_>>()).await;
    let now = world.state.clock.now();
    let visit = |id: &Uuid| {
        json!({ "kind": "activity", "op": "create",
        "activity": { "accountId": id, "kind": "visit", "occurred": now, "summary": "Showed the switch" } })
    };
    device.write(&accounts.iter().map(visit).collect::<Vec<_>>()).await;
    assert_eq!(device.show("account").await, WRITTEN, "what was written is seen before it is sent");
    for _ in 0..3 {
        device.sync_killed(rep).await;
    }
    let told = device.sync().await;
    assert_eq!((&told["waiting"], &told["repaired"]), (&json!(0), &json!(0)), "{told}");
    assert_eq!(count(rep).await, WRITTEN);
    assert_eq!((device.show("account").await, device.show("activity").await), (WRITTEN, WRITTEN));
    assert_eq!(device.show("rejected_write").await, 0);
    let again = device.sync().await;
    assert_eq!(again, json!({ "pushed": 0, "pulled": 0, "repaired": 0, "waiting": 0 }));
}

/// The digest finds what is missing, old and surplus, and only that is fetched.
async fn spoilt_and_repaired(device: &Device<'_>) {
    device
        .spoil(
            "DELETE FROM record WHERE (kind, id) IN (SELECT kind, id FROM record WHERE kind = 'activity' LIMIT 7);
             UPDATE record SET revision = 99 WHERE (kind, id) IN (SELECT kind, id FROM record WHERE kind = 'account' LIMIT 3);
             INSERT INTO record VALUES ('contact', 'ffffffff-0000-7000-8000-000000000000', 1, 0, '{}')",
        )
        .await;
    assert_eq!(device.sync().await["repaired"], 11);
    assert_eq!(device.sync().await["repaired"], 0);
    assert_eq!(device.show("activity").await, WRITTEN);
}

/// As a restore of the database does.
pub async fn end_cursors(world: &World) {
    let ended = "UPDATE sync_clock SET epoch = epoch + 1 WHERE tenant_id = $1";
    let ended = Statement::from_sql_and_values(Postgres, ended, [world.tenant_id.into()]);
    world.state.db.execute_raw(ended).await.expect("cursors end");
}

/// After a restore all cursors end; what is gone meanwhile goes from the replica too, and what waits is sent.
async fn cursor_expired(device: &Device<'_>, world: &World, rep: &Person) {
    let gone = rep.get("/v1/activities?limit=1").await.expect(200).ids()[0];
    end_cursors(world).await;
    rep.delete(&format!("/v1/activities/{gone}")).await.expect(204);
    device.write(&[account(WRITTEN)]).await;
    let told = device.sync().await;
    assert_eq!((&told["pushed"], &told["repaired"]), (&json!(1), &json!(0)), "{told}");
    assert_eq!((device.show("account").await, device.show("activity").await), (WRITTEN + 1, WRITTEN - 1));
}

/// Whoever logs in again on a device shows that it has been there before.
async fn back_again(device: &Device<'_>, world: &World, rep: &Person) {
    let email = rep.get("/v1/me").await.expect(200).text("/user/email");
    succeed(device.command(&["log-in", &world.slug, &email])).await;
    let devices =
        "SELECT count(*) FROM login_failure WHERE tenant_id = $1 AND subject = $2 AND address LIKE 'device %'";
    let values = [world.tenant_id.into(), email.into()];
    let devices = world.state.db.query_one_raw(Statement::from_sql_and_values(Postgres, devices, values)).await;
    assert_eq!(devices.expect("runs").expect("a row").try_get_by_index::<i64>(0).expect("a count"), 1);
    device.sync().await;
}

/// A link whose first connections break at once, and the next one when the answer has begun.
async fn broken_link(device: &Device<'_>, rep: &Person) {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let link = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = device.url.trim_start_matches("http://").to_owned();
    let url = format!("http://{}", link.local_addr().expect("an address"));
    tokio::spawn(async move {
        loop {
            let (mut phone, _) = link.accept().await.expect("a connection");
            let server = server.clone();
            tokio::spawn(async move {
                if CONNECTIONS.fetch_add(1, Relaxed) < 3 {
                    return phone.shutdown().await.unwrap_or_default();
                }
                let mut there = TcpStream::connect(server).await.expect("the server");
                copy_bidirectional(&mut phone, &mut there).await.map_or_else(drop, drop);
            });
        }
    });
    device.write(&[account(WRITTEN + 1)]).await;
    let mut command = device.command(&["sync"]);
    command.env("WAYPOST_URL", url);
    let told: Value = serde_json::from_str(&succeed(command).await).expect("numbers");
    assert_eq!(told["pushed"], 1, "{told}");
    assert!(CONNECTIONS.load(Relaxed) > 3);
    assert_eq!(count(rep).await, WRITTEN + 2);
}

/// Another device of the same rep, by the commands of the guide.
async fn as_the_guide_shows(device: &Device<'_>, world: &World, rep: &Person) {
    let shown = commands("## A device that works offline");
    assert_eq!(shown[0], "cd openapi/client && npm ci && npm run build");
    let package = std::fs::read_to_string(device.npm.folder().join("package.json")).expect("a package");
    assert!(package.contains(&format!(r#""waypost": "node {COMMAND}""#)), "{package}");
    let email = with_password(world, &world.admin().await, rep).await;
    let told = [
        ("npm run waypost --", format!("node {COMMAND}")),
        ("waypost-demo", format!("'{PASSWORD}'")),
        ("phone.sqlite", device.home.path().join("phone.sqlite").display().to_string()),
        ("log-in demo rep1@demo.example", format!("log-in {} {email}", world.slug)),
    ];
    let script = format!("set -e\n{}", shown[1..].join("\n"));
    let script = told.iter().fold(script, |script, (shown, told)| script.replace(*shown, told));
    let told = typed(&script, world, device.npm.folder(), &[]).await;
    assert!(told.contains(r#"{"pushed":1,"#) && told.contains("Written in a tunnel"), "{told}");
}
