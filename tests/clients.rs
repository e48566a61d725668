//! Clients that others' tools generate from the document, built strictly and run against a live server. What is in
//! `openapi/` is the story that each of them tells; the generated code is made anew each time and never committed.

mod adapters;
mod jvm;
mod killed;
mod reference;

use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json, to_vec_pretty};
use tokio::process::Command;
use waypost::app::spec;
use waypost::auth::Secret;
use waypost::auth::credential::set_password;
use waypost::lead::quota::renew_in;

use crate::ledger::{note, set_rules};
use crate::tools::{Npm, Python, present_file, root, succeed};
use crate::world::{Person, World};

pub const PASSWORD: &str = "correct horse battery";

/// Lets somebody log in with `PASSWORD`; his address.
pub async fn with_password(world: &World, admin: &Person, person: &Person) -> String {
    let (state, password) = (&world.state, Secret::new(PASSWORD));
    let now = state.clock.now();
    let set = set_password(&state.db, &state.identity.hasher, world.tenant_id, person.id, &password, now);
    set.await.expect("a good password");
    admin.get(&format!("/v1/users/{}", person.id)).await.expect(200).text("/email")
}

/// What a story is told: where the server is, and who may log in.
async fn stage() -> (World, Vec<(&'static str, String)>) {
    let world = World::new().await;
    let (admin, rep, manager) = (world.admin().await, world.rep("Lin Wei").await, world.manager("Ma Na").await);
    let names = json!({ "en": "Shelf, in metres", "zh": "货架（米）" });
    let metres = json!({ "recordKind": "account", "key": "shelfMetres", "valueType": "number", "names": names });
    admin.post("/v1/custom-fields", metres).await.expect(201);
    fined_and_held(&world, &rep).await;
    let variables = vec![
        ("WAYPOST_URL", world.url.clone()),
        ("WAYPOST_TENANT", world.slug.clone()),
        ("WAYPOST_REP", with_password(&world, &admin, &rep).await),
        ("WAYPOST_MANAGER", with_password(&world, &admin, &manager).await),
        ("WAYPOST_PASSWORD", PASSWORD.to_owned()),
        ("WAYPOST_NOW", rep.now().format("%Y-%m-%dT%H:%M:%S%:z").to_string()),
    ];
    (world, variables)
}

/// A rep who may pick leads, who was fined for a late note, and of whose awards one waits because its note is like another.
async fn fined_and_held(world: &World, rep: &Person) {
    set_rules(world, json!({ "holds": { "similarityPercent": 90, "releaseAfterDays": 7 } })).await;
    renew_in(&world.state, world.tenant_id).await.expect("rights to pick");
    let account = rep.account("Seed").await;
    for late in [TimeDelta::hours(100), TimeDelta::zero()] {
        note(rep, account, late).await;
    }
}

/// The committed document is the one that the code publishes, or the clients would be made from another one.
#[track_caller]
fn document_is_current() {
    let committed = root().join("openapi/openapi.json");
    let committed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&committed).expect("the committed document")).expect("JSON");
    let published = spec();
    assert!(
        committed == published,
        "openapi/openapi.json is out of date ({} bytes are published): cargo run -p waypost -- openapi > openapi/openapi.json",
        to_vec_pretty(&published).expect("JSON").len()
    );
}

/// What docs/integrate.md says after these words.
fn rest(after: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/integrate.md")).expect("the guide");
    page.split_once(after).expect("words of the guide").1.to_owned()
}

/// The program that the guide shows after these words.
fn program(after: &str) -> String {
    rest(after).split_once("\n```").expect("its end").0.to_owned()
}

/// The commands that the guide shows first after these words.
pub fn commands(after: &str) -> Vec<String> {
    let rest = rest(after);
    let shown = rest.split_once("```sh\n").and_then(|(_, shown)| shown.split_once("\n```")).expect("commands").0;
    shown.replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// Types a command of the guide into a shell, for the server of a story instead of the demo's; what it prints.
async fn typed(command: &str, world: &World, folder: &Path, variables: &[(&str, String)]) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", &command.replace("http://localhost:8080", &world.url)]).current_dir(folder);
    shell.envs(variables.iter().map(|(name, value)| (name, value)));
    succeed(shell).await
}

/// What the guide installs is what is locked here.
#[track_caller]
fn is_locked(install: &str, lock: &str) {
    let lock = std::fs::read_to_string(root().join(lock)).expect("a lock file");
    let packages = install.split(' ').filter(|word| !["npm", "pip", "install", "--save-dev", "&&"].contains(word));
    for package in packages {
        let (name, version) = package.split_once("==").or_else(|| package.split_once('@')).expect("a version");
        let locked = [format!("{name}=={version}\n"), format!("\"{name}\": \"{version}\"")];
        assert!(locked.iter().any(|line| lock.contains(line)), "the guide installs {package}, the tests another one");
    }
}

/// The program in this language that docs/integrate.md shows, for the server and the user of a story instead of the demo's.
fn guide(language: &str, variables: &[(&str, String)]) -> String {
    let mut program = program(&format!("```{language}\n"));
    let told = [
        ("http://localhost:8080", "WAYPOST_URL"),
        ("rep1@demo.example", "WAYPOST_REP"),
        ("waypost-demo", "WAYPOST_PASSWORD"),
        ("demo", "WAYPOST_TENANT"),
    ];
    for (shown, name) in told {
        let value = &variables.iter().find(|variable| variable.0 == name).expect("a variable").1;
        let quotes = ['\'', '"'].map(|quote| (format!("{quote}{shown}{quote}"), format!("{quote}{value}{quote}")));
        assert!(quotes.iter().any(|(shown, _)| program.contains(shown)), "the guide does not say {shown}");
        program = quotes.iter().fold(program, |program, (shown, value)| program.replace(shown, value));
    }
    program
}

#[tokio::test]
async fn typescript_clients_tell_the_story() {
    document_is_current();
    typescript_is_made_as_the_guide_shows();
    let Some(npm) = Npm::install("openapi/typescript").await else { return };
    npm.run("generate", &[]).await;
    let (_world, variables) = stage().await;
    let program = guide("ts", &variables);
    std::fs::write(npm.folder().join("generated/guide.ts"), program).expect("written");
    npm.run("build", &[]).await;
    let told = npm.node("generated/built/generated/guide.js", &[]).await;
    assert_eq!(told.lines().collect::<Vec<_>>(), ["applied", "Hopton Optics"]);
    for client in ["fetch", "sdk"] {
        let (world, variables) = stage().await;
        npm.node(&format!("generated/built/{client}.js"), &variables).await;
        world.audit().await;
    }
}

/// The guide's commands are those of the package: to type them as well would take a compiler seconds.
fn typescript_is_made_as_the_guide_shows() {
    let read = |file: &str| -> Value {
        let text = std::fs::read_to_string(root().join("openapi/typescript").join(file)).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    };
    let shown = commands("## TypeScript");
    is_locked(&shown[1], "openapi/typescript/package.json");
    let generate = shown[2].replace("http://localhost:8080/", "../").replace("-o ", "-o generated/");
    let script = format!("npx {}", read("package.json")["scripts"]["generate"].as_str().expect("a script"));
    assert!(script.starts_with(&generate), "{script}");
    let config = read("tsconfig.json");
    let options = &config["compilerOptions"];
    assert_eq!(options["strict"], true);
    let [module, target] = ["module", "target"].map(|option| options[option].as_str().expect("an option"));
    let build = format!("npx tsc --module {module} --target {target} --strict --skipLibCheck index.ts");
    assert_eq!(commands("```ts\n"), [format!("{build} && node index.js")]);
}

#[tokio::test]
async fn a_python_client_tells_the_story() {
    document_is_current();
    let shown = commands("## Python");
    let [install, configure, generate] = &shown[..] else { panic!("other commands: {shown:?}") };
    is_locked(install, "openapi/python/requirements.txt");
    let Some(python) = Python::install().await else { return };
    let (world, variables) = stage().await;
    let folder = root().join("openapi/python/generated");
    std::fs::create_dir_all(&folder).expect("a folder");
    typed(configure, &world, &folder, &[]).await;
    let generate = format!("{generate} --overwrite --fail-on-warning").replace("http://localhost:8080", &world.url);
    let words: Vec<&str> = generate.split(' ').collect();
    python.run("openapi/python/generated", words[0], &words[1..], &[]).await;
    python.run("openapi/python", "python", &["story.py"], &variables).await;
    world.audit().await;
    std::fs::write(folder.join("guide.py"), guide("python", &variables)).expect("written");
    let told = python.run("openapi/python/generated", "python", &["guide.py"], &[]).await;
    assert!(told.starts_with("applied") && told.contains("['Hopton Optics']"), "{told}");
}

#[tokio::test]
async fn a_program_gets_a_key_and_sees_the_whole_company() {
    let world = World::new().await;
    world.rep("Lin Wei").await.account("Hopton Optics").await;
    let shown = commands("## Programs: an API key");
    let [make, list] = &shown[..] else { panic!("other commands: {shown:?}") };
    let admin = [("ADMIN", world.admin().await.token().await)];
    let made: Value = serde_json::from_str(&typed(make, &world, &root(), &admin).await).expect("JSON");
    let list = list.replace("wpk_…", made["key"].as_str().expect("a key"));
    let listed: Value = serde_json::from_str(&typed(&list, &world, &root(), &[]).await).expect("JSON");
    assert_eq!(listed["items"][0]["name"], "Hopton Optics", "{listed}");
}

/// `openapi/rust`, which is generated and compiled with the workspace: `cargo test --workspace` has built it.
#[tokio::test]
async fn a_rust_client_tells_the_story() {
    document_is_current();
    let program = Path::new(env!("CARGO_BIN_EXE_waypost")).with_file_name("generated-client");
    if !present_file(&program) {
        return;
    }
    let changed = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).expect("a file");
    let document = root().join("openapi/openapi.json");
    assert!(
        changed(&program) >= changed(&document),
        "the client is older than the document: cargo build -p generated-client"
    );
    let (world, variables) = stage().await;
    let mut story = Command::new(program);
    story.envs(variables.iter().map(|(name, value)| (name, value)));
    assert!(succeed(story).await.contains("8 writes"));
    world.audit().await;
}
