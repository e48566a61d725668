//! The published document, seen by others' tools: linters, a check against what was released, and thousands of requests
//! that are made from it.

mod breaking;

use std::process::Command;

use serde_json::{Value, json};
use waypost::app::spec;

use crate::tools::{Npm, Python, root};
use crate::world::{Person, World, own_world};
use breaking::{breaks, says_so, unannounced, unexplained};

#[tokio::test]
async fn the_document_lints_clean() {
    let Some(npm) = Npm::install("openapi/lint").await else { return };
    npm.run("redocly", &[]).await;
    npm.run("spectral", &[]).await;
}

/// What is not asked of every answer: that bad input is always refused with 4xx, as null is accepted by rule for optional
/// fields; that good input is always taken, as no schema can tell which ids exist; and what another user gets, since who sees
/// what is tested record by record.
const NOT_ASKED: &str = "negative_data_rejection,positive_data_acceptance,object_level_authorization";

/// The stream of events does not end, and the others would end the session or the user whose token the rest carry.
const ENDING: [&str; 6] = ["listenEvents", "changePassword", "logout", "updateUser", "inviteUser", "acceptInvitation"];

/// How many requests are made up for each operation: as many as CI has time for, or those of `WAYPOST_EXAMPLES`.
fn examples(usual: &str) -> String {
    std::env::var("WAYPOST_EXAMPLES").unwrap_or_else(|_| usual.to_owned())
}

/// Requests by the thousand, made from the document, of one person; what the tool says of them.
async fn schemathesis(python: &Python, world: &World, person: &Person, arguments: &[&str]) -> String {
    let folder = tempfile::TempDir::new().expect("a folder");
    let document = root().join("openapi/openapi.json");
    let token = format!("Authorization: Bearer {}", person.token().await);
    let config = root().join("tests/document/schemathesis.toml");
    let run = [
        "--config-file",
        config.to_str().expect("UTF-8"),
        "run",
        document.to_str().expect("UTF-8"),
        "--url",
        &world.url,
        "--header",
        &token,
        "--checks",
        "all",
        "--exclude-checks",
        NOT_ASKED,
    ];
    let limits =
        ["--seed", "1", "--no-shrink", "--generation-database", "none", "--continue-on-failure", "--warnings", "off"];
    let all: Vec<&str> = run.iter().chain(&limits).chain(arguments).copied().collect();
    python.run(folder.path().to_str().expect("UTF-8"), "st", &all, &[]).await
}

#[tokio::test]
async fn no_request_breaks_the_server_or_gets_an_answer_that_the_document_does_not_know() {
    let Some(python) = Python::install().await else { return };
    let world = own_world().await;
    let (admin, rep) = (world.admin().await, world.rep("Lin Wei").await);
    let account = rep.account("Hopton").await;
    for name in ["Switches", "Routers"] {
        rep.post("/v1/opportunities", json!({ "name": name, "accountId": account })).await.expect(201);
    }
    // One worker: Python 3.11 loses count of its stack where one thread parses while another changes its limit.
    let (few, more) = (examples("5"), examples("20"));
    let mut arguments = vec!["--phases", "examples,coverage,fuzzing", "--max-examples", &few, "--workers", "1"];
    arguments.extend(ENDING.iter().flat_map(|name| ["--exclude-operation-id", name]));
    schemathesis(&python, &world, &admin, &arguments).await;
    admin.get("/v1/me").await.expect(200);
    // Phones are for reps.
    let mut arguments =
        vec!["--phases", "examples,fuzzing", "--max-examples", &more, "--exclude-operation-id", "listenEvents"];
    arguments.extend(["--include-tag", "Sync", "--include-tag", "Leads", "--include-tag", "Plans"]);
    schemathesis(&python, &world, &rep, &arguments).await;
    rep.get("/v1/me").await.expect(200);
    let mut arguments = vec!["--phases", "examples,fuzzing", "--max-examples", &more];
    arguments.extend(ENDING[1..].iter().flat_map(|name| ["--include-operation-id", name]));
    schemathesis(&python, &world, &world.admin().await, &arguments).await;
    world.audit().await;
}

#[tokio::test]
async fn what_was_made_is_read_changed_and_deleted_along_the_document_s_links() {
    let Some(python) = Python::install().await else { return };
    let world = own_world().await;
    let walks = examples("30");
    let mut arguments = vec!["--phases", "stateful", "--max-examples", &walks, "--workers", "1"];
    // A user that was made has no identity that could be taken away.
    arguments.extend(ENDING.iter().chain(&["unlinkUserIdentity"]).flat_map(|name| ["--exclude-operation-id", name]));
    let told = schemathesis(&python, &world, &world.admin().await, &arguments).await;
    let links = told.lines().find_map(|line| line.trim().strip_prefix("API Links:")).expect("what it followed");
    let covered: u32 = links.trim().split(' ').next().and_then(|count| count.parse().ok()).expect("a count");
    assert!(covered >= 5, "{links}");
    world.audit().await;
}

/// What integrators generated their clients from, and what a release puts in its place.
const RELEASED: &str = "openapi/released.json";

/// What git answers; `None` where there is no git, or nothing to tell.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The tag of the last release, such as `v0.1.0`. Before the first one there is none, and what is kept as released may move.
fn last_tag() -> Option<String> {
    let tag = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]);
    if tag.is_none() {
        let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).expect("the changelog");
        let earlier = changelog.lines().filter(|line| line.starts_with("## ")).count() > 1;
        let required = std::env::var_os("WAYPOST_TOOLS").is_some_and(|value| value == "required");
        assert!(!(earlier && required), "the changelog tells of releases, and git knows no tag: git fetch --tags");
        println!("not compared with the tag of the last release: git knows none here");
    }
    tag
}

/// What clients were generated from: the kept document, and the one under the last tag, over which nobody copies by mistake.
fn released() -> Vec<(String, Value)> {
    let kept = std::fs::read_to_string(root().join(RELEASED)).expect("the released document");
    let tagged = last_tag().map(|tag| {
        let document = format!("{tag}:./openapi/openapi.json");
        let text = git(&["show", &document]).unwrap_or_else(|| panic!("git does not show {document}"));
        (document, text)
    });
    let all = std::iter::once((RELEASED.to_owned(), kept)).chain(tagged);
    all.map(|(name, text)| (name, serde_json::from_str(&text).expect("JSON"))).collect()
}

#[test]
fn nothing_breaks_for_clients_of_the_last_release_unless_the_version_says_so() {
    let new = spec();
    for (name, old) in released() {
        let [was, is] = [&old, &new].map(|document| document["info"]["version"].as_str().expect("a version"));
        let found = breaks(&old, &new);
        assert!(
            found.is_empty() || says_so(was, is),
            "This breaks clients of {name} (version {was}):\n  {}\nKeep what they use, or say so: raise the version of \
             the workspace ({is}) to one that may break. A release copies openapi/openapi.json over {RELEASED}.",
            found.join("\n  ")
        );
        let unannounced = unannounced(&old, &new);
        assert!(
            unannounced.is_empty(),
            "No version may take away what {name} does not mark as deprecated:\n  {}\nKeep it, marked, for a release, \
             as docs/integrate.md promises.",
            unannounced.join("\n  ")
        );
    }
}

#[test]
fn what_is_deprecated_says_what_to_use_instead() {
    let mut document = spec();
    assert_eq!(unexplained(&document), Vec::<String>::new());
    let plan = &mut document["components"]["schemas"]["Plan"]["properties"];
    plan["purpose"] = json!({ "type": "string", "description": "Why.", "deprecated": true });
    plan["status"] = json!({ "type": "string", "description": "Use `state` instead.", "deprecated": true });
    assert_eq!(unexplained(&document), ["/components/schemas/Plan/properties/purpose"]);
}

#[test]
fn only_what_was_deprecated_goes() {
    let purpose = "/components/schemas/Plan/properties/purpose";
    let mut old = spec();
    let mut new = old.clone();
    new["components"]["schemas"]["Plan"]["properties"].as_object_mut().expect("fields").remove("purpose");
    new["paths"]["/v1/plans"].as_object_mut().expect("operations").remove("post");
    let told = unannounced(&old, &new).join("\n");
    assert!(told.contains("purpose is gone") && told.contains("post /v1/plans: is gone"), "{told}");
    old.pointer_mut(purpose).expect("a field")["deprecated"] = json!(true);
    assert_eq!(unannounced(&old, &new), ["post /v1/plans: is gone"]);
    old["paths"]["/v1/plans"]["post"]["deprecated"] = json!(true);
    assert_eq!(unannounced(&old, &new), Vec::<String>::new());
    assert!(!breaks(&old, &new).is_empty(), "and the version has to say so all the same");
}

/// What is done to the document, and what is told of it.
type Case = (&'static str, fn(&mut Value), &'static [&'static str]);

#[test]
fn a_break_is_told_with_its_place_and_an_addition_is_none() {
    let cases: &[Case] = &[
        ("nothing", |_| {}, &[]),
        (
            "an operation goes",
            |d| drop(d["paths"]["/v1/plans"].as_object_mut().map(|item| item.remove("post"))),
            &["post /v1/plans: is gone"],
        ),
        (
            "a field goes",
            |d| drop(d["components"]["schemas"]["Plan"]["properties"].as_object_mut().map(|p| p.remove("purpose"))),
            &["Plan (", "purpose is gone"],
        ),
        (
            "a field of an answer may be missing",
            |d| d["components"]["schemas"]["SyncPage"]["required"] = json!(["changes", "cursor", "hasMore"]),
            &["SyncPage (get /v1/sync/changes, 200): head may be missing now"],
        ),
        (
            "a field of a request is required",
            |d| d["components"]["schemas"]["Login"]["required"] = json!(["tenant", "email", "password", "deviceName"]),
            &["Login (post /v1/auth/login, body): deviceName is required now"],
        ),
        (
            "a type changes",
            |d| d["components"]["schemas"]["Opportunity"]["properties"]["amount"]["type"] = json!("number"),
            &["amount: type was \"string\" and is \"number\""],
        ),
        (
            "a value comes that clients do not know",
            |d| d["components"]["schemas"]["PlanStatus"]["enum"].as_array_mut().expect("values").push(json!("late")),
            &["`late` is a value that older clients do not know"],
        ),
        (
            "a value of a request goes",
            |d| d["components"]["schemas"]["MutationOp"]["enum"] = json!(["create", "update", "delete"]),
            &["MutationOp", "`advance` is not taken any more"],
        ),
        (
            "less is accepted",
            |d| d["components"]["schemas"]["Login"]["properties"]["password"]["maxLength"] = json!(20),
            &["password: maxLength is 20 now"],
        ),
        (
            "a parameter goes",
            |d| d["paths"]["/v1/sync/changes"]["get"]["parameters"] = json!([]),
            &["get /v1/sync/changes, parameter \"cursor\": is gone"],
        ),
        (
            "a function of generated clients gets another name",
            |d| d["paths"]["/v1/me"]["get"]["operationId"] = json!("whoAmI"),
            &["get /v1/me: has another operationId"],
        ),
        (
            "a class of generated clients gets another name",
            |d| d["paths"]["/v1/me"]["get"]["tags"] = json!(["Self"]),
            &["get /v1/me: has another tag"],
        ),
        (
            "a type of generated clients gets another name",
            |d| {
                let login = d["components"]["schemas"].as_object_mut().and_then(|all| all.remove("Login"));
                d["components"]["schemas"]["Credentials"] = login.expect("a schema");
                let body = &mut d["paths"]["/v1/auth/login"]["post"]["requestBody"]["content"]["application/json"];
                body["schema"]["$ref"] = json!("#/components/schemas/Credentials");
            },
            &["schema Login: is gone"],
        ),
        (
            "an open operation asks who calls",
            |d| d["paths"]["/v1/auth/login"]["post"]["security"] = json!([{ "bearerAuth": [] }]),
            &["post /v1/auth/login: asks for another proof of who calls"],
        ),
        (
            "a token is sent in another way",
            |d| d["components"]["securitySchemes"]["bearerAuth"]["scheme"] = json!("basic"),
            &["security scheme bearerAuth: is another one"],
        ),
        ("an operation is opened", |d| d["paths"]["/v1/me"]["get"]["security"] = json!([]), &[]),
        (
            "a header goes",
            |d| d["paths"]["/v1/plans/{id}"]["get"]["responses"]["200"]["headers"] = json!({}),
            &["get /v1/plans/{id}, 200, header ETag: is gone", "header RateLimit: is gone"],
        ),
        (
            "a header may be missing",
            |d| d["components"]["headers"]["RateLimit"]["required"] = json!(false),
            &["get /v1/me, 200, header RateLimit: may be missing now"],
        ),
        (
            "an object takes no more than it names",
            |d| d["components"]["schemas"]["Login"]["additionalProperties"] = json!(false),
            &["Login (post /v1/auth/login, body): takes no other members now"],
        ),
        (
            "an optional field becomes a map",
            |d| {
                let fields = &mut d["components"]["schemas"]["Account"]["properties"];
                fields["position"] = json!({ "type": "object", "additionalProperties": { "type": "number" } });
            },
            &["position: is a map now"],
        ),
        (
            "a map becomes an object",
            |d| d["components"]["schemas"]["AccountFields"]["properties"]["custom"] = json!({ "type": "object" }),
            &["custom: is no map any more"],
        ),
        (
            "a list takes nothing twice",
            |d| d["components"]["schemas"]["PushRequest"]["properties"]["mutations"]["uniqueItems"] = json!(true),
            &["mutations: takes nothing twice now"],
        ),
        (
            "a bound is left out",
            |d| d["components"]["schemas"]["CreateAttachment"]["properties"]["bytes"]["exclusiveMinimum"] = json!(true),
            &["bytes: minimum itself is not taken any more"],
        ),
        (
            "an optional field and an operation come",
            |d| {
                d["components"]["schemas"]["Plan"]["properties"]["colour"] = json!({ "type": "string" });
                d["paths"]["/v1/colours"] = json!({ "get": { "operationId": "listColours" } });
            },
            &[],
        ),
    ];
    let old = spec();
    for (name, change, told) in cases {
        let mut new = old.clone();
        change(&mut new);
        let found = breaks(&old, &new);
        assert_eq!(found.is_empty(), told.is_empty(), "{name}: {found:#?}");
        let joined = found.join("\n");
        assert!(told.iter().all(|words| joined.contains(words)), "{name}: {found:#?}");
    }
}

#[test]
fn the_version_may_announce_a_break() {
    for (old, new, said) in
        [("0.1.0", "0.1.1", false), ("0.1.0", "0.2.0", true), ("1.2.0", "1.3.0", false), ("1.2.0", "2.0.0", true)]
    {
        assert_eq!(says_so(old, new), said, "{old} → {new}");
    }
}
