//! Whether the check-in of a visit proves that it took place at the account. Decides only; storing the verdict, and
//! what it may be worth, is not done here.

use chrono::TimeDelta;
use entity::kind::Verdict;
use entity::scalar::Timestamp;
use entity::shape::{Check, Position};

/// A check-in this close to the account, in metres, was made at the account: a large site with its car park.
const RADIUS_METRES: f64 = 200.0;
/// A phone that is surer of nothing than this, in metres, has seen a mobile mast and no satellite: no proof either way.
const WORST_ACCURACY_METRES: f64 = 2_000.0;
/// A position may be this much older than the visit and the check-in, in minutes: phones reuse a recent fix.
const OLDEST_FIX_MINUTES: i64 = 5;
/// Mean radius R₁ of the Earth, in metres (GRS 80; H. Moritz, "Geodetic Reference System 1980", Journal of Geodesy 74,
/// 2000, pp. 128–133).
const EARTH_RADIUS_METRES: f64 = 6_371_008.771_4;

/// The verdict on a visit that started at `visit_started`, and the distance in whole metres between check-in and
/// account where both positions are known.
///
/// The accuracy counts in the rep's favour: `distance − accuracy ≤ 200 m` is verified; a phone that tells none is
/// taken at its word. Unknown, never outside, is a visit without both positions, one whose position was fixed more than
/// five minutes before the visit or the check-in (where the phone tells no time of the fix, the check-in's own time
/// counts), and one whose accuracy is beyond 2,000 m or no number.
pub fn verdict(
    account: Option<Position>,
    check_in: Option<&Check>,
    visit_started: Timestamp,
) -> (Verdict, Option<i32>) {
    let Some((account, check)) = account.zip(check_in) else { return (Verdict::Unknown, None) };
    let Some(phone) = place(check).filter(on_globe).filter(|_| on_globe(&account)) else {
        return (Verdict::Unknown, None);
    };
    // The rounded distance decides, so that the stored number always explains the verdict. At most half the Earth's
    // circumference, 20,015 km, it fits.
    let distance = distance_metres(account, phone).round();
    let accuracy = check.accuracy.unwrap_or(0.0);
    let verdict = if is_stale(check, visit_started) || !(0.0..=WORST_ACCURACY_METRES).contains(&accuracy) {
        Verdict::Unknown
    } else if distance - accuracy <= RADIUS_METRES {
        Verdict::Verified
    } else {
        Verdict::Outside
    };
    (verdict, Some(distance as i32))
}

fn place(check: &Check) -> Option<Position> {
    Some(Position { latitude: check.latitude?, longitude: check.longitude? })
}

/// Written so that NaN is not on it.
fn on_globe(position: &Position) -> bool {
    (-90.0..=90.0).contains(&position.latitude) && (-180.0..=180.0).contains(&position.longitude)
}

fn is_stale(check: &Check, visit_started: Timestamp) -> bool {
    let fixed = check.fixed_at.unwrap_or(check.at).0;
    let tolerance = TimeDelta::minutes(OLDEST_FIX_MINUTES);
    visit_started.0.signed_duration_since(fixed) > tolerance || check.at.0.signed_duration_since(fixed) > tolerance
}

/// Great-circle distance in metres by the haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and
/// Telescope 68, 1984, p. 159), exact to half a per cent of the ellipsoid's: one metre at the radius that matters.
pub fn distance_metres(a: Position, b: Position) -> f64 {
    let haversine = |angle: f64| (angle / 2.0).sin().powi(2);
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let h = haversine(lat_b - lat_a)
        + lat_a.cos() * lat_b.cos() * haversine(b.longitude.to_radians() - a.longitude.to_radians());
    // Between antipodes rounding can lift h above 1, which has no arcsine.
    2.0 * EARTH_RADIUS_METRES * h.min(1.0).sqrt().asin()
}

#[cfg(test)]
mod tests;
