//! Whether somebody may pick a lead now. Decides only; what is charged is `claim`'s business.

use entity::scalar::Date;

/// All that the decision may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub today: Date,
    /// For who had it last: until when he must leave it to others.
    pub cool_down_until: Option<Date>,
    /// Leads that he holds, and may hold.
    pub held: i32,
    pub capacity: i32,
    /// Leads that he picked today, and may pick in a day.
    pub picked: i32,
    pub daily_picks: i32,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    CoolDown(Date),
    Capacity(i32),
    DailyPicks(i32),
}

/// The day of `cool_down_until` is the first on which he may pick it again.
pub fn may_pick(facts: &Facts) -> Result<(), Refused> {
    match facts.cool_down_until {
        Some(until) if facts.today < until => return Err(Refused::CoolDown(until)),
        _ => {}
    }
    if facts.held >= facts.capacity {
        return Err(Refused::Capacity(facts.capacity));
    }
    if facts.picked >= facts.daily_picks {
        return Err(Refused::DailyPicks(facts.daily_picks));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    #[test]
    fn each_limit_stops_at_its_number() {
        let free = Facts {
            today: day("2026-03-02"),
            cool_down_until: None,
            held: 59,
            capacity: 60,
            picked: 4,
            daily_picks: 5,
        };
        let cooling = |until| Facts { cool_down_until: Some(day(until)), ..free };
        for (facts, expected) in [
            (free, Ok(())),
            (Facts { held: 60, ..free }, Err(Refused::Capacity(60))),
            (Facts { picked: 5, ..free }, Err(Refused::DailyPicks(5))),
            (Facts { capacity: 0, held: 0, ..free }, Err(Refused::Capacity(0))),
            (cooling("2026-03-03"), Err(Refused::CoolDown(day("2026-03-03")))),
            (cooling("2026-03-02"), Ok(())),
            (Facts { held: 99, ..cooling("2026-03-03") }, Err(Refused::CoolDown(day("2026-03-03")))),
        ] {
            assert_eq!(may_pick(&facts), expected, "{facts:?}");
        }
    }
}
