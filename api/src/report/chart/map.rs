//! Places of a day on a map without a ground: north is up, distances are true, and a bar tells the scale. Drawn with the
//! library's lines, circles and texts; there is no server of tiles to ask, and nobody learns where a rep has been.

use charts_rs::{Box as Edges, Canvas, Circle, Line, Point, Polygon, Rect, Result, StraightLine, Text};

use super::draw::{MARGIN, NOTE, head_height, long};
use super::paper::{Ink, centred, paper, written};
use super::scale::{Scale, round_length};
use super::{Mark, Picture, Spot, Theme};

/// A mark, and its number.
const RADIUS: f32 = 10.0;
const SMALL: f32 = 11.0;
/// A row of what the marks mean.
const ROW: f32 = 22.0;
/// The longest that the bar of the scale may be.
const BAR: f32 = 140.0;

pub(super) fn svg(
    picture: &Picture,
    spots: &[Spot],
    marks: &[(Mark, String)],
    theme: Theme,
    width: f32,
) -> Result<String> {
    let ink = Ink::of(theme);
    let top = head_height(picture, width);
    let drawn = width * if width > 600.0 { 0.55 } else { 0.85 };
    let rows = places(marks, width);
    let below = rows.last().map_or(0.0, |row| row.y + ROW) + MARGIN;
    let canvas = paper(picture, &ink, width, top + drawn + below);
    let mut area = canvas.child(Edges { left: MARGIN, top, right: MARGIN, bottom: below });
    let (wide, high) = (area.width(), area.height());
    let ground = Some(ink.ground.into());
    area.rect(Rect {
        color: Some(ink.line),
        stroke_width: Some(1.0),
        fill: ground,
        width: wide,
        height: high,
        ..Rect::default()
    });
    if spots.is_empty() {
        area.text(centred(&picture.empty, wide / 2.0, high / 2.0, ink.soft));
        return canvas.svg();
    }
    let scale = Scale::of(spots, wide, high);
    let points = apart(spots.iter().map(|spot| scale.point(spot)).collect());
    route(&mut area, &points, &ink);
    for (spot, point) in spots.iter().zip(&points) {
        mark(&mut area, spot.mark, *point, Some(spot.number), &ink);
    }
    names(&mut area, spots, &points, (wide, high), &ink);
    scale_bar(&mut area, scale.kilometre, high, &ink);
    north(&mut area, wide, &ink);
    let mut legend = canvas.child(Edges { left: MARGIN, top: top + drawn, right: MARGIN, bottom: 0.0 });
    for Meaning { mark: kind, told, x, y } in rows {
        mark(&mut legend, kind, Point { x: x + RADIUS, y: y + ROW / 2.0 + 6.0 }, None, &ink);
        legend.text(written(told, x + RADIUS * 2.0 + 6.0, y + ROW / 2.0 + 10.0, ink.text));
    }
    canvas.svg()
}

/// What a mark means, and where that stands.
struct Meaning<'a> {
    mark: Mark,
    told: &'a str,
    x: f32,
    y: f32,
}

/// Where each meaning stands, row by row.
fn places(meanings: &[(Mark, String)], width: f32) -> Vec<Meaning<'_>> {
    let (mut x, mut y) = (0.0, 0.0);
    meanings
        .iter()
        .map(|(mark, told)| {
            let needs = RADIUS * 2.0 + 6.0 + long(told) + 22.0;
            if x > 0.0 && x + needs > width - MARGIN * 2.0 {
                (x, y) = (0.0, y + ROW);
            }
            let here = (x, y);
            x += needs;
            Meaning { mark: *mark, told, x: here.0, y: here.1 }
        })
        .collect()
}

/// Marks that would cover each other stand side by side.
fn apart(points: Vec<Point>) -> Vec<Point> {
    let mut placed: Vec<Point> = Vec::new();
    for mut point in points {
        while placed.iter().any(|other| (other.x - point.x).hypot(other.y - point.y) < RADIUS * 1.9) {
            point.x += RADIUS * 2.1;
        }
        placed.push(point);
    }
    placed
}

/// The way, with the direction on each part that is long enough.
fn route(area: &mut Canvas, points: &[Point], ink: &Ink) {
    let way = StraightLine {
        color: Some(ink.soft),
        points: points.to_vec(),
        stroke_width: 1.5,
        symbol: None,
        stroke_dash_array: Some("6 4".to_owned()),
        ..StraightLine::default()
    };
    if points.len() > 1 {
        area.straight_line(way);
    }
    for pair in points.windows(2) {
        let (x, y) = (pair[1].x - pair[0].x, pair[1].y - pair[0].y);
        let length = x.hypot(y);
        if length < RADIUS * 4.0 {
            continue;
        }
        let (x, y) = (x / length, y / length);
        let (tip_x, tip_y) = ((pair[0].x + pair[1].x) / 2.0 + x * 5.0, (pair[0].y + pair[1].y) / 2.0 + y * 5.0);
        let corner = |side: f32| Point { x: tip_x - x * 10.0 - y * side, y: tip_y - y * 10.0 + x * side };
        let points = vec![Point { x: tip_x, y: tip_y }, corner(4.5), corner(-4.5)];
        area.polygon(Polygon { fill: Some(ink.soft), points, ..Polygon::default() });
    }
}

/// The forms differ, so that they are told apart without colour.
fn mark(area: &mut Canvas, mark: Mark, at: Point, number: Option<usize>, ink: &Ink) {
    let is_full = mark == Mark::Proven;
    match mark {
        Mark::Elsewhere => {
            area.rect(Rect {
                color: Some(ink.mark),
                stroke_width: Some(2.5),
                fill: Some(ink.ground.into()),
                left: at.x - RADIUS,
                top: at.y - RADIUS,
                width: RADIUS * 2.0,
                height: RADIUS * 2.0,
                ..Rect::default()
            });
        }
        Mark::Proven | Mark::Unproven | Mark::Address => {
            area.circle(Circle {
                stroke_color: Some(ink.mark),
                fill: Some(if is_full { ink.mark } else { ink.ground }),
                stroke_width: if mark == Mark::Address { 1.2 } else { 2.0 },
                stroke_dash_array: (mark == Mark::Address).then(|| "3 2".to_owned()),
                cx: at.x,
                cy: at.y,
                r: RADIUS,
                ..Circle::default()
            });
        }
    }
    if let Some(number) = number {
        let color = if is_full { ink.ground } else { ink.text };
        let told = Text {
            font_size: Some(SMALL),
            font_weight: Some("bold".to_owned()),
            ..centred(&number.to_string(), at.x, at.y + 4.0, color)
        };
        area.text(told);
    }
}

/// Each name where it covers nothing; one that finds no room is left to the table.
fn names(area: &mut Canvas, spots: &[Spot], points: &[Point], (wide, high): (f32, f32), ink: &Ink) {
    let around =
        |at: &Point| Edges { left: at.x - RADIUS, top: at.y - RADIUS, right: at.x + RADIUS, bottom: at.y + RADIUS };
    let mut taken: Vec<Edges> = points.iter().map(around).collect();
    // The bar of the scale, and the arrow to the north.
    taken.push(Edges { left: 0.0, top: high - 34.0, right: BAR + 70.0, bottom: high });
    taken.push(Edges { left: wide - 34.0, top: 0.0, right: wide, bottom: 44.0 });
    for (spot, at) in spots.iter().zip(points) {
        let (length, half) = (long(&spot.name), NOTE / 2.0 + 1.0);
        let gap = RADIUS + 4.0;
        // Above and below it may be moved aside, so that it stays on the map.
        let beside = |x: f32| x.min(wide - 3.0 - length).max(3.0);
        let ways = [
            (at.x + gap, at.y),
            (beside(at.x - length / 2.0), at.y - gap - half),
            (beside(at.x - length / 2.0), at.y + gap + half),
            (at.x - gap - length, at.y),
            (beside(at.x + 4.0), at.y - gap - half),
            (beside(at.x + 4.0), at.y + gap + half),
            (beside(at.x - 4.0 - length), at.y - gap - half),
            (beside(at.x - 4.0 - length), at.y + gap + half),
            (beside(at.x - length / 2.0), at.y - gap - half * 3.0),
            (beside(at.x - length / 2.0), at.y + gap + half * 3.0),
        ];
        let free = ways
            .into_iter()
            .map(|(x, y)| (x, y, Edges { left: x, top: y - half, right: x + length, bottom: y + half }));
        let free = free.filter(|(.., own)| {
            own.left >= 2.0 && own.right <= wide - 2.0 && own.top >= 2.0 && own.bottom <= high - 2.0
        });
        let free: Vec<_> = free.filter(|(.., own)| !taken.iter().any(|other| meet(own, other))).collect();
        // Best off the way, too.
        let off = free.iter().find(|(.., own)| !points.windows(2).any(|pair| crosses(pair[0], pair[1], own)));
        if let Some(&(x, y, own)) = off.or(free.first()) {
            area.text(written(&spot.name, x, y + 4.0, ink.text));
            taken.push(own);
        }
    }
}

fn meet(one: &Edges, other: &Edges) -> bool {
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
}

/// Whether the way from one to the other touches it, looked at step by step.
fn crosses(from: Point, to: Point, edges: &Edges) -> bool {
    let steps = (to.x - from.x).hypot(to.y - from.y).ceil().max(1.0);
    (0..=steps as u32).any(|step| {
        let share = step as f32 / steps;
        let (x, y) = (from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share);
        (edges.left..edges.right).contains(&x) && (edges.top..edges.bottom).contains(&y)
    })
}

fn scale_bar(area: &mut Canvas, kilometre: f64, high: f32, ink: &Ink) {
    let length = round_length(BAR, kilometre);
    let (left, y) = (14.0, high - 14.0);
    let right = left + (length * kilometre) as f32;
    let told = if length < 1.0 { format!("{:.0} m", length * 1000.0) } else { format!("{length:.0} km") };
    for (left, top, right, bottom) in
        [(left, y, right, y), (left, y - 5.0, left, y + 5.0), (right, y - 5.0, right, y + 5.0)]
    {
        area.line(Line { color: Some(ink.text), stroke_width: 2.0, left, top, right, bottom, ..Line::default() });
    }
    area.text(written(&told, right + 8.0, y + 4.0, ink.text));
}

fn north(area: &mut Canvas, wide: f32, ink: &Ink) {
    let x = wide - 18.0;
    let points = vec![Point { x, y: 8.0 }, Point { x: x + 6.0, y: 22.0 }, Point { x: x - 6.0, y: 22.0 }];
    area.polygon(Polygon { fill: Some(ink.soft), points, ..Polygon::default() });
    area.text(centred("N", x, 36.0, ink.soft));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_at_one_place_stand_side_by_side() {
        let at = Point { x: 100.0, y: 100.0 };
        let placed = apart(vec![at, at, at]);
        for (n, one) in placed.iter().enumerate() {
            assert!(placed[..n].iter().all(|other| (other.x - one.x).abs() >= RADIUS * 1.9));
        }
    }
}
