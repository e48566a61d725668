//! The adapters of `openapi/client/adapters`, under the libraries that they are for: WatermelonDB and RxDB themselves, in Node, with
//! two devices of one rep and one of a colleague. The stories are in `openapi/client/trial`; here is the server that they are told.

use std::process::Stdio;
use std::time::Duration;

use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;
use waypost::clock::Clock;

use super::reference::built;
use super::{PASSWORD, with_password};
use crate::tools::Npm;
use crate::world::{World, own_world_at};

/// Accounts and contacts that a device holds after its first pull.
const RECORDS: usize = 20_000;
/// No trial takes longer, on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_mins(6);

struct Stage<'a> {
    npm: &'a Npm,
    world: &'a World,
    variables: Vec<(&'static str, String)>,
}

#[tokio::test]
async fn watermelon_and_rxdb_replicate_without_loss() {
    let Some(npm) = built().await else { return };
    let world = own_world_at(Clock::system()).await;
    let admin = world.admin().await;
    let (rep, colleague) = (world.rep("Lin Wei").await, world.rep("Wang Fang").await);
    let manager = world.manager("Ma Na").await;
    colleague.account("Not for Lin Wei").await;
    for (key, value_type) in [("shelf", "number"), ("slogan", "text"), ("rival", "text")] {
        let names = json!({ "en": key, "zh": key });
        let field = json!({ "recordKind": "account", "key": key, "valueType": value_type, "names": names });
        admin.post("/v1/custom-fields", field).await.expect(201);
    }
    let variables = vec![
        ("WAYPOST_URL", world.url.clone()),
        ("WAYPOST_TENANT", world.slug.clone()),
        ("WAYPOST_REP", with_password(&world, &admin, &rep).await),
        ("WAYPOST_COLLEAGUE", with_password(&world, &admin, &colleague).await),
        ("WAYPOST_MANAGER", with_password(&world, &admin, &manager).await),
        ("WAYPOST_PASSWORD", PASSWORD.to_owned()),
        ("WAYPOST_RECORDS", RECORDS.to_string()),
    ];
    let stage = Stage { npm: &npm, world: &world, variables };
    for trial in ["seed", "watermelon", "rxdb"] {
        stage.run(trial).await;
    }
    world.audit().await;
}

impl Stage<'_> {
    /// Runs a trial to its end and does for it what no client can.
    async fn run(&self, trial: &str) {
        let mut command = Command::new("node");
        command.arg(format!("generated/built/trial/{trial}.js")).current_dir(self.npm.folder());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("node starts");
        let mut stdin = child.stdin.take().expect("its input");
        let mut stderr = child.stderr.take().expect("its complaints");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let complaints = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.map(|_| text).unwrap_or_default()
        });
        let mut held = false;
        let told = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                println!("{trial}: {line}");
                held |= line == "held";
                if let Some(what) = line.strip_prefix("demand ") {
                    self.do_for_it(what).await;
                    stdin.write_all(b"done\n").await.expect("it listens");
                }
            }
            child.wait().await.expect("a status")
        };
        let status = timeout(LIMIT, told).await.unwrap_or_else(|_| panic!("{trial} takes too long"));
        assert!(status.success() && held, "{trial}: {status}\n{}", complaints.await.expect("text"));
    }

    async fn do_for_it(&self, what: &str) {
        match what.split_once(' ') {
            None if what == "expire" => {
                let ended = "UPDATE sync_clock SET epoch = epoch + 1 WHERE tenant_id = $1";
                let ended = Statement::from_sql_and_values(Postgres, ended, [self.world.tenant_id.into()]);
                self.world.state.db.execute_raw(ended).await.expect("cursors end");
            }
            Some(("disable", user)) => {
                let admin = self.world.admin().await;
                admin.patch(&format!("/v1/users/{user}"), json!({ "disabled": true })).await.expect(200);
            }
            // It was deleted, once, and everybody who held it is told.
            Some(("find-buried", record)) => {
                let buried = "SELECT bool_and(f.document IS NULL) AND
                                     (SELECT count(*) FROM record_history h
                                      WHERE h.tenant_id = $1 AND h.record_id = $2 AND h.op = 'delete') = 1
                              FROM feed f WHERE f.tenant_id = $1 AND f.record_id = $2";
                let record: Uuid = record.parse().expect("an id");
                let values = [self.world.tenant_id, record].map(sea_orm::Value::from);
                let buried = Statement::from_sql_and_values(Postgres, buried, values);
                let row = self.world.state.db.query_one_raw(buried).await.expect("an answer").expect("a row");
                assert_eq!(row.try_get_by_index::<Option<bool>>(0).expect("a flag"), Some(true), "{record}");
            }
            _ => panic!("nobody knows how to {what}"),
        }
    }
}
