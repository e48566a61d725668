//! Shares with the intervals in which the true ones lie, a row each: a bar, the interval across its end, and both in words
//! beside it. Drawn with the library's rectangles, lines and texts, since its charts of rows have no intervals.

use charts_rs::{Box as Edges, Line, Rect, Result, Text};

use super::draw::{MARGIN, cut, head_height, widest};
use super::paper::{Ink, centred, paper, written};
use super::{Estimate, Picture, Theme};

/// A row, and the bar in it.
const ROW: f32 = 30.0;
const BAR: f32 = 14.0;
/// The strokes at the ends of an interval, to either side of it.
const CAP: f32 = 4.0;
/// The axis below.
const FOOT: f32 = 24.0;
/// Of what figures leave, the part that names may take.
const NAMES: f32 = 0.45;
/// Between a bar and what stands beside it.
const GAP: f32 = 6.0;
/// From the middle of a text to the line that it stands on.
const BASE: f32 = 4.0;

pub(super) fn svg(picture: &Picture, rows: &[Estimate], theme: Theme, width: f32) -> Result<String> {
    let ink = Ink::of(theme);
    let top = head_height(picture, width);
    let high = rows.len().max(1) as f32 * ROW;
    let canvas = paper(picture, &ink, width, top + high + FOOT + MARGIN);
    let mut area = canvas.child(Edges { left: MARGIN, top, right: MARGIN, bottom: MARGIN });
    let wide = area.width();
    if rows.is_empty() {
        area.text(centred(&picture.empty, wide / 2.0, high / 2.0, ink.soft));
        return canvas.svg();
    }
    let right = wide - widest(rows.iter().map(|row| &row.told)) - GAP;
    let names = widest(rows.iter().map(|row| &row.name)).min(right * NAMES);
    let left = names + GAP;
    let place = |percent: f64| left + (right - left) * percent as f32 / 100.0;
    for percent in (0..=100_u8).step_by(20) {
        let x = place(f64::from(percent));
        area.line(Line { color: Some(ink.line), left: x, right: x, bottom: high, ..Line::default() });
        area.text(centred(&percent.to_string(), x, high + FOOT / 2.0 + BASE, ink.soft));
    }
    let mut middle = ROW / 2.0;
    for row in rows {
        let name = written(&cut(&row.name, names), names, middle + BASE, ink.text);
        area.text(Text { text_anchor: Some("end".to_owned()), ..name });
        area.rect(Rect {
            color: Some(ink.mark),
            stroke_width: Some(1.0),
            fill: Some(ink.pale.into()),
            left,
            top: middle - BAR / 2.0,
            width: place(row.share) - left,
            height: BAR,
            ..Rect::default()
        });
        let (low, high) = (place(row.low), place(row.high));
        for (left, top, right, bottom) in [
            (low, middle, high, middle),
            (low, middle - CAP, low, middle + CAP),
            (high, middle - CAP, high, middle + CAP),
        ] {
            area.line(Line { color: Some(ink.text), stroke_width: 1.5, left, top, right, bottom, ..Line::default() });
        }
        area.text(written(&row.told, right + GAP, middle + BASE, ink.text));
        middle += ROW;
    }
    canvas.svg()
}

#[cfg(test)]
mod tests {
    use super::super::draw::{SURE, long};
    use super::super::{NARROW, Plot, WIDE, font};
    use super::*;

    fn drawn(name: &str, width: f32) -> String {
        let row = |name: &str, share: f64, told: &str| Estimate {
            name: name.to_owned(),
            share,
            low: share - 10.0,
            high: share + 20.0,
            told: told.to_owned(),
        };
        let rows = vec![row("all", 40.0, "40% (30–60), n=1234"), row(name, 80.0, "80% (70–100), n=9 *")];
        let (title, note, empty) = ("Win rate".to_owned(), "n=1243".to_owned(), String::new());
        let picture = Picture { title, note, plot: Plot::Estimates(rows), empty };
        picture.svg_of(Theme::Light, width).expect("draws")
    }

    #[test]
    fn figures_stand_in_full_beside_names_that_are_cut_where_they_are_long() {
        let long = "Leased lines for the branches of provincial banks, with eight years of service by day and night";
        for width in [NARROW, WIDE] {
            for (name, is_cut) in [("Lin Wei", false), ("华东大客户部", false), (long, true)] {
                let svg = drawn(name, width);
                let (told, drawn) = svg.split_once("</desc>").expect("a description");
                assert!(told.contains("all 40% (30–60), n=1234; ") && told.contains(name), "{told}");
                assert!(drawn.contains("40% (30–60), n=1234") && drawn.contains("80% (70–100), n=9 *"), "{drawn}");
                assert_eq!((drawn.contains(name), drawn.contains('…')), (!is_cut, is_cut), "{drawn}");
            }
        }
    }

    #[test]
    fn a_name_is_cut_to_its_room() {
        font::register();
        let name = "上海浦东新区政企大客户一部";
        let shown = cut(name, 100.0);
        assert!(shown.starts_with("上海浦东") && shown.ends_with('…') && long(&shown) / SURE <= 100.0, "{shown}");
        assert_eq!((cut(name, 300.0), cut(name, 0.0)), (name.to_owned(), String::new()));
    }
}
