//! Places of a day on a map without a ground: north is up, distances are true, and a bar tells the scale. Drawn with the
//! library's lines, circles and texts; there is no server of tiles to ask, and nobody learns where a rep has been.

use charts_rs::{
    Box as Edges, Canvas, Circle, Color, Line, Point, Polygon, Rect, Result, StraightLine, Text,
    measure_text_width_family,
};

use super::draw::{DARK, FONT, MARGIN, head_height, lines};
use super::{Mark, Picture, Spot, Theme};

/// Kilometres of a degree of latitude.
const DEGREE: f64 = 111.195;
/// The least that a map shows across, in kilometres: the size of a block.
const LEAST: f64 = 0.4;
/// Room around the places, for their names.
const ACROSS: f32 = 84.0;
const DOWN: f32 = 34.0;
/// A mark, its number, and a name.
const RADIUS: f32 = 10.0;
const SMALL: f32 = 11.0;
const NAMED: f32 = 12.0;
/// A row of what the marks mean.
const ROW: f32 = 22.0;
/// The longest that the bar of the scale may be.
const BAR: f32 = 140.0;

struct Ink {
    text: Color,
    soft: Color,
    line: Color,
    ground: Color,
    mark: Color,
}

impl Ink {
    fn of(theme: Theme) -> Self {
        let color = |rgb: (u8, u8, u8)| Color::from(rgb);
        match theme {
            Theme::Light => Ink {
                text: color((40, 44, 52)),
                soft: color((95, 102, 112)),
                line: color((210, 216, 222)),
                ground: color((255, 255, 255)),
                mark: color((22, 50, 92)),
            },
            Theme::Dark => Ink {
                text: color((232, 239, 242)),
                soft: color((159, 178, 187)),
                line: color((56, 72, 80)),
                ground: color(DARK),
                mark: color((176, 212, 240)),
            },
        }
    }
}

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
    let mut canvas = Canvas::new(width, top + drawn + below);
    canvas.rect(Rect { fill: Some(ink.ground.into()), width, height: top + drawn + below, ..Rect::default() });
    let middle = |text: &str, size: f32, y: f32, color: Color, weight: Option<&str>| Text {
        text: text.to_owned(),
        font_family: Some(FONT.to_owned()),
        font_size: Some(size),
        font_color: Some(color),
        font_weight: weight.map(str::to_owned),
        x: Some(width / 2.0),
        y: Some(y),
        text_anchor: Some("middle".to_owned()),
        ..Text::default()
    };
    canvas.text(middle(&picture.title, 14.0, MARGIN + 13.0, ink.text, Some("bold")));
    for (place, line) in lines(picture, width).iter().enumerate() {
        canvas.text(middle(line, NAMED, MARGIN + 38.0 + place as f32 * 18.0, ink.soft, None));
    }
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
        area.text(Text {
            x: Some(wide / 2.0),
            y: Some(high / 2.0),
            ..middle(&picture.empty, NAMED, 0.0, ink.soft, None)
        });
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

fn written(text: &str, x: f32, y: f32, color: Color) -> Text {
    Text {
        text: text.to_owned(),
        font_family: Some(FONT.to_owned()),
        font_size: Some(NAMED),
        font_color: Some(color),
        x: Some(x),
        y: Some(y),
        ..Text::default()
    }
}

fn long(text: &str) -> f32 {
    measure_text_width_family(FONT, NAMED, text).map_or(0.0, |measured| measured.width())
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

/// From degrees to pixels: over the size of a city, a plane on which a degree of longitude is as long as it is there.
struct Scale {
    north: f64,
    east: f64,
    shrink: f64,
    /// Pixels of a kilometre.
    kilometre: f64,
    center: (f32, f32),
}

impl Scale {
    fn of(spots: &[Spot], wide: f32, high: f32) -> Self {
        let first = spots.first().map_or(0.0, |spot| spot.east);
        // Across the line of dates, 179 east and 179 west are neighbours.
        let easts = spots.iter().map(|spot| first + turned(spot.east - first));
        let (west, east) = bounds(easts);
        let (south, north) = bounds(spots.iter().map(|spot| spot.north));
        let middle = ((south + north) / 2.0, (west + east) / 2.0);
        let shrink = middle.0.to_radians().cos().max(0.01);
        let across = ((east - west) * shrink * DEGREE).max(LEAST);
        let down = ((north - south) * DEGREE).max(LEAST / 2.0);
        let room = (f64::from(wide - ACROSS * 2.0), f64::from(high - DOWN * 2.0));
        let kilometre = (room.0 / across).min(room.1 / down);
        Scale { north: middle.0, east: middle.1, shrink, kilometre, center: (wide / 2.0, high / 2.0) }
    }

    fn point(&self, spot: &Spot) -> Point {
        let x = turned(spot.east - self.east) * self.shrink * DEGREE * self.kilometre;
        let y = (self.north - spot.north) * DEGREE * self.kilometre;
        Point { x: self.center.0 + x as f32, y: self.center.1 + y as f32 }
    }
}

/// A difference of longitudes, the short way round.
fn turned(degrees: f64) -> f64 {
    (degrees + 540.0).rem_euclid(360.0) - 180.0
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
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
            text_anchor: Some("middle".to_owned()),
            ..written(&number.to_string(), at.x, at.y + 4.0, color)
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
        let (length, half) = (long(&spot.name), NAMED / 2.0 + 1.0);
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

/// 1, 2 or 5 of a power of ten, as long as fits.
fn round_length(kilometre: f64) -> f64 {
    let most = f64::from(BAR) / kilometre;
    let power = 10f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|length| *length <= most).unwrap_or(power)
}

fn scale_bar(area: &mut Canvas, kilometre: f64, high: f32, ink: &Ink) {
    let length = round_length(kilometre);
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
    area.text(Text { text_anchor: Some("middle".to_owned()), ..written("N", x, 36.0, ink.soft) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(number: usize, north: f64, east: f64) -> Spot {
        Spot { number, name: format!("Place {number}"), north, east, mark: Mark::Proven }
    }

    #[test]
    fn distances_are_true_in_both_directions() {
        // In Shanghai: as far to the north as to the east.
        let spots = [
            spot(1, 31.2, 121.4),
            spot(2, 31.2 + 5.0 / DEGREE, 121.4),
            spot(3, 31.2, 121.4 + 5.0 / DEGREE / 31.2f64.to_radians().cos()),
        ];
        let scale = Scale::of(&spots, 776.0, 440.0);
        let points: Vec<Point> = spots.iter().map(|spot| scale.point(spot)).collect();
        let (up, right) = (points[0].y - points[1].y, points[2].x - points[0].x);
        assert!((up - right).abs() < 1.0, "{up} up, {right} to the right");
        assert!((f64::from(up) - 5.0 * scale.kilometre).abs() < 0.5, "{up} pixels are 5 km");
        assert!(points.iter().all(|point| (0.0..776.0).contains(&point.x) && (0.0..440.0).contains(&point.y)));
    }

    #[test]
    fn neighbours_across_the_line_of_dates_are_neighbours() {
        let spots = [spot(1, -17.0, 179.99), spot(2, -17.0, -179.99)];
        let scale = Scale::of(&spots, 776.0, 440.0);
        let (one, other) = (scale.point(&spots[0]), scale.point(&spots[1]));
        assert!(other.x > one.x && other.x - one.x < 776.0, "{one} {other}");
    }

    #[test]
    fn a_scale_is_a_round_length() {
        for (kilometre, length) in [(100.0, 1.0), (60.0, 2.0), (5.0, 20.0), (1000.0, 0.1), (0.01, 10_000.0)] {
            assert!((round_length(kilometre) - length).abs() < 1e-9, "{kilometre}: {}", round_length(kilometre));
        }
    }

    #[test]
    fn marks_at_one_place_stand_side_by_side() {
        let at = Point { x: 100.0, y: 100.0 };
        let placed = apart(vec![at, at, at]);
        for (n, one) in placed.iter().enumerate() {
            assert!(placed[..n].iter().all(|other| (other.x - one.x).abs() >= RADIUS * 1.9));
        }
    }
}
