//! Statements as tables: for payroll one row a statement, for one rep one row an entry. Figures as in JSON; the separator
//! is a comma, lines end with CR LF, the text is UTF-8 with a mark, by which spreadsheets know it.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use entity::kind::{LedgerAccount, Locale};
use entity::scalar::Points;
use entity::{points_entry, statement, team, user};
use uuid::Uuid;

use super::close::fines;
use crate::ledger::change_of;

/// What begins a cell that a spreadsheet would take for a formula. A text is kept one by an apostrophe before it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One row a statement.
pub fn statements(
    statements: &[statement::Model],
    users: &BTreeMap<Uuid, user::Model>,
    teams: &BTreeMap<Uuid, team::Model>,
) -> String {
    let header = [
        "number",
        "month",
        "team",
        "user",
        "email",
        "externalId",
        "opening",
        "awarded",
        "fined",
        "corrected",
        "spent",
        "paidOut",
        "closing",
        "held",
        "leadsOpening",
        "leadsGranted",
        "leadsClaimed",
        "leadsExpired",
        "leadsClosing",
        "money",
        "currency",
    ];
    table(
        &header,
        statements.iter().map(|s| {
            // One currency in all but the month in which it changed.
            let (money, currency): (Vec<_>, Vec<_>) =
                fines(s).into_iter().map(|(money, currency)| (money.to_string(), currency)).unzip();
            let user = s.user_id.and_then(|id| users.get(&id));
            vec![
                s.number.to_string(),
                s.month.0.format("%Y-%m").to_string(),
                text(teams.get(&s.team_id).map_or("", |team| &team.name)),
                text(user.map_or("", |user| &user.name)),
                text(user.map_or("", |user| &user.email)),
                text(user.and_then(|user| user.external_id.as_deref()).unwrap_or_default()),
                s.opening.to_string(),
                s.awarded.to_string(),
                s.fined.to_string(),
                s.corrected.to_string(),
                s.spent.to_string(),
                s.paid_out.to_string(),
                s.closing.to_string(),
                s.held.to_string(),
                s.leads_opening.to_string(),
                s.leads_granted.to_string(),
                s.leads_claimed.to_string(),
                s.leads_expired.to_string(),
                s.leads_closing.to_string(),
                if money.is_empty() { s.money.to_string() } else { money.join("; ") },
                currency.join("; "),
            ]
        }),
    )
}

/// An entry, and what people call what it is about.
pub struct Told {
    pub entry: points_entry::Model,
    pub account: Option<String>,
    pub record: Option<String>,
}

/// One row an entry, with its rep's balance after it, explained in the reader's language. Times are the tenant's, as in the
/// explanations.
pub fn entries(
    reps: &[(statement::Model, Vec<Told>)],
    users: &BTreeMap<Uuid, user::Model>,
    locale: Locale,
    zone: Tz,
) -> String {
    let header = [
        "user",
        "ordinal",
        "booked",
        "day",
        "kind",
        "account",
        "record",
        "points",
        "held",
        "balance",
        "leads",
        "money",
        "currency",
        "explanation",
    ];
    let rows = reps.iter().flat_map(|(statement, entries)| {
        let user = statement.user_id.and_then(|id| users.get(&id)).map_or("", |user| &user.name);
        let mut balance = statement.opening.0;
        entries.iter().map(move |Told { entry, account, record }| {
            let points = change_of(entry, LedgerAccount::Rep);
            balance += points;
            vec![
                text(user),
                entry.ordinal.to_string(),
                entry.created_at.0.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false),
                entry.day.to_string(),
                entry.kind.to_string(),
                text(account.as_deref().unwrap_or_default()),
                text(record.as_deref().unwrap_or_default()),
                Points(points).to_string(),
                Points(change_of(entry, LedgerAccount::Held)).to_string(),
                Points(balance).to_string(),
                entry.leads.to_string(),
                entry.money.map(|money| money.to_string()).unwrap_or_default(),
                entry.currency.clone().unwrap_or_default(),
                text(match locale {
                    Locale::En => &entry.explanation.en.0,
                    Locale::Zh => &entry.explanation.zh.0,
                }),
            ]
        })
    });
    table(&header, rows)
}

pub(crate) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let written = writer.write_record(header);
    let written = rows.fold(written, |written, row| written.and_then(|()| writer.write_record(&row)));
    written.expect("rows of one length, written to memory");
    let bytes = writer.into_inner().expect("memory takes everything");
    format!("\u{feff}{}", String::from_utf8(bytes).expect("texts are UTF-8"))
}

pub(crate) fn text(text: &str) -> String {
    // A text that has apostrophes of its own in front gets another one, so that taking one away gives it back.
    if text.trim_start_matches('\'').starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// Whether the first letter of a cell is an apostrophe that `text` put there.
pub(crate) fn is_guarded(cell: &str) -> bool {
    cell.starts_with('\'') && cell.trim_start_matches('\'').starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(text("=SUM(A1)"), "'=SUM(A1)");
        assert_eq!(text("王芳"), "王芳");
        assert_eq!((text("'=1"), text("'tis"), text("+86 21")), ("''=1".into(), "'tis".into(), "'+86 21".into()));
        assert!(is_guarded("'=1") && is_guarded("''=1") && !is_guarded("'tis") && !is_guarded("=1"));
        let told = table(&["name"], [vec!["a \"b\", c".to_owned()]].into_iter());
        assert_eq!(told, "\u{feff}name\r\n\"a \"\"b\"\", c\"\r\n");
    }
}
