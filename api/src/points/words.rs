//! How bookings of points are put into words: numbers, times and spans, English and Chinese.

use chrono_tz::Tz;
use entity::kind::{EntrySource, WorkKind};
use entity::rules::Weight;
use entity::scalar::{Line, Points, Timestamp};
use rust_decimal::Decimal;

use super::field::{self, Filled};
use super::score::counts;

/// Two digits after the point, and a true minus: `−5.00`.
pub fn points(points: Points) -> String {
    points.to_string().replace('-', "−")
}

/// No more digits than needed: `10`, `2.5`.
pub fn plain(number: Decimal) -> String {
    number.normalize().to_string().replace('-', "−")
}

/// `to − from = difference`, a negative `from` in brackets.
pub fn difference(to: Points, from: Points, difference: Points) -> String {
    let subtrahend = if from.0 < Decimal::ZERO { format!("({})", points(from)) } else { points(from) };
    format!("{} − {subtrahend} = {}", points(to), points(difference))
}

/// Day and minute as the clock on the tenant's wall shows them: `2026-03-02 17:15`.
pub fn moment(moment: Timestamp, zone: Tz) -> String {
    moment.0.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// A span of whole minutes as days, hours and minutes; parts that are zero are left out.
fn span(minutes: i32, units: [&str; 3], separator: &str) -> String {
    let parts = [minutes / 1_440, minutes / 60 % 24, minutes % 60];
    let shown: Vec<_> =
        parts.iter().zip(units).filter(|(n, _)| **n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if shown.is_empty() { format!("0 {}", units[2]) } else { shown.join(separator) }
}

/// `3 d 4 h 20 min`
pub fn span_en(minutes: i32) -> String {
    span(minutes, ["d", "h", "min"], " ")
}

/// `3 天 4 小时 20 分钟`
pub fn span_zh(minutes: i32) -> String {
    span(minutes, ["天", "小时", "分钟"], " ")
}

/// A span of working time: a working day has no number of hours that all tenants share.
pub fn worked_en(minutes: i32) -> String {
    format!("{} in working hours", hours(minutes, ["h", "min"], " "))
}

/// `工作时间 28 小时 20 分钟`
pub fn worked_zh(minutes: i32) -> String {
    format!("工作时间 {}", hours(minutes, ["小时", "分钟"], " "))
}

fn hours(minutes: i32, units: [&str; 2], separator: &str) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} {}", units[1]),
        (hours, 0) => format!("{hours} {}", units[0]),
        (hours, minutes) => format!("{hours} {}{separator}{minutes} {}", units[0], units[1]),
    }
}

/// That something was corrected, English and Chinese, without the full stop.
pub fn corrected(source: EntrySource) -> (&'static str, &'static str) {
    match source {
        EntrySource::Activity => ("The activity was corrected", "活动已更正"),
        EntrySource::Plan => ("The visit that fulfils the plan was corrected", "完成计划的拜访已更正"),
        EntrySource::StageMove => ("The stage move was corrected", "阶段推进已更正"),
        EntrySource::Opportunity => ("The opportunity was signed again", "商机重新签约"),
        _ => ("This was corrected", "已更正"),
    }
}

/// That something no longer counts, likewise.
pub fn gone(source: EntrySource) -> (&'static str, &'static str) {
    match source {
        EntrySource::Activity => ("The activity was deleted", "活动已删除"),
        EntrySource::Plan => ("The plan no longer counts as fulfilled on its day", "该计划不再视为当日完成"),
        EntrySource::StageMove => ("The opportunity was deleted", "商机已删除"),
        EntrySource::Opportunity => ("The opportunity is no longer signed", "商机不再处于签约状态"),
        _ => ("This no longer counts", "不再计入"),
    }
}

/// The kind of work as a sentence begins with it, English and Chinese.
pub fn kind(kind: WorkKind) -> (&'static str, &'static str) {
    match kind {
        WorkKind::Visit => ("Visit", "拜访"),
        WorkKind::Call => ("Call", "电话"),
        WorkKind::Meeting => ("Meeting", "会议"),
        WorkKind::Email => ("E-mail", "邮件"),
        WorkKind::Note => ("Note", "记录"),
        WorkKind::StageMove => ("Stage move", "阶段推进"),
        WorkKind::Plan => ("Plan", "计划"),
    }
}

/// What users call these fields, English and Chinese; a name that is not known stands for itself.
pub fn fields<'a>(names: impl IntoIterator<Item = &'a Line>) -> (String, String) {
    let both: Vec<_> = names
        .into_iter()
        .map(|name| field::field(&name.0).map_or((name.0.as_str(), name.0.as_str()), |field| (field.en, field.zh)))
        .collect();
    let join = |words: Vec<&str>, separator| words.join(separator);
    (join(both.iter().map(|(en, _)| *en).collect(), ", "), join(both.iter().map(|(_, zh)| *zh).collect(), "、"))
}

/// Which weighed fields do not count and, of those that are filled, what they lack; English and Chinese.
pub fn lacking(weights: &[Weight], filled: &Filled) -> (String, String) {
    let one = |weight: &Weight| {
        let (mut en, mut zh) = fields([&weight.field]);
        let Some(characters) = filled.get(weight.field.0.as_str()) else { return (en, zh) };
        if let Some(least) =
            weight.min_characters.filter(|least| usize::try_from(*least).is_ok_and(|l| *characters < l))
        {
            en += &format!(" ({least} characters asked)");
            zh += &format!("（要求至少 {least} 个字符）");
        }
        if let Some(with) = weight.with.as_ref().filter(|with| !filled.contains_key(with.0.as_str())) {
            let (with_en, with_zh) = fields([with]);
            en += &format!(" (counts with {with_en})");
            zh += &format!("（须同时填写{with_zh}）");
        }
        (en, zh)
    };
    let (en, zh): (Vec<_>, Vec<_>) = weights.iter().filter(|weight| !counts(weight, filled)).map(one).unzip();
    (en.join(", "), zh.join("、"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_and_does_not_count_says_why() {
        let weight = |field: &str, min_characters, with: Option<&str>| Weight {
            field: Line(field.into()),
            weight: 1,
            min_characters,
            with: with.map(|with| Line(with.into())),
        };
        let weights = [
            weight("summary", Some(20), None),
            weight("outcome", Some(20), None),
            weight("nextStep", None, Some("nextStepOn")),
            weight("contactId", None, None),
        ];
        let (en, zh) = lacking(&weights, &Filled::from([("summary", 7), ("outcome", 20), ("nextStep", 4)]));
        assert_eq!(en, "summary (20 characters asked), next step (counts with date of the next step), contact");
        assert_eq!(zh, "摘要（要求至少 20 个字符）、下一步（须同时填写下一步日期）、联系人");
        assert_eq!(lacking(&weights[..1], &Filled::new()), ("summary".into(), "摘要".into()));
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let table = [
            (0, "0 min", "0 分钟"),
            (59, "59 min", "59 分钟"),
            (60, "1 h", "1 小时"),
            (200, "3 h 20 min", "3 小时 20 分钟"),
            (1_440, "1 d", "1 天"),
            (1_445, "1 d 5 min", "1 天 5 分钟"),
            (4_581, "3 d 4 h 21 min", "3 天 4 小时 21 分钟"),
        ];
        for (minutes, en, zh) in table {
            assert_eq!((span_en(minutes).as_str(), span_zh(minutes).as_str()), (en, zh));
        }
    }

    #[test]
    fn numbers_carry_a_true_minus() {
        let number = |text: &str| Points::parse(text).unwrap();
        assert_eq!(points(number("-5")), "−5.00");
        assert_eq!(plain(number("-2.50").0), "−2.5");
        assert_eq!(difference(number("7"), number("-5"), number("12")), "7.00 − (−5.00) = 12.00");
        assert_eq!(difference(number("0"), number("7"), number("-7")), "0.00 − 7.00 = −7.00");
    }

    #[test]
    fn moments_stand_in_the_tenants_zone() {
        let utc = Timestamp::parse("2026-03-02T16:30:59Z").unwrap();
        assert_eq!(moment(utc, Tz::Asia__Shanghai), "2026-03-03 00:30");
        assert_eq!(moment(utc, Tz::UTC), "2026-03-02 16:30");
    }

    #[test]
    fn fields_have_the_names_that_users_know() {
        let names = ["nextStep", "checkIn", "shoeSize"].map(|name| Line(name.to_owned()));
        assert_eq!(fields(&names), ("next step, check-in, shoeSize".into(), "下一步、签到、shoeSize".into()));
    }
}
