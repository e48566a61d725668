//! What a client that progenitor made must be able to do against a live server: the story of ../typescript/story.ts, in Rust.
//! Only a file is sent by hand, beside the client and with its connection: progenitor knows no forms.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Mutex;

use chrono::{DateTime, NaiveDate, Utc};
use generated_client::{Client, Error, types};
use progenitor_client::ClientInfo;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use uuid::Uuid;

/// A picture of one pixel.
const PIXEL: [u8; 70] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0d, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50, 0x0f, 0x00, 0x03, 0x86, 0x01, 0x80, 0x5a, 0x34, 0x7d,
    0x6b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// The kinds that were pushed.
static PUSHED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn var(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A text as the type that the document asks for; what does not fit its pattern does not leave the client.
fn text<T: FromStr>(given: &str) -> T
where
    T::Err: Debug,
{
    given.parse().expect("what the document allows")
}

fn now() -> DateTime<Utc> {
    var("WAYPOST_NOW").parse().expect("a time")
}

fn day(given: &str) -> NaiveDate {
    given.parse().expect("a day")
}

/// The problem that a call failed with, as the document describes it.
fn problem<T: Debug>(answer: Result<T, Error<types::Problem>>, status: u16) -> types::Problem {
    match answer.expect_err("refused") {
        Error::ErrorResponse(refused) => {
            assert_eq!(refused.status().as_u16(), status);
            refused.into_inner()
        }
        other => panic!("no problem: {other:?}"),
    }
}

/// A client with this token, and what it connects with.
fn client(token: Option<&str>) -> Client {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).expect("a token"));
    }
    let http = reqwest::Client::builder().default_headers(headers).build().expect("a client");
    Client::new_with_client(&var("WAYPOST_URL"), http)
}

/// Logs in; a wrong password is a problem that a program can read.
async fn someone(email: &str) -> Client {
    let login = |password: &str| types::Login {
        tenant: text(&var("WAYPOST_TENANT")),
        email: text(email),
        password: text(password),
        device_name: None,
        device_token: None,
    };
    let open = client(None);
    assert_eq!(problem(open.login(&login("not his password")).await, 401).type_, "/problems/unauthorized");
    let tokens = open.login(&login(&var("WAYPOST_PASSWORD"))).await.expect("logs in").into_inner();
    client(Some(&tokens.access_token))
}

/// All pages, from nothing, and how many they were.
async fn pull(rep: &Client) -> (HashMap<(types::Kind, Uuid), types::SyncChange>, usize) {
    let (mut held, mut cursor, mut pages) = (HashMap::new(), None::<String>, 0);
    loop {
        let page = rep.pull_changes(cursor.as_deref(), Some(3), None).await.expect("a page").into_inner();
        pages += 1;
        held.extend(page.changes.into_iter().map(|change| ((change.kind, change.id), change)));
        if !page.has_more {
            return (held, pages);
        }
        cursor = Some(page.cursor);
    }
}

async fn push(who: &Client, device: Uuid, mutations: &[types::Mutation]) -> Vec<types::MutationResult> {
    PUSHED.lock().expect("one thread").extend(mutations.iter().map(|it| it.kind.to_string()));
    let sent = types::ClockReading { wall: now(), boot_id: None, monotonic: None };
    let request = types::PushRequest { device_id: device, sent: Some(sent), mutations: mutations.to_vec() };
    who.push_mutations(&request).await.expect("results").into_inner().results
}

async fn applied(who: &Client, device: Uuid, mutations: &[types::Mutation]) -> Vec<types::MutationResult> {
    let results = push(who, device, mutations).await;
    assert_eq!(results.len(), mutations.len());
    assert!(results.iter().all(|result| result.status == types::ResultStatus::Applied), "{results:#?}");
    results
}

fn write(op: types::MutationOp, kind: types::MutationKind, record: Uuid) -> types::Mutation {
    types::Mutation {
        account: None,
        activity: None,
        advance: None,
        appeal: None,
        attachment: None,
        base_revision: None,
        cancel: None,
        captured: None,
        clear: Vec::new(),
        contact: None,
        convert: None,
        excuse: None,
        give_back: None,
        kind,
        lead: None,
        mutation_id: Uuid::new_v4(),
        op,
        opportunity: None,
        plan: None,
        reason: None,
        record_id: record,
        ruling: None,
        work: None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    use types::{MutationKind as Kind, MutationOp as Op};
    rustls::crypto::ring::default_provider().install_default().expect("the only one");
    let (rep, manager) = (someone(&var("WAYPOST_REP")).await, someone(&var("WAYPOST_MANAGER")).await);
    let (before, pages) = pull(&rep).await;
    assert!(pages > 1, "a tenant has more than three records");

    // One of each kind, written offline.
    let is_fine =
        |change: &&types::SyncChange| change.points_entry.as_ref().is_some_and(|it| it.kind == types::EntryKind::Fine);
    let fine = before.values().find(is_fine).expect("a fine").id;
    let hold = before.values().find(|change| change.kind == types::Kind::Hold).expect("a hold").id;
    let [device, account, contact, opportunity, plan, activity, photo, appeal, lead] =
        std::array::from_fn(|_| Uuid::new_v4());
    let mutations = [
        types::Mutation {
            account: Some(types::AccountFields {
                kind: Some(types::AccountKind::Business),
                name: Some(text("霍普光通信")),
                annual_revenue: Some(text("999999999999.9999")),
                custom: HashMap::from([("shelfMetres".to_owned(), text("12.50"))]),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Account, account)
        },
        types::Mutation {
            contact: Some(types::ContactFields {
                account_id: Some(account),
                name: Some(text("Lin Wei")),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Contact, contact)
        },
        types::Mutation {
            opportunity: Some(types::OpportunityFields {
                account_id: Some(account),
                name: Some(text("Switches")),
                amount: Some(text("123456789012.3456")),
                currency: Some(text("CNY")),
                expected_on: Some(day("2028-02-29")),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Opportunity, opportunity)
        },
        types::Mutation {
            plan: Some(types::PlanFields {
                account_id: Some(account),
                planned_on: Some(day("2027-12-31")),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Plan, plan)
        },
        types::Mutation {
            activity: Some(types::ActivityFields {
                account_id: Some(account),
                kind: Some(types::ActivityKind::Visit),
                plan_id: Some(plan),
                occurred: Some(now()),
                summary: Some(text("Showed the switch")),
                check_in: Some(types::Check {
                    at: now(),
                    latitude: Some(31.2304),
                    longitude: Some(121.4737),
                    accuracy: None,
                    fixed_at: None,
                }),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Activity, activity)
        },
        types::Mutation {
            advance: Some(types::AdvanceOpportunity {
                stage: types::StageKey::PreSale,
                amount: None,
                currency: None,
                expected_on: None,
                lost_note: None,
                lost_reason: None,
                occurred: None,
                reason: None,
                signed_on: None,
            }),
            ..write(Op::Advance, Kind::Opportunity, opportunity)
        },
        types::Mutation {
            attachment: Some(types::AttachmentFields {
                account_id: Some(account),
                activity_id: Some(activity),
                kind: Some(types::AttachmentKind::Photo),
                file_name: Some(text("shelf.png")),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Attachment, photo)
        },
        types::Mutation {
            appeal: Some(types::AppealFields { entry_id: Some(fine), reason: Some(text("The phone was in repair.")) }),
            ..write(Op::Create, Kind::Appeal, appeal)
        },
    ];
    let results = applied(&rep, device, &mutations).await;
    let again = push(&rep, device, &mutations).await;
    assert_eq!(format!("{again:?}"), format!("{results:?}"), "the same push has the same results");
    null_is_as_good_as_absent(&rep, device, contact).await;
    let found = types::Mutation {
        lead: Some(types::LeadFields {
            name: Some(text("上海同创")),
            source: Some(text("fair")),
            phone: Some(text("+86 21 5555 0199")),
            ..Default::default()
        }),
        ..write(Op::Create, Kind::Lead, lead)
    };
    // What only a manager decides, and a lead that the rep picks.
    let ruling = |reason: &str| Some(types::Ruling { reason: text(reason) });
    let release = types::Mutation { ruling: ruling("He was there twice."), ..write(Op::Release, Kind::Hold, hold) };
    let grant = types::Mutation { ruling: ruling("Asked the shop."), ..write(Op::Grant, Kind::Appeal, appeal) };
    applied(&manager, Uuid::new_v4(), &[found, release, grant]).await;
    applied(&rep, device, &[write(Op::Claim, Kind::Lead, lead)]).await;

    // A conflict: the manager was faster. And a problem that a program can read.
    let seen = results[0].revision.expect("a revision");
    let etag = format!("\"{seen}\"");
    let faster = types::UpdateAccount {
        name: Some(text("Hopton Optics")),
        clear: vec![types::UpdateAccountClearItem::AnnualRevenue],
        ..Default::default()
    };
    manager.update_account(&account, Some(&etag), &faster).await.expect("changed");
    let late = [
        types::Mutation {
            base_revision: Some(seen),
            account: Some(types::AccountFields {
                name: Some(text("Hopton")),
                website: Some(text("https://hopton.example")),
                ..Default::default()
            }),
            ..write(Op::Update, Kind::Account, account)
        },
        types::Mutation {
            contact: Some(types::ContactFields {
                account_id: Some(Uuid::new_v4()),
                name: Some(text("Nobody")),
                ..Default::default()
            }),
            ..write(Op::Create, Kind::Contact, Uuid::new_v4())
        },
        types::Mutation {
            account: Some(types::AccountFields {
                custom: HashMap::from([("shelfMetres".to_owned(), text("many"))]),
                ..Default::default()
            }),
            ..write(Op::Update, Kind::Account, account)
        },
    ];
    let late = push(&rep, Uuid::new_v4(), &late).await;
    assert_eq!(
        (late[0].status, late[0].conflicts.as_slice()),
        (types::ResultStatus::Conflict, &["name".to_owned()][..])
    );
    assert_eq!(late[1].status, types::ResultStatus::Rejected);
    let pointer = |at: usize| late[at].problem.as_ref().expect("a problem").errors[0].pointer.as_str();
    assert_eq!((pointer(1), pointer(2)), ("/accountId", "/custom/shelfMetres"), "own fields have a type");

    // PATCH with If-Match.
    let stale = types::UpdateAccount { name: Some(text("Too late")), ..Default::default() };
    let mismatch = problem(rep.update_account(&account, Some(&etag), &stale).await, 412);
    assert_eq!(mismatch.type_, "/problems/revision_mismatch");

    // A photo: its record was pushed, its file follows. What is no photo is refused, and another file is welcome.
    let refused = put(&rep, photo, b"no photo").await;
    assert_eq!(refused.status().as_u16(), 422);
    assert_eq!(refused.json::<types::Problem>().await.expect("a problem").type_, "/problems/file_refused");
    let ready = put(&rep, photo, &PIXEL).await.json::<types::Attachment>().await.expect("the record");
    assert_eq!(ready.state, types::AttachmentState::Ready);
    assert_eq!((ready.content_type.as_deref(), ready.bytes), (Some("image/png"), Some(PIXEL.len() as i64)));

    // What was written came back whole.
    let kept = rep.get_opportunity(&opportunity).await.expect("there").into_inner();
    assert_eq!(kept.amount.as_deref().map(String::as_str), Some("123456789012.3456"));
    assert_eq!((kept.expected_on, kept.stage), (Some(day("2028-02-29")), types::StageKey::PreSale));
    let (held, _) = pull(&rep).await;
    let of = |kind: types::Kind, id: Uuid| held.get(&(kind, id)).unwrap_or_else(|| panic!("no {kind} {id}"));
    let company = of(types::Kind::Account, account).account.as_ref().expect("an account");
    assert_eq!((company.name.as_str(), company.website.as_deref()), ("Hopton Optics", Some("https://hopton.example")));
    assert!(company.annual_revenue.is_none());
    assert_eq!(company.custom.get("shelfMetres").map(|it| it.as_str()), Some("12.5"));
    let visit = of(types::Kind::Activity, activity).activity.as_ref().expect("an activity");
    assert_eq!(visit.check_in.as_ref().and_then(|check| check.longitude), Some(121.4737));
    assert_eq!(visit.occurred, now());
    let fulfilled = of(types::Kind::Plan, plan).plan.as_ref().expect("a plan");
    assert_eq!((fulfilled.status, fulfilled.planned_on), (types::PlanStatus::Fulfilled, day("2027-12-31")));
    let person = of(types::Kind::Contact, contact).contact.as_ref().expect("a contact");
    assert_eq!((person.name.as_str(), person.title.as_deref()), ("Lin Wei", Some("Buyer")));
    let appeal = of(types::Kind::Appeal, appeal).appeal.as_ref().map(|it| it.status);
    assert_eq!(appeal, Some(types::AppealStatus::Granted));
    assert_eq!(of(types::Kind::Hold, hold).hold.as_ref().map(|it| it.status), Some(types::HoldStatus::Released));
    assert_eq!(of(types::Kind::Lead, lead).lead.as_ref().map(|it| it.status), Some(types::LeadStatus::Claimed));
    // What was refused is kept, until its author has seen it.
    let mut lost = held.values().filter_map(|change| change.rejected_write.as_ref());
    let lost =
        lost.find(|it| it.record_id == account && it.fields.contains("Hopton")).expect("the value that lost is kept");
    applied(&rep, device, &[write(Op::Delete, Kind::RejectedWrite, lost.id)]).await;
    every_kind_was_pushed(&rep).await;
    println!("told: {pages} pages, {} writes, {} records", mutations.len(), held.len());
}

/// These types never send a null; clients for Kotlin and Dart do.
async fn null_is_as_good_as_absent(rep: &Client, device: Uuid, contact: Uuid) {
    let push = json!({ "deviceId": device, "sent": null, "mutations": [{
        "mutationId": Uuid::new_v4(), "kind": "contact", "op": "update", "recordId": contact, "baseRevision": null, "clear": null,
        "contact": { "name": null, "title": "Buyer" },
    }] });
    let request = rep.client().post(format!("{}/v1/sync/mutations", rep.baseurl())).json(&push);
    let told = request.send().await.expect("an answer").json::<types::PushResults>().await.expect("results");
    assert!(told.results.iter().all(|it| it.status == types::ResultStatus::Applied), "{told:#?}");
}

/// A kind that devices will write one day is missed here.
async fn every_kind_was_pushed(rep: &Client) {
    let request = rep.client().get(format!("{}/openapi.json", rep.baseurl()));
    let document = request.send().await.expect("an answer").json::<serde_json::Value>().await.expect("the document");
    let kinds = document["components"]["schemas"]["MutationKind"]["enum"].clone();
    let kinds: BTreeSet<String> = serde_json::from_value(kinds).expect("kinds");
    assert_eq!(*PUSHED.lock().expect("one thread"), kinds);
}

async fn put(rep: &Client, id: Uuid, file: &[u8]) -> reqwest::Response {
    const HEAD: &[u8] = b"--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"shelf.png\"\r\n\r\n";
    let form = [HEAD, file, b"\r\n--part--\r\n"].concat();
    let request = rep.client().put(format!("{}/v1/attachments/{id}/content", rep.baseurl()));
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=part").body(form);
    request.send().await.expect("an answer")
}
