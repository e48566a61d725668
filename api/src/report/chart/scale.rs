//! From degrees to pixels, so that distances are true.

use charts_rs::Point;

use super::Spot;

/// Kilometres of a degree of latitude.
const DEGREE: f64 = 111.195;
/// The least that a map shows across, in kilometres: the size of a block.
const LEAST: f64 = 0.4;
/// Room around the places, for their names.
const ACROSS: f32 = 84.0;
const DOWN: f32 = 34.0;

/// From degrees to pixels: over the size of a city, a plane on which a degree of longitude is as long as it is there.
pub(super) struct Scale {
    north: f64,
    east: f64,
    shrink: f64,
    /// Pixels of a kilometre.
    pub(super) kilometre: f64,
    center: (f32, f32),
}

impl Scale {
    pub(super) fn of(spots: &[Spot], wide: f32, high: f32) -> Self {
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

    pub(super) fn point(&self, spot: &Spot) -> Point {
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

/// 1, 2 or 5 of a power of ten, as long as fits.
pub(super) fn round_length(longest: f32, kilometre: f64) -> f64 {
    let most = f64::from(longest) / kilometre;
    let power = 10f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|length| *length <= most).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
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
            assert!(
                (round_length(140.0, kilometre) - length).abs() < 1e-9,
                "{kilometre}: {}",
                round_length(140.0, kilometre)
            );
        }
    }
}
