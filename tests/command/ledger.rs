//! `waypost ledger verify` says whether the books are right, and ends accordingly.

use sea_orm::ConnectionTrait;
use waypost::database::{Cluster, connect_as_owner};

use super::{Server, directory, done, program, refused, run};

#[tokio::test]
async fn the_books_are_verified_from_the_command_line() {
    let directory = directory();
    let data = directory.path();
    let waypost = |arguments: &str| {
        let mut command = program(arguments.split(' '));
        command.env("WAYPOST_DATA", data);
        command
    };
    done(&mut waypost("tenant create --slug acme --name Acme --time-zone Asia/Shanghai"));
    done(&mut waypost("user create --tenant acme --email rosa@acme.example --name Rosa --role manager"));
    let server = Server::start(data, &[]);
    assert_eq!(done(&mut waypost("ledger verify")), "The books are right: 0 entries of 1 tenant(s).\n");

    let owner = connect_as_owner(&Cluster::url_of_running(data, "waypost").unwrap(), 1).await.unwrap();
    let forged = "INSERT INTO points_balance SELECT tenant_id, id, 1, now(), now(), NULL, 5, 0, 0, 0 FROM \"user\"";
    owner.execute_unprepared(forged).await.unwrap_or_else(|cause| panic!("{cause}"));
    let said = run(&mut waypost("ledger verify --tenant acme"));
    assert!(!said.success, "{}", said.out);
    assert!(said.out.contains("A balance is the sum of its entries"), "{}", said.out);
    assert!(said.err.contains("the books of 1 tenant(s) have"), "{}", said.err);
    let nobody = refused(&mut waypost("ledger verify --tenant nobody"));
    assert!(nobody.contains("tenant as `nobody`"), "{nobody}");
    server.stop();
}
