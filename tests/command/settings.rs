//! What the program says of its settings, and of wrong ones.

use std::fs;

use serde_json::Value;
use waypost::auth::token::Keys;

use super::{directory, done, program, refused};

#[test]
fn help_names_every_variable() {
    let help = done(&mut program(["serve", "--help"]));
    for variable in [
        "WAYPOST_DATA",
        "DATABASE_URL",
        "WAYPOST_LISTEN",
        "WAYPOST_PUBLIC_URL",
        "WAYPOST_SIGNING_KEY",
        "WAYPOST_RETIRED_KEYS",
        "WAYPOST_TRUSTED_PROXIES",
        "WAYPOST_DATABASE_CONNECTIONS",
        "WAYPOST_SHUTDOWN_SECONDS",
        "WAYPOST_REQUESTS_PER_MINUTE",
        "WAYPOST_LOG",
        "WAYPOST_LOG_FORMAT",
    ] {
        assert!(help.contains(&format!("[env: {variable}")), "{variable} is missing in:\n{help}");
    }
    let commands = done(&mut program(["--help"]));
    for command in ["demo", "serve", "migrate", "openapi", "tenant", "user", "restore-done", "Examples:"] {
        assert!(commands.contains(command), "{command} is missing in:\n{commands}");
    }
}

#[test]
fn help_shows_no_secret() {
    let mut command = program(["serve", "--help"]);
    for variable in ["DATABASE_URL", "WAYPOST_SIGNING_KEY", "WAYPOST_RETIRED_KEYS"] {
        command.env(variable, "hush");
    }
    assert!(!done(&mut command).contains("hush"));
}

#[test]
fn a_wrong_value_is_told_with_its_variable_and_the_remedy() {
    let directory = directory();
    let data = directory.path().join("data");
    let elsewhere = ("DATABASE_URL", "postgres://rosa:hush@127.0.0.1:1/sales");
    let rubbish = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----";
    for (settings, named, remedy) in [
        (vec![("WAYPOST_LISTEN", "everywhere")], "WAYPOST_LISTEN", "127.0.0.1:8080"),
        (vec![("WAYPOST_LISTEN", "192.0.2.1:80")], "WAYPOST_LISTEN", "address of this machine"),
        (vec![("WAYPOST_PUBLIC_URL", "crm.example.com")], "WAYPOST_PUBLIC_URL", "https://"),
        (vec![("WAYPOST_LOG_FORMAT", "xml")], "WAYPOST_LOG_FORMAT", "`text` or `json`"),
        (vec![("WAYPOST_LOG", "poem=loud")], "WAYPOST_LOG", "`info`"),
        (vec![("WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8, here")], "WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8"),
        (vec![("WAYPOST_DATABASE_CONNECTIONS", "0")], "WAYPOST_DATABASE_CONNECTIONS", "from 1 to 1000"),
        (vec![("WAYPOST_REQUESTS_PER_MINUTE", "0")], "WAYPOST_REQUESTS_PER_MINUTE", "from 60 to 1000000"),
        (vec![("WAYPOST_MAIL_FROM", "nomail")], "WAYPOST_MAIL_FROM", "waypost@example.com"),
        (vec![("WAYPOST_SHUTDOWN_SECONDS", "soon")], "WAYPOST_SHUTDOWN_SECONDS", "from 0 to 3600"),
        (vec![("DATABASE_URL", "mysql://rosa:hush@db/sales")], "DATABASE_URL", "postgres://user:password@host"),
        (vec![("DATABASE_URL", "postgres://rosa:hush@db:port/sales")], "DATABASE_URL", "postgres://user:password@host"),
        (vec![elsewhere], "WAYPOST_SIGNING_KEY", "openssl genpkey -algorithm ed25519"),
        (vec![elsewhere, ("WAYPOST_SIGNING_KEY", "")], "WAYPOST_SIGNING_KEY", "openssl genpkey"),
        (vec![("WAYPOST_SIGNING_KEY", rubbish)], "WAYPOST_SIGNING_KEY", "openssl genpkey"),
        (vec![("WAYPOST_SIGNING_KEY", "/nowhere/key.pem")], "WAYPOST_SIGNING_KEY", "path of a file"),
        (vec![("WAYPOST_RETIRED_KEYS", "/nowhere/key.pem")], "WAYPOST_RETIRED_KEYS", "path of a file"),
    ] {
        let mut command = program(["serve"]);
        command.env("WAYPOST_DATA", &data).env("WAYPOST_LISTEN", "127.0.0.1:0").envs(settings.clone());
        let told = refused(&mut command);
        assert!(told.contains(named) && told.contains(remedy), "{settings:?}:\n{told}");
        assert!(!told.contains("hush"), "{told}");
        assert!(!data.join("data").exists(), "Postgres was started in spite of {settings:?}");
    }
}

#[test]
fn a_data_directory_that_is_none_is_told_with_the_remedy() {
    let directory = directory();
    let file = directory.path().join("a file");
    fs::write(&file, "no directory").unwrap();
    let key = Keys::generate().unwrap().to_pem().unwrap().expose().to_owned();
    for arguments in [vec!["serve"], vec!["migrate"]] {
        for key in [None, Some(&key)] {
            let mut command = program(arguments.clone());
            command.env("WAYPOST_DATA", file.join("data")).env("WAYPOST_LISTEN", "127.0.0.1:0");
            command.env("WAYPOST_FILES", directory.path().join("files"));
            command.envs(key.map(|key| ("WAYPOST_SIGNING_KEY", key)));
            let told = refused(&mut command);
            assert!(told.contains("WAYPOST_DATA") && told.contains("this user may write"), "{arguments:?}:\n{told}");
        }
    }
}

#[test]
fn a_database_that_does_not_answer_is_told_with_the_reason() {
    let mut command = program(["migrate", "--database-url", "postgres://rosa:hush@127.0.0.1:1/sales"]);
    let told = refused(&mut command);
    assert!(told.contains("DATABASE_URL") && told.contains("refused") && told.contains("Check host"), "{told}");
    assert!(!told.contains("hush"), "{told}");
}

#[test]
fn the_document_needs_no_database() {
    let elsewhere = directory();
    let mut command = program(["openapi"]);
    command.env("DATABASE_URL", "rubbish").current_dir(elsewhere.path());
    let document: Value = serde_json::from_str(&done(&mut command)).unwrap();
    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(document["paths"]["/healthz"]["get"]["operationId"], "getHealth");
    assert_eq!(document["paths"]["/v1/auth/login"]["post"]["operationId"], "login");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
