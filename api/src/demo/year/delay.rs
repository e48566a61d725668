//! How long after the event a rep types it in: in the first month often days, in the last mostly within two hours.

use entity::scalar::Timestamp;

use super::Diary;

const HOUR: i64 = 60;
/// Nobody types before and after these minutes of the day.
const AWAKE: i64 = 7 * HOUR;
const ASLEEP: i64 = 23 * HOUR;
/// The longest that an entry is forgotten, in minutes.
const LONGEST: i64 = 9 * 24 * HOUR;

/// Per cent of the entries within 2, 24 and 72 hours, at the start and at the end of the year; the others are late.
const SHARES: [(f64, f64); 3] = [(0.26, 0.84), (0.30, 0.12), (0.26, 0.03)];

impl Diary<'_> {
    /// When something that happened at `occurred` is typed in.
    pub(super) fn typed(&mut self, occurred: Timestamp) -> Timestamp {
        let minutes = self.delay(self.calendar.age(occurred));
        let typed = super::minutes_after(occurred, minutes);
        let (day, minute) = self.calendar.local(typed);
        let coffee = self.dice.within(0..90);
        if minute < AWAKE {
            self.calendar.at(day, AWAKE + coffee)
        } else if minute >= ASLEEP {
            self.calendar.at(day.succ_opt().unwrap_or(day), AWAKE + coffee)
        } else {
            typed
        }
    }

    fn delay(&mut self, age: f64) -> i64 {
        let mut draw = self.dice.share();
        let mut from = 3;
        for ((first, last), until) in SHARES.into_iter().zip([2 * HOUR, 24 * HOUR, 72 * HOUR]) {
            let share = first + (last - first) * age;
            if draw < share {
                return self.soon(from, until);
            }
            draw -= share;
            from = until + 1;
        }
        self.soon(from, LONGEST)
    }

    /// Rather early than late between the two.
    fn soon(&mut self, from: i64, until: i64) -> i64 {
        from + ((until - from) as f64 * self.dice.share().powi(2)) as i64
    }
}
