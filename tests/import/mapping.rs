//! Mappings that cannot be used: the error names file and key, and nothing is written.

use std::path::Path;
use std::process::Command;

use waypost::import::{Mapping, Stopped};

use super::{Desk, SMALL, TRACES};

fn wrong(text: &str) -> String {
    match Mapping::parse(Path::new("test.toml"), text) {
        Err(wrong) => wrong.to_string(),
        Ok(_) => panic!("accepted:\n{text}"),
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (from, to, place) in [
        ("path = \"deals.csv\"", "paths = \"deals.csv\"", "line 32, column 1"),
        ("kind = \"opportunity\"", "kind = \"plan\"", "file 4 (deals.csv), kind"),
        ("amount = \"value\"", "amuont = \"value\"", "file 4 (deals.csv), fields.amuont"),
        ("externalId = \"id\"\n", "", "file 4 (deals.csv), fields.externalId"),
        ("ownerId = { column = \"rep\", by = \"name\" }\n", "", "file 4 (deals.csv), fields.ownerId"),
        ("amount = \"value\"", "amount = { column = \"value\", by = \"name\" }", "fields.amount.by"),
        ("amount = \"value\"", "amount = { column = \"value\", value = \"1\" }", "exactly one of"),
        ("amount = \"value\"", "amount = { colum = \"value\" }", "unknown field `colum`"),
        ("delimiter = \";\"", "delimiter = \"；\"", "file 4 (deals.csv), delimiter"),
        ("\"%d.%m.%Y\"", "\"%Q\"", "file 4 (deals.csv), dates"),
        ("lost_from = \"pre_sale\"", "lost_from = \"signed\"", "stage.lost_from"),
        ("lost_reason = \"price\"", "lost_reason = \"other\"", "stage.lost_note"),
        ("{id}[ with", "{id[ with", "`{` without `}`"),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let told = wrong(&SMALL.replacen(from, to, 1));
        assert!(told.starts_with("test.toml: ") && told.contains(place), "{place}\n{told}");
    }
}

#[tokio::test]
async fn files_must_have_the_columns_before_anything_is_written() {
    let desk = Desk::with("id;rep;account;stage;offered;closed;worth\n").await;
    let before = desk.ask(TRACES).await;
    let Err(Stopped::Mapping(wrong)) = desk.attempt(SMALL, false).await else { panic!("accepted") };
    assert_eq!(
        wrong.to_string(),
        "test.toml: file 4 (deals.csv), fields.amount: the file has no column `value`. It has id, rep, account, stage, \
         offered, closed, worth"
    );
    std::fs::remove_file(desk.folder.path().join("accounts.csv")).unwrap();
    let Err(Stopped::Mapping(wrong)) = desk.attempt(SMALL, false).await else { panic!("accepted") };
    assert!(wrong.to_string().starts_with("test.toml: file 3 (accounts.csv), path: "), "{wrong}");
    assert_eq!(desk.ask(TRACES).await, before);
}

#[test]
fn the_command_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mapping.toml");
    std::fs::write(&mapping, "[[file]]\npath = 3\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let output = command.args(["import", "--tenant", "acme", "--mapping"]).arg(&mapping).current_dir(&folder).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("mapping.toml") && told.contains("line 2"), "{told}");
}
