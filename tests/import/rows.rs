//! Rows that cannot be imported: each costs itself alone, and says why.

use super::{Desk, SMALL, told};

/// By line: kind and reason.
fn reasons(text: &str) -> Vec<(String, String, String)> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| (row[0].to_owned(), row[1].to_owned(), row[2].to_owned())).collect()
}

#[tokio::test]
async fn each_refused_row_says_why_and_stops_nothing() {
    let broken = "id;rep;account;stage;offered;closed;value\n\
        1;Lin Wei;Hopton;Gewonnen;01.02.2025;15.03.2025;1000\n\
        2;Lin Wei;Hopton;Angebot;31.02.2025;;5\n\
        3;Zhang San;Hopton;Neu;;;5\n\
        4;Lin Wei;Hopton;Neu\n\
        5;\"Lin Wei;Hopton;Neu;;;5\n\
        6;Lin Wei;Hopton;Neu;;;-5\n\
        7;Lin Wei;Hopton;Gewonnen;01.02.2025;;5\n\
        8;Lin Wei;Hopton;Gewonnen;01.02.2025;15.03.2025;\n\
        9;Lin Wei;Hopton;Gewonnen;01.04.2025;15.03.2025;5\n\
        10;Lin Wei;Hopton;Schwebend;;;many\n\
        1;Lin Wei;Hopton;Neu;;;1\n\
        ;Lin Wei;Hopton;Neu;;;1\n\
        11;Lin Wei;Hopton;Angebot;01.02.2031;;1\n\
        12;Lin Wei;\"Optic, Inc.\";Neu;;;12\n";
    let desk = Desk::with(broken).await;
    let summary = desk.import(SMALL).await;
    assert_eq!(told(&summary.counts[3]), [2, 0, 0, 0, 12], "{summary}");
    assert_eq!(summary.refused, [desk.folder.path().join("deals.refused.csv")]);

    let refused = desk.read("deals.refused.csv");
    let expected = [
        ("3", "offered `31.02.2025`: is no day in the form %d.%m.%Y"),
        ("4", "ownerId: there is no user with the name `Zhang San`"),
        ("5", "has 4 columns where the first row names 7"),
        ("6", "a quotation mark is not closed: close it, or double it within a quoted text"),
        ("7", "amount: Must not be negative."),
        ("8", "signedOn"),
        ("9", "amount"),
        ("10", "signed was entered on 2025-03-15, before pre_sale on 2025-04-01"),
        ("11", "amount `many`: expected a decimal such as 12.50"),
        ("11", "stage `Schwebend`: is none of intent, pre_sale, negotiation, signed, lost"),
        ("12", "line 2 has the externalId `1` too, with other values"),
        ("13", "externalId is empty"),
        ("14", "occurred: Lies after the moment of entry"),
    ];
    let told = reasons(&refused);
    assert_eq!(told.len(), 12, "{refused}");
    for (line, reason) in expected {
        assert!(
            told.iter().any(|row| row.0 == line && row.1 == "opportunity" && row.2.contains(reason)),
            "{line} {reason}\n{refused}"
        );
    }
    // The original columns follow, so that the file can be mended and imported.
    assert!(refused.starts_with("refused_line,refused_as,refused_because,id,rep,account,stage,offered,closed,value\n"));
    assert!(refused.contains(",3,Zhang San,Hopton,Neu,,,5\n"), "{refused}");
    let mended = "refused_line;id;rep;account;stage;offered;closed;value\n4;3;Chen Jie;Hopton;Neu;;;5\n";
    desk.file("deals.csv", mended);
    let again = desk.import(SMALL).await;
    assert_eq!(super::told(&again.counts[3]), [1, 0, 0, 0, 0], "{again}");
    assert!(!desk.folder.path().join("deals.refused.csv").exists(), "what is mended is not refused any more");
}

/// Only the database knows of this one: an address that somebody has who was not imported.
#[tokio::test]
async fn what_the_database_refuses_costs_one_row() {
    let desk = Desk::with("id;rep;account;stage;offered;closed;value\n").await;
    let admin = desk.world.admin().await;
    let taken = serde_json::json!({ "email": "lin-wei.north@example.com", "name": "Lin Wei", "role": "rep" });
    admin.post("/v1/users", taken).await.expect(201);
    let many: String = (0..700).map(|n| format!("Rep {n},North\n")).collect();
    desk.file("people.csv", &format!("name,team\n{many}Lin Wei,North\n"));
    desk.file("accounts.csv", "name,rep,parent,millions,country\n");
    for summary in [desk.rehearse(SMALL).await, desk.import(SMALL).await] {
        assert_eq!(told(&summary.counts[1]), [700, 0, 0, 0, 1], "{summary}");
        let refused = desk.read("people.refused.csv");
        assert!(refused.contains("702,user,email: Another user has this e-mail address."), "{refused}");
    }
}

#[tokio::test]
async fn a_name_that_several_have_is_refused() {
    let desk = Desk::with("id;rep;account;stage;offered;closed;value\n1;Lin Wei;Hopton;Neu;;;5\n").await;
    let lin = desk.world.rep("Someone").await;
    lin.account("Hopton").await;
    let summary = desk.import(SMALL).await;
    assert_eq!(told(&summary.counts[3]), [0, 0, 0, 0, 1], "{summary}");
    let refused = desk.read("deals.refused.csv");
    assert!(
        refused.contains("accountId: several accounts are called `Hopton`: refer to it by externalId"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_refers_to_nothing_or_to_itself_is_refused() {
    let desk = Desk::with("id;rep;account;stage;offered;closed;value\n").await;
    desk.file(
        "accounts.csv",
        "name,rep,parent,millions,country\nA,Lin Wei,B,,\nB,Lin Wei,C,,\nC,Lin Wei,,,\nD,Lin Wei,D,,\nE,Lin Wei,Z,,\n",
    );
    let summary = desk.import(SMALL).await;
    assert_eq!(told(&summary.counts[2]), [3, 0, 0, 0, 2], "{summary}");
    let refused = desk.read("accounts.refused.csv");
    assert!(refused.contains("6,account,parentId: there is no account with the externalId `Z`"), "{refused}");
}
