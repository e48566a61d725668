//! What files may be, and what they may not: found out by content, refused in words, in bounded memory.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use waypost::state::{Beside, State};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::jobs::{Part, counts, ended, products, refused, send};
use super::{Desk, told};
use crate::world::{Person, World};

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Products" sheetId="1" r:id="r1"/></sheets></workbook>"#;
const SHEETS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
/// Style 1 is a day.
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

/// A workbook with one sheet of these rows, and a further part.
pub fn workbook(rows: &str, further: Option<(&str, &[u8])>) -> Vec<u8> {
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELATIONS.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", SHEETS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    for (name, content) in parts.into_iter().chain(further) {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A row of cells that are texts, numbers or whole cells as XML.
pub fn row(number: usize, cells: &[&str]) -> String {
    let cell = |(column, text): (usize, &&str)| {
        let place = format!("{}{number}", char::from(b'A' + column as u8));
        match text.strip_prefix('<') {
            Some(_) => text.replace("<c", &format!("<c r=\"{place}\"")),
            None if text.is_empty() => String::new(),
            None => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().enumerate().map(cell).collect::<String>())
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

async fn import(world: &World, admin: &Person, kind: &str, name: &str, content: &[u8]) -> Value {
    let sent = send(admin, &[Part::Text("kind", kind), Part::File(name, content)], &[]).await.expect(202);
    ended(world, admin, sent.id()).await.body
}

const TEXT: &str =
    "externalId,name,series\n1,霍普光通信,光学\n2,\"联通, 电信\",每月拜访一次\n3,杭州的老客户,普通产品\n";

#[tokio::test]
async fn the_same_text_in_any_encoding_is_the_same_import() {
    let world = World::new().await;
    let admin = world.admin().await;
    let marked = format!("\u{feff}{TEXT}");
    let le: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let gbk = encoding_rs::GBK.encode(TEXT).0.into_owned();
    let semicolons = TEXT.replace("\"联通, 电信\"", "联通，电信").replace(',', ";").replace('，', ", ");
    let lines: String =
        [("1", "霍普光通信", "光学"), ("2", "联通, 电信", "每月拜访一次"), ("3", "杭州的老客户", "普通产品")]
            .map(|(id, name, series)| format!("{}\n", json!({ "name": name, "externalId": id, "series": series })))
            .concat();
    let book: String = [
        ["externalId", "name", "series"],
        ["1", "霍普光通信", "光学"],
        ["2", "联通, 电信", "每月拜访一次"],
        ["3", "杭州的老客户", "普通产品"],
    ]
    .iter()
    .zip(1..)
    .map(|(cells, number)| row(number, cells))
    .collect();
    let mut first = true;
    for (content, format, encoding) in [
        (TEXT.as_bytes().to_vec(), "csv", Some("UTF-8")),
        (marked.as_bytes().to_vec(), "csv", Some("UTF-8")),
        (le, "csv", Some("UTF-16LE")),
        (be, "csv", Some("UTF-16BE")),
        (gbk.clone(), "csv", Some("GBK")),
        (gzip(&gbk), "csv", Some("GBK")),
        (semicolons.into_bytes(), "csv", Some("UTF-8")),
        (lines.into_bytes(), "ndjson", Some("UTF-8")),
        (workbook(&book, None), "xlsx", None),
    ] {
        // The name tells nothing.
        let done = import(&world, &admin, "product", "products.dat", &content).await;
        assert_eq!(done["status"], "done", "{format} {encoding:?}: {done:#}");
        assert_eq!(
            (done["files"][0]["format"].as_str(), done["files"][0]["encoding"].as_str()),
            (Some(format), encoding)
        );
        let expected = if first { [3, 0, 0, 0, 0] } else { [0, 0, 3, 0, 0] };
        assert_eq!(counts(&done), expected, "{format} {encoding:?}: {done:#}");
        first = false;
    }
    let names = admin.get("/v1/products?sort=createdAt").await.expect(200);
    let mut names = names.each("name");
    names.sort_unstable();
    assert_eq!(names, ["杭州的老客户", "联通, 电信", "霍普光通信"]);
}

#[tokio::test]
async fn a_workbook_has_days_numbers_and_formulas() {
    let world = World::new().await;
    let admin = world.admin().await;
    let lin = world.rep("Lin Wei").await;
    let owner = lin.id.to_string();
    let long = "x".repeat(600_000);
    let head = ["externalId", "name", "ownerId", "amount", "currency", "expectedOn", "note"];
    let rows = [
        row(1, &head),
        // A sum that the program stored, a day, a number that rounding made ugly.
        row(2, &["1", "Stored", &owner, "<c><f>SUM(1,2)</f><v>3</v></c>", "CNY", "<c s=\"1\"><v>46084</v></c>", ""]),
        row(
            3,
            &[
                "2",
                "Rounded",
                &owner,
                "<c><v>0.30000000000000004</v></c>",
                "CNY",
                "",
                "<c t=\"str\"><f>\"\"</f><v></v></c>",
            ],
        ),
        row(5, &["3", "Never calculated", &owner, "<c><f>SUM(1,2)</f></c>", "CNY", "", ""]),
        row(6, &["4", "Divided by nothing", &owner, "<c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>", "CNY", "", ""]),
        row(7, &["5", "Too wide", &owner, "1", "CNY", "", "", "more"]),
        row(8, &["6", "Told thrice", &owner, &"<c><f>SUM(1,2)</f></c>".repeat(3), "CNY", "", ""]),
        row(9, &["7", &long, &owner, "1", "CNY", "", &long]),
    ];
    let done = import(&world, &admin, "opportunity", "deals.xlsx", &workbook(&rows.concat(), None)).await;
    assert_eq!((done["status"].as_str(), counts(&done)), (Some("done"), [2, 0, 0, 0, 5]), "{done:#}");
    let stored = admin.get("/v1/opportunities?externalId=1").await.expect(200);
    assert_eq!(
        (&stored.items()[0]["amount"], &stored.items()[0]["expectedOn"]),
        (&json!("3.00"), &json!("2026-03-03"))
    );
    assert_eq!(admin.get("/v1/opportunities?externalId=2").await.expect(200).items()[0]["amount"], "0.30");
    let told = refused(&admin, done["id"].as_str().unwrap().parse().unwrap(), "").await;
    for reason in [
        "5,opportunity,cell D5 holds a formula without a stored value",
        "6,opportunity,cell D6 holds the error #DIV/0!",
        "7,opportunity,has 8 columns where the first row names 7",
        "8,opportunity,cell D8 holds a formula without a stored value: open the file in a spreadsheet program and save it,",
        "9,opportunity,is longer than 1 MiB",
    ] {
        assert!(told.contains(reason), "{reason}\n{}", &told[..2_000]);
    }
}

#[tokio::test]
async fn a_workbook_that_cannot_be_read_to_its_end_is_read_as_far_as_it_can() {
    let world = World::new().await;
    let admin = world.admin().await;
    let cells = |number: usize| {
        let (id, name) = (format!("P-{number}"), format!("Product {number}"));
        row(number, &[id.as_str(), name.as_str()])
    };
    let wide = cells(550).replace("</row>", "<c r=\"CBT550\"><v>1</v></c></row>");
    let rows: String = (2..=600).map(|number| if number == 550 { wide.clone() } else { cells(number) }).collect();
    let book = workbook(&format!("{}{rows}", row(1, &["externalId", "name"])), None);
    // A dry run begins anew with each attempt: what it did is no progress, and the attempt counts.
    for (dry_run, there, attempts) in [("true", "0", "1"), ("false", "548", "0")] {
        let form = [Part::Text("kind", "product"), Part::Text("dryRun", dry_run), Part::File("p.xlsx", &book)];
        let id = send(&admin, &form, &[]).await.expect(202).id();
        let failed = ended(&world, &admin, id).await.body;
        assert_eq!((failed["status"].as_str(), counts(&failed)), (Some("failed"), [548, 0, 0, 0, 0]), "{failed:#}");
        assert_eq!(
            failed["error"],
            "p.xlsx has a cell CBT550, beyond the 2000 columns and 1048576 rows that can be imported: delete what stands there. \
             It was read up to row 549."
        );
        assert_eq!(super::ask(&world, "SELECT count(*)::text FROM product WHERE tenant_id = $1").await, there);
        let tried = format!("SELECT attempts::text FROM import WHERE tenant_id = $1 AND id = '{id}'");
        assert_eq!(super::ask(&world, &tried).await, attempts);
    }

    // Rows that wait for one further down are not lost with it; nor is what the library cannot count the end.
    let owner = world.rep("Lin Wei").await.id.to_string();
    let rows = [
        row(1, &["externalId", "name", "kind", "ownerId", "parentId"]),
        row(2, &["A-1", "Daughter", "business", &owner, "A-2"]),
        row(3, &["A-2", "Mother", "business", &owner, ""]),
        row(4, &["A-3", "Orphan", "business", &owner, "A-4"]),
        // Nobody knows whether it was whole.
        row(5, &["A-5", "Last", "business", &owner, ""]),
        "<row r=\"6\"><c r=\"A99999999999\"><v>1</v></c></row>".to_owned(),
    ];
    let failed = import(&world, &admin, "account", "a.xlsx", &workbook(&rows.concat(), None)).await;
    assert_eq!((failed["status"].as_str(), counts(&failed)), (Some("failed"), [2, 0, 0, 0, 1]), "{failed:#}");
}

#[tokio::test]
async fn what_is_no_list_of_records_is_told_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (content, told) in [
        (b"".as_slice(), "is empty"),
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        (b"MZ\x00\x01\x00\x00\x00\x03", "send CSV"),
    ] {
        let form = [Part::Text("kind", "product"), Part::File("p.csv", content)];
        let answer = send(&admin, &form, &[]).await.expect(422);
        assert_eq!(answer.problem(), ("validation".into(), vec!["/file".into()]));
        assert!(answer.text("/detail").contains(told), "{told}: {}", answer.text("/detail"));
    }
    let file = products(1);
    for (form, field) in [
        (vec![Part::File("p.csv", file.as_bytes())], "/mapping"),
        (vec![Part::Text("kind", "plan"), Part::File("p.csv", file.as_bytes())], "/kind"),
        (vec![Part::Text("kind", "product")], "/file"),
        (vec![Part::Text("mapping", "[[file]]\npath = 3"), Part::File("p.csv", file.as_bytes())], "/mapping"),
        (
            vec![Part::Text("kind", "product"), Part::Text("dryRun", "maybe"), Part::File("p.csv", file.as_bytes())],
            "/dryRun",
        ),
    ] {
        assert_eq!(send(&admin, &form, &[]).await.expect(422).problem().1, [field]);
    }
    let twice = [Part::Text("kind", "product"), Part::Text("kind", "account"), Part::File("p.csv", file.as_bytes())];
    assert!(send(&admin, &twice, &[]).await.expect(400).text("/detail").contains("two parts `kind`"));
    // Forms as they come from who writes the header himself, or sends something else.
    for (content_type, status, told) in
        [("multipart/form-data", 400, "file (required), dryRun, kind"), ("text/csv", 415, "multipart/form-data")]
    {
        let request = admin.request(reqwest::Method::POST, "/v1/imports").await.header("content-type", content_type);
        let answer = request.body("externalId,name\n").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.expect("JSON");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{problem:#}");
    }
    let strange = [Part::Text("colour", "red"), Part::File("p.csv", file.as_bytes())];
    assert!(send(&admin, &strange, &[]).await.expect(400).text("/detail").contains("part `colour`"));
    assert_eq!(admin.get("/v1/imports").await.expect(200).items().len(), 0);
    assert_eq!(super::ask(&world, "SELECT count(*)::text FROM import_chunk WHERE tenant_id = $1").await, "0");
}

#[tokio::test]
async fn what_only_a_closer_look_shows_fails_in_words() {
    let world = World::new().await;
    let admin = world.admin().await;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("notes.txt", SimpleFileOptions::default()).unwrap();
    archive.write_all(b"hello").unwrap();
    let archive = archive.finish().unwrap().into_inner();
    let mut many = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..=10_000 {
        many.start_file(number.to_string(), SimpleFileOptions::default()).unwrap();
    }
    let many = many.finish().unwrap().into_inner();
    let whole = workbook(&row(1, &["externalId", "name"]), None);
    let text = "x".repeat(1_000);
    let texts = format!("<sst>{}</sst>", format!("<si><t>{text}</t></si>").repeat(70_000));
    let runs = format!("<r><t>{}</t></r>", "a".repeat(600 << 10)).repeat(2);
    let rich = format!("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is>{runs}</is></c></row>");
    let endless = format!("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>{}</v></c></row>", "a".repeat(2 << 20));
    let bomb: Vec<u8> = gzip(&vec![b'\n'; 32 << 20]).repeat(17);
    assert!(bomb.len() < 1 << 20);
    for (content, told) in [
        (archive, "is a ZIP archive and no workbook"),
        (many, "has too many parts"),
        (whole[..whole.len() / 2].to_vec(), "is a damaged workbook"),
        (
            workbook(&row(1, &["externalId"]), Some(("xl/sharedStrings.xml", texts.as_bytes()))),
            "unpacks to more than 64 MiB of texts",
        ),
        // The library would make room for them, and there is none.
        (
            workbook(&row(1, &["externalId"]), Some(("xl/sharedStrings.xml", b"<sst uniqueCount=\"10000000000\"/>"))),
            "is a damaged workbook",
        ),
        (
            workbook(&row(1, &["externalId"]), Some(("xl/sheet2.bin", b"<worksheet><sheetData/></worksheet>"))),
            "is a damaged workbook",
        ),
        (workbook(&endless, None), "a cell of more than 1 MiB"),
        (workbook(&rich, None), "a cell of more than 1 MiB"),
        (bomb, "unpacks to more than 512 MiB"),
        (gzip(TEXT.as_bytes())[..40].to_vec(), "is a damaged gzip file"),
        (gzip(b"%PDF-1.7 ..."), "application/pdf"),
        (b"[{\"externalId\":\"1\"}]".to_vec(), "write one object a line"),
        (b"externalId,name,colour\n1,A,red\n".to_vec(), "has the columns colour"),
        (b"externalId,series\n1,A\n".to_vec(), "lacks the columns name"),
        (b"externalId,name,name\n1,A,B\n".to_vec(), "several columns `name`"),
        (b"\n\n\n".to_vec(), "nothing in it but empty lines"),
        (
            format!("{{\"{}\":1}}\n{{\"{}\":1}}\n", "a".repeat(600 << 10), "b".repeat(600 << 10)).into_bytes(),
            "more than 1 MiB",
        ),
    ] {
        let done = import(&world, &admin, "product", "p.csv", &content).await;
        let error = done["error"].as_str().unwrap_or_default();
        assert!(done["status"] == "failed" && error.contains(told), "{told}: {done:#}");
        assert_eq!(counts(&done), [0; 5]);
    }
    assert!(admin.get("/v1/products").await.expect(200).items().is_empty());
}

#[tokio::test]
async fn rows_that_cannot_be_read_cost_themselves_alone() {
    let world = World::new().await;
    let admin = world.admin().await;
    let long = "x".repeat(1_100_000);
    let csv = format!(
        "externalId,name,listPrice,currency\n1,A,1,CNY\n2,\"B,1,CNY\n3,C\n4,D,1,CNY,5\n5,{long},1,CNY\n6,F,cheap,CNY\n7,'=1+1,1,CNY\n8,'tis,1,CNY\n9,\"open,1,CNY\n10,\"D,1,CNY\n"
    );
    let done = import(&world, &admin, "product", "p.csv", csv.as_bytes()).await;
    assert_eq!((done["status"].as_str(), counts(&done)), (Some("done"), [3, 0, 0, 0, 6]), "{done:#}");
    let told = refused(&admin, done["id"].as_str().unwrap().parse().unwrap(), "").await;
    for reason in [
        // Closed by the next row's: both are there to be mended.
        "10,product,\"name `open,1,CNY…`: has several lines: take out the line breaks, or in CSV close the quotation mark",
        "3,product,\"a quotation mark is not closed",
        "4,product,has 2 columns where the first row names 4",
        "5,product,has 5 columns where the first row names 4",
        "6,product,is longer than 1 MiB",
        "7,product,\"listPrice `cheap`: expected a decimal",
    ] {
        assert!(told.contains(reason), "{reason}");
    }
    let names = admin.get("/v1/products?sort=createdAt").await.expect(200);
    let mut names = names.each("name");
    names.sort_unstable();
    assert_eq!(names, ["'tis", "=1+1", "A"], "the guard of a formula is none of the text");

    let lines =
        "{\"externalId\":\"10\",\"name\":\"J\"}\n{\"externalId\":\"11\",\n[1]\n{\"externalId\":\"12\",\"name\":null}\n";
    let done = import(&world, &admin, "product", "p.ndjson", lines.as_bytes()).await;
    assert_eq!((done["status"].as_str(), counts(&done)), (Some("done"), [1, 0, 0, 0, 3]), "{done:#}");
    let told = refused(&admin, done["id"].as_str().unwrap().parse().unwrap(), "").await;
    assert!(told.contains("2,product,is no JSON object") && told.contains("4,product,name is empty"), "{told}");
}

#[tokio::test]
async fn a_file_that_is_too_long_is_refused_while_it_comes() {
    let world = World::new().await;
    let identity = waypost::auth::Identity::new(
        waypost::auth::token::Keys::generate().unwrap(),
        "https://small.example",
        "waypost",
        Vec::new(),
    );
    let beside = Beside { import_bytes: 1 << 20, ..Beside::default() };
    let state = State::serving(world.state.db.clone(), world.state.clock.clone(), identity, beside);
    let world = world.served_by(state).await;
    let admin = world.admin().await;
    let row = format!("1,{}\n", "x".repeat(100));
    for rows in [10_500, 40_000] {
        let file = format!("externalId,name\n{}", row.repeat(rows));
        let form = [Part::Text("kind", "product"), Part::File("p.csv", file.as_bytes())];
        let answer = send(&admin, &form, &[]).await.expect(413);
        assert_eq!(answer.problem().0, "too_large");
    }
    assert_eq!(super::ask(&world, "SELECT count(*)::text FROM import_chunk WHERE tenant_id = $1").await, "0");
    let file = format!("externalId,name\n{}", row.repeat(9_000));
    send(&admin, &[Part::Text("kind", "product"), Part::File("p.csv", file.as_bytes())], &[]).await.expect(202);
}

/// The command reads the same files by the same code.
#[tokio::test]
async fn the_command_reads_workbooks_and_json_lines_too() {
    let desk = Desk::new().await;
    let book = [row(1, &["Nr", "Name"]), row(2, &["1", "Switch"]), row(3, &["2", "Router"])].concat();
    std::fs::write(desk.folder.path().join("p.xlsx"), workbook(&book, None)).unwrap();
    std::fs::write(
        desk.folder.path().join("p.txt"),
        encoding_rs::GBK.encode("Nr;Name\n3;光纤收发器\n4;交换机和路由器\n").0,
    )
    .unwrap();
    desk.file("p.ndjson", "{\"Nr\":5,\"Name\":\"Cable\",\"more\":{\"a\":[1]}}\n");
    let pass = |path: &str, more: &str| {
        format!(
            "[[file]]\npath = \"{path}\"\nkind = \"product\"\n{more}[file.fields]\nexternalId = \"Nr\"\nname = \"Name\"\n"
        )
    };
    let mapping = [
        pass("p.xlsx", "sheet = \"Products\"\n"),
        pass("p.txt", "delimiter = \";\"\nencoding = \"gbk\"\n"),
        pass("p.ndjson", ""),
    ];
    let summary = desk.import(&mapping.concat()).await;
    let counts: Vec<[u64; 5]> = summary.counts.iter().map(told).collect();
    assert_eq!(counts, [[2, 0, 0, 0, 0], [2, 0, 0, 0, 0], [1, 0, 0, 0, 0]], "{summary}");
    let admin = desk.world.admin().await;
    let names = admin.get("/v1/products?externalId=3").await.expect(200);
    assert_eq!(names.items()[0]["name"], "光纤收发器");
}
