//! Calendars as text (RFC 5545): escaped, folded, with CR LF. Pure.

use chrono::{DateTime, NaiveDate, Utc};

/// Octets of a line without its end.
const LONGEST: usize = 75;

/// A day with something on it.
pub struct Event {
    /// The same for as long as the event lives.
    pub uid: String,
    pub day: NaiveDate,
    pub changed: DateTime<Utc>,
    /// How often it has changed.
    pub sequence: i32,
    pub summary: String,
    pub description: String,
    pub location: String,
    pub is_cancelled: bool,
}

/// A calendar of that name.
pub fn calendar(name: &str, events: &[Event]) -> String {
    let mut text = String::new();
    let mut line = |line: &str| fold(line, &mut text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line(concat!("PRODID:-//Waypost//Waypost ", env!("CARGO_PKG_VERSION"), "//EN"));
    line("CALSCALE:GREGORIAN");
    line("METHOD:PUBLISH");
    line(&format!("X-WR-CALNAME:{}", escaped(name)));
    line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    line("X-PUBLISHED-TTL:PT1H");
    for event in events {
        let changed = event.changed.format("%Y%m%dT%H%M%SZ");
        line("BEGIN:VEVENT");
        line(&format!("UID:{}", escaped(&event.uid)));
        line(&format!("DTSTAMP:{changed}"));
        line(&format!("LAST-MODIFIED:{changed}"));
        line(&format!("SEQUENCE:{}", event.sequence));
        line(&format!("DTSTART;VALUE=DATE:{}", event.day.format("%Y%m%d")));
        if let Some(next) = event.day.succ_opt() {
            line(&format!("DTEND;VALUE=DATE:{}", next.format("%Y%m%d")));
        }
        line(&format!("SUMMARY:{}", escaped(&event.summary)));
        for (name, value) in [("DESCRIPTION", &event.description), ("LOCATION", &event.location)] {
            if !value.is_empty() {
                line(&format!("{name}:{}", escaped(value)));
            }
        }
        // A visit without an hour leaves the day free for others.
        line("TRANSP:TRANSPARENT");
        line(if event.is_cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

/// A text as a value (3.3.11). Control characters, which no value may hold, are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' | '\r' => escaped.push_str("\\n"),
            '\t' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Adds a line, in several where it is too long (3.1); a letter is never cut in two.
fn fold(line: &str, text: &mut String) {
    let mut room = LONGEST;
    for letter in line.chars() {
        if letter.len_utf8() > room {
            text.push_str("\r\n ");
            room = LONGEST - 1;
        }
        text.push(letter);
        room -= letter.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unfolded(text: &str) -> String {
        text.replace("\r\n ", "")
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a,b;c\\d\r\ne\nf\u{7}"), "a\\,b\\;c\\\\d\\ne\\nf");
    }

    proptest! {
        #[test]
        fn lines_are_short_and_come_back_whole(line in "[^\\r\\n\\t ][^\\r\\n]{0,300}") {
            let mut text = String::new();
            fold(&line, &mut text);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LONGEST), "{text:?}");
            prop_assert_eq!(unfolded(&text), format!("{line}\r\n"));
        }
    }
}
