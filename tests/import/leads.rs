//! Leads from a file go into the pool; a second run finds what the first one made.

use super::{Desk, told};

const LEADS: &str = r#"
[[file]]
path = "leads.csv"
kind = "lead"
[file.fields]
externalId = "id"
name = "company"
source = { value = "exhibition list" }
contactName = "person"
phone = "phone"
region = "city"
employees = "size"
"#;

#[tokio::test]
async fn a_list_of_companies_fills_the_pool() {
    let desk = Desk::new().await;
    desk.file(
        "leads.csv",
        "id,company,person,phone,city,size\n\
         1,霍普光通信,王芳,021 5555 0100,Shanghai,120\n\
         2,Northwind,,,Beijing,many\n\
         3,Another name,Li Na,+86 21 55550100,Shanghai,\n",
    );
    let summary = desk.import(LEADS).await;
    assert_eq!(told(&summary.counts[0]), [2, 0, 0, 0, 1], "{summary}");
    let chen = desk.world.manager("Chen Hua").await;
    let leads = chen.get("/v1/leads?sort=name&status=pooled").await.expect(200);
    assert_eq!(leads.each("name"), ["Another name", "霍普光通信"]);
    assert_eq!(leads.each("source"), ["exhibition list", "exhibition list"]);
    // Two rows of one file, one number.
    let likenesses: Vec<_> =
        leads.items().iter().flat_map(|lead| lead["likenesses"]["records"].as_array().unwrap()).collect();
    assert_eq!(likenesses.len(), 1, "{likenesses:?}");

    assert_eq!(told(&desk.import(LEADS).await.counts[0]), [0, 0, 2, 0, 1]);
    desk.file("leads.csv", "id,company,person,phone,city,size\n1,霍普光通信,王芳,021 5555 0100,Shanghai,150\n");
    assert_eq!(told(&desk.import(LEADS).await.counts[0]), [0, 1, 0, 0, 0]);
}
