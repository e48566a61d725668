//! Days and moments as files spell them, in the tenant's time zone.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use entity::scalar::{Date, Timestamp};

/// How one file spells its days, and where its days begin. Days as in ISO 8601 are always read: workbooks hold days, which
/// come in that form, whatever texts beside them look like.
pub struct Calendar<'a> {
    pub zone: Tz,
    /// Formats of `chrono::format::strftime`, tried in turn.
    pub formats: &'a [String],
}

impl Calendar<'_> {
    /// The day that a cell names.
    pub fn day(&self, text: &str) -> Result<Date, String> {
        let formats = self.formats.iter().map(String::as_str);
        formats
            .chain(["%Y-%m-%d"])
            .filter_map(|format| NaiveDate::parse_from_str(text, format).ok())
            // Reads what it wrote: years that the product does not keep fail here.
            .find_map(|day| Date::parse(&Date(day).to_string()).ok())
            .ok_or_else(|| format!("is no day in the form {}", self.formats.join(" or ")))
    }

    /// The moment that a cell names: RFC 3339, one of the formats, or a day, which stands for its beginning.
    pub fn moment(&self, text: &str) -> Result<Timestamp, String> {
        if let Ok(moment) = Timestamp::parse(text) {
            return Ok(moment);
        }
        let formats = self.formats.iter().map(String::as_str);
        let formats = formats.chain(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"]);
        let local = formats.into_iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        match local {
            Some(local) => Timestamp::parse(&self.at(local).to_string()),
            None => self
                .day(text)
                .map(|day| self.midnight(day))
                .map_err(|_| format!("is no moment in the form {} or of RFC 3339", self.formats.join(" or "))),
        }
    }

    /// The tenant's day of a day or a moment.
    pub fn day_of(&self, text: &str) -> Result<Date, String> {
        self.day(text).or_else(|told| {
            self.moment(text).map(|moment| Date(moment.0.with_timezone(&self.zone).date_naive())).map_err(|_| told)
        })
    }

    /// The moment at which a day begins.
    pub fn midnight(&self, day: Date) -> Timestamp {
        self.at(day.0.and_time(NaiveTime::MIN))
    }

    /// Of an hour that a change of clocks skips, the first moment after it.
    fn at(&self, local: NaiveDateTime) -> Timestamp {
        let quarters = (0..=96).map(|n| local + TimeDelta::minutes(15 * n));
        let moment = quarters.into_iter().find_map(|local| self.zone.from_local_datetime(&local).earliest());
        moment.map_or_else(|| (local + Days::new(1)).and_utc(), |moment| moment.to_utc()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(zone: Tz, formats: &[&str]) -> (Tz, Vec<String>) {
        (zone, formats.iter().map(|format| (*format).to_owned()).collect())
    }

    #[test]
    fn days_are_read_by_the_formats_in_turn() {
        let (zone, formats) = of(chrono_tz::UTC, &["%m/%d/%Y", "%Y-%m-%d"]);
        let calendar = Calendar { zone, formats: &formats };
        for text in ["3/1/2017", "03/01/2017", "2017-03-01"] {
            assert_eq!(calendar.day(text).unwrap().to_string(), "2017-03-01", "{text}");
        }
        for text in ["31/12/2017", "2/30/2017", "3/1/17", "soon", "2017-03-01 10:00"] {
            assert!(calendar.day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_where_the_tenant_is() {
        let (zone, formats) = of(chrono_tz::Asia::Shanghai, &["%Y-%m-%d", "%Y-%m-%d %H:%M"]);
        let calendar = Calendar { zone, formats: &formats };
        for (text, moment) in [
            ("2017-03-01", "2017-02-28T16:00:00.000Z"),
            ("2017-03-01 10:30", "2017-03-01T02:30:00.000Z"),
            ("2017-03-01T10:30:00Z", "2017-03-01T10:30:00.000Z"),
        ] {
            assert_eq!(calendar.moment(text).unwrap().to_string(), moment, "{text}");
        }
        // Clocks went from 23:59:59 to 01:00:00 there.
        let (zone, formats) = of(chrono_tz::America::Sao_Paulo, &["%Y-%m-%d"]);
        let calendar = Calendar { zone, formats: &formats };
        assert_eq!(calendar.moment("2018-11-04").unwrap().to_string(), "2018-11-04T03:00:00.000Z");
    }
}
