//! A rep's accounts and the people in them. Most are there in the first two weeks; others come over the year.

use entity::kind::{AccountKind, AccountTier, Kind};
use entity::scalar::{Email, Timestamp};
use entity::shape::{Address, Position};
use uuid::Uuid;

use super::{Diary, minutes_after};
use crate::account::AccountFields;
use crate::change::{Body, Intent};
use crate::contact::ContactFields;
use crate::demo::line;
use crate::demo::names::{INDUSTRIES, TITLES, account, person, street};

/// Accounts of a rep.
const FIRST: i64 = 9;
const MORE: i64 = 5;
/// Share of the accounts whose place on the map nobody entered.
const UNPLACED: f64 = 0.05;
const KINDS: [(AccountKind, u32); 4] =
    [(AccountKind::Business, 62), (AccountKind::Channel, 20), (AccountKind::Consumer, 11), (AccountKind::Internal, 7)];
/// Employees, in steps from a shop to a group, and how often.
const SIZES: [((i64, i64), u32); 4] = [((3, 30), 30), ((30, 200), 40), ((200, 1_500), 22), ((1_500, 20_000), 8)];

pub struct Customer {
    pub id: Uuid,
    pub name: String,
    pub kind: AccountKind,
    /// When it and its contacts had been entered.
    pub known: Timestamp,
    pub position: Option<Position>,
    pub contacts: Vec<Uuid>,
}

/// Enters them; in the order in which they became known.
pub fn customers(diary: &mut Diary) -> Vec<Customer> {
    let days = diary.calendar.working_days();
    let mut when: Vec<Timestamp> = Vec::new();
    for number in 0..FIRST + MORE {
        let day = if number < FIRST { diary.dice.within(0..8) } else { diary.dice.within(10..days.len() as i64 - 20) };
        when.push(diary.at_work(days[day as usize]));
    }
    when.sort();
    when.into_iter().map(|at| customer(diary, at)).collect()
}

fn customer(diary: &mut Diary, at: Timestamp) -> Customer {
    let dice = &mut diary.dice;
    let kind = dice.weighted(&KINDS);
    let english = dice.chance(if diary.rep.english { 0.6 } else { 0.12 });
    let local = |(en, zh): (&str, &str)| line(if english { en } else { zh });
    let (city, industry) = (dice.pick(diary.rep.cities), dice.pick(&INDUSTRIES));
    let name = account(dice, kind, city, industry, english);
    let place = Position {
        latitude: degrees(city.centre.latitude + dice.between(-0.06..0.06)),
        longitude: degrees(city.centre.longitude + dice.between(-0.07..0.07)),
    };
    let position = (!dice.chance(UNPLACED)).then_some(place);
    let company = kind != AccountKind::Consumer;
    let (fewest, most) = dice.weighted(&SIZES);
    let mut fields = AccountFields {
        kind: Some(kind),
        name: Some(line(name.clone())),
        phone: Some(line(phone(diary))),
        industry: company.then(|| local(industry.name)),
        employees: company.then(|| diary.dice.within(fewest..most) as i32),
        founded_year: company.then(|| diary.dice.within(1985..2022) as i32),
        address: Some(Address {
            street: Some(line(street(&mut diary.dice, english))),
            city: Some(local(city.name)),
            region: Some(local(city.region)),
            postal_code: None,
            country: Some(line("CN")),
        }),
        position,
        ..AccountFields::default()
    };
    fields.tier = match fields.employees {
        Some(500..) => Some(AccountTier::Key),
        Some(80..) => Some(AccountTier::Ordinary),
        Some(_) => Some(AccountTier::Potential),
        // People are looked after as they come.
        None => None,
    };
    let id = diary.dice.id(at);
    diary.enter(at, Kind::Account, id, Intent::Create(Body::Account(fields)));

    let mut customer = Customer { id, name, kind, known: at, position, contacts: Vec::new() };
    let people = if company { diary.dice.weighted(&[(1, 40), (2, 40), (3, 20)]) } else { 1 };
    for _ in 0..people {
        contact(diary, &mut customer, english);
    }
    customer
}

fn contact(diary: &mut Diary, customer: &mut Customer, english: bool) {
    customer.known = minutes_after(customer.known, diary.dice.within(1..6));
    let id = diary.dice.id(customer.known);
    let company = customer.kind != AccountKind::Consumer;
    let (name, email) = if company {
        (person(&mut diary.dice, english), diary.dice.chance(0.6))
    } else {
        (customer.name.clone(), false)
    };
    let (en, zh) = diary.dice.pick(&TITLES);
    let fields = ContactFields {
        name: Some(line(name)),
        title: company.then(|| line(if english { *en } else { *zh })),
        phone: Some(line(phone(diary))),
        email: email.then(|| Email(format!("p{}@customer.example", diary.dice.within(100_000..1_000_000)))),
        account_id: Some(customer.id),
        ..ContactFields::default()
    };
    diary.enter(customer.known, Kind::Contact, id, Intent::Create(Body::Contact(fields)));
    customer.contacts.push(id);
}

/// A Chinese mobile number in a block that no network has.
fn phone(diary: &mut Diary) -> String {
    format!("+86 100 {:04} {:04}", diary.dice.within(0..10_000), diary.dice.within(0..10_000))
}

/// To the metre.
pub fn degrees(degrees: f64) -> f64 {
    (degrees * 100_000.0).round() / 100_000.0
}
