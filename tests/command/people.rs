//! Tenants and users made from the command line can work at once.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{Server, directory, done, fed, program, refused};

async fn post(server: &Server, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = Client::new().post(format!("{}{path}", server.url)).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn log_in(server: &Server, email: &str, password: &str) -> StatusCode {
    post(server, "/v1/auth/login", json!({ "tenant": "acme", "email": email, "password": password })).await.0
}

/// The invitation in what a command printed.
fn invitation(said: &str) -> String {
    said.split_whitespace().find(|word| word.starts_with("wpi_")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[tokio::test]
async fn from_nothing_to_a_working_company() {
    let directory = directory();
    let data = directory.path();
    let waypost = |arguments: &str| {
        let mut command = program(arguments.split(' '));
        command.env("WAYPOST_DATA", data);
        command
    };
    let made = done(&mut waypost("tenant create --slug acme --name Acme --time-zone Asia/Shanghai"));
    assert!(made.contains("waypost user create --tenant acme"), "{made}");

    let server = Server::start(data, &[("WAYPOST_LOG", "trace")]);
    let said = done(&mut waypost("user create --tenant acme --email Rosa@Acme.example --name Rosa --role admin"));
    let token = invitation(&said);
    let accepted = json!({ "token": token, "newPassword": "correct horse" });
    let (status, session) = post(&server, "/v1/auth/invitation", accepted).await;
    assert_eq!(status, StatusCode::OK, "{session}");
    assert_eq!(log_in(&server, "rosa@acme.example", "correct horse").await, StatusCode::OK);
    let access = session["accessToken"].as_str().unwrap();
    let me = Client::new().get(format!("{}/v1/me", server.url)).bearer_auth(access).send().await.unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!((&me["user"]["role"], &me["tenant"]["timeZone"]), (&json!("admin"), &json!("Asia/Shanghai")));

    let mut with_password = waypost(
        "user create --tenant acme --email lin@acme.example --name Lin --role rep --team Acme --password-stdin",
    );
    let said = fed(&mut with_password, "battery staple\n");
    assert!(said.success && !said.out.contains("wpi_"), "{}{}", said.out, said.err);
    assert_eq!(log_in(&server, "lin@acme.example", "battery staple").await, StatusCode::OK);

    let token_after = invitation(&done(&mut waypost("user reset-password --tenant acme --email rosa@acme.example")));
    assert_eq!(log_in(&server, "rosa@acme.example", "correct horse").await, StatusCode::UNAUTHORIZED);
    let refresh = json!({ "refreshToken": session["refreshToken"] });
    assert_eq!(post(&server, "/v1/auth/refresh", refresh).await.0, StatusCode::UNAUTHORIZED);
    let mut reset = waypost("user reset-password --tenant acme --email rosa@acme.example --password-stdin");
    assert!(fed(&mut reset, "another horse").success);
    assert_eq!(log_in(&server, "rosa@acme.example", "another horse").await, StatusCode::OK);
    let void = json!({ "token": token_after, "newPassword": "a third horse" });
    assert_eq!(post(&server, "/v1/auth/invitation", void).await.0, StatusCode::UNAUTHORIZED);

    let log = server.log();
    for secret in [&token, &token_after, access, "correct horse", "another horse", "battery staple"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    server.stop();
}

#[test]
fn what_is_wrong_is_told_by_the_name_of_its_flag() {
    let directory = directory();
    let waypost = |arguments: &[&str]| {
        let mut command = program(arguments);
        command.env("WAYPOST_DATA", directory.path());
        command
    };
    let told =
        refused(&mut waypost(&["tenant", "create", "--slug", "Acme!", "--name", " ", "--time-zone", "Shanghai"]));
    for flag in ["--slug: `Acme!`", "--name: must not be empty", "--time-zone: `Shanghai`"] {
        assert!(told.contains(flag), "{flag} is missing in:\n{told}");
    }
    let rosa = ["user", "create", "--tenant", "acme", "--name", "Rosa", "--role", "admin", "--email"];
    let create = |email: &str, more: &[&str]| {
        let arguments: Vec<&str> = rosa.iter().chain(&[email]).chain(more).copied().collect();
        waypost(&arguments)
    };
    let told = refused(&mut create("rosa", &[]));
    assert!(told.contains("--email") && told.contains("lin.wei@example.com"), "{told}");
    let told = refused(&mut create("rosa@acme.example", &[]));
    assert!(told.contains("no such tenant as `acme`"), "{told}");
    done(&mut waypost(&["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Europe/Berlin"]));
    let told = refused(&mut create("rosa@acme.example", &["--team", "North"]));
    assert!(told.contains("--team: There is no such team."), "{told}");
    let short = fed(&mut create("rosa@acme.example", &["--password-stdin"]), "short\n");
    assert!(!short.success && short.err.contains("--password-stdin: Must have 10"), "{}", short.err);
    done(&mut create("rosa@acme.example", &[]));
    let told = refused(&mut create("ROSA@acme.example", &[]));
    assert!(told.contains("--email: Another user has this e-mail address."), "{told}");
    let told = refused(&mut waypost(&["user", "reset-password", "--tenant", "acme", "--email", "lin@acme.example"]));
    assert!(told.contains("--email: There is no such user."), "{told}");
}
